"""A device that adverts: its readings, its reports, and copies of what has happened."""

import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from rules.observation import Phenomenon, Value
from sim.ble.frame import ORIGIN, Frame, Point

Reading = tuple[Phenomenon, Value]

_EVENTS: Final = frozenset({Phenomenon.BUTTON, Phenomenon.SOS})
"Over as soon as they are said: no report repeats them."


class Payload(NamedTuple):
    """An advert's elements, and those of the response to an active scanner."""

    data: bytes
    response: bytes = b""


class Format(Protocol):
    """How a maker's devices put readings into adverts; it keeps the counters."""

    def payloads(self, readings: Sequence[Reading], *, event: bool) -> Sequence[Payload]:
        """New payloads that say these; several where one would not hold them.

        Raises:
            KeyError: the format has no place for one of them.

        """


@dataclass(frozen=True, slots=True)
class Antenna:
    """Where a device stands and how it sends."""

    place: Point = ORIGIN
    power_dbm: int = -59
    "At one metre."
    connectable: bool = False
    public: bool = False
    copies: int = 5
    "Of each payload that something has happened."
    gap: timedelta = timedelta(milliseconds=100)
    "Between copies."
    again: tuple[timedelta, ...] = field(default=())
    "A press is said again so long after, all copies anew."


class Sensor:
    """One device of a known kind."""

    def __init__(
        self,
        address: str,
        form: Format,
        antenna: Antenna = Antenna(),
        *,
        readings: Iterable[Reading] = (),
        report_every: timedelta | None = None,
        report_from: datetime | None = None,
    ) -> None:
        """Silent at first.

        Args:
            address: `AA:BB:CC:DD:EE:FF`.
            form: the maker's.
            antenna: where it stands.
            readings: its states at the beginning.
            report_every: it says all its states so often; None: only what happens.
            report_from: the first report is sent then.

        """
        self.address = address
        self.antenna = antenna
        self.readings = dict(readings)
        self._form = form
        self._every = report_every
        self._order = itertools.count()
        self._agenda: list[tuple[datetime, int, Frame | None]] = []
        if report_every is not None:
            assert report_from is not None
            self._put(report_from, None)

    def next_due(self) -> datetime | None:
        """When it sends next; None: not before something happens."""
        return self._agenda[0][0] if self._agenda else None

    def emit(self, now: datetime) -> list[Frame]:
        """The frames that are due, in their order."""
        sent: list[Frame] = []
        while self._agenda and self._agenda[0][0] <= now:
            at, _, frame = heapq.heappop(self._agenda)
            if frame is not None:
                sent.append(frame)
                continue
            assert self._every is not None
            self._put(at + self._every, None)
            if self.readings:
                sent += self._frames(tuple(self.readings.items()), event=False)
        return sent

    def say(self, now: datetime, *said: Reading) -> None:
        """Something happens: it is said in several copies from now on."""
        for phenomenon, value in said:
            if phenomenon not in _EVENTS:
                self.readings[phenomenon] = value
        pressed = any(phenomenon in _EVENTS for phenomenon, _ in said)
        for later in (timedelta(), *(self.antenna.again if pressed else ())):
            at = now + later
            for frame in self._frames(said, event=True):
                for _ in range(self.antenna.copies):
                    self._put(at, frame)
                    at += self.antenna.gap

    def _frames(self, said: Sequence[Reading], *, event: bool) -> list[Frame]:
        antenna = self.antenna
        return [
            Frame(
                self.address,
                payload.data,
                antenna.place,
                antenna.power_dbm,
                payload.response,
                antenna.connectable,
                antenna.public,
            )
            for payload in self._form.payloads(said, event=event)
        ]

    def _put(self, at: datetime, frame: Frame | None) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), frame))


def address_bytes(address: str) -> bytes:
    """Six bytes in the order written."""
    return bytes.fromhex(address.replace(":", ""))
