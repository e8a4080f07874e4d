"""Which frames are on their way from the air to the driver, and when each was sent.

Between an antenna and the driver lie bluetoothd and a bus: milliseconds, which are minutes where
time runs a thousand times as fast. So a frame that is heard counts as of the moment at which it
was sent, and the world knows until when the driver has heard everything. Both sides map one file;
each writes fields of its own.
"""

import logging
import mmap
import struct
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

from sim.ble.frame import Element, elements
from sim.clock import stopwatch

_PLACES: Final = 4096
"More than can be on their way: time does not run so far ahead."
_COUNT: Final = struct.Struct("<Q")
_PLACE: Final = struct.Struct("<QqQ")  # frame, moment (boot time in us), the frame as it was heard
_HEARD: Final = struct.Struct("<Q")
_HEARD_AT: Final = 16
_BYTES: Final = _COUNT.size + _PLACES * _PLACE.size
_PATIENCE_S: Final = 3.0
"Who has not heard a frame by then never will."
_NAMED: Final = 100
"In the log; all are counted."

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """Frames since the start; the copies of one are one."""

    sent: int = 0
    "That reached the adapter."
    heard: int = 0
    unheard: int = 0
    "That the adapter got and the driver did not: nobody listened, or something lost them."


def prepare(path: Path) -> None:
    """Make the file, before either side opens it."""
    path.write_bytes(bytes(_BYTES))


class Departures:
    """The world's side: it notes a frame before it hands it to bluetoothd."""

    def __init__(self, path: Path) -> None:
        """Write into the file; `prepare` has made it."""
        self._map = _mapped(path)
        self._real_s = stopwatch()
        self._away: deque[tuple[int, int, datetime, float, str]] = deque()
        self._noted: dict[int, None] = {}
        "In the order of their departures."
        self.tally = Tally()
        self.heard: dict[str, datetime] = {}
        "When each sender sent what was heard of it last; up to date by `oldest`."

    def depart(self, address: str, data: bytes, at: datetime, boottime_us: int) -> None:
        """An advert reaches the adapter; of a further copy of one nothing is noted."""
        frame = _digest(address, _said(data))
        if frame in self._noted:
            return
        self._noted[frame] = None
        if len(self._noted) > _PLACES:
            del self._noted[next(iter(self._noted))]
        number = self.tally.sent
        self.tally.sent += 1
        _PLACE.pack_into(self._map, _place_of(number), frame, boottime_us, 0)
        # Last: the other side reads no further than this.
        _COUNT.pack_into(self._map, 0, number + 1)
        self._away.append((number, frame, at, self._real_s() + _PATIENCE_S, address))

    def away(self) -> int:
        """How many are on their way."""
        self.oldest()
        return len(self._away)

    def oldest(self) -> datetime | None:
        """When the oldest frame was sent that is still on its way."""
        while self._away:
            number, frame, at, until_s, sender = self._away[0]
            (heard,) = _HEARD.unpack_from(self._map, _place_of(number) + _HEARD_AT)
            if heard == frame:
                self.tally.heard += 1
                self.heard[sender] = at
            elif self._real_s() >= until_s or self.tally.sent - number >= _PLACES:
                self.tally.unheard += 1
                if self.tally.unheard <= _NAMED:
                    _log.warning("not heard: a frame of %s, sent %s", sender, at)
            else:
                return at
            self._away.popleft()
        return None


class Arrivals:
    """The driver's side: it looks up what was heard, and notes that it was."""

    def __init__(self, path: Path) -> None:
        """Read the file; `prepare` has made it."""
        self._map = _mapped(path)
        self._next = 0
        self._known: dict[int, tuple[int, int]] = {}

    def sent_us(self, address: str, said: bytes) -> int | None:
        """Boot time at which service data were sent; None: by nobody of the home."""
        found = self._found(address, said)
        return None if found is None else found[1]

    def hear(self, address: str, said: bytes) -> None:
        """The driver has taken it in."""
        found = self._found(address, said)
        if found is not None:
            at = _place_of(found[0]) + _HEARD_AT
            _HEARD.pack_into(self._map, at, _digest(address, said))

    def _found(self, address: str, said: bytes) -> tuple[int, int] | None:
        (count,) = _COUNT.unpack_from(self._map, 0)
        while self._next < count:
            frame, boottime_us, _ = _PLACE.unpack_from(self._map, _place_of(self._next))
            self._known[frame] = self._next, boottime_us
            self._next += 1
            if len(self._known) > _PLACES:
                del self._known[next(iter(self._known))]
        return self._known.get(_digest(address, said))


def _mapped(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), _BYTES)


def _place_of(number: int) -> int:
    return _COUNT.size + number % _PLACES * _PLACE.size


def _said(data: bytes) -> bytes:
    """Service data of an advert, without their UUID."""
    return next(said[2:] for kind, said in elements(data) if kind == Element.SERVICE_DATA16)


def _digest(address: str, said: bytes) -> int:
    """Never 0 but once in an age, which would only be an unheard frame."""
    digest = blake2b(address.encode() + said, digest_size=8).digest()
    return int.from_bytes(digest, "little")
