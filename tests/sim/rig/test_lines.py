"""What processes of the rig say to each other comes through as it was."""

import asyncio
from array import array
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.ble import BleAdapter, RawAdvert
from drivers.guard import CounterGuard
from edge.journal import Journal
from rules.alarm import AlarmKey, AlarmKind
from rules.codec import moment_us
from rules.command import Command, Refusal, Signal
from rules.device import Output
from rules.errors import FrameError
from rules.events import (
    CaseClosed,
    CaseTaken,
    Commanded,
    CommandEnded,
    Escalated,
    LifeSeen,
    Outcome,
    Started,
)
from rules.observation import DeviceId, Observation, Phenomenon
from rules.wire import KeyedDevice, Observed
from sim.clock import MasterClock
from sim.faults.fault import Fault, FaultKind
from sim.homes.population import home
from sim.processes.machine import SWITCHED_ON_US, MachineFile, OddMachine
from sim.rig import antenna, spoken
from sim.rig.air import Air, Frame
from sim.rig.gateway_end import COMMAND_REACHES, GatewayEnd
from sim.world.chronicle import HomeChronicle
from tests.edge.journals import escalation, record

NOW = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KETTLE = DeviceId("kettle")


def test_a_happening_is_written_down_with_its_true_moment() -> None:
    seen = Observation(KETTLE, Phenomenon.POWER_W, 1800.0, NOW, NOW)
    line = spoken.to_line(NOW + MINUTE, seen)
    assert line.endswith(b"\n")
    assert spoken.from_line(line) == (NOW + MINUTE, seen)
    assert spoken.from_line(b"a library prints\n") is None
    with pytest.raises(FrameError):
        spoken.from_line(line[:-9] + b"\n")


async def test_an_antenna_hears_and_asks() -> None:
    said: list[bytes] = []
    radio = antenna.Antenna(said.append)
    advert = RawAdvert("AA:BB:CC:DD:EE:FF", 0xFCD2, b"\x40\x01", -60, 5)
    radio.hear(antenna.advert_line(advert))
    assert await anext(aiter(radio.adverts())) == advert
    device = home(1, 1, NOW, "demo").installed[0].device
    command = Command(7, device.id, Output.LIGHT, Signal.PROMPT, NOW)
    async with asyncio.TaskGroup() as group, asyncio.timeout(5):
        asked = group.create_task(radio.perform(command, device))
        await asyncio.sleep(0)
        assert antenna.command_of(said[0]) == (1, command)
        radio.hear(antenna.performed_line(1, Refusal.EXPIRED))
        assert await asked is Refusal.EXPIRED
    with pytest.raises(FrameError):
        radio.hear(b"{\n")


def frames(*faults: Fault, hours: int = 6) -> list[Frame]:
    made = home(41, 1, NOW, "demo")
    air = Air(made.installed, faults, NOW, 41, 1)
    found: list[Frame] = []
    while air.due() < NOW + timedelta(hours=hours):
        found += air.report()
    return found


def test_the_production_driver_reads_the_frames(tmp_path: Path) -> None:
    made = home(41, 1, NOW, "demo")
    adapter = BleAdapter(CounterGuard(tmp_path / "ble.state"))
    adapter.set_devices([KeyedDevice(one.device, one.key) for one in made.installed])
    read = [
        message
        for n, frame in enumerate(frames())
        for advert in frame.adverts(n * 1_000_000)
        for message in adapter.receive(advert, frame.at)
    ]
    assert {one.device for one in read if isinstance(one, Observed)} == {
        one.device.id for one in made.installed if one.readings
    }
    assert not any(counts.refused for counts in adapter.counts.values())


def test_faults_of_the_air_reach_the_frames() -> None:
    whole = frames()
    span = (timedelta(), timedelta(hours=6))
    lost = frames(Fault(1, FaultKind.FRAME_LOSS, 1, *span, 0.5))
    assert len(lost) < 0.7 * len(whole)
    spoilt = frames(Fault(1, FaultKind.BIT_ERRORS, 1, *span, 0.5))
    assert len(spoilt) == len(whole)
    assert 0.3 * len(whole) < sum(not one.sure for one in spoilt) < 0.7 * len(whole)
    assert all(one.sure for one in whole)
    assert all(a.at <= b.at for a, b in pairwise(whole))


async def test_a_machine_is_as_odd_as_its_file_says(tmp_path: Path) -> None:
    clock = MasterClock(tmp_path / "clock", NOW)
    file = MachineFile(tmp_path / "machine", NOW)
    machine = OddMachine(tmp_path / "clock", tmp_path / "machine")
    assert (machine.now(), machine.boottime_us()) == (NOW, SWITCHED_ON_US)
    clock.run(1e6, NOW + timedelta(hours=1))
    async with asyncio.timeout(5):
        await machine.sleep_until(NOW + timedelta(hours=1))
    hour_us = 3_600_000_000
    assert machine.boottime_us() == SWITCHED_ON_US + hour_us == file.boottime_us(clock.now())
    file.set_date(timedelta(days=-14), None)
    assert machine.now() == NOW + timedelta(hours=1, days=-14)
    assert machine.synchronized() is None
    assert machine.boottime_us() == SWITCHED_ON_US + hour_us
    file.drift(100, clock.now())
    clock.run(1e6, NOW + timedelta(hours=2))
    async with asyncio.timeout(5):
        await machine.sleep_until(NOW + timedelta(hours=2, days=-14))
        await clock.sleep_until(NOW + timedelta(hours=2))
    assert machine.boottime_us() == SWITCHED_ON_US + 2 * hour_us + 360_000
    file.boot(clock.now())
    assert machine.boottime_us() == SWITCHED_ON_US


def test_a_gateway_s_clock_may_be_wrong_and_the_chronicle_is_right() -> None:
    made = home(41, 1, NOW, "demo")
    chronicle = HomeChronicle(1, made.gateway, (), made.book, ())
    heard: list[datetime] = []
    end = GatewayEnd(chronicle, lambda at, _: heard.append(at))
    off = timedelta(days=3)
    end.take(NOW, Started(NOW + off, 1, timedelta()))
    end.take(NOW + MINUTE, Observation(KETTLE, Phenomenon.POWER_W, 1.0, NOW + off, NOW + off))
    end.take(
        NOW + 5 * MINUTE,
        LifeSeen(NOW + off + 4 * MINUTE, KETTLE, Phenomenon.POWER_W, counted=True),
    )
    escalated = Escalated(NOW + off, 1, AlarmKey(AlarmKind.INACTIVITY), 1, (), "", b"")
    end.take(NOW + 6 * MINUTE, escalated)
    assert heard == [NOW + MINUTE]
    assert list(chronicle.signs) == [moment_us(NOW + 4 * MINUTE)]
    assert chronicle.heard == {KETTLE: array("q", [moment_us(NOW + MINUTE)])}
    name = (1, 1, NOW + off)
    assert end.decided_at(name) == NOW + 6 * MINUTE == end.waiting_since()
    end.ended(NOW + 7 * MINUTE)
    assert chronicle.runs[-1].ended == NOW + 7 * MINUTE
    # Killed before it was on disk anywhere: the center has it, no journal does.
    # The next start on a disk that takes nothing has the same boot and the same number.
    end.take(NOW + 8 * MINUTE, Started(NOW, 1, timedelta()))
    end.take(NOW + 9 * MINUTE, replace(escalated, at=NOW))
    end.note_unwritten({name: b"known", (1, 1, NOW): b"again"})
    assert [one.id for one in chronicle.queued] == [b"known", b"again"]
    assert not any(one.durable for one in chronicle.queued)


def test_what_a_killed_gateway_did_not_tell_is_taken_from_its_journal(tmp_path: Path) -> None:
    made = home(41, 1, NOW, "demo")
    chronicle = HomeChronicle(1, made.gateway, (), made.book, ())
    end = GatewayEnd(chronicle, lambda *_: None)
    journal = Journal.open(tmp_path / "journal.sqlite", NOW)
    events = [*escalation(1), CaseTaken(NOW, 1, "kim"), CaseClosed(NOW, 1, Outcome.REAL)]
    journal.append(events, [record(1)], NOW)
    told = [event for event in events if not isinstance(event, CaseClosed)]
    end.take(NOW, Started(NOW, 1, timedelta()))
    for event in told:
        end.take(NOW, event)
    path = tmp_path / "journal.sqlite"
    assert not end.all_at(path, set())
    assert end.all_at(path, {record(1).id, b"another"})
    journal.close()
    end.look_at_journal(path, NOW + MINUTE)
    assert [one.event for one in chronicle.decided[1:]] == [*told, events[-1]]
    assert [one.id for one in chronicle.queued] == [record(1).id]


def test_a_command_that_is_refused_before_anybody_was_asked_is_noticed() -> None:
    made = home(41, 1, NOW, "demo")
    end = GatewayEnd(HomeChronicle(1, made.gateway, (), made.book, ()), lambda *_: None)
    second = timedelta(seconds=1)
    end.take(NOW, Started(NOW, 1, timedelta()))
    for number in range(1, 5):
        command = Command(number, KETTLE, Output.LIGHT, Signal.PROMPT, NOW)
        end.take(NOW, Commanded(NOW, command))
    assert end.commanding(NOW + second)
    end.reached.add(1)
    end.take(NOW + second, CommandEnded(NOW, 1, ok=False))
    end.take(NOW + second, CommandEnded(NOW, 2, ok=True))
    end.take(NOW + 10 * second, CommandEnded(NOW, 3, ok=False))
    assert end.violations == []
    end.take(NOW + 2 * second, CommandEnded(NOW, 4, ok=False))
    assert [one.checker for one in end.violations] == [COMMAND_REACHES]
    assert not end.commanding(NOW + 2 * second)


def test_what_is_decided_while_time_stands_still_has_moments_of_its_own(tmp_path: Path) -> None:
    clock = MasterClock(tmp_path / "clock", NOW)
    lines: list[bytes] = []
    watchers = spoken.spoken(clock, lines.append)()
    seen = Observation(KETTLE, Phenomenon.POWER_W, 1800.0, NOW, NOW)
    with watchers.watch() as watcher:
        for _ in range(3):
            watchers.tell(seen)
        assert watcher.behind == 3, "who watches over the control socket is told as well"
    moments = [said[0] for line in lines if (said := spoken.from_line(line)) is not None]
    assert moments == sorted(set(moments))
    assert moments[-1] - NOW < timedelta(milliseconds=1)
