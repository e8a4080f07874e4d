"""The people of a simulated home as the virtual radio wants them: acts, and a look ahead."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime

from sim.homes.act import Act
from sim.homes.population import SimulatedHome


class Inhabitants:
    """An `Occupant` out of a population; plights and announcements are left to the launcher."""

    def __init__(self, home: SimulatedHome) -> None:
        self._home = home
        self._coming = (one for one in home.happenings() if isinstance(one, Act))
        self._ahead: deque[Act] = deque()
        self._by_hand: deque[datetime] = deque()

    def acts(self) -> Iterator[Act]:
        """All that happens, by hand or not, in order of time; without end."""
        while self._ahead or self._look():
            act = self._ahead.popleft()
            while self._by_hand and self._by_hand[0] < act.at:
                self._by_hand.popleft()
            yield act

    def at_home(self, moment: datetime) -> bool:
        return self._home.at_home(moment)

    def next_by_hand(self, moment: datetime) -> datetime | None:
        while True:
            coming = next((hand for hand in self._by_hand if hand >= moment), None)
            if coming is not None or not self._look():
                return coming

    def _look(self) -> bool:
        act = next(self._coming, None)
        if act is None:
            return False
        self._ahead.append(act)
        if act.hand == act.at:
            self._by_hand.append(act.at)
        return True
