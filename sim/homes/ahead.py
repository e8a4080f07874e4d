"""Acts one after the other, and a look ahead at what hands do next."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime

from sim.homes.act import Act


class Ahead:
    """Draws acts as they are asked for, or as far as a look ahead needs; keeps these."""

    def __init__(self, acts: Iterator[Act]) -> None:
        """`acts` in order of time, maybe without end."""
        self._coming = acts
        self._ahead: deque[Act] = deque()
        self._by_hand: deque[datetime] = deque()

    def acts(self) -> Iterator[Act]:
        """All of them."""
        while self._ahead or self._look():
            act = self._ahead.popleft()
            while self._by_hand and self._by_hand[0] < act.at:
                self._by_hand.popleft()
            yield act

    def next_by_hand(self, moment: datetime) -> datetime | None:
        """The first act by hand from `moment` on, but for those drawn long before it."""
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
            # What a hand did earlier, such as a kettle that goes off, is no act of that moment.
            self._by_hand.append(act.at)
        return True
