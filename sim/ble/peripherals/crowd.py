"""Everybody else: telephones, watches, tags and earphones, whose random addresses change.

Ref: Bluetooth Core Specification 5.4, Vol 3, Part C, 10.8 (private addresses, changed every 15
minutes by default) and 10.7 (intervals of advertising).
"""

import heapq
from datetime import datetime, timedelta
from random import Random
from typing import Final

from sim.ble.frame import Frame, Point, flags, manufacturer, service_data

_APPLE: Final = 0x004C
_MICROSOFT: Final = 0x0006
_SAMSUNG: Final = 0x0075
_FAST_PAIR: Final = 0xFE2C
_INTERVAL_S: Final = (0.3, 12.0)
_PRIVATE: Final = 0x40
"Top bits of a resolvable private address."


class Crowd:
    """Strangers within some metres, each sending at an interval of its own."""

    def __init__(
        self,
        random: Random,
        count: int,
        start: datetime,
        *,
        within_m: float = 20.0,
        address_for: timedelta = timedelta(minutes=15),
        interval_s: tuple[float, float] = _INTERVAL_S,
    ) -> None:
        """Gather them, each at a random phase."""
        self._random = random
        self._within_m = within_m
        self._address_for = address_for
        self._interval_s = interval_s
        self._agenda: list[tuple[datetime, int]] = []
        self._strangers: list[tuple[datetime, timedelta, Frame]] = []
        for number in range(count):
            every = timedelta(seconds=random.uniform(*interval_s))
            until = start + address_for * random.random()
            self._strangers.append((until, every, self._frame()))
            self._agenda.append((start + every * random.random(), number))
        heapq.heapify(self._agenda)

    def next_due(self) -> datetime | None:
        """When the next of them sends."""
        return self._agenda[0][0] if self._agenda else None

    def emit(self, now: datetime) -> list[Frame]:
        """The frames that are due."""
        sent = []
        while self._agenda and self._agenda[0][0] <= now:
            at, number = self._agenda[0]
            until, every, frame = self._strangers[number]
            if at >= until:
                # Another address, another place: nobody can tell it is the same telephone.
                frame = self._frame()
                self._strangers[number] = at + self._address_for, every, frame
            sent.append(frame)
            # Ref: Vol 6, Part B, 4.4.2.2: up to 10 ms are added to each interval.
            delay = timedelta(milliseconds=self._random.uniform(0, 10))
            heapq.heapreplace(self._agenda, (at + every + delay, number))
        return sent

    def _frame(self) -> Frame:
        random = self._random
        address = bytes([_PRIVATE | random.randrange(0x40)]) + random.randbytes(5)
        match random.randrange(6):
            case 0 | 1 | 2:
                body = manufacturer(_APPLE, b"\x10\x05" + random.randbytes(5))
            case 3:
                body = manufacturer(_SAMSUNG, random.randbytes(22))
            case 4:
                body = manufacturer(_MICROSOFT, random.randbytes(20))
            case _:
                body = service_data(_FAST_PAIR, random.randbytes(6))
        place = Point(
            random.uniform(-self._within_m, self._within_m),
            random.uniform(-self._within_m, self._within_m),
        )
        return Frame(address.hex(":").upper(), flags() + body, place)
