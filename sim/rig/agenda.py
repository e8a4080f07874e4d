"""What is to happen at which true moment; the clock of the rig runs on beside it."""

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta


class Agenda:
    """What is asked for at the same moment happens in the order it was asked for."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        "The moment that what happens just now was planned for."
        self._planned: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, moment: datetime, act: Callable[[], None]) -> None:
        """Have something done at a moment; as soon as possible if it is past."""
        heapq.heappush(self._planned, (moment, next(self._order), act))

    def after(self, span: timedelta, act: Callable[[], None]) -> None:
        """Have something done so much later."""
        self.at(self.now + span, act)

    def due(self) -> datetime | None:
        """When the next thing happens."""
        return self._planned[0][0] if self._planned else None

    def happen(self, upto: datetime, enough: Callable[[], bool]) -> None:
        """Do what is planned up to and with a moment, unless `enough` was done before."""
        while self._planned and self._planned[0][0] <= upto and not enough():
            moment, _, act = heapq.heappop(self._planned)
            self.now = max(self.now, moment)
            act()
        if not enough():
            self.now = max(self.now, upto)
