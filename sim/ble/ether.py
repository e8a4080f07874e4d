"""How far adverts carry: places, walls, path loss, and the chance that a frame is lost.

Log-distance path loss with attenuation by each wall and ceiling on the straight line, a shadowing
that stays with a pair of places, and a fading drawn for each frame.
Ref: ITU-R P.1238-12 (indoor propagation), section 3; wall figures from ETSI TR 101 112, 2.4 GHz.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from sim.ble.frame import ORIGIN, Frame, Point

PLASTER_DB: Final = 3.0
BRICK_DB: Final = 6.0
CONCRETE_DB: Final = 12.0

_STOREY_M: Final = 2.8
_PAIRS_MAX: Final = 20_000
"A crowd that walks through must not fill the memory."
_NEAREST_M: Final = 0.3


@dataclass(frozen=True, slots=True)
class Wall:
    """A straight wall, seen from above, from floor to ceiling of every storey."""

    begin: Point
    end: Point
    loss_db: float = BRICK_DB


@dataclass(frozen=True, slots=True)
class Plan:
    """What stands between places, and how adverts fare in it."""

    walls: Sequence[Wall] = ()
    ceiling_db: float = CONCRETE_DB
    exponent: float = 2.0
    "Of distance; the walls are counted apart, so that it is free space's."
    shadowing_db: float = 3.0
    fading_db: float = 2.0
    loss: float = 0.0
    "Chance that a frame is lost however near: other radios, a scanner that looks elsewhere."


OPEN_FIELD: Final = Plan(shadowing_db=0.0, fading_db=0.0)
"Nothing in the way and nothing by chance."


@dataclass(frozen=True, slots=True)
class Receiver:
    """An antenna: an adapter, a proxy, a stranger's telephone."""

    place: Point = ORIGIN
    sensitivity_dbm: int = -94
    "Half of the frames as faint as this are received; 4 dB less: none."


class Ether:
    """Who hears a frame, and how strongly. The same seed gives the same air."""

    def __init__(
        self, random: Random, receivers: Mapping[str, Receiver], plan: Plan = OPEN_FIELD
    ) -> None:
        """Put receivers, by their addresses, into a home."""
        self._random = random
        self._receivers = dict(receivers)
        self._plan = plan
        self._salt = random.getrandbits(64)
        self._lost: dict[tuple[Point, str], float] = {}

    def place(self, receiver: str, at: Receiver) -> None:
        """A receiver comes, or is moved."""
        self._receivers[receiver] = at
        self._lost.clear()

    def remove(self, receiver: str) -> None:
        """A receiver goes."""
        self._receivers.pop(receiver, None)

    def spread(self, frame: Frame) -> list[tuple[str, int]]:
        """The receivers that get it, each with its strength there in dBm."""
        heard = []
        for receiver, antenna in self._receivers.items():
            strength = frame.power_dbm - self._loss_db(frame.place, receiver)
            if self._plan.fading_db:
                strength += self._random.gauss(0.0, self._plan.fading_db)
            margin = strength - antenna.sensitivity_dbm
            if margin < 4 and self._random.random() >= (margin + 4) / 8:
                continue
            if self._plan.loss and self._random.random() < self._plan.loss:
                continue
            heard.append((receiver, min(round(strength), -20)))
        return heard

    def _loss_db(self, place: Point, receiver: str) -> float:
        """Between two places; kept, since most devices stay where they are."""
        known = self._lost.get((place, receiver))
        if known is not None:
            return known
        if len(self._lost) >= _PAIRS_MAX:
            self._lost.clear()
        other = self._receivers[receiver].place
        distance = math.dist((place.x_m, place.y_m, place.z_m), (other.x_m, other.y_m, other.z_m))
        loss = 10.0 * self._plan.exponent * math.log10(max(distance, _NEAREST_M))
        loss += sum(wall.loss_db for wall in self._plan.walls if _crosses(place, other, wall))
        storeys = abs(math.floor(place.z_m / _STOREY_M) - math.floor(other.z_m / _STOREY_M))
        loss += storeys * self._plan.ceiling_db
        if self._plan.shadowing_db:
            # Seeded by the pair: it outlasts being forgotten here.
            pair = Random(f"{self._salt} {place} {receiver}")
            loss += pair.gauss(0.0, self._plan.shadowing_db)
        self._lost[place, receiver] = loss
        return loss


def _crosses(one: Point, other: Point, wall: Wall) -> bool:
    """Whether the straight line between two places goes through a wall."""
    begin, end = wall.begin, wall.end
    return _side(begin, end, one) != _side(begin, end, other) and _side(
        one, other, begin
    ) != _side(one, other, end)


def _side(begin: Point, end: Point, place: Point) -> bool:
    """Whether a place lies on the left of a line."""
    across = (end.x_m - begin.x_m) * (place.y_m - begin.y_m)
    return across > (end.y_m - begin.y_m) * (place.x_m - begin.x_m)
