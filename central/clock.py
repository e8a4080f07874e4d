"""The center's time: the machine's own, which a center keeps by NTP.

It satisfies what supervision, ingress and console ask of a clock; a simulated one does as well.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

_SLICE_S = 30.0
"A sleeper looks at the date again after this, so that a jump of it is noticed."


class Calendar(Protocol):
    """What tells the date."""

    def now(self) -> datetime:
        """Aware UTC."""


class Clock(Calendar, Protocol):
    """What this process asks of time."""

    def boottime_us(self) -> int:
        """Microseconds since the machine started; never jumps."""

    def rate(self) -> float:
        """Seconds of this clock per real second; 0 while it stands."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return at the moment, at once if it is past."""


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boottime_us(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000

    def rate(self) -> float:
        return 1.0

    async def sleep_until(self, moment: datetime) -> None:
        while (left_s := (moment - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 -- a date ends it
            await asyncio.sleep(min(left_s, _SLICE_S))
