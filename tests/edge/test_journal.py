"""What is written to the journal is there after a restart, and nothing else is."""

import random
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.journal import Journal
from edge.outbox import Outbox, OutboxRow
from rules.errors import ConfigError
from rules.events import Event, LifeSeen
from rules.observation import DeviceId, Observation, Phenomenon
from tests.edge.journals import NOW, at, escalation, record, reopened, snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "gateway"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    opened = Journal.open(folder / "journal.sqlite", NOW)
    yield opened
    opened.close()


def again(folder: Path, tmp_path: Path) -> Journal:
    return reopened(folder, tmp_path / "again")


def _depth(outbox: Outbox) -> int:
    return outbox.depth()


def test_a_new_journal_is_empty_durable_and_no_finding(journal: Journal) -> None:
    stored = journal.load()
    assert (stored.snapshot, stored.events, stored.boot) == (None, [], 0)
    assert (stored.last_moment, stored.next_serial) == (None, 1)
    assert journal.recovery.what == ()
    assert journal.recovery.durable
    assert journal.durable


def test_it_is_the_uplinks_outbox(journal: Journal) -> None:
    assert _depth(journal) == 0


def test_events_and_records_outlive_a_kill(journal: Journal, folder: Path, tmp_path: Path) -> None:
    journal.append(escalation(1), [record(1)], at(1))
    journal.append(escalation(2), [], at(2))
    after = again(folder, tmp_path)
    assert after.load().events == [*escalation(1), *escalation(2)]
    assert after.pending(9) == [record(1)]
    assert after.load().next_serial == 3
    assert after.recovery.what == ()
    after.close()


def test_soft_events_are_left_to_the_snapshot_but_where_they_led_to_a_hard_one(
    journal: Journal, folder: Path, tmp_path: Path
) -> None:
    kettle = DeviceId("kettle")
    soft: list[Event] = [
        Observation(kettle, Phenomenon.POWER_W, 900.0, NOW, NOW),
        LifeSeen(NOW, kettle, Phenomenon.POWER_W, counted=True),
    ]
    decided = [soft[0], *escalation(1), soft[1]]
    journal.append(decided, [record(1)], at(1))
    journal.append(soft, [], at(2))
    after = again(folder, tmp_path)
    assert after.load().events == decided
    after.close()


def test_a_snapshot_takes_the_place_of_the_events_before_it(
    journal: Journal, folder: Path, tmp_path: Path
) -> None:
    journal.append(escalation(1), [record(1)], at(1))
    journal.save(snapshot(1), at(2))
    journal.append(escalation(2), [record(2)], at(3))
    after = again(folder, tmp_path)
    assert after.load().snapshot == snapshot(1)
    assert after.load().events == escalation(2)
    assert after.pending(9) == [record(1), record(2)]
    after.close()


def test_the_last_moment_is_that_of_the_newest_write_not_the_latest(
    journal: Journal, folder: Path, tmp_path: Path
) -> None:
    journal.append(escalation(1), [record(1)], at(1_000_000))
    first = again(folder, tmp_path)
    assert first.load().last_moment == at(1_000_000)
    first.close()
    journal.save(snapshot(1), at(5))
    second = again(folder, tmp_path)
    assert second.load().last_moment == at(5)
    second.close()
    journal.append(escalation(2), [record(2)], at(3))
    third = again(folder, tmp_path)
    assert third.load().last_moment == at(3)
    third.close()


def test_boots_are_counted(folder: Path) -> None:
    for boot in (1, 2, 3):
        journal = Journal.open(folder / "journal.sqlite", NOW)
        assert journal.load().boot == boot - 1
        assert journal.new_boot() == boot
        journal.close()


def test_the_most_urgent_leaves_first_then_the_oldest(journal: Journal) -> None:
    for serial, priority in ((1, 2), (2, 0), (3, 2), (4, 0), (5, 1)):
        journal.append(escalation(serial), [record(serial, priority)], at(serial))
    assert [row.seq for row in journal.pending(9)] == [2, 4, 5, 1, 3]
    assert [row.seq for row in journal.pending(2)] == [2, 4]


def test_persisted_records_are_kept_to_be_sent_again(
    journal: Journal, folder: Path, tmp_path: Path
) -> None:
    for serial in range(1, 7):
        journal.append(escalation(serial), [record(serial)], at(serial))
    assert journal.retained() == (0, 0)
    journal.delivered([record(n).id for n in (2, 3, 5)] + [b"unknown"], at(10))
    assert journal.depth() == 3
    assert journal.retained() == (2, 5)
    assert journal.send_again(3, 9) == 2
    after = again(folder, tmp_path)
    assert [row.seq for row in after.pending(9)] == [1, 3, 4, 5, 6]
    assert after.retained() == (2, 2)
    assert after.record_id(2) == record(2).id
    assert after.serial_of(record(2).id) == 2
    assert after.record_id(99) is None
    assert after.serial_of(b"unknown") is None
    after.close()


def test_persisted_records_go_after_thirty_days(
    journal: Journal, folder: Path, tmp_path: Path
) -> None:
    for serial in range(1, 8):
        journal.append(escalation(serial), [record(serial)], at(serial))
    journal.delivered([record(n).id for n in (1, 2, 3, 7)], NOW)
    journal.delivered([record(4).id], at(3600))
    journal.prune(NOW + timedelta(days=30), keep={2})
    assert journal.record_id(1) is not None
    journal.prune(NOW + timedelta(days=30, seconds=1), keep={2})
    after = again(folder, tmp_path)
    # 2 is of an open case, 4 is younger, 5 and 6 still wait, 7 tells where serials go on.
    assert [n for n in range(1, 9) if after.record_id(n)] == [2, 4, 5, 6, 7]
    assert after.load().next_serial == 8
    after.close()


def test_news_are_remembered_the_newest_eight(
    journal: Journal, folder: Path, tmp_path: Path
) -> None:
    tokens = [bytes([n]) * 8 for n in range(10)]
    journal.remember_news(tokens[:2])
    journal.remember_news(tokens[1:])
    after = again(folder, tmp_path)
    assert after.news_seen() == tuple(tokens[1:9])
    after.close()


def test_a_reserved_sequence_is_never_given_again(
    journal: Journal, folder: Path, tmp_path: Path
) -> None:
    assert journal.sequence() == 0
    journal.reserve_sequence(512)
    journal.reserve_sequence(100)
    assert journal.sequence() == 512
    after = again(folder, tmp_path)
    assert after.sequence() == 512
    after.close()


def test_a_kill_between_mark_and_journal_does_not_give_a_number_again(
    journal: Journal, folder: Path, tmp_path: Path
) -> None:
    journal.reserve_sequence(512)
    before = tmp_path / "before"
    shutil.copytree(folder, before)
    journal.reserve_sequence(1024)
    shutil.copy(folder / "sequence.json", before / "sequence.json")
    after = again(before, tmp_path)
    assert after.sequence() == 1024
    after.close()


def test_two_gateways_on_one_folder_are_refused(journal: Journal, folder: Path) -> None:
    assert journal.durable
    with pytest.raises(ConfigError, match=r"gateway: found a gateway that runs on it; stop that"):
        Journal.open(folder / "journal.sqlite", NOW)


def test_nobody_else_may_read_it(journal: Journal, folder: Path) -> None:
    journal.append(escalation(1), [record(1)], at(1))
    journal.reserve_sequence(512)
    journal.keep_good_copy(at(2))
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "journal.sqlite",
        "journal.sqlite-wal",
        "journal.good.sqlite",
        "journal.ballast",
        "sequence.json",
    }
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_a_second_record_of_one_serial_is_a_programmers_error(journal: Journal) -> None:
    journal.append(escalation(1), [record(1)], at(1))
    with pytest.raises(AssertionError, match="a second record 1"):
        journal.append([], [record(1)], at(2))


def test_a_technician_can_read_the_closed_file(journal: Journal, folder: Path) -> None:
    journal.append(escalation(1), [record(1)], at(1))
    journal.close()
    with sqlite3.connect(folder / "journal.sqlite") as database:
        rows = database.execute("SELECT seq, priority, delivered FROM outbox").fetchall()
    database.close()
    assert rows == [(1, 1, None)]


def test_the_log_never_grows_past_its_size(journal: Journal, folder: Path) -> None:
    size = (folder / "journal.sqlite-wal").stat().st_size
    for number in range(150):
        journal.save(snapshot(number), at(number))
    assert (folder / "journal.sqlite-wal").stat().st_size == size


def test_events_that_the_good_copy_has_do_not_pile_up(journal: Journal, folder: Path) -> None:
    for serial in range(1, 400):
        journal.append(escalation(serial), [], at(serial))
        if serial % 100 == 0:
            journal.save(snapshot(serial), at(serial))
            journal.keep_good_copy(at(serial))
            journal.save(snapshot(-serial), at(serial))
    journal.close()
    with sqlite3.connect(folder / "journal.sqlite") as database:
        [(entries,)] = database.execute("SELECT count(*) FROM entry").fetchall()
    database.close()
    assert entries == 99


class Restarts(RuleBasedStateMachine):
    """Any sequence of calls, kills and restarts gives what a plain model gives."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="ongi-journal-"))
        self.runs = 0
        self.journal = Journal.open(self.root / "0" / "journal.sqlite", NOW)
        self.serial = 0
        self.moment: datetime | None = None
        self.snapshot: bytes | None = None
        self.events: list[Event] = []
        self.rows: dict[int, OutboxRow] = {}
        self.delivered: set[int] = set()
        self.sequence = 0
        self.boot = 0

    def _now(self, seconds: int) -> datetime:
        self.moment = at(seconds)
        return self.moment

    @rule(records=st.integers(0, 3), priority=st.integers(0, 4), seconds=st.integers(-99, 99))
    def append(self, records: int, priority: int, seconds: int) -> None:
        rows = []
        events: list[Event] = escalation(self.serial + 1)[:1]
        for _ in range(records):
            self.serial += 1
            events += escalation(self.serial)[1:]
            rows.append(record(self.serial, priority))
        self.journal.append(events, rows, self._now(seconds))
        self.events += events
        self.rows |= {row.seq: row for row in rows}

    @rule(number=st.integers(), size=st.sampled_from((0, 10, 2000, 9000)), s=st.integers(0, 99))
    def save(self, number: int, size: int, s: int) -> None:
        self.snapshot = snapshot(number, size)
        self.journal.save(self.snapshot, self._now(s))
        self.events = []

    @rule(pick=st.randoms(use_true_random=False))
    def deliver(self, pick: random.Random) -> None:
        waiting = sorted(self.rows.keys() - self.delivered)
        some = pick.sample(waiting, len(waiting) // 2)
        self.journal.delivered([self.rows[seq].id for seq in some], NOW)
        self.delivered |= set(some)

    @rule(first=st.integers(0, 20), length=st.integers(0, 20))
    def send_again(self, first: int, length: int) -> None:
        again = {seq for seq in self.delivered if first <= seq <= first + length}
        assert self.journal.send_again(first, first + length) == len(again)
        self.delivered -= again

    @rule(chunks=st.integers(1, 9))
    def reserve(self, chunks: int) -> None:
        self.sequence += 512 * chunks
        self.journal.reserve_sequence(self.sequence)

    @rule()
    def good_copy(self) -> None:
        self.journal.keep_good_copy(NOW)

    @rule()
    def boots(self) -> None:
        self.boot += 1
        assert self.journal.new_boot() == self.boot

    @precondition(lambda self: self.runs < 12)
    @rule(killed=st.booleans())
    def restart(self, *, killed: bool) -> None:
        old = self.root / str(self.runs)
        self.runs += 1
        if killed:
            shutil.copytree(old, self.root / str(self.runs))
            self.journal.close()
        else:
            self.journal.close()
            shutil.copytree(old, self.root / str(self.runs))
        self.journal = Journal.open(self.root / str(self.runs) / "journal.sqlite", NOW)
        stored = self.journal.load()
        assert self.journal.recovery.what == ()
        assert (stored.snapshot, stored.events) == (self.snapshot, self.events)
        assert (stored.boot, stored.last_moment) == (self.boot, self.moment)
        assert stored.next_serial == self.serial + 1

    @invariant()
    def agrees(self) -> None:
        waiting = [self.rows[seq] for seq in self.rows.keys() - self.delivered]
        waiting.sort(key=lambda row: (row.priority, row.seq))
        assert self.journal.pending(1000) == waiting
        assert self.journal.depth() == len(waiting)
        assert self.journal.sequence() == self.sequence
        held = sorted(self.delivered)
        assert self.journal.retained() == ((held[0], held[-1]) if held else (0, 0))

    def teardown(self) -> None:
        self.journal.close()
        shutil.rmtree(self.root)


TestRestarts = Restarts.TestCase
TestRestarts.settings = settings(
    max_examples=20, stateful_step_count=25, suppress_health_check=list(HealthCheck)
)
