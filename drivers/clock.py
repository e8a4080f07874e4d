"""The clock of a driver process on a real machine."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final

_RECHECK: Final = timedelta(minutes=1)
"The longest sleep without a look at the clock, which may have been set meanwhile."


class SystemClock:
    """Wall time for sentences and expiry, boot time for observations."""

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
