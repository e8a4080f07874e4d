"""One virtual clock for several processes, and one that a test moves by hand.

Both satisfy the `Clock` that edge, drivers and central ask for.
"""

import asyncio
import heapq
import itertools
import mmap
import struct
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from zlib import crc32

from rules.codec import moment_at, moment_us

UPTIME_US = 3_600_000_000
"A simulated machine was switched on an hour before its run begins."

_SLICE_S = 0.02
"A sleeper looks at the rate again after this."
_STOPPED_SLICE_S = 0.005
_START = struct.Struct("<q")  # virtual start (us)
_SETTING = struct.Struct("<Qqqdq")  # sequence, real (ns), virtual (us), rate, limit (us)
_CHECKSUM = struct.Struct("<I")
_SLOT_BYTES = _SETTING.size + _CHECKSUM.size
_BYTES = _START.size + 2 * _SLOT_BYTES
_FOR_EVER_US = (1 << 63) - 1


def stopwatch() -> Callable[[], float]:
    """Real seconds since this call, whenever it is asked."""
    begin = time.perf_counter()
    return lambda: time.perf_counter() - begin


def today(zone: tzinfo) -> date:
    """The real day: a simulated one is dated by it where no other is asked for."""
    return datetime.now(zone).date()


class SharedClock:
    """Virtual time as a master clock's file has it; any number of processes read the same.

    Virtual time runs from an anchor at a rate, and stands still at a limit. The file holds two
    settings, each with a checksum; the master overwrites the older one. So a reader always finds a
    whole one, even if the master died in the middle of a write.
    """

    def __init__(self, path: Path) -> None:
        """Read the clock in `path`; a `MasterClock` has made it.

        Raises:
            FileNotFoundError: there is none yet.

        """
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _BYTES)
        self._start_us: int = _START.unpack_from(self._map, 0)[0]
        self._seen = b""
        self._latest_us: int = self._start_us
        self._setting = (0, 0, 0, 0.0, 0)

    def now(self) -> datetime:
        """Virtual moment, aware UTC; never earlier than one read before."""
        return moment_at(self._now_us())

    def boottime_us(self) -> int:
        """Virtual microseconds since the simulated machine was switched on."""
        return UPTIME_US + self._now_us() - self._start_us

    def boottime_us_at(self, moment: datetime) -> int:
        """What `boottime_us` is at a virtual moment."""
        return UPTIME_US + moment_us(moment) - self._start_us

    def rate(self) -> float:
        """Virtual seconds per real second; 0 while it stands at its limit."""
        now_us = self._now_us()
        _, _, _, rate, limit_us = self._setting
        return rate if now_us < limit_us else 0.0

    def synchronized(self) -> str:
        """Who vouches for the date: a simulated machine keeps it by NTP."""
        return "ntp"

    async def sleep_until(self, moment: datetime) -> None:
        """Return at the virtual moment, at once if it is past; follows every change of rate."""
        target_us = moment_us(moment)
        while (left_us := target_us - self._now_us()) > 0:
            rate = self.rate()
            await asyncio.sleep(
                min(left_us / 1e6 / rate, _SLICE_S) if rate > 0 else _STOPPED_SLICE_S
            )

    def _now_us(self) -> int:
        # A change of rate reaches this process a little after the moment it counts from; what was
        # read in between may lie ahead of the new setting. Time then waits instead of going back.
        self._latest_us = max(
            self._latest_us, self._at(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        )
        return self._latest_us

    def _at(self, real_ns: int) -> int:
        _, real_anchor_ns, virtual_us, rate, limit_us = self._read()
        elapsed_ns = max(0, real_ns - real_anchor_ns)
        return min(virtual_us + int(elapsed_ns * rate) // 1000, limit_us)

    def _read(self) -> tuple[int, int, int, float, int]:
        raw = self._map[_START.size :]
        if raw != self._seen:
            whole = [
                setting
                for slot in (raw[:_SLOT_BYTES], raw[_SLOT_BYTES:])
                if (setting := _parse(slot)) is not None
            ]
            # Both half-written in one glance: it raced two changes; the last known one holds.
            self._setting = max([self._setting, *whole])
            self._seen = raw
        return self._setting


class MasterClock(SharedClock):
    """The one writer of a shared clock. Made anew, it starts at `start` and stands still."""

    def __init__(self, path: Path, start: datetime) -> None:
        """Write the clock file; what was there before is gone."""
        start_us = moment_us(start)
        path.write_bytes(_START.pack(start_us) + bytes(2 * _SLOT_BYTES))
        super().__init__(path)
        self._sequence = 0
        self._write(time.clock_gettime_ns(time.CLOCK_BOOTTIME), start_us, 0.0, _FOR_EVER_US)

    def run(self, rate: float, until: datetime | None = None) -> None:
        """Go on from the present moment at `rate`, and stand still at `until`.

        A limit that is already past stops the clock where it is: time never runs back.
        """
        real_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        now_us = self._at(real_ns)
        limit_us = _FOR_EVER_US if until is None else max(moment_us(until), now_us)
        self._write(real_ns, now_us, rate, limit_us)

    def _write(self, real_ns: int, virtual_us: int, rate: float, limit_us: int) -> None:
        self._sequence += 1
        setting = _SETTING.pack(self._sequence, real_ns, virtual_us, rate, limit_us)
        at = _START.size + _SLOT_BYTES * (self._sequence % 2)
        self._map[at : at + _SLOT_BYTES] = setting + _CHECKSUM.pack(crc32(setting))


def _parse(slot: bytes) -> tuple[int, int, int, float, int] | None:
    setting = slot[: _SETTING.size]
    if _CHECKSUM.unpack_from(slot, _SETTING.size)[0] != crc32(setting):
        return None
    return _SETTING.unpack(setting)


class ManualClock:
    """Time that stands until a test moves it; sleepers wake in the order of their moments."""

    def __init__(self, now: datetime, boottime_us: int = UPTIME_US) -> None:
        self._now = now
        self._boottime_us = boottime_us
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def boottime_us(self) -> int:
        return self._boottime_us

    def sleeping(self) -> int:
        """How many sleepers wait for a later moment."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def sleep_until(self, moment: datetime) -> None:
        if moment <= self._now:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (moment, next(self._order), future))
        await future

    async def set_date(self, moment: datetime) -> None:
        """Somebody sets the date, forward or back; a sleeper wakes when its date is there."""
        self._now = moment
        await self.move_to(moment)

    async def advance(self, span: timedelta) -> None:
        """Let `span` pass; each sleeper wakes at its own moment and runs until it waits again."""
        await self.move_to(self._now + span)

    async def move_to(self, moment: datetime) -> None:
        """Let time pass until `moment`, which must not lie in the past."""
        assert moment >= self._now, "time does not run back here"
        while self._sleepers and self._sleepers[0][0] <= moment:
            due, _, future = heapq.heappop(self._sleepers)
            self._pass(due)
            if not future.done():
                future.set_result(None)
                await _settle()
        self._pass(moment)
        await _settle()

    def _pass(self, moment: datetime) -> None:
        if moment > self._now:
            self._boottime_us += moment_us(moment) - moment_us(self._now)
            self._now = moment


async def _settle() -> None:
    """Let woken tasks run up to their next wait: a few turns of the loop, no real time."""
    for _ in range(10):
        await asyncio.sleep(0)
