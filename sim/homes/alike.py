"""Which devices of a simulated home watch what the sensors of a recorded one watched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rules.device import EvidenceRole
from rules.observation import DeviceId
from sim.homes import names
from sim.homes.population import SimulatedHome
from sim.recordings.occupants import is_outside_door
from sim.recordings.recorded import Kind

_METERED: Final = frozenset({Kind.HOUR_MEAN_W, Kind.STEP})
_DOORS: Final = frozenset({Kind.DOOR, Kind.MAGNETIC})

_KITCHEN_PLUGS = (names.KETTLE, names.RICE_COOKER, names.MICROWAVE)
_Words = Sequence[tuple[str, tuple[DeviceId, ...]]]
_COUNTERPARTS: Final[Sequence[tuple[frozenset[Kind], _Words]]] = (
    (
        frozenset({Kind.MOTION, Kind.PIR, Kind.FLUSH}),
        (
            ("bath", (names.BATHROOM_MOTION,)),
            ("toilet", (names.BATHROOM_MOTION,)),
            ("kitchen", (names.KITCHEN_MOTION,)),
            ("bed", (names.BEDROOM_MOTION,)),
            ("living", (names.LIVING_MOTION,)),
            ("hall", (names.HALL_MOTION,)),
            ("entrance", (names.HALL_MOTION,)),
        ),
    ),
    (
        frozenset({Kind.PRESSURE}),
        (
            ("bed", (names.BED,)),
            ("seat", (names.SEAT,)),
            ("sofa", (names.SEAT,)),
            ("couch", (names.SEAT,)),
        ),
    ),
    (
        _DOORS,
        (
            ("fridge", (names.FRIDGE_DOOR,)),
            ("cupboard", (names.CUPBOARD,)),
            ("cabinet", (names.MEDICINE,)),
            ("drawer", (names.DRAWER,)),
            ("wardrobe", (names.WARDROBE,)),
            ("bath", (names.BATHROOM_DOOR,)),
            ("bed", (names.BEDROOM_DOOR,)),
        ),
    ),
    (
        frozenset({Kind.ELECTRIC, Kind.SWITCH}),
        (
            ("kitchen", _KITCHEN_PLUGS),
            ("tv", (names.TELEVISION,)),
            ("television", (names.TELEVISION,)),
            ("lamp", (names.LIVING_NODE,)),
            ("light", (names.LIVING_NODE,)),
        ),
    ),
)
"By kind, words of a sensor's name, and what watches the same here; the first word counts."


@dataclass(frozen=True, slots=True)
class Alike:
    """What may be compared."""

    sensors: frozenset[str]
    "Of the recording."
    devices: tuple[DeviceId, ...]
    "Of ours; plugs aside."
    plugs: bool
    """Whether all plugs are looked at: which appliances stand on them is each home's own, so that
    any are like any others."""
    without: tuple[str, ...]
    "Sensors of the recording that nothing of ours is like."


def alike(sensors: Mapping[str, set[Kind]]) -> Alike:
    """What of ours is like the sensors of a recording."""
    found: dict[DeviceId, None] = {}
    seen, without, plugs = [], [], False
    for sensor, kinds in sensors.items():
        here = [device for kind in sorted(kinds) for device in _counterparts(sensor, kind)]
        found.update(dict.fromkeys(here))
        is_plug = Kind.PLUG_ON in kinds
        plugs = plugs or is_plug
        if here or is_plug:
            seen.append(sensor)
        elif not kinds <= _METERED:
            without.append(sensor)
    return Alike(frozenset(seen), tuple(found), plugs, tuple(without))


def taken(home: SimulatedHome, like: Alike) -> frozenset[DeviceId]:
    """Of a home's devices those to look at; none if it lacks half of what there is to see."""
    by_hand = [one.device for one in home.installed if one.device.evidence is EvidenceRole.HAND]
    devices = [device.id for device in by_hand if device.id in like.devices]
    if 2 * len(devices) < len(like.devices):
        return frozenset()
    plugs = [device.id for device in by_hand if like.plugs and device.mains_powered]
    return frozenset([*devices, *plugs])


def _counterparts(sensor: str, kind: Kind) -> tuple[DeviceId, ...]:
    plain = sensor.lower()
    for kinds, words in _COUNTERPARTS:
        if kind not in kinds:
            continue
        if kind in _DOORS and is_outside_door(sensor):
            return (names.FRONT_DOOR,)
        return next((here for word, here in words if word in plain), ())
    return ()
