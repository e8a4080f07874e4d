"""The clocks of a simulated Raspberry Pi: a crystal that drifts, and a date that may be wrong."""

from datetime import datetime, timedelta

from sim.world.timeline import Timeline

_US = timedelta(microseconds=1)
_MILLION = 1_000_000
_SWITCHED_ON_US = 25_000_000
"Of boot time when the gateway starts."


class Machine:
    """`edge.clock.Machine`, but for sleeping: the world rings instead."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._off = timedelta()
        self._witness: str | None = "ntp"
        self._ppm = 0
        self._since = timeline.now
        self._since_us = _SWITCHED_ON_US
        self._asked_at: datetime | None = None
        self._told_us = 0

    def boot(self) -> None:
        """Switch on: boot time begins again."""
        self._since, self._since_us = self._timeline.now, _SWITCHED_ON_US
        self._asked_at = None

    def set_date(self, off: timedelta, witness: str | None) -> None:
        """The date is wrong by `off` from now on, and `witness` vouches for it, if anybody."""
        self._off, self._witness = off, witness

    def drift(self, ppm: int) -> None:
        """The crystal runs fast by so many parts per million from now on."""
        self._since_us = self.boottime_us()
        self._since, self._ppm = self._timeline.now, ppm
        self._asked_at = None

    def now(self) -> datetime:
        """The date as the machine has it: NTP, where it vouches, corrects the crystal."""
        return self._timeline.now + self._off

    def boottime_us(self) -> int:
        """CLOCK_BOOTTIME: by the crystal."""
        now = self._timeline.now
        if now is not self._asked_at:
            # A decision asks four times at the same moment.
            true_us = (now - self._since) // _US
            self._asked_at = now
            self._told_us = self._since_us + true_us + true_us * self._ppm // _MILLION
        return self._told_us

    def true_span(self, span: timedelta) -> timedelta:
        """How long it truly is until the crystal says that `span` has passed, or a little more."""
        us = span // _US
        return (us - us * self._ppm // (_MILLION + self._ppm) + 1) * _US

    def synchronized(self) -> str | None:
        """Who vouches for the date."""
        return self._witness

    async def sleep_until(self, moment: datetime) -> None:
        """Nobody sleeps in simulated time.

        Raises:
            AssertionError: always.

        """
        raise AssertionError(f"slept until {moment}")
