"""When devices were truly heard, counted as their contracts are: while the gateway listened.

Moments and spans are microseconds here: there are millions of them.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

from rules import evidence
from rules.codec import moment_us
from rules.device import Device
from sim.check.spans import Span
from sim.faults.fault import FaultKind
from sim.world.chronicle import Chronicle, HomeChronicle

LIFE_KEPT_AFTER = timedelta(seconds=21)
"A sign of life is on disk by then (`edge.gateway.LIFE_SAVED_AFTER`)."
HEARD_KEPT_AFTER = timedelta(seconds=61)
"A mere report is (`edge.gateway.HEARD_SAVED_AFTER`)."
ROUGHLY = timedelta(minutes=2)
"The chronicle keeps the first and the last of many moments within a minute."

_LATE_AT_MOST = timedelta(hours=1)
"A driver holds nothing for longer (`edge.driver_socket`)."

Stretch = tuple[int, int]
"A device was live from one moment to another."


class Listening:
    """How long a gateway listened between two moments."""

    def __init__(self, deaf: Sequence[Span]) -> None:
        """Take the merged spans in which it did not listen."""
        self._begins = [moment_us(begin) for begin, _ in deaf]
        self._ends = [moment_us(end) for _, end in deaf]
        self._before = [0]
        for begin, end in zip(self._begins, self._ends, strict=True):
            self._before.append(self._before[-1] + end - begin)

    def between(self, first: int, last: int) -> int:
        """Microseconds of listening."""
        return last - first - self._deaf_until(last) + self._deaf_until(first)

    def later(self, first: int, span: int) -> int:
        """When it has listened for `span` since `first`."""
        at = first + span
        while (left := span - self.between(first, at)) > 0:
            at += left
        return at

    def _deaf_until(self, at: int) -> int:
        index = bisect_right(self._begins, at) - 1
        if index < 0:
            return 0
        return self._before[index] + min(at, self._ends[index]) - self._begins[index]


def stretches(heard: Sequence[int], listening: Listening, limit: int) -> list[Stretch]:
    """When a device was live: never unheard for `limit` of listening time."""
    found: list[Stretch] = []
    if not heard:
        return found
    begin = last = heard[0]
    for at in heard:
        if at - last >= limit and listening.between(last, at) >= limit:
            found.append((begin, listening.later(last, limit)))
            begin = at
        last = at
    found.append((begin, listening.later(last, limit)))
    return found


def watching(home: HomeChronicle) -> list[Device]:
    """Devices whose silence is silence of the person, by their place in the home."""
    pet = home.book.evidence.pet
    return [device for device in home.devices if evidence.watches(device, pet=pet)]


def stale_after(home: HomeChronicle, device: Device) -> timedelta:
    """Unheard for so long a device proves nothing."""
    return home.book.health.stale_after * device.report_every


def late_at_most(home: HomeChronicle, device: Device) -> timedelta:
    """How much later than it was said something of a device may have been handed over.

    Contracts count from when it was said.
    """
    late = timedelta()
    for fault in home.faults:
        if fault.device in {None, device.id}:
            if fault.kind is FaultKind.REORDERING:
                # It is held back until the next frame.
                late = max(late, device.report_every)
            elif fault.kind is FaultKind.DELAY:
                late = max(late, timedelta(seconds=fault.amount))
    return min(late, _LATE_AT_MOST)


def clock_error(chronicle: Chronicle, home: HomeChronicle, at: datetime) -> timedelta:
    """What a gateway's clock may be off without anything but its crystal being wrong."""
    # Two seconds are left alone by `edge.timekeeper`, at either end of a span.
    error = timedelta(seconds=5)
    for fault in home.faults:
        begin = chronicle.start + fault.begin
        end = begin + fault.lasting
        if fault.kind is FaultKind.CLOCK_DRIFT and begin <= at <= end + timedelta(days=30):
            error += abs(fault.amount) / 1e6 * (min(at, end) - begin)
    return error
