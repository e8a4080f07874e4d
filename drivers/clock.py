"""The clock of a driver process on a real machine."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

_RECHECK: Final = timedelta(minutes=1)
"The longest sleep without a look at the clock, which may have been set meanwhile."
_US: Final = timedelta(microseconds=1)


class Clock(Protocol):
    """A driver's time: `SystemClock`, or a simulated one."""

    def now(self) -> datetime:
        """Aware UTC, as the machine believes it."""

    def boottime_us(self) -> int:
        """CLOCK_BOOTTIME in microseconds."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return at `moment`; whether a date that is set meanwhile is noticed is left open."""


class SystemClock:
    """Wall time for sentences, boot time for observations and for how long something takes."""

    def now(self) -> datetime:
        """UTC as the machine believes it."""
        return datetime.now(UTC)

    def boottime_us(self) -> int:
        """Microseconds since boot, time asleep included: the same in every process."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000

    async def sleep_until(self, moment: datetime) -> None:
        """Return at `moment`, also when the clock is set while waiting."""
        while (left := moment - self.now()) > timedelta():  # noqa: ASYNC110 -- a date, no event
            await asyncio.sleep(min(left, _RECHECK).total_seconds())


async def elapse(clock: Clock, span: timedelta) -> None:
    """Return when so much boot time has passed, whatever the date is set to meanwhile."""
    end_us = clock.boottime_us() + span // _US
    while (left := (end_us - clock.boottime_us()) * _US) > timedelta():
        try:
            # A date set back would have it sleep on: a timeout in real time looks again.
            async with asyncio.timeout(left.total_seconds()):
                await clock.sleep_until(clock.now() + left)
        except TimeoutError:
            continue
