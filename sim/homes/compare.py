"""Sets simulated homes beside recorded ones: silences, hours of the day, events a day.

A recording has a handful of sensors, a simulated home forty: of the simulated ones only those are
taken that watch what the recording's watched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rules.errors import ConfigError, phrase
from rules.evidence import ON_W
from rules.observation import DeviceId, Phenomenon, Value
from sim.homes.act import Act
from sim.homes.alike import alike, taken
from sim.homes.population import SimulatedHome
from sim.homes.profile import SHARES, Profile, Tally, hours_apart, silences_apart
from sim.recordings.recorded import Kind, Row, rows, survey
from texts import Translator

_ZONE = timezone(timedelta(hours=9))
"Recordings have local time without zone; only the hour of the day matters here."

_NOT_LIFE: Final = frozenset({Kind.HOUR_MEAN_W, Kind.STEP, Kind.PLUG_OFF})
"A boiler makes steps, too; machines end by themselves."
_BY_RISE: Final = frozenset({Kind.MOTION, Kind.PIR, Kind.FLUSH})


@dataclass(frozen=True, slots=True)
class Beside:
    """One recorded home, and the simulated ones seen through sensors like its own."""

    name: str
    homes: int
    "Simulated homes that have such sensors."
    recorded: Profile
    simulated: Profile
    silences_apart: float
    "Kolmogorov-Smirnov distance of the gaps, 0 to 1."
    hours_apart: float
    "Hours by which events would have to be moved."
    devices: tuple[DeviceId, ...]
    "Of the simulated homes, that were looked at."
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
    like = alike(survey(path, _ZONE).sensors)
    tally = Tally(_ZONE)
    tally.add(_life_recorded(path, like.sensors))
    recorded = tally.profile()
    tally = Tally(_ZONE)
    seen: set[DeviceId] = set()
    compared = 0
    for home in homes:
        devices = taken(home, like)
        if devices:
            compared += 1
            seen |= devices
            end = home.start + timedelta(days=days)
            tally.add(_life(home, devices, end), end)
    simulated = tally.profile()
    return Beside(
        name=path.stem,
        homes=compared,
        recorded=recorded,
        simulated=simulated,
        silences_apart=silences_apart(recorded, simulated),
        hours_apart=hours_apart(recorded, simulated),
        devices=tuple(sorted(seen)),
        without=like.without,
    )


# -------------------------------------------------------------------------------------- their life


def _life_recorded(path: Path, sensors: frozenset[str]) -> Iterator[datetime]:
    return (row.at for row in rows(path, _ZONE) if row.sensor in sensors and _is_life(row))


def _is_life(row: Row) -> bool:
    if row.kind in _BY_RISE:
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


# ------------------------------------------------------------------------------------ for a reader


def render(comparison: Comparison, console: Console, say: Translator) -> None:
    """Print a table for each recorded home."""
    for beside in comparison.beside:
        if not beside.homes:
            console.print(beside.name, markup=False)
            console.print(say.text("No simulated home has sensors like these."), markup=False)
            console.print()
            continue
        console.print(_table(beside, say))
        if beside.without:
            console.print(
                say.text(
                    "Left out of {home}: {sensors}.",
                    home=beside.name,
                    sensors=", ".join(beside.without),
                ),
                markup=False,
            )
        console.print()


def _table(beside: Beside, say: Translator) -> Table:
    text = say.text
    table = Table(box=None, padding=(0, 2, 0, 0), title_justify="left", title=escape(beside.name))
    for heading, right in (("", False), (text("Recorded"), True), (text("Simulated"), True)):
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    recorded, simulated = beside.recorded, beside.simulated
    table.add_row(text("Days"), f"{recorded.days:,}", f"{simulated.days:,}")
    for share, *pair in zip(SHARES, recorded.silences, simulated.silences, strict=True):
        gaps = text("Silences of 5 min and more, {percent} %", percent=f"{share:.0%}"[:-1])
        table.add_row(gaps, *(_span(say, minutes) for minutes in pair))
    longest = text("Longest silence of a week, median")
    table.add_row(longest, _span(say, recorded.weekly), _span(say, simulated.weekly))
    daily = text("Signs of life a day: 10, 50, 90 %")
    table.add_row(
        daily, *(", ".join(f"{n:.0f}" for n in one.daily) for one in (recorded, simulated))
    )
    hours = text("Hours of the day, 0 to 23")
    table.add_row(hours, *(_bars(one.hours, beside) for one in (recorded, simulated)))
    table.add_row(text("Silences apart, 0 to 1"), "", f"{beside.silences_apart:.3f}")
    table.add_row(text("Hours apart"), "", _span(say, 60 * beside.hours_apart))
    return table


_BARS: Final = " ▁▂▃▄▅▆▇█"


def _bars(hours: Sequence[float], beside: Beside) -> str:
    """A bar for each hour, to the same scale on both sides."""
    most = max(*beside.recorded.hours, *beside.simulated.hours) or 1
    return "".join(_BARS[round(share / most * (len(_BARS) - 1))] for share in hours)


def _span(say: Translator, minutes: float) -> str:
    return say.span(timedelta(minutes=minutes))
