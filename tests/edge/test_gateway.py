"""The single writer over the real journal: what it returns is durable, in one transaction."""

import shutil
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from edge.gateway import HEARD_SAVED_AFTER, LIFE_SAVED_AFTER, QUIET_SAVED_AFTER, Gateway
from edge.journal import Journal
from edge.outbox import OutboxRow
from protocol.identity import GatewayIdentity, new_identity
from protocol.records import Record, RecordKind, decode
from protocol.signature import verify
from rules.alarm import AlarmKind
from rules.engine import Engine
from rules.events import Escalated
from rules.inputs import Boot, DeviceChanged, Tick, TimeTrust
from rules.observation import DeviceId, Observation, Phenomenon
from rules.rulebook import PRESETS, Preset
from rules.sentence import Say
from rules.weeks import Weeks
from tests.rules.home import ALL

START = datetime(2026, 7, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOOK = PRESETS[Preset.LIVING_ALONE_HIGH_RISK]
IDENTITY: GatewayIdentity = new_identity("home-1", b"\x01", Random(1).randbytes)


@dataclass
class Run:
    """One run of a gateway over the journal in a folder."""

    folder: Path
    now: datetime = START
    journal: Journal = field(init=False)
    gateway: Gateway = field(init=False)

    def __post_init__(self) -> None:
        self.journal = Journal.open(self.folder / "journal.sqlite", self.now)
        stored = self.journal.load()
        engine = Engine.restored(BOOK, stored.snapshot, stored.events)
        boot = self.journal.new_boot()
        self.gateway = Gateway(engine, self.journal, IDENTITY, boot, Random(boot).randbytes)
        self.gateway.reissue(stored.events, self.now, 0)
        start = Boot(boot, timedelta(), trusted=True, next_serial=stored.next_serial)
        self.gateway.handle(start, self.now, 0)
        self.gateway.handle(DeviceChanged(ALL), self.now, 0)

    def see(self, device: str, phenomenon: Phenomenon, *, value: bool | float) -> None:
        seen = Observation(DeviceId(device), phenomenon, value, self.now, self.now)
        self.gateway.handle(seen, self.now, 0)

    def records(self) -> list[Record]:
        key = IDENTITY.entry().verifying_key()
        return [decode(verify(row.signed, lambda _: key)[1]) for row in self.journal.pending(100)]


def test_an_escalation_is_signed_in_the_outbox_when_handle_returns(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.see("node", Phenomenon.SOS, value=True)
    (record,) = run.records()
    assert (record.alarm, record.seq, record.gateway) == (AlarmKind.SOS, 1, "home-1")
    run.journal.close()
    again = Run(tmp_path)
    assert again.records() == [record]
    assert again.gateway.engine.state.cases.keys() == {1}
    again.journal.close()


def test_an_update_names_the_record_that_opened_its_case(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.see("smoke", Phenomenon.SMOKE, value=True)
    run.see("smoke", Phenomenon.SMOKE, value=False)
    run.now += timedelta(minutes=3)
    run.see("smoke", Phenomenon.SMOKE, value=False)
    run.gateway.handle(DeviceChanged(ALL), run.now, 0)
    opened, cleared = (record for record in run.records() if record.alarm is AlarmKind.SMOKE)
    assert cleared.refers == opened.id
    run.journal.close()


def test_a_note_goes_out_after_everything_else(tmp_path: Path) -> None:
    weeks = ((336, 700),) * 8 + ((336, 300),) * 4
    packed = b"".join(struct.pack("<4H48s", *week, 0, 0, bytes([5] * 32)) for week in weeks)
    run = Run(tmp_path)
    run.gateway.engine.state.routine.weeks = Weeks(packed=packed, begun=START)
    run.see("kettle", Phenomenon.POWER_W, value=0.0)
    run.now += 25 * HOUR
    run.see("kettle", Phenomenon.POWER_W, value=1800.0)
    run.see("node", Phenomenon.SOS, value=True)
    first, *_, last = run.records()
    assert first.alarm is AlarmKind.SOS
    assert (last.kind, last.alarm) == (RecordKind.NOTE, AlarmKind.DECLINE)
    assert [each.say for each in last.explanation] == [Say.LESS_LIFE]
    assert last.seq < first.seq
    run.journal.close()


def test_a_record_lost_with_a_broken_journal_is_made_anew_from_its_event(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.gateway.reissue([], run.now, 0)
    assert not run.records()
    events = Engine.restored(BOOK, run.gateway.engine.snapshot(), []).handle(
        Observation(DeviceId("node"), Phenomenon.SOS, True, run.now, run.now),
        run.now,
    )
    run.gateway.reissue(events, run.now, 0)
    run.gateway.reissue(events, run.now, 0)
    (opened,) = (event for event in events if isinstance(event, Escalated))
    assert [record.seq for record in run.records()] == [opened.serial]
    run.journal.close()


def test_the_first_life_after_a_quiet_stretch_is_on_disk_at_once(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.see("kettle", Phenomenon.POWER_W, value=0.0)
    run.gateway.save(run.now)
    run.now += timedelta(hours=2)
    run.see("kettle", Phenomenon.POWER_W, value=1800.0)
    run.journal.close()
    again = Run(tmp_path, run.now)
    life = again.gateway.engine.state.life
    assert life is not None
    assert life.at == run.now
    again.journal.close()


def test_a_call_for_help_does_not_wait_for_the_state_to_be_saved(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.see("kettle", Phenomenon.POWER_W, value=0.0)
    run.gateway.save(run.now)
    run.now += timedelta(hours=2)
    run.see("node", Phenomenon.SOS, value=True)
    deadline = run.gateway.next_deadline()
    assert deadline is not None
    assert deadline <= run.now
    # The call and the life that it shows are on disk already.
    killed = shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name}-killed")
    again = Run(killed, run.now)
    assert again.records() == run.records()
    life = again.gateway.engine.state.life
    assert life is not None
    assert life.at == run.now
    again.journal.close()
    run.gateway.handle(Tick(), run.now, 0)
    deadline = run.gateway.next_deadline()
    assert deadline is not None
    assert deadline > run.now
    run.journal.close()


def test_life_amid_life_is_saved_in_batches(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.see("kettle", Phenomenon.POWER_W, value=0.0)
    run.see("kettle", Phenomenon.POWER_W, value=1800.0)
    run.gateway.save(run.now)
    run.now += timedelta(minutes=1)
    run.see("kettle", Phenomenon.POWER_W, value=0.0)
    run.see("kettle", Phenomenon.POWER_W, value=1800.0)
    assert run.gateway.next_deadline() == run.now + LIFE_SAVED_AFTER
    run.journal.close()


def test_mere_reports_are_saved_later_than_life(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.gateway.save(run.now)
    run.see("air", Phenomenon.TEMPERATURE_C, value=20.0)
    run.gateway.save(run.now)
    run.see("air", Phenomenon.TEMPERATURE_C, value=20.5)
    assert run.gateway.next_deadline() == run.now + HEARD_SAVED_AFTER
    run.journal.close()


def test_what_was_heard_last_is_in_the_good_copy_within_the_hour(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.now += timedelta(minutes=30)
    run.see("kettle", Phenomenon.POWER_W, value=0.0)
    run.gateway.save(run.now)
    heard = run.now
    # Nothing more is heard: the radio is gone.
    while (deadline := run.gateway.next_deadline()) is not None and deadline <= START + HOUR:
        run.now = max(deadline, run.now)
        run.gateway.handle(Tick(), run.now, 0)
    run.journal.close()
    (tmp_path / "journal.sqlite").write_bytes(b"")
    again = Run(tmp_path, run.now)
    assert again.gateway.engine.state.devices[DeviceId("kettle")].last_seen == heard
    again.journal.close()


def test_a_start_knows_when_a_gateway_that_heard_nothing_last_ran(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.see("kettle", Phenomenon.POWER_W, value=0.0)
    run.gateway.save(run.now)
    cut = START + timedelta(minutes=48)
    wakes = 0
    while (deadline := run.gateway.next_deadline()) is not None and deadline <= cut:
        run.now = max(deadline, run.now)
        run.gateway.handle(Tick(), run.now, 0)
        wakes += 1
    assert wakes <= 10
    run.journal.close()
    again = Journal.open(tmp_path / "journal.sqlite", cut)
    last = again.load().last_moment
    assert last is not None
    assert cut - last < QUIET_SAVED_AFTER
    again.close()


def test_a_clock_set_back_does_not_put_off_the_next_save(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.see("air", Phenomenon.TEMPERATURE_C, value=20.0)
    shift = timedelta(days=-14)
    run.now += shift
    run.gateway.handle(TimeTrust(trusted=True, source="center", shift=shift), run.now, 0)
    run.see("air", Phenomenon.TEMPERATURE_C, value=20.5)
    deadline = run.gateway.next_deadline()
    assert deadline is not None
    assert deadline <= run.now + HEARD_SAVED_AFTER
    run.journal.close()


def test_a_decision_that_a_defect_broke_off_is_not_saved_as_made(tmp_path: Path) -> None:
    run = Run(tmp_path)
    # A serial that is taken stands for any defect between the decision and the journal.
    run.journal.append([], [OutboxRow(bytes(16), 1, 1, b"")], run.now)
    with pytest.raises(AssertionError):
        run.see("node", Phenomenon.SOS, value=True)
    run.gateway.save(run.now)
    run.journal.close()
    again = Run(tmp_path)
    assert not again.gateway.engine.state.cases
    again.see("node", Phenomenon.SOS, value=True)
    assert again.gateway.engine.state.cases.keys() == {2}
    again.journal.close()
