"""Adverts that were heard and not yet looked at, in their order, bounded for each address.

They wait while a disk takes its time. Whoever floods the air under one address then pushes out
only what came under that address, and of that the oldest: its like comes again.
"""

from collections import deque

from drivers.ble.advert import RawAdvert


class Waiting:
    """A queue that tells its senders apart."""

    __slots__ = ("_at_most", "_of", "_of_one", "_turns", "dropped")

    def __init__(self, at_most: int, of_one: int) -> None:
        """Hold so many adverts in all, and so many of one address."""
        self._at_most = at_most
        self._of_one = of_one
        self._of: dict[str, deque[RawAdvert]] = {}
        self._turns: deque[str] = deque()
        "An address for each advert that waits; which one of that address, is told by its queue."
        self.dropped = 0
        "Adverts that nobody took in time."

    def __len__(self) -> int:
        return len(self._turns)

    def put(self, advert: RawAdvert) -> None:
        """Take one in; never refuses."""
        own = self._of.get(advert.address)
        if own is not None and len(own) >= self._of_one:
            # What comes after it moves up in its turn.
            own.popleft()
            own.append(advert)
            self.dropped += 1
            return
        if len(self._turns) >= self._at_most:
            self.take()
            self.dropped += 1
        self._of.setdefault(advert.address, deque()).append(advert)
        self._turns.append(advert.address)

    def take(self) -> RawAdvert:
        """The next one.

        Raises:
            IndexError: there is none.

        """
        address = self._turns.popleft()
        own = self._of[address]
        advert = own.popleft()
        if not own:
            del self._of[address]
        return advert
