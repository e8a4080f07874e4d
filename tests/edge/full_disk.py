"""A journal on a disk that is full or read-only: `python -m tests.edge.full_disk CASE FOLDER`.

FOLDER is the root of a small file system of its own; see `test_journal_disk`.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from edge.finding import Finding
from edge.journal import Journal
from edge.outbox import JournalFailing
from rules.alarm import AlarmKind
from tests.edge.journals import NOW, at, escalation, record, seen, snapshot

MINUTE = timedelta(minutes=1)


def fill(folder: Path) -> Path:
    """Take all the room there is."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler


def failing(findings: tuple[Finding, ...]) -> list[bool]:
    assert all(found.kind is AlarmKind.DISK_FAILING for found in findings), findings
    return [found.present for found in findings]


def durable(journal: Journal) -> bool:
    return journal.durable


def reserved(journal: Journal, upto: int) -> bool:
    try:
        journal.reserve_sequence(upto)
    except JournalFailing:
        return False
    return True


def begun(folder: Path) -> Journal:
    journal = Journal.open(folder / "journal.sqlite", NOW)
    assert journal.recovery.what == ()
    assert journal.recovery.durable
    journal.new_boot()
    journal.append(escalation(1), [record(1)], at(1))
    journal.save(snapshot(1), at(1))
    journal.keep_good_copy(at(1))
    return journal


def reserved_room(folder: Path) -> None:
    """A disk that fills up: alarms go into the room reserved ahead, and are durable."""
    journal = begun(folder)
    filler = fill(folder)
    serial = 1
    # More than the log holds: without the reserved room this could not be written.
    while not (findings := journal.drain_findings()):
        serial += 1
        assert serial < 5000, "the disk never was full"
        journal.append(escalation(serial), [record(serial)], at(serial))
        journal.save(snapshot(serial), at(serial))
    assert failing(findings) == [True]
    assert durable(journal)
    assert "the room reserved for alarms is in use" in findings[0].detail
    for _ in range(100):
        serial += 1
        journal.append(escalation(serial), [record(serial)], at(serial))
    assert durable(journal)
    assert journal.drain_findings() == ()
    journal.reserve_sequence(512)
    # Room again: it is reserved again, and the finding is over.
    filler.unlink()
    journal.append([], [], at(serial) + 20 * MINUTE)
    assert failing(journal.drain_findings()) == [False]
    before = seen(journal).waiting
    journal.close()
    journal = Journal.open(folder / "journal.sqlite", NOW)
    assert journal.recovery.what == ()
    assert seen(journal).waiting == before
    journal.close()


def memory(folder: Path) -> None:
    """A disk that takes nothing more at all: memory goes on, and comes back to disk."""
    journal = begun(folder)
    journal.reserve_sequence(512)
    serial = 1
    while durable(journal):
        fill(folder)
        serial += 1
        assert serial < 20_000, "the disk never failed"
        journal.append(escalation(serial), [record(serial)], at(1))
        journal.save(snapshot(serial), at(1))
    assert set(failing(journal.drain_findings())) == {True}
    for _ in range(50):
        serial += 1
        journal.append(escalation(serial), [record(serial)], at(2))
    journal.save(snapshot(serial), at(2))
    assert journal.pending(1) == [record(1)]
    journal.delivered([record(1).id], at(3))
    assert journal.depth() == serial - 1
    assert journal.retained() == (1, 1)
    assert not reserved(journal, 1024)
    assert journal.sequence() == 512
    journal.keep_good_copy(at(3))
    assert journal.drain_findings() == (), "reported twice"
    (folder / "filler").unlink()
    # Not tried before it is time to, then written anew as a whole.
    journal.append([], [], at(4))
    assert not durable(journal)
    journal.append([], [], at(4) + 30 * MINUTE)
    assert durable(journal)
    assert failing(journal.drain_findings()) == [False]
    journal.reserve_sequence(1024)
    before = seen(journal).waiting
    assert len(before) == serial - 1
    journal.close()
    journal = Journal.open(folder / "journal.sqlite", NOW)
    assert journal.recovery.what == ()
    assert seen(journal).waiting == before
    assert journal.load().snapshot == snapshot(serial)
    assert journal.sequence() == 1024
    journal.close()


def start_on_full(folder: Path) -> None:
    """A gateway that starts on a full disk has all it had, and takes alarms."""
    begun(folder).close()
    (folder / "journal.ballast").unlink()
    filler = fill(folder)
    journal = Journal.open(folder / "journal.sqlite", at(10))
    assert failing(journal.recovery.what) == [True]
    assert not journal.recovery.durable
    assert journal.load().snapshot == snapshot(1)
    assert journal.pending(9) == [record(1)]
    journal.append(escalation(2), [record(2)], at(11))
    assert journal.pending(9) == [record(1), record(2)]
    filler.unlink()
    # The clock was set back meanwhile: that does not put the next try off.
    journal.append(escalation(3), [record(3)], at(-100_000))
    assert durable(journal)
    assert failing(journal.drain_findings()) == [False]
    journal.close()
    journal = Journal.open(folder / "journal.sqlite", NOW)
    assert journal.depth() == 3
    journal.close()


def first_start_on_full(folder: Path) -> None:
    """A gateway that never ran before starts on a full disk."""
    fill(folder)
    journal = Journal.open(folder / "journal.sqlite", NOW)
    assert failing(journal.recovery.what) == [True]
    assert not durable(journal)
    assert journal.new_boot() == 1
    journal.append(escalation(1), [record(1)], at(1))
    assert journal.pending(9) == [record(1)]
    journal.close()


def start_on_read_only(folder: Path) -> None:
    """A gateway that starts on a read-only disk has all it had, and takes alarms."""
    begun(folder).close()
    remount(folder, "ro")
    journal = Journal.open(folder / "journal.sqlite", NOW)
    assert failing(journal.recovery.what) == [True]
    assert not journal.recovery.durable
    assert journal.load().snapshot == snapshot(1)
    journal.append(escalation(2), [record(2)], at(11))
    assert journal.pending(9) == [record(1), record(2)]
    remount(folder, "rw")
    journal.save(snapshot(2), at(11) + 30 * MINUTE)
    assert durable(journal)
    assert failing(journal.drain_findings()) == [False]
    journal.close()


def damaged_on_read_only(folder: Path) -> None:
    """Damage on a read-only disk: what can be saved is in memory, and on disk later."""
    begun(folder).close()
    main = folder / "journal.sqlite"
    main.write_bytes(main.read_bytes()[:-1])
    remount(folder, "ro")
    journal = Journal.open(main, NOW)
    assert {found.kind for found in journal.recovery.what} == {
        AlarmKind.JOURNAL_RESTORED,
        AlarmKind.DISK_FAILING,
    }
    assert journal.load().snapshot == snapshot(1)
    assert journal.pending(9) == [record(1)]
    remount(folder, "rw")
    journal.append(escalation(2), [record(2)], at(11) + 30 * MINUTE)
    assert durable(journal)
    assert (folder / "journal.broken-1.sqlite").exists()
    journal.close()
    journal = Journal.open(main, NOW)
    assert journal.recovery.what == ()
    assert journal.depth() == 2
    journal.close()


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


CASES: dict[str, Callable[[Path], None]] = {
    case.__name__: case
    for case in (
        reserved_room,
        memory,
        start_on_full,
        first_start_on_full,
        start_on_read_only,
        damaged_on_read_only,
    )
}

if __name__ == "__main__":
    root = Path(sys.argv[2])
    assert os.path.ismount(root)
    CASES[sys.argv[1]](root)
