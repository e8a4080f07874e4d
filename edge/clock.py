"""The gateway's time: a machine's boot time, anchored to UTC, with a word on how far to trust it.

A Raspberry Pi has no battery behind its clock: it boots with a wrong date, and the date jumps when
the network comes. Boot time only runs on. So `now` is an anchor plus boot time, and it moves only
when a source is believed, which the engine is told (`rules.inputs.TimeTrust`).
"""

import asyncio
import ctypes
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_TIME_ERROR = 5
"What adjtimex(2) returns while the kernel's clock is not synchronised."
_TIMEX_BYTES = 512
"Room for struct timex of any architecture; the fields are not read."
_SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
"systemd-timesyncd makes it; the way in where a sandbox forbids adjtimex (ProtectClock=)."
_RTC = Path("/sys/class/rtc/rtc0/hctosys")
_BUILT = datetime(2026, 11, 1, tzinfo=UTC)
"No run of this program lies before it; an RTC with an empty battery does."


class Machine(Protocol):
    """The clocks of the machine: a date that may be wrong, and boot time that is not."""

    def now(self) -> datetime:
        """The date as the machine has it, aware UTC."""

    def boottime_us(self) -> int:
        """CLOCK_BOOTTIME in microseconds."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return when the machine's date should reach `moment`; earlier does no harm."""

    def synchronized(self) -> str | None:
        """Who vouches for the date: `ntp`, `rtc`, or None."""


class SystemMachine:
    """This machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boottime_us(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000

    async def sleep_until(self, moment: datetime) -> None:
        # Reckoned once: a date that jumps meanwhile must not lengthen the sleep.
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))

    def synchronized(self) -> str | None:
        libc = ctypes.CDLL(None)
        state = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        if 0 <= state < _TIME_ERROR or (state < 0 and _SYNCHRONIZED.exists()):
            return "ntp"
        return "rtc" if _rtc_set_the_clock() and self.now() > _BUILT else None


class AnchoredClock:
    """UTC as the gateway reckons it."""

    def __init__(self, machine: Machine, anchor: datetime) -> None:
        self._machine = machine
        self._anchor = anchor
        self._anchor_us = machine.boottime_us()

    def now(self) -> datetime:
        """Aware UTC; runs evenly between two calls of `set`."""
        return self.at(self._machine.boottime_us())

    def at(self, boottime_us: int) -> datetime:
        """The moment that a boot time of this machine stands for."""
        return self._anchor + timedelta(microseconds=boottime_us - self._anchor_us)

    def boottime_us(self) -> int:
        """CLOCK_BOOTTIME in microseconds."""
        return self._machine.boottime_us()

    def set(self, moment: datetime) -> timedelta:
        """Believe that it is `moment` now; return how far time has moved."""
        shift = moment - self.now()
        self._anchor += shift
        return shift

    async def sleep_until(self, moment: datetime) -> None:
        """Return at `moment`, by boot time."""
        while True:
            # Read first: what passes before the second reading must make it early, never late.
            date = self._machine.now()
            left = moment - self.now()
            if left <= timedelta():
                return
            await self._machine.sleep_until(date + left)


def first_anchor(
    machine: Machine, last: datetime | None, *, trusted: bool
) -> tuple[datetime, str | None]:
    """Where time starts at boot, and who vouches for it.

    Without a witness it goes on from the last moment that was journaled: time then counts only
    what is sure to have passed. So it does where nobody vouched for that moment (`trusted`), and
    where the witness says that it has not come yet: a witness then sets the clock as later in a
    run, and the engine is told by how much it went back.
    """
    source = machine.synchronized()
    if last is None:
        return machine.now(), source
    if source is not None and trusted and machine.now() >= last:
        return machine.now(), source
    return last, None


def _rtc_set_the_clock() -> bool:
    try:
        return _RTC.read_text().strip() == "1"
    except OSError:
        return False
