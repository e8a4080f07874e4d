"""How often somebody may try a password."""

from collections import OrderedDict
from datetime import datetime, timedelta


class Attempts:
    """Counts tries by key (a name, an address) over a sliding window; bounded in memory.

    A try counts from its beginning, so that a hundred at once do not slip through together; a
    right password takes it back.
    """

    def __init__(self, most: int, window: timedelta, keys: int = 10_000) -> None:
        self._most = most
        self._window = window
        self._keys = keys
        self._tries: OrderedDict[str, list[datetime]] = OrderedDict()

    def wait(self, key: str, now: datetime) -> timedelta:
        """How long until the next try is allowed; zero when it is now."""
        tries = self._recent(key, now)
        if len(tries) < self._most:
            return timedelta()
        return tries[-self._most] + self._window - now

    def begin(self, key: str, now: datetime) -> None:
        """Count one try."""
        tries = self._recent(key, now)
        tries.append(now)
        self._tries[key] = tries[-self._most :]
        self._tries.move_to_end(key)
        if len(self._tries) > self._keys:
            # The one that was quiet for the longest time.
            self._tries.popitem(last=False)

    def take_back(self, key: str) -> None:
        """The last try was the right one: it does not count."""
        tries = self._tries.get(key)
        if tries:
            tries.pop()

    def _recent(self, key: str, now: datetime) -> list[datetime]:
        # A clock that was set back must not lock anybody out for longer than the window.
        return [
            at for at in self._tries.get(key, ()) if now - self._window < at <= now + self._window
        ]
