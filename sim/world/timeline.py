"""True time, and everything that is to happen: one heap, one thing after the other."""

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta

_US = timedelta(microseconds=1)


class Timeline:
    """What is asked for at the same moment happens in the order it was asked for."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        "The true moment; only `run` moves it."
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, moment: datetime, act: Callable[[], None]) -> None:
        """Have something done at a moment; at once if it is past."""
        heapq.heappush(self._agenda, (moment, next(self._order), act))

    def after(self, span: timedelta, act: Callable[[], None]) -> None:
        """Have something done so much later."""
        self.at(self.now + span, act)

    def run(self, until: datetime) -> None:
        """Do all that is due before `until`, in order; then it is `until`."""
        agenda, pop = self._agenda, heapq.heappop
        while agenda and agenda[0][0] < until:
            moment, _, act = pop(agenda)
            self.now = max(self.now, moment)
            act()
        self.now = until

    def us(self) -> int:
        """Microseconds since 1970: the true time as records have it."""
        return (self.now - _EPOCH) // _US


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
