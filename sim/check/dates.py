"""False dates that a gateway was sure of, since NTP vouched for them.

Within a run it notices when its clock is set. Over a start nobody in the home can tell a date that
was false, before it or after it, from a gateway that was switched off for so long.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta

from rules.events import Started, TimeMoved
from sim.faults.fault import FaultKind
from sim.world.chronicle import Chronicle, HomeChronicle

_CRYSTAL = timedelta(minutes=1)
"What is off by more is false."


class Dates:
    """What one gateway took for the date."""

    def __init__(self, chronicle: Chronicle, home: HomeChronicle) -> None:
        self._ends = [run.ended for run in home.runs if run.ended is not None]
        self._known = list(_known(home))
        self._lies = [
            chronicle.start + fault.begin
            for fault in home.faults
            if fault.kind is FaultKind.CLOCK_JUMP
        ]

    def deceived(self, at: datetime, since: datetime) -> bool:
        """Whether what it reckons at `at` to have passed since an earlier run may be false."""
        if not any(lie <= at for lie in self._lies):
            return False
        if not any(since <= end <= at for end in self._ends):
            return False
        # Of any moment between: a card that took nothing for a while starts where it stopped.
        changes = [date for date, _, _ in self._known if since <= date <= at]
        return any(self._false(date) for date in (since, *changes))

    def _false(self, at: datetime) -> bool:
        index = bisect_right(self._known, at, key=lambda date: date[0]) - 1
        if index < 0:
            return False
        _, off, trusted = self._known[index]
        return trusted and abs(off) > _CRYSTAL


def _known(home: HomeChronicle) -> Iterator[tuple[datetime, timedelta, bool]]:
    """Since when its clock was off by so much, and whether it was sure of it."""
    trusted = False
    for decided in home.decided:
        event = decided.event
        if isinstance(event, TimeMoved):
            trusted = event.trusted
        if isinstance(event, TimeMoved | Started):
            yield decided.at, event.at - decided.at, trusted
