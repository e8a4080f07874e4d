"""Whether a proxy hears, and what is told of it: its loss after a while, a refusal at once."""

import asyncio
from collections.abc import Callable

from drivers.ble.keeper import RadioState, Trouble


class Presence:
    """Of one proxy, by the event loop's clock."""

    def __init__(self, name: str, tell_s: float, tell: Callable[[RadioState], None]) -> None:
        """It is missed from now on."""
        self.there = False
        self._name = name
        self._tell_s = tell_s
        self._tell = tell
        self._told: RadioState | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.missed()

    def found(self) -> None:
        """It hears. What an earlier run has told is over, too."""
        self._stop()
        self.there = True
        self._say(RadioState(self._name, None))

    def missed(self) -> None:
        """It does not hear, or not any more."""
        self.there = False
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tell_s, self._lost)

    def refused(self) -> None:
        """It answers, and will not have us, or we not it."""
        self._stop()
        self.missed()
        self._say(RadioState(self._name, Trouble.REFUSED))

    def close(self) -> None:
        """Tell no more."""
        self._stop()

    def _lost(self) -> None:
        self._timer = None
        self._say(RadioState(self._name, Trouble.LOST, self._tell_s))

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _say(self, state: RadioState) -> None:
        if state != self._told:
            self._told = state
            self._tell(state)
