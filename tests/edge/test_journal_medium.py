"""A journal on a medium that is no file: what the store asks of one, and does when it fails."""

import sqlite3
from collections.abc import Sequence
from copy import deepcopy
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from edge.journal import Change, Contents, Found, Journal, Store, undamaged
from edge.outbox import JournalFailing
from rules.alarm import AlarmKind
from tests.edge.journals import NOW, SECOND, at, escalation, record, seen, snapshot


class Memory:
    """A medium without a file system; `Medium`."""

    name = "memory"

    def __init__(self) -> None:
        self.rows = Contents()
        self.good: Contents | None = None
        self.noted = 0
        self.attached = False
        self.gone = False
        self.failing: Exception | None = None
        self.room = 0

    def attach(self, sequence: int) -> None:
        self._may_fail()
        self.noted, self.attached = max(self.noted, sequence), True

    def place(self, contents: Contents, sequence: int, *, keep_old: bool) -> None:
        assert not keep_old
        self._may_fail()
        self.rows, self.gone = deepcopy(contents), False
        self.attach(sequence)

    def write(self, changes: Sequence[Change]) -> None:
        assert self.attached
        self._may_fail()
        self.rows.make(changes)

    def detach(self) -> None:
        self.attached = False

    def close(self, sequence: int) -> None:
        self.noted, self.attached = sequence, False

    def present(self) -> bool:
        return not self.gone

    def keep_good(self, contents: Contents) -> None:
        self._may_fail()
        self.good = deepcopy(contents)

    def note_sequence(self, sequence: int) -> None:
        self._may_fail()
        self.noted = sequence

    def reserve_room(self) -> None:
        self.room = 1

    def give_room(self) -> bool:
        had, self.room = bool(self.room), 0
        return had

    def found(self) -> Found:
        """As after a power cut."""
        return undamaged(deepcopy(self.rows), self.noted)

    def _may_fail(self) -> None:
        if self.failing is not None:
            raise self.failing


def started(medium: Memory) -> Journal:
    found = medium.found()
    return Journal(Store(medium, found, NOW), found)


def test_all_that_was_written_is_found_again() -> None:
    medium = Memory()
    journal = started(medium)
    for serial in range(1, 30):
        journal.append(escalation(serial), [record(serial)], at(serial))
        if serial % 7 == 0:
            journal.save(snapshot(serial), at(serial))
    journal.delivered([record(3).id], at(40))
    journal.reserve_sequence(512)
    again = started(medium)
    assert again.recovery.durable
    assert again.recovery.what == ()
    assert again.load().snapshot == snapshot(28)
    assert again.load().events == escalation(29)
    assert {row.seq for row in again.pending(99)} == set(range(1, 30)) - {3}
    assert again.sequence() == 512


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk full"), None])
def test_what_memory_held_alone_is_written_when_the_medium_is_back(
    error: Exception | None,
) -> None:
    medium = Memory()
    journal = started(medium)
    journal.append(escalation(1), [record(1)], at(1))
    medium.failing = error or OSError(5, "Input/output error")
    if error is not None:
        journal.append(escalation(2), [record(2)], at(2))
        assert not journal.durable
        assert [one.kind for one in journal.drain_findings()] == [AlarmKind.DISK_FAILING]
    else:
        with pytest.raises(JournalFailing):
            journal.reserve_sequence(512)
    medium.failing = None
    journal.append(escalation(3), [record(3)], at(3) + timedelta(minutes=1))
    assert journal.durable
    # Its load is that of its own start.
    assert seen(started(medium)).waiting == seen(journal).waiting


def test_a_good_copy_that_fell_due_while_the_medium_failed_is_made_when_it_is_back() -> None:
    medium = Memory()
    journal = started(medium)
    journal.append(escalation(1), [record(1)], at(1))
    medium.failing = OSError(5, "Input/output error")
    journal.keep_good_copy(at(2))
    medium.failing = None
    journal.append(escalation(2), [record(2)], at(3) + timedelta(minutes=1))
    assert medium.good is not None
    assert medium.good.outbox == medium.rows.outbox
    assert [one.present for one in journal.drain_findings()] == [True, False]


def test_a_good_copy_that_fell_due_while_memory_went_on_alone_is_made_when_it_is_back() -> None:
    medium = Memory()
    journal = started(medium)
    medium.failing = sqlite3.OperationalError("disk full")
    journal.append(escalation(1), [record(1)], at(1))
    journal.keep_good_copy(at(2))
    medium.failing = None
    journal.append(escalation(2), [record(2)], at(3) + timedelta(minutes=1))
    assert medium.good is not None
    assert medium.good.outbox == medium.rows.outbox


def test_a_medium_that_somebody_emptied_is_written_anew() -> None:
    medium = Memory()
    journal = started(medium)
    journal.append(escalation(1), [record(1)], at(1))
    medium.rows, medium.gone = Contents(), True
    journal.keep_good_copy(at(2))
    assert [one.detail for one in journal.drain_findings()] == ["memory was deleted: written anew"]
    assert started(medium).load().events == escalation(1)
    assert medium.good is not None
    assert medium.good.outbox == medium.rows.outbox


def first_serial(medium: Memory, down: timedelta | None, draw: Random) -> int:
    """Where a run begins that starts now and writes what it can."""
    journal = started(medium)
    journal.new_boot()
    return journal.first_serial(1, down, draw.randbytes)


def test_numbers_rise_over_starts_of_which_a_failing_medium_knows_nothing() -> None:
    medium, draw = Memory(), Random(1)
    journal = started(medium)
    journal.append(escalation(1), [record(1)], at(1))
    medium.failing = sqlite3.OperationalError("disk full")
    begun = [first_serial(medium, down * SECOND, draw) for down in (30, 45)]
    medium.failing = None
    begun.append(first_serial(medium, 60 * SECOND, draw))
    # More than a number a second between one start and the next.
    assert all(after - before > 15 for before, after in pairwise([2, *begun]))


def test_without_a_clock_numbers_that_cannot_be_noted_are_left_to_chance() -> None:
    medium, draw = Memory(), Random(1)
    journal = started(medium)
    journal.append(escalation(1), [record(1)], at(1))
    assert first_serial(medium, None, draw) == 2
    medium.failing = sqlite3.OperationalError("disk full")
    begun = sorted(first_serial(medium, None, draw) for _ in range(9))
    assert all(after - before > 1_000 for before, after in pairwise([2, *begun]))


def test_no_number_that_the_engine_knows_is_used_again() -> None:
    journal = started(Memory())
    assert journal.first_serial(41, timedelta(), Random(1).randbytes) == 41
