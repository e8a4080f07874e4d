"""False dates that a gateway was sure of, since NTP vouched for them.

Within a run it notices when its clock is set. Over a start nobody in the home can tell a date that
was false, before it or after it, from a gateway that was switched off for so long.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta

from rules.events import Started, TimeMoved
from sim.check.forgetting import forgettings
from sim.faults.fault import FaultKind
from sim.world.chronicle import Chronicle, HomeChronicle

_CRYSTAL = timedelta(minutes=1)
"What is off by more is false."


class Dates:
    """What one gateway took for the date."""

    def __init__(self, chronicle: Chronicle, home: HomeChronicle) -> None:
        self._restarts = forgettings(chronicle, home)
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
        over = [each for each in self._restarts if since <= each.cut <= at]
        # What was set right while the card took nothing is false again where the card stopped.
        return any(self._false(each.since, each.cut) for each in over) or (
            bool(over) and self._false(at, at)
        )

    def _false(self, begin: datetime, end: datetime) -> bool:
        """Whether it was sure of a false date at any moment from `begin` on until before `end`."""
        first = max(bisect_right(self._known, begin, key=lambda date: date[0]) - 1, 0)
        return any(
            trusted and abs(off) > _CRYSTAL
            for date, off, trusted in self._known[first:]
            if date <= begin or date < end
        )


def _known(home: HomeChronicle) -> Iterator[tuple[datetime, timedelta, bool]]:
    """Since when its clock was off by so much, and whether it was sure of it."""
    trusted = False
    for decided in home.decided:
        event = decided.event
        if isinstance(event, TimeMoved):
            trusted = event.trusted
        if isinstance(event, TimeMoved | Started):
            yield decided.at, event.at - decided.at, trusted
