"""A damaged journal loses no more than the damaged bytes held, and says so."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import pytest

from edge.journal import Journal
from edge.outbox import JournalFailing
from rules.alarm import AlarmKey, AlarmKind, Move
from rules.events import AlarmMoved
from tests.edge.journals import NOW, Seen, at, escalation, record, seen, snapshot

NAME = "journal.sqlite"
WAL = "journal.sqlite-wal"
GOOD = "journal.good.sqlite"
MARK = "sequence.json"
FRAME = 24 + 1024

Damage = Callable[[bytearray], None]


class Life:
    """A journal's life up to a kill: its files, and all that was acknowledged."""

    def __init__(self, folder: Path, crashed: Path) -> None:
        journal = Journal.open(folder / NAME, NOW)
        journal.new_boot()
        journal.reserve_sequence(512)
        for serial in range(1, 31):
            journal.append(escalation(serial), [record(serial, serial % 3)], at(serial))
        journal.delivered([record(n).id for n in range(1, 21)], at(31))
        journal.save(snapshot(1), at(32))
        journal.keep_good_copy(at(33))
        self.at_the_good_copy = seen(journal)
        for serial in range(31, 61):
            journal.append(escalation(serial), [record(serial, serial % 3)], at(serial))
        journal.delivered([record(n, n % 3).id for n in range(21, 41)], at(61))
        journal.save(snapshot(2), at(62))
        for serial in range(61, 71):
            journal.append(escalation(serial), [record(serial, serial % 3)], at(serial))
        shutil.copytree(folder, crashed)
        journal.close()
        self.folder = crashed
        self.events = [event for n in range(61, 71) for event in escalation(n)]
        self.since_good = [event for n in range(31, 71) for event in escalation(n)]
        self.waiting = {record(n, n % 3) for n in range(41, 71)}
        self.all = {record(n, n % 3) for n in range(1, 71)}

    def opened(self, folder: Path) -> tuple[Seen, tuple[str, ...], int]:
        journal = Journal.open(folder / NAME, NOW)
        try:
            assert journal.durable
            assert all(found.kind is AlarmKind.JOURNAL_RESTORED for found in journal.recovery.what)
            serial = journal.load().next_serial
            details = tuple(found.detail for found in journal.recovery.what)
            # What was restored can be written on, and is found whole at the next start.
            journal.append(escalation(serial), [record(serial)], at(99))
            return seen(journal), details, serial
        finally:
            journal.close()

    def check(self, folder: Path) -> Seen:
        """No exception, nothing invented, nothing older than the good copy, no silent loss."""
        found, details, serial = self.opened(folder)
        added = frozenset({record(serial)})
        whole = (
            found.snapshot == snapshot(2)
            and found.events == tuple(self.events)
            and found.waiting - added >= self.waiting
        )
        assert whole or details, "something was lost in silence"
        assert found.waiting - added <= self.all
        if found.snapshot == snapshot(2):
            assert list(found.events) == self.events[: len(found.events)]
        else:
            assert found.snapshot == snapshot(1), "older than the good copy"
            assert list(found.events) == self.since_good[: len(found.events)]
        assert serial > 70 or whole or details
        once_more, quiet, _ = self.opened(folder)
        assert quiet == (), "found damaged again"
        assert once_more.waiting >= found.waiting
        return found


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    root = tmp_path_factory.mktemp("life")
    return Life(root / "running", root / "crashed")


def damaged(life: Life, into: Path, name: str, damage: Damage) -> Path:
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(life.folder, into)
    content = bytearray((into / name).read_bytes())
    damage(content)
    (into / name).write_bytes(content)
    return into


def flip(position: int, bit: int) -> Damage:
    def damage(content: bytearray) -> None:
        content[position] ^= 1 << bit

    return damage


def cut(length: int) -> Damage:
    def damage(content: bytearray) -> None:
        del content[length:]

    return damage


def zero(position: int, length: int) -> Damage:
    def damage(content: bytearray) -> None:
        content[position : position + length] = bytes(len(content[position : position + length]))

    return damage


def frames(log: bytes) -> list[int]:
    """Where the frames of the log's current run begin; what follows is left over."""
    size = FRAME
    return [n for n in range(32, len(log) - size, size) if log[n + 8 : n + 16] == log[16:24]]


def used(life: Life, name: str) -> int:
    """Length of what counts in a file."""
    content = (life.folder / name).read_bytes()
    return frames(content)[-1] + FRAME if name == WAL else len(content)


def test_undamaged_all_is_there(life: Life, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(life.folder, folder)
    found, details, serial = life.opened(folder)
    assert details == ()
    assert serial == 71
    assert found.snapshot == snapshot(2)
    assert list(found.events) == life.events
    assert found.waiting == life.waiting | {record(71)}


@pytest.mark.parametrize("name", [NAME, WAL])
def test_flipped_bits(life: Life, tmp_path: Path, name: str) -> None:
    draw = random.Random(f"flips of {name}")
    size = used(life, name)
    saved_all = 0
    for _ in range(100):
        position, bit = draw.randrange(size), draw.randrange(8)
        found = life.check(damaged(life, tmp_path / "d", name, flip(position, bit)))
        saved_all += found.waiting >= life.waiting
        # One bit costs at most the rows of one page.
        assert len(life.waiting - found.waiting) <= 4, (position, bit)
    assert saved_all > 60


@pytest.mark.parametrize("name", [NAME, WAL])
def test_flipped_bits_without_a_good_copy(life: Life, tmp_path: Path, name: str) -> None:
    draw = random.Random(f"flips of {name} alone")
    size = used(life, name)
    for _ in range(40):
        folder = damaged(life, tmp_path / "d", name, flip(draw.randrange(size), draw.randrange(8)))
        (folder / GOOD).unlink()
        found, details, serial = life.opened(folder)
        whole = found.snapshot == snapshot(2) and found.waiting - {record(serial)} >= life.waiting
        assert whole or details


def test_every_byte_of_the_headers(life: Life, tmp_path: Path) -> None:
    for name, length in ((NAME, 100), (WAL, 32 + 24)):
        for position in range(0, length, 3):
            found = life.check(damaged(life, tmp_path / "d", name, flip(position, position % 8)))
            assert found.waiting >= life.waiting, (name, position)


@pytest.mark.parametrize("name", [NAME, WAL])
def test_cut_off_at_any_length(life: Life, tmp_path: Path, name: str) -> None:
    full = len((life.folder / name).read_bytes())
    draw = random.Random(f"cuts of {name}")
    lengths = {0, 1, 31, 100, 1024, full - 1024, full - 1}
    lengths |= {draw.randrange(full) for _ in range(35)}
    for length in sorted(lengths):
        folder = damaged(life, tmp_path / "d", name, cut(length))
        journal = Journal.open(folder / NAME, NOW)
        assert journal.recovery.what, length
        journal.close()
        life.check(damaged(life, tmp_path / "d", name, cut(length)))


@pytest.mark.parametrize("name", [NAME, WAL])
def test_a_lost_block(life: Life, tmp_path: Path, name: str) -> None:
    draw = random.Random(f"blocks of {name}")
    # Zeros where the log ends cannot be told from what was never written.
    size = used(life, name) - (4096 + 4 * FRAME if name == WAL else 0)
    for _ in range(40):
        position = draw.randrange(0, size, 512)
        life.check(damaged(life, tmp_path / "d", name, zero(position, 4096)))


@pytest.mark.parametrize("gone", [[NAME], [WAL], [NAME, WAL], [NAME, WAL, MARK]])
def test_deleted_files(life: Life, tmp_path: Path, gone: list[str]) -> None:
    folder = tmp_path / "d"
    shutil.copytree(life.folder, folder)
    for name in gone:
        (folder / name).unlink()
    journal = Journal.open(folder / NAME, NOW)
    assert [found.kind for found in journal.recovery.what] == [AlarmKind.JOURNAL_RESTORED]
    assert journal.load().snapshot in (snapshot(1), snapshot(2))
    assert journal.load().next_serial > 70
    # The log alone still holds what was written last.
    assert (record(70, 1) in journal.pending(99)) == (WAL not in gone)
    journal.close()


def test_everything_but_the_mark_deleted_starts_empty_and_loud(life: Life, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    shutil.copy(life.folder / MARK, folder)
    journal = Journal.open(folder / NAME, NOW)
    [found] = journal.recovery.what
    assert found.kind is AlarmKind.JOURNAL_RESTORED
    assert found.detail == (
        "journal.sqlite: missing; journal.good.sqlite: missing;"
        " nothing could be saved: started empty"
    )
    assert journal.load().events == []
    # The mark still knows which sender numbers were used.
    assert journal.sequence() == 512
    journal.reserve_sequence(1024)
    journal.close()


def test_a_closed_journal_needs_no_log(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / NAME, NOW)
    journal.append(escalation(1), [record(1)], at(1))
    journal.close()
    assert not (tmp_path / WAL).exists()
    journal = Journal.open(tmp_path / NAME, NOW)
    assert journal.recovery.what == ()
    assert journal.pending(9) == [record(1)]
    journal.close()


def test_a_damaged_state_is_made_up_for_by_the_good_one_and_later_events(
    life: Life, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    shutil.copytree(life.folder, folder)
    # Checkpointed, so that there is one place to damage.
    Journal.open(folder / NAME, NOW).close()
    with sqlite3.connect(folder / NAME) as database:
        [(body,)] = database.execute("SELECT body FROM state").fetchall()
        wrong = bytes([body[0] ^ 1]) + body[1:]
        database.execute("UPDATE state SET body = ?", (wrong,))
    database.close()
    journal = Journal.open(folder / NAME, NOW)
    [found] = journal.recovery.what
    assert found.detail == (
        "journal.sqlite: 1 rows have a wrong checksum;"
        " saved: the state, 80 events after it, 30 waiting records"
    )
    assert journal.load().snapshot == snapshot(1)
    assert journal.load().events == life.since_good
    # Of what was heard after the good copy only that is known which led to a decision.
    assert journal.load().lost == at(70) - at(32)
    assert {row.seq for row in journal.pending(99)} == {row.seq for row in life.waiting}
    journal.close()


def test_events_behind_a_gap_are_left_out_but_their_records_leave(
    life: Life, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    shutil.copytree(life.folder, folder)
    Journal.open(folder / NAME, NOW).close()
    with sqlite3.connect(folder / NAME) as database:
        database.execute("DELETE FROM entry WHERE n = 65")
    database.close()
    journal = Journal.open(folder / NAME, NOW)
    [found] = journal.recovery.what
    assert "5 entries cannot be joined" in found.detail
    assert "5 entries behind a gap were left out" in found.detail
    assert journal.load().events == [event for n in range(61, 65) for event in escalation(n)]
    assert set(journal.pending(99)) == life.waiting
    journal.close()


class Later(StrEnum):
    """A kind of alarm that only a later version of the program knows."""

    INVENTED = "invented"


def test_events_of_another_program_version_do_not_stop_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    unknown = AlarmMoved(at(2), AlarmKey(Later.INVENTED), Move.RAISE)  # type: ignore[arg-type]
    journal = Journal.open(folder / NAME, NOW)
    journal.append(escalation(1), [record(1)], at(1))
    journal.append([unknown], [record(2)], at(2))
    journal.append(escalation(3), [record(3)], at(3))
    journal.close()
    journal = Journal.open(folder / NAME, NOW)
    assert "2 entries behind a gap were left out" in journal.recovery.what[0].detail
    assert journal.load().events == escalation(1)
    assert journal.depth() == 3
    journal.close()


def test_the_broken_file_and_its_log_are_kept_aside_three_of_them(
    life: Life, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    broken: list[bytes] = []
    shutil.copytree(life.folder, folder)
    for number in range(5):
        shutil.copy(life.folder / WAL, folder / WAL)
        content = bytearray((life.folder / NAME).read_bytes())
        del content[-1 - number :]
        broken.append(bytes(content))
        (folder / NAME).write_bytes(content)
        Journal.open(folder / NAME, NOW).close()
    kept = sorted(path.name for path in folder.glob("*broken*"))
    assert kept == [
        f"journal.broken-{number}.sqlite{log}" for number in (3, 4, 5) for log in ("", "-wal")
    ]
    for number in (3, 4, 5):
        assert (folder / f"journal.broken-{number}.sqlite").read_bytes() == broken[number - 1]


def test_numbers_skip_ahead_after_a_loss(life: Life, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    shutil.copytree(life.folder, folder)
    for name in (NAME, WAL, MARK):
        (folder / name).unlink()
    journal = Journal.open(folder / NAME, NOW)
    stored = journal.load()
    # At the good copy: serial 30, boot 1, sequence 512.
    assert stored.next_serial > 70
    assert stored.boot > 1
    assert journal.sequence() == 512 + 2**20
    journal.close()
    journal = Journal.open(folder / NAME, NOW)
    assert journal.load().next_serial == stored.next_serial
    assert journal.sequence() == 512 + 2**20
    journal.close()


def test_a_sequence_that_is_lost_can_never_be_reserved(life: Life, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    shutil.copytree(life.folder, folder)
    for name in (NAME, WAL):
        (folder / name).unlink()
    (folder / GOOD).write_bytes(b"rubbish")
    (folder / MARK).write_bytes(b"rubbish")
    for _ in range(2):
        journal = Journal.open(folder / NAME, NOW)
        with pytest.raises(JournalFailing, match="lost with the journal"):
            journal.reserve_sequence(512)
        journal.append(escalation(1_000_000), [], at(1))
        journal.close()


def test_a_damaged_mark_alone_costs_nothing(life: Life, tmp_path: Path) -> None:
    for damage in (cut(0), cut(20), flip(14, 0), flip(40, 3)):
        folder = damaged(life, tmp_path / "d", MARK, damage)
        found, details, _ = life.opened(folder)
        assert details == ()
        assert list(found.events) == life.events
        journal = Journal.open(folder / NAME, NOW)
        assert journal.sequence() == 512
        journal.close()


def test_a_write_anew_that_was_cut_short_is_finished(life: Life, tmp_path: Path) -> None:
    """A kill between any two steps of putting a new file in place."""
    folder = tmp_path / "finished"
    journal = Journal.open(folder / NAME, NOW)
    journal.append(escalation(1), [record(1)], at(1))
    journal.keep_good_copy(at(2))
    journal.close()
    # A whole newer file beside the old one: with its log, without it, and where none is left.
    for gone in ((), (WAL,), (NAME, WAL)):
        other = tmp_path / "other"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(life.folder, other)
        shutil.copy(folder / GOOD, other / "journal.new.sqlite")
        for name in gone:
            (other / name).unlink()
        journal = Journal.open(other / NAME, NOW)
        assert journal.recovery.what == ()
        assert journal.load().events == escalation(1)
        journal.close()
        assert not (other / "journal.new.sqlite").exists()
    # A torn one is none.
    other = tmp_path / "torn"
    shutil.copytree(life.folder, other)
    (other / "journal.new.sqlite").write_bytes((folder / GOOD).read_bytes()[:3000])
    found, details, _ = life.opened(other)
    assert details == ()
    assert list(found.events) == life.events


def test_a_log_whose_last_write_was_torn_by_a_power_cut_is_no_damage(
    life: Life, tmp_path: Path
) -> None:
    """Frames that never ended a transaction were never acknowledged."""
    log = (life.folder / WAL).read_bytes()
    *_, before, last = frames(log)
    assert log[before + 4 : before + 8] == bytes(4), "the last transaction has one frame only"
    found, details, _ = life.opened(damaged(life, tmp_path / "d", WAL, zero(last, FRAME)))
    assert details == ()
    assert list(found.events) == life.events[:-2]


def test_a_file_deleted_under_a_running_gateway_is_written_anew(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / NAME, NOW)
    journal.append(escalation(1), [record(1)], at(1))
    (tmp_path / NAME).unlink()
    journal.append(escalation(2), [record(2)], at(2))
    journal.keep_good_copy(at(3))
    [found] = journal.drain_findings()
    assert found.kind is AlarmKind.JOURNAL_RESTORED
    assert found.detail == "journal.sqlite was deleted: written anew"
    journal.append(escalation(3), [record(3)], at(4))
    journal.close()
    journal = Journal.open(tmp_path / NAME, NOW)
    assert journal.recovery.what == ()
    assert journal.depth() == 3
    journal.close()


def test_a_file_damaged_under_a_running_gateway_is_written_anew(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / NAME, NOW)
    for first in range(1, 1001, 100):
        rows = [record(serial) for serial in range(first, first + 100)]
        journal.append(escalation(first), rows, at(first))
    with (tmp_path / NAME).open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(0)
        file.write(b"\xa5" * size)
    for serial in range(1, 1001, 40):
        journal.delivered([record(serial).id], at(2000))
    found = journal.drain_findings()
    assert AlarmKind.JOURNAL_RESTORED in {one.kind for one in found}
    assert journal.durable
    before = seen(journal).waiting
    assert len(before) == 975
    journal.close()
    assert (tmp_path / "journal.broken-1.sqlite").exists()
    journal = Journal.open(tmp_path / NAME, NOW)
    assert journal.recovery.what == ()
    assert seen(journal).waiting == before
    journal.close()
