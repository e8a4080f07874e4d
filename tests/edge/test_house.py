"""What the house does with decisions: commands out, news in, findings told, one item at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from edge.bell import Bell
from edge.clock import AnchoredClock
from edge.finding import Finding
from edge.gateway import Gateway
from edge.happening import Delivered, Happening
from edge.house import House, Surroundings
from edge.journal import Journal
from protocol.heartbeat import News, NewsKind
from protocol.identity import new_identity
from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.command import Command, Signal
from rules.engine import Engine
from rules.events import Outcome
from rules.inputs import Boot, DeviceChanged, Technical, Tick
from rules.observation import DeviceId, Observation, Phenomenon
from rules.rulebook import PRESETS, Preset
from rules.sentence import Say, sentence
from sim.clock import ManualClock
from tests.rules.home import ALL, NODE

START = datetime(2026, 7, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DISK = AlarmKey(AlarmKind.DISK_FAILING)
CALL = AlarmKey(AlarmKind.SOS, NODE.id)


class Machine(ManualClock):
    def synchronized(self) -> str | None:
        return "ntp"


@dataclass
class Front:
    """A house over the real gateway and journal, whose drivers come and go."""

    folder: Path
    driver: bool = True
    sent: list[Command] = field(default_factory=list)
    told: list[Happening] = field(default_factory=list)
    rung: int = 0

    def __post_init__(self) -> None:
        self.machine = Machine(START)
        clock = AnchoredClock(self.machine, START)
        self.journal = Journal.open(self.folder / "journal.sqlite", START)
        stored = self.journal.load()
        book = PRESETS[Preset.LIVING_ALONE_HIGH_RISK]
        self.engine = Engine.restored(book, stored.snapshot, stored.events)
        identity = new_identity("home-1", b"\x01", Random(1).randbytes)
        boot = self.journal.new_boot()
        gateway = Gateway(self.engine, self.journal, identity, boot, Random(boot).randbytes)
        around = Surroundings(self._send, self._notify, self.told.append)
        self.house = House(gateway, self.journal, clock, Bell(clock, lambda: None), around)
        self.house.put(Boot(boot, timedelta(), trusted=True, next_serial=stored.next_serial))

    def enrol(self) -> None:
        self.house.put(DeviceChanged(ALL))

    def call(self) -> None:
        now = self.machine.now()
        self.house.put(Observation(NODE.id, Phenomenon.SOS, True, now, now))

    def state(self, key: AlarmKey) -> AlarmState:
        return self.engine.state.alarm(key).state

    def _send(self, command: Command) -> bool:
        if self.driver:
            self.sent.append(command)
        return self.driver

    def _notify(self) -> None:
        self.rung += 1


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    front = Front(tmp_path)
    front.enrol()
    yield front
    front.journal.close()


def driver_is_back() -> Technical:
    said = sentence(Say.FAULT_OVER, at=START)
    return Technical(AlarmKind.DRIVER_LOST, DeviceId("driver:ble"), False, said)


def test_a_command_that_no_driver_took_goes_out_when_one_comes(front: Front) -> None:
    front.driver = False
    front.call()
    assert not front.sent
    front.driver = True
    front.house.put(driver_is_back())
    assert {command.signal for command in front.sent} == {Signal.SOS_SENT}
    front.house.put(driver_is_back())
    assert len(front.sent) == 2


async def test_a_command_that_no_driver_took_in_time_does_not_go_out(front: Front) -> None:
    front.driver = False
    front.call()
    await front.machine.advance(11 * SECOND)
    front.house.put(Tick())
    front.driver = True
    front.house.put(driver_is_back())
    assert not front.sent


def test_an_escalation_wakes_the_uplink_and_is_told(front: Front) -> None:
    front.call()
    assert front.rung == 1
    rows = front.journal.pending(9)
    front.house.delivered(rows)
    assert front.told[-1] == Delivered(START, rows[0].seq)


def test_news_is_journaled_before_it_is_confirmed_and_may_come_twice(front: Front) -> None:
    front.call()
    record = front.journal.pending(1)[0].id
    taken = News(b"token--1", record, NewsKind.TAKEN, "kim", None, START)
    unknown = News(b"token--2", bytes(16), NewsKind.TAKEN, "kim", None, START)
    front.house.news([taken, unknown])
    front.house.news([taken])
    assert front.state(CALL) is AlarmState.ACKNOWLEDGED
    assert set(front.journal.news_seen()) == {b"token--1", b"token--2"}
    closed = News(b"token--3", record, NewsKind.CLOSED, "kim", Outcome.REAL, START)
    front.house.news([closed, closed])
    assert front.state(CALL) is AlarmState.NORMAL


def test_a_refused_record_is_a_fault(front: Front) -> None:
    front.call()
    front.house.refused(front.journal.pending(1)[0], "4.00")
    assert front.state(AlarmKey(AlarmKind.FRAMES_REFUSED, DeviceId("uplink"))) is AlarmState.RAISED


def test_a_disk_that_is_well_at_the_start_ends_the_fault_of_an_earlier_run(
    tmp_path: Path,
) -> None:
    front = Front(tmp_path)
    front.house.found_at_start((Finding(AlarmKind.DISK_FAILING, True, "no room"),))
    assert front.state(DISK) is AlarmState.RAISED
    front.journal.close()
    again = Front(tmp_path)
    assert again.state(DISK) is AlarmState.RAISED
    again.house.found_at_start(())
    assert again.state(DISK) is AlarmState.CLEARED
    again.journal.close()
