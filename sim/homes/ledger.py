"""What the parts of a home note of a day, in any order, and what its devices make of that.

Whole milliseconds since the life's first midnight, so that no rounding decides the order. Notes
for devices that the home does not have are left out: one life can be lived among few sensors or
many.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.observation import DeviceId, Phenomenon, Value
from sim.homes.act import Act, Happening, Scene

SECOND = 1_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_AGAIN = 2 * MINUTE
"A sensor that goes on seeing motion says so again after this."

_Row = tuple[int, int, DeviceId, Phenomenon, Value, int | None, Scene | None]
_Hit = tuple[int, int, DeviceId, int | None, Scene | None]


@dataclass(slots=True)
class _Seeing:
    """A motion sensor that has seen something."""

    last: int
    off: int
    said: int
    hand: int | None


class Ledger:
    """Notes of one home."""

    def __init__(self, base: datetime, devices: Iterable[DeviceId], hold: int = MINUTE) -> None:
        """`base` is the moment of millisecond 0, UTC; `hold`: a motion lasts so long at least."""
        self._base = base
        self._has = frozenset(devices)
        self._hold = hold
        self._order = 0
        self._rows: list[_Row] = []
        self._hits: list[_Hit] = []
        self._others: list[tuple[int, int, Happening]] = []
        self._seeing: dict[DeviceId, _Seeing] = {}
        self._cuts: list[int] = []

    def moment(self, at: int) -> datetime:
        return self._base + timedelta(milliseconds=at)

    def act(
        self,
        at: int,
        device: DeviceId,
        phenomenon: Phenomenon,
        value: Value,
        hand: int | None,
        scene: Scene | None = None,
    ) -> None:
        """One change at a device; `hand` as in `Act`."""
        if device in self._has:
            self._order += 1
            self._rows.append((at, self._order, device, phenomenon, value, hand, scene))

    def hit(self, at: int, sensor: DeviceId, hand: int | None, scene: Scene | None = None) -> None:
        """Something moves before a motion sensor; what it says of it is worked out later."""
        if sensor in self._has:
            self._order += 1
            self._hits.append((at, self._order, sensor, hand, scene))

    def put(self, at: int, happening: Happening) -> None:
        """A plight, or an announcement."""
        self._order += 1
        self._others.append((at, self._order, happening))

    def cut(self, at: int) -> None:
        """A plight begins: what a sensor saw before it and after it is not one movement."""
        insort(self._cuts, at)

    def acts(
        self, acts: Iterable[tuple[int, DeviceId, Phenomenon, Value, int | None]]
    ) -> tuple[Act, ...]:
        """Acts of their own, such as those of a plight; not entered, only made."""
        return tuple(
            Act(
                self.moment(at),
                device,
                phenomenon,
                value,
                None if hand is None else self.moment(hand),
            )
            for at, device, phenomenon, value, hand in acts
            if device in self._has
        )

    def take(self, until: int) -> Iterator[Happening]:
        """All before `until`, in order of time; nothing may be noted for that span afterwards."""
        self._see(until)
        rows, self._rows = self._rows, []
        rows.sort()
        others = sorted(self._others)
        self._others = [other for other in others if other[0] >= until]
        due = [other for other in others if other[0] < until]
        due.reverse()
        base, milli = self._base, timedelta(milliseconds=1)
        for number, (at, order, device, phenomenon, value, hand, scene) in enumerate(rows):
            if at >= until:
                self._rows.extend(rows[number:])
                break
            while due and (due[-1][0], due[-1][1]) < (at, order):
                yield due.pop()[2]
            moment = base + at * milli
            if hand is None:
                yield Act(moment, device, phenomenon, value, None, scene)
            elif hand == at:
                yield Act(moment, device, phenomenon, value, moment, scene)
            else:
                yield Act(moment, device, phenomenon, value, base + hand * milli, scene)
        while due:
            yield due.pop()[2]

    def _see(self, until: int) -> None:
        """Turn what moved before `until` into what the sensors say of it."""
        hits = sorted(self._hits)
        self._hits = []
        seeing = self._seeing
        for number, (at, _, sensor, hand, scene) in enumerate(hits):
            if at >= until:
                self._hits.extend(hits[number:])
                break
            now = seeing.get(sensor)
            if now is not None and (at >= now.off or self._is_cut(now.last, at)):
                self._end(sensor, now)
                now = None
            if now is None:
                seeing[sensor] = _Seeing(at, at + self._hold, at, hand)
                self.act(at, sensor, Phenomenon.MOTION, True, hand, scene)  # noqa: FBT003 -- a value
                continue
            now.last, now.off = at, at + self._hold
            # Whoever keeps it on, it goes out by itself, even if one of them is dropped.
            now.hand = None if now.hand is None else hand
            if scene is not None or at - now.said >= _AGAIN:
                now.said = at
                self.act(at, sensor, Phenomenon.MOTION, True, hand, scene)  # noqa: FBT003
        for sensor in [sensor for sensor, now in seeing.items() if now.off <= until]:
            self._end(sensor, seeing.pop(sensor))

    def _end(self, sensor: DeviceId, seeing: _Seeing) -> None:
        self.act(seeing.off, sensor, Phenomenon.MOTION, False, seeing.hand)  # noqa: FBT003

    def _is_cut(self, last: int, at: int) -> bool:
        cuts = self._cuts
        return bool(cuts) and bisect_right(cuts, at) != bisect_right(cuts, last)
