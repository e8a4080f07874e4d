"""Sets simulated homes beside recorded ones: silences, hours of the day, events a day.

A recording has a handful of sensors, a simulated home forty: of the simulated ones only those are
taken that watch what the recording's watched.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from rules.device import EvidenceRole
from rules.errors import ConfigError, phrase
from rules.evidence import ON_W
from rules.observation import DeviceId, Phenomenon, Value
from sim.homes import names
from sim.homes.act import Act
from sim.homes.population import SimulatedHome
from sim.homes.profile import Profile, Tally, hours_apart, silences_apart
from sim.recordings.occupants import is_outside_door
from sim.recordings.recorded import Kind, Row, rows, survey

_ZONE = timezone(timedelta(hours=9))
"Recordings have local time without zone; only the hour of the day matters here."

_NOT_LIFE: Final = frozenset({Kind.HOUR_MEAN_W, Kind.STEP, Kind.PLUG_OFF})
"A boiler makes steps, too; machines end by themselves."
_BY_RISE: Final = frozenset({Kind.MOTION, Kind.PIR})
_OF_PLUGS: Final = frozenset({Kind.PLUG_ON, Kind.PLUG_OFF, Kind.HOUR_MEAN_W, Kind.STEP})

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
        frozenset({Kind.DOOR, Kind.MAGNETIC}),
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
class Beside:
    """One recorded home, and the simulated ones seen through sensors like its own."""

    name: str
    recorded: Profile
    simulated: Profile
    silences_apart: float
    "Kolmogorov-Smirnov distance of the gaps, 0 to 1."
    hours_apart: float
    "Hours by which events would have to be moved."
    sensors: tuple[DeviceId, ...]
    without: tuple[str, ...]
    "Sensors of the recording that nothing here is like."


@dataclass(frozen=True, slots=True)
class Comparison:
    """Simulated homes beside each home of a folder."""

    homes: int
    days: int
    beside: tuple[Beside, ...]


def compare(homes: Sequence[SimulatedHome], days: int, folder: Path) -> Comparison:
    """Live each home for so many days, once for each recording.

    Raises:
        ConfigError: no recording in the folder, or a malformed one.

    """
    if not folder.is_dir():
        raise ConfigError("--compare", str(folder), phrase("name a folder of recorded homes"))
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        right = phrase("put recorded homes there, as NAME.csv")
        raise ConfigError("--compare", str(folder), right)
    return Comparison(len(homes), days, tuple(_beside(homes, days, path) for path in paths))


def _beside(homes: Sequence[SimulatedHome], days: int, path: Path) -> Beside:
    found = survey(path, _ZONE)
    alike, without = _alike(found.sensors)
    tally = Tally(_ZONE)
    tally.add(_life_recorded(path))
    recorded = tally.profile()
    tally = Tally(_ZONE)
    sensors: Counter[DeviceId] = Counter()
    for home in homes:
        taken = _taken(home, alike)
        # A home that lacks half of them shows another life.
        if 2 * len(taken) >= len(alike or taken) and taken:
            sensors.update(taken)
            end = home.start + timedelta(days=days)
            tally.add(_life(home, frozenset(taken), end), end)
    simulated = tally.profile()
    return Beside(
        name=path.stem,
        recorded=recorded,
        simulated=simulated,
        silences_apart=silences_apart(recorded, simulated),
        hours_apart=hours_apart(recorded, simulated),
        sensors=tuple(sorted(sensors)),
        without=without,
    )


# ------------------------------------------------------------------------------------- who is like


def _alike(sensors: dict[str, set[Kind]]) -> tuple[tuple[DeviceId, ...], tuple[str, ...]]:
    """What watches here what the recording's sensors watched; nothing: plugs, whichever.

    Which appliances stand on plugs is each home's own: there all plugs are like all others.
    """
    found: list[DeviceId] = []
    without = []
    for sensor, kinds in sensors.items():
        if kinds <= _OF_PLUGS:
            continue
        here = [device for kind in sorted(kinds) for device in _counterparts(sensor, kind)]
        found += here
        if not here:
            without.append(sensor)
    return tuple(dict.fromkeys(found)), tuple(without)


def _counterparts(sensor: str, kind: Kind) -> tuple[DeviceId, ...]:
    plain = sensor.lower()
    for kinds, words in _COUNTERPARTS:
        if kind not in kinds:
            continue
        if is_outside_door(sensor) and kind in {Kind.DOOR, Kind.MAGNETIC}:
            return (names.FRONT_DOOR,)
        return next((here for word, here in words if word in plain), ())
    return ()


def _taken(home: SimulatedHome, alike: Sequence[DeviceId]) -> list[DeviceId]:
    """Of a home's devices those to look at."""
    by_hand = [
        one.device.id
        for one in home.installed
        if one.device.evidence is EvidenceRole.HAND
        and (one.device.id in alike or (not alike and one.device.mains_powered))
    ]
    plugs_alone = not any(
        one.device.phenomena & {Phenomenon.MOTION, Phenomenon.OCCUPANCY} for one in home.installed
    )
    return by_hand if alike or plugs_alone else []


# -------------------------------------------------------------------------------------- their life


def _life_recorded(path: Path) -> Iterator[datetime]:
    return (row.at for row in rows(path, _ZONE) if _is_life(row))


def _is_life(row: Row) -> bool:
    if row.kind in _BY_RISE or row.kind is Kind.FLUSH:
        return bool(row.value)
    return row.kind not in _NOT_LIFE


def _life(home: SimulatedHome, sensors: frozenset[DeviceId], end: datetime) -> Iterator[datetime]:
    """Moments at which a sensor newly tells of life; a false motion looks like a true one."""
    told: dict[tuple[DeviceId, Phenomenon], Value] = {}
    for happening in home.happenings():
        if happening.at >= end:
            return
        if not isinstance(happening, Act) or happening.device not in sensors:
            continue
        at = (happening.device, happening.phenomenon)
        before = told.get(at, False)
        told[at] = happening.value
        if _tells(happening.phenomenon, before, happening.value):
            yield happening.at


def _tells(phenomenon: Phenomenon, before: Value, value: Value) -> bool:
    match phenomenon:
        case Phenomenon.MOTION:
            return bool(value) and not before
        case Phenomenon.CONTACT_OPEN | Phenomenon.OCCUPANCY:
            return bool(value) is not bool(before)
        case Phenomenon.POWER_W:
            return float(before) < ON_W <= float(value)
        case _:
            return False
