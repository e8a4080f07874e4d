"""A flat of the size that one person lives in: where devices stand, and what is in between.

```
  0        4      6    8 m
0 ┌───────────────┬─────┐
  │ living        │ kit │   The gateway stands in the middle, as an installer puts it.
4 ├────────┬──────┼─────┤
  │ bedroom│ bath │ hall│
8 └────────┴──────┴─────┘
```
"""

from random import Random
from typing import Final

from rules.device import Device
from sim.ble.ether import BRICK_DB, PLASTER_DB, Plan, Wall
from sim.ble.frame import Point
from sim.homes.dwelling import ROOMS

GATEWAY_AT: Final = Point(3.0, 3.0, 0.8)
LOSS: Final = 0.02
"Of each frame: other radios on the same band."

_Area = tuple[float, float, float, float]
_LIVING: Final = (0.0, 0.0, 6.0, 4.0)
_KITCHEN: Final = (6.0, 0.0, 8.0, 4.0)
_BEDROOM: Final = (0.0, 4.0, 4.0, 8.0)
_BATHROOM: Final = (4.0, 4.0, 6.0, 8.0)
_HALL: Final = (6.0, 4.0, 8.0, 8.0)
_AREAS: Final = (_LIVING, _KITCHEN, _BEDROOM, _BATHROOM, _HALL)
_KNOWN: Final[dict[str, _Area]] = {
    name: area
    for rooms in ROOMS.values()
    for name, area in zip(
        (rooms.living, rooms.kitchen, rooms.bedroom, rooms.bathroom, rooms.hall),
        _AREAS,
        strict=True,
    )
}
_HIGHEST_M: Final = 2.0
_OFF_THE_WALL_M: Final = 0.2


def plan(loss: float = LOSS) -> Plan:
    """The flat, with so much lost of each frame however near its sender is."""
    return Plan(
        walls=(
            Wall(Point(6.0, 0.0), Point(6.0, 4.0), PLASTER_DB),
            Wall(Point(0.0, 4.0), Point(8.0, 4.0), BRICK_DB),
            Wall(Point(4.0, 4.0), Point(4.0, 8.0), PLASTER_DB),
            Wall(Point(6.0, 4.0), Point(6.0, 8.0), PLASTER_DB),
        ),
        shadowing_db=2.0,
        loss=loss,
    )


def place(device: Device) -> Point:
    """Where a device stands: in its room, and always in the same place of it.

    Rooms of recorded homes have all kinds of names: each is one of the five.
    """
    drawn = Random(device.room)
    west, north, east, south = _KNOWN.get(device.room) or drawn.choice(_AREAS)
    drawn = Random(device.id)
    return Point(
        drawn.uniform(west + _OFF_THE_WALL_M, east - _OFF_THE_WALL_M),
        drawn.uniform(north + _OFF_THE_WALL_M, south - _OFF_THE_WALL_M),
        drawn.uniform(0.0, _HIGHEST_M),
    )
