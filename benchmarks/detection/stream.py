"""A home as its gateway hears it: opened once, told as often as it is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rules.device import ASKING, Device
from rules.inputs import Away
from rules.observation import DeviceId, Observation, Phenomenon
from rules.rulebook import PRESETS, Preset, Rulebook
from sim.homes.act import Act, Announced
from sim.replay.fleet import Drawn, FromFile
from sim.replay.homes import Replayed, recorded, simulated

_SECOND = timedelta(seconds=1)
_FALLBACK = timedelta(hours=6)

Item = Observation | Away


@dataclass(frozen=True, slots=True)
class Stream:
    """All that the gateway of one home hears while everybody is well and everything works."""

    name: str
    devices: tuple[Device, ...]
    first: tuple[Observation, ...]
    begin: datetime
    end: datetime
    zero: datetime
    "Local midnight before `begin`: seconds here count from it, so that a day has 86 400."
    report_every: timedelta
    "So often each device says that it is there."
    told: tuple[tuple[datetime, Item], ...]
    "In order of time."
    book: Rulebook
    "Of the home, where it has one."
    left_out: tuple[tuple[str, int], ...]
    "Kinds of rows that are not known, by name."

    def seconds(self, at: datetime) -> float:
        """Seconds since `zero`."""
        return (at - self.zero) / _SECOND

    def at(self, seconds: float) -> datetime:
        """The moment so many seconds after `zero`."""
        return self.zero + timedelta(seconds=seconds)

    @property
    def outside_doors(self) -> frozenset[DeviceId]:
        return frozenset(one.id for one in self.devices if one.outside_door)

    @property
    def has_motion(self) -> bool:
        return any(Phenomenon.MOTION in one.phenomena for one in self.devices)

    @property
    def answering(self) -> DeviceId | None:
        """Where a prompt is answered; None where nobody can be asked."""
        can = (
            one.id
            for one in self.devices
            if Phenomenon.BUTTON in one.phenomena and not one.outputs.isdisjoint(ASKING)
        )
        return next(can, None)


def named(home: FromFile | Drawn) -> str:
    """What the home is called in figures."""
    return Path(home.name).stem


def opened(home: FromFile | Drawn) -> Stream:
    """Read or draw a home.

    Harm that befalls simulated people is left out: they live on as planned, and the benchmark
    lets them collapse.

    Raises:
        ConfigError: it cannot be read; the message names file, line and reason.

    """
    if isinstance(home, FromFile):
        found = recorded(home.path, Preset.LIVING_ALONE)
    else:
        found = simulated(home.population, home.seed, home.number, home.start, home.days)
    begin, end = found.begin.astimezone(UTC), found.end.astimezone(UTC)
    midnight = found.begin.astimezone(found.zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return Stream(
        name=named(home),
        devices=found.devices,
        first=tuple(Observation(*reading, begin, begin) for reading in found.first),
        begin=begin,
        end=end,
        zero=midnight.astimezone(UTC),
        report_every=found.report_every or _FALLBACK,
        told=tuple(_told(found, end)),
        book=PRESETS[Preset.LIVING_ALONE] if found.book is None else found.book,
        left_out=tuple(sorted(found.left_out.items())) if found.left_out else (),
    )


def _told(found: Replayed, end: datetime) -> Iterator[tuple[datetime, Item]]:
    for happening in found.happenings():
        at = happening.at
        if at > end:
            return
        match happening:
            case Act(device=device, phenomenon=phenomenon, value=value):
                yield at, Observation(device, phenomenon, value, at, at)
            case Announced(away=away):
                yield at, away
            case _:
                pass
