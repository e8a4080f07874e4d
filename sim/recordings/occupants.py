"""Turns a recorded home into devices and acts, as if its sensors had been ours.

Each sensor becomes one device, or one for each thing that it tells: a mains meter's steps are weak
evidence of life, its hourly mean is none. The level of the whole house is not recorded, so a step
either way reads as a pulse of its watts: one weak sign. Absences annotated as `leave_home` and
`enter_home` become an outside door that opens and shuts.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from random import Random

from rules.device import Device, EvidenceRole, Link
from rules.observation import DeviceId, Phenomenon, Value
from sim.homes.act import Act
from sim.homes.dwelling import Readings, install
from sim.recordings.recorded import Kind, Row

_REPORT_EVERY = timedelta(hours=2)
"Recordings have events only; a sensor of ours also says that it is there."

_ID_CHARACTERS = 50
_ROOM_CHARACTERS = 40

_OUTSIDE_DOORS = ("outsidedoor", "frontdoor", "maindoor")
_LEAVE, _ENTER = "leavehome", "enterhome"
_SLEEP = frozenset({"sleeping", "sleep"})

_PHENOMENA = {
    Kind.MOTION: Phenomenon.MOTION,
    Kind.PIR: Phenomenon.MOTION,
    Kind.DOOR: Phenomenon.CONTACT_OPEN,
    Kind.MAGNETIC: Phenomenon.CONTACT_OPEN,
    Kind.PRESSURE: Phenomenon.OCCUPANCY,
    Kind.FLUSH: Phenomenon.OCCUPANCY,
    Kind.ELECTRIC: Phenomenon.OCCUPANCY,
    Kind.SWITCH: Phenomenon.OCCUPANCY,
    Kind.PLUG_ON: Phenomenon.POWER_W,
    Kind.PLUG_OFF: Phenomenon.POWER_W,
}


@dataclass(frozen=True, slots=True)
class _Source:
    """What becomes one device."""

    sensor: str
    phenomenon: Phenomenon
    suffix: str = ""
    role: EvidenceRole = EvidenceRole.HAND


class Replay:
    """The devices of a recorded home, and the acts that its rows stand for."""

    def __init__(self, sensors: Mapping[str, set[Kind]], random: Random) -> None:
        """Make the devices of `sensors`, which are as `Survey` has them."""
        self._names: dict[_Source, DeviceId] = {}
        self._enters = any(
            _plain(sensor) == _ENTER for sensor, kinds in sensors.items() if Kind.EPISODE in kinds
        )
        self._sleeping: set[str] = set()
        self.left_out: Counter[str] = Counter()
        "Episodes that say nothing because the resident was asleep, by name."
        for sensor, kinds in sensors.items():
            for kind in sorted(kinds):
                source = _source(sensor, kind)
                if source not in self._names:
                    self._names[source] = self._name(source)
        self.installed = tuple(
            install(
                random,
                ((_device(name, source), _first(source)) for source, name in self._names.items()),
            )
        )

    def acts(self, rows: Iterable[Row]) -> Iterator[Act]:
        """What happened at the devices, in order of time."""
        for row in rows:
            match row.kind:
                case Kind.EPISODE:
                    yield from self._episode(row)
                case Kind.HOUR_MEAN_W:
                    yield self._act(row, row.value, by_hand=False)
                case Kind.STEP:
                    yield self._act(row, abs(row.value))
                    yield self._act(row, 0.0)
                case _:
                    yield self._act(row, row.value)

    def _episode(self, row: Row) -> Iterator[Act]:
        name = _plain(row.sensor)
        if name in {_LEAVE, _ENTER}:
            # With `enter_home` in the file each episode is only the passing of the door; without
            # it the end of `leave_home` is the return.
            if row.value or (name == _LEAVE and not self._enters):
                yield self._act(row, value=True)
                yield self._act(row, value=False)
        elif name in _SLEEP:
            (self._sleeping.add if row.value else self._sleeping.discard)(row.sensor)
            yield self._act(row, row.value)
        elif self._sleeping:
            self.left_out[row.sensor] += 1
        else:
            yield self._act(row, row.value)

    def _act(self, row: Row, value: Value, *, by_hand: bool = True) -> Act:
        at = row.at.astimezone(UTC)
        source = _source(row.sensor, row.kind)
        return Act(at, self._names[source], source.phenomenon, value, at if by_hand else None)

    def _name(self, source: _Source) -> DeviceId:
        words = re.sub(r"[^a-z0-9]+", "-", f"{source.sensor}-{source.suffix}".lower()).strip("-")
        stem, number = words[:_ID_CHARACTERS].strip("-") or "sensor", 1
        taken, name = set(self._names.values()), DeviceId(stem)
        while name in taken:
            number += 1
            name = DeviceId(f"{stem}-{number}")
        return name


def _source(sensor: str, kind: Kind) -> _Source:
    match kind:
        case Kind.EPISODE if _plain(sensor) in {_LEAVE, _ENTER}:
            return _Source("outside-door", Phenomenon.CONTACT_OPEN, "episode")
        case Kind.EPISODE:
            return _Source(sensor, Phenomenon.OCCUPANCY, "episode")
        case Kind.STEP:
            return _Source(sensor, Phenomenon.POWER_W, "step", EvidenceRole.WEAK)
        case Kind.HOUR_MEAN_W:
            return _Source(sensor, Phenomenon.POWER_W, "mean", EvidenceRole.NONE)
        case _:
            return _Source(sensor, _PHENOMENA[kind])


def _device(name: DeviceId, source: _Source) -> Device:
    is_door = source.phenomenon is Phenomenon.CONTACT_OPEN
    return Device(
        id=name,
        link=Link.BLE,
        address="",
        model="recorded",
        room=_room(source.sensor),
        phenomena=frozenset({source.phenomenon}),
        report_every=_REPORT_EVERY,
        evidence=source.role,
        outside_door=is_door and is_outside_door(source.sensor),
        mains_powered=source.phenomenon is Phenomenon.POWER_W,
    )


def _first(source: _Source) -> Readings:
    return ((source.phenomenon, 0.0 if source.phenomenon is Phenomenon.POWER_W else False),)


def _room(sensor: str) -> str:
    """`Kitchen` of `Fridge/Kitchen`, as a registry can take it."""
    printable = "".join(c if c.isprintable() else " " for c in sensor)
    name = printable.rpartition("/")[2].strip() or printable.strip(" /") or "?"
    return name[:_ROOM_CHARACTERS].strip()


def is_outside_door(sensor: str) -> bool:
    """Whether a door's name says that it leads out."""
    plain = _plain(sensor)
    return any(door in plain for door in _OUTSIDE_DOORS)


def _plain(sensor: str) -> str:
    """`Leave_Home`, `front door/hall`: letters and digits alone, in lower case."""
    return re.sub(r"[\W_]+", "", sensor).lower()
