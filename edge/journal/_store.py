"""The journal in memory, written through to its medium for as long as that takes it.

When it does not, the room reserved ahead is given up; when that is not enough, memory goes on
alone, and the whole journal is written anew when the medium is back.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from edge.finding import Finding
from edge.journal._medium import Medium
from edge.journal._recovery import Found
from edge.journal._rows import Change, Fact, Put, Value
from edge.outbox import JournalFailing
from rules.alarm import AlarmKind

RETRY_FIRST = timedelta(seconds=10)
RETRY_LAST = timedelta(minutes=10)
"Each try in vain doubles the wait, up to this."

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Store:
    """All tables in memory, and what they are kept on."""

    def __init__(self, medium: Medium, found: Found, now: datetime) -> None:
        self._medium = medium
        self.contents = found.contents
        "All rows; to be changed by `write` alone."
        self._sequence = found.sequence
        self._keep_old = found.keep_old
        self._findings: list[Finding] = []
        self._failing: str | None = None
        self._copied = True
        self._wait = RETRY_FIRST
        self._now = self._tried = now
        if found.damage:
            self._restored(found.damage)
        try:
            if found.in_place:
                self._medium.attach(self._sequence)
            else:
                self._place()
        except (OSError, sqlite3.Error) as error:
            self._give_way(error)
        self._reserve_room()

    @property
    def durable(self) -> bool:
        """Whether all that was written is on the medium."""
        return self._medium.attached

    @property
    def sequence(self) -> int:
        """OSCORE sender numbers below this may have been used; `LOST` if nobody knows."""
        return self._sequence

    def write(self, changes: Sequence[Change], now: datetime | None = None) -> None:
        """All changes or none, durable unless the disk fails; then `durable` is false."""
        self.contents.make(changes)
        if changes and self._medium.attached:
            try:
                self._medium.write(changes)
            except sqlite3.Error as error:
                self._give_way(error)
        self.tend(now)

    def tend(self, now: datetime | None = None) -> None:
        """Try what failed again, if it is time to."""
        self._now = now or self._now
        # A clock that was set back must not put the next try off.
        if self._failing is None or self._tried <= self._now < self._tried + self._wait:
            return
        self._tried = self._now
        self._wait = min(2 * self._wait, RETRY_LAST)
        if not self._medium.attached:
            try:
                self._place()
            except (OSError, sqlite3.Error):
                self._medium.detach()
                return
        if not self._copied:
            self._copy()
        self._reserve_room()

    def keep_good_copy(self, now: datetime) -> bool:
        """Renew the copy that a damaged journal is restored from; whether that was possible."""
        self.tend(now)
        if not self._medium.attached:
            # Made up for with the first write that succeeds.
            self._copied = False
            return False
        try:
            if not self._medium.present():
                self._restored(f"{self._medium.name} was deleted: written anew")
                self._place()
        except (OSError, sqlite3.Error) as error:
            self._give_way(error)
        self._copy()
        return self._copied

    def reserve_sequence(self, upto: int) -> None:
        """Note durably, beside the journal, that sender numbers below `upto` may be used.

        Raises:
            JournalFailing: the disk would not take it.

        """
        try:
            if not self._medium.attached:
                raise JournalFailing("the journal is in memory only")
            try:
                self._medium.note_sequence(upto)
            except OSError as error:
                if not self._medium.give_room():
                    raise
                self._report(f"{_reason(error)}: the room reserved for alarms is in use")
                self._medium.note_sequence(upto)
        except OSError as error:
            raise JournalFailing(str(error)) from error
        self._sequence = upto
        self.write([Put(Fact.SEQUENCE, Value(upto))])
        if not self._medium.attached:
            raise JournalFailing("the journal is in memory only")

    def drain_findings(self) -> tuple[Finding, ...]:
        """What was found since the last call."""
        findings = tuple(self._findings)
        self._findings.clear()
        return findings

    def close(self) -> None:
        """Leave the medium in good order."""
        self._medium.close(self._sequence)

    def _copy(self) -> None:
        try:
            self._medium.keep_good(self.contents)
        except OSError as error:
            self._report(f"{_reason(error)}: the good copy cannot be renewed")
            self._copied = False
        else:
            self._copied = True

    def _place(self) -> None:
        self._medium.place(self.contents, self._sequence, keep_old=self._keep_old)
        self._keep_old = False

    def _give_way(self, error: OSError | sqlite3.Error) -> None:
        """The disk failed: write all anew with the reserved room, else go on in memory."""
        self._medium.detach()
        self._medium.give_room()
        self._tried = self._now
        self._wait = RETRY_FIRST
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE
        self._keep_old |= damaged
        try:
            self._place()
        except (OSError, sqlite3.Error) as second:
            self._medium.detach()
            self._report(f"{_reason(second)}: deciding and delivering from memory")
            return
        if damaged:
            self._restored(f"{self._medium.name}: {error}; written anew, nothing is lost")
        else:
            self._report(f"{_reason(error)}: the room reserved for alarms is in use")

    def _reserve_room(self) -> None:
        """Occupy the ballast again; with that, and a file to write on, the disk is well."""
        if not self._medium.attached:
            return
        try:
            self._medium.reserve_room()
        except OSError as error:
            if self._failing is None:
                self._report(f"{_reason(error)}: no room can be reserved for alarms")
            return
        if self._failing is not None and self._copied:
            self._failing = None
            self._wait = RETRY_FIRST
            self._findings.append(
                Finding(AlarmKind.DISK_FAILING, present=False, detail="the disk is well again")
            )

    def _report(self, detail: str) -> None:
        if detail != self._failing:
            self._failing = detail
            self._findings.append(Finding(AlarmKind.DISK_FAILING, present=True, detail=detail))

    def _restored(self, detail: str) -> None:
        self._findings.append(Finding(AlarmKind.JOURNAL_RESTORED, present=True, detail=detail))


def _reason(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
