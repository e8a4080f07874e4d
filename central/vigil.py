"""Who has fallen silent? Three missed heartbeats are a fault that the center raises itself.

No clock and no event loop: seconds of silence are counted as they are told.

Ref: EN 50136-1 (supervision of alarm transmission) for the idea; the interval is ours.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from central.cases import GatewayRow

MISSED = 3
_MARGIN_S = 1.0
"What the last of them may take on its way."
_BEYOND_S = 0.001
"Patience ends after its last moment, not at it."


@dataclass(frozen=True, slots=True)
class Turn:
    """A gateway fell silent, or is back."""

    gateway: str
    silent: bool
    at: datetime
    last: datetime | None
    "When it was last heard; for one that is back, that is `at`."


@dataclass(slots=True)
class _Watched:
    silence_s: float = 0.0
    promised_s: int = 0
    silent: bool = False
    last: datetime | None = None


class Vigil:
    """Watches all gateways that were ever heard. After a start all have a full grace.

    `interval` gives the seconds that heartbeats shall be apart at this moment.
    """

    def __init__(self, interval: Callable[[], int]) -> None:
        self._interval = interval
        self._watched: dict[str, _Watched] = {}
        self._turns: dict[str, Turn] = {}

    def load(self, rows: Iterable[GatewayRow]) -> None:
        """Learn whom to watch from what was written down. Before anyone is heard."""
        for row in rows:
            # A silent one must be able to come back, even if its last heartbeat was not kept.
            if row.last_heartbeat is not None or row.silent:
                watched = self._watched.setdefault(row.gateway, _Watched())
                watched.silent = row.silent
                watched.promised_s = row.interval_s
                watched.last = row.last_heartbeat

    def heard(self, gateway: str, now: datetime) -> None:
        """A request was proven to be this gateway's. `passed` was told of the time before it."""
        watched = self._watched.get(gateway)
        if watched is None:
            watched = self._watched[gateway] = _Watched()
        watched.silence_s = 0.0
        # Until the next one is due it goes by what it was told now.
        watched.promised_s = self._interval()
        watched.last = now
        if watched.silent:
            self._turn(gateway, watched, now, silent=False)

    def passed(self, seconds: float, now: datetime) -> None:
        """So many real seconds have passed since the last call, and it is `now`."""
        interval_s = self._interval()
        for gateway, watched in self._watched.items():
            watched.silence_s += seconds
            if not watched.silent and watched.silence_s > _patience_s(watched, interval_s):
                self._turn(gateway, watched, now, silent=True)

    def turns(self) -> list[Turn]:
        """What has turned since the last call; of each gateway only the last turn."""
        turns, self._turns = self._turns, {}
        return list(turns.values())

    def next_s(self) -> float | None:
        """Seconds to pass until somebody falls silent if nobody is heard; None: nobody can.

        Never 0, and enough for `passed` to turn it even when rounded to whole milliseconds.
        """
        interval_s = self._interval()
        left_s = min(
            (
                _patience_s(watched, interval_s) - watched.silence_s
                for watched in self._watched.values()
                if not watched.silent
            ),
            default=None,
        )
        return None if left_s is None else max(left_s, 0.0) + _BEYOND_S

    def _turn(self, gateway: str, watched: _Watched, now: datetime, *, silent: bool) -> None:
        watched.silent = silent
        self._turns[gateway] = Turn(gateway, silent, now, watched.last)


def _patience_s(watched: _Watched, interval_s: int) -> float:
    return MISSED * max(watched.promised_s, interval_s) + _MARGIN_S
