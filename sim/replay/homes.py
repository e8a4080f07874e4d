"""What can be replayed: a recording, the evidence log of a home in the field, a simulated home."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from random import Random

from rules.alarm import AlarmKey
from rules.device import Device
from rules.events import Outcome
from rules.inputs import Input
from rules.observation import DeviceId, Observation, Phenomenon, Value
from rules.rulebook import PRESETS, Preset, Rulebook
from sim.homes import population
from sim.homes.act import Act, Announced, Plight, SlowHarm
from sim.homes.dwelling import ROOMS
from sim.homes.household import RECORDED_ZONE
from sim.recordings.node import asking_node
from sim.recordings.occupants import Replay
from sim.recordings.recorded import rows, survey

_REPORT_EVERY = timedelta(hours=6)
"The contract of a device whose reports are made up here: as few as tell that it is there."

_LINK_PCT = 100.0

First = tuple[DeviceId, Phenomenon, Value]


@dataclass(frozen=True, slots=True)
class Told:
    """Anything that was put to the gateway of a real home."""

    at: datetime
    item: Input


@dataclass(frozen=True, slots=True)
class CaseOver:
    """The center of a real home closed its case of this alarm."""

    at: datetime
    alarm: AlarmKey
    outcome: Outcome


Happens = Act | Plight | Announced | SlowHarm | Told | CaseOver


@dataclass(frozen=True, slots=True)
class Replayed:
    """A home and what happened in it."""

    zone: tzinfo
    preset: Preset
    book: Rulebook | None
    "In force while this happened; None if nobody knows: the preset's."
    devices: tuple[Device, ...]
    first: tuple[First, ...]
    "What the devices read at the beginning."
    begin: datetime
    end: datetime
    happenings: Callable[[], Iterator[Happens]]
    "In order of time; may go on past the end."
    report_every: timedelta | None
    "So often every device says that it is there; None where the happenings tell that too."
    hears: Callable[[datetime], bool] | None = None
    "Whether the resident would answer a prompt; None: only by what was recorded."
    trusted: bool = True
    "Whether the clock is right at the beginning."
    left_out: Counter[str] | None = None
    "Kinds of rows that say nothing of the home, by name."


def recorded(path: Path, preset: Preset) -> Replayed:
    """A recording, with a node of ours that asks its people.

    A recording has no reports, and nothing tells a broken sensor from a still one: each sensor is
    taken to be there, and to say so, while the recording goes on.

    Raises:
        ConfigError: it cannot be read; the message names file, line and reason.

    """
    found = survey(path, RECORDED_ZONE)
    assert found.first is not None
    assert found.last is not None
    replay = Replay(found.sensors, Random(0))
    taken = {one.device.id for one in replay.installed}
    node = asking_node(taken, ROOMS["ko"].living)
    return Replayed(
        zone=RECORDED_ZONE,
        preset=preset,
        book=None,
        devices=_seldom_told(*(one.device for one in replay.installed), node),
        first=tuple(
            (one.device.id, phenomenon, value)
            for one in replay.installed
            for phenomenon, value in one.readings
        ),
        begin=found.first,
        end=found.last,
        happenings=lambda: replay.acts(rows(path, RECORDED_ZONE)),
        report_every=_REPORT_EVERY,
        left_out=found.unknown,
    )


def simulated(name: str, seed: int, number: int, start: datetime, days: int) -> Replayed:
    """Home `number` of population `name`, for so many days.

    Raises:
        ConfigError: there is no such population.

    """
    home = population.home(seed, number, start, name)
    return Replayed(
        zone=home.zone,
        preset=home.preset,
        book=home.book,
        # Faults are for `ongi sim`: here every device is well, and seldom needs to say so.
        devices=_seldom_told(*(one.device for one in home.installed)),
        first=tuple(
            (one.device.id, phenomenon, value)
            for one in home.installed
            for phenomenon, value in one.readings
        ),
        begin=start,
        end=start + timedelta(days=days),
        happenings=home.happenings,
        report_every=_REPORT_EVERY,
        hears=home.at_home,
    )


def _seldom_told(*devices: Device) -> tuple[Device, ...]:
    return tuple(replace(device, report_every=_REPORT_EVERY) for device in devices)


def present(device: DeviceId, at: datetime) -> Observation:
    """A periodic report: it decides nothing, and shows that the device is there."""
    return Observation(device, Phenomenon.LINK_QUALITY, _LINK_PCT, at, at)


def in_force(home: Replayed) -> Rulebook:
    """The rules that the home had."""
    return PRESETS[home.preset] if home.book is None else home.book
