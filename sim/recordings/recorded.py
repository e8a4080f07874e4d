"""Reads recordings of real homes: `timestamp,sensor,kind,value`, local time without zone.

| kind | value | means |
|---|---|---|
| `motion`, `pir` | ON, OFF | motion in a room |
| `door`, `magnetic` | OPEN, CLOSE or ON, OFF | a door, a cupboard, a fridge |
| `pressure`, `flush`, `electric`, `switch` | ON, OFF | bed, seat, toilet, appliance |
| `plug_on`, `plug_off` | watts | an appliance's plug was switched |
| `step` | watts, signed | the mains load stepped |
| `hour_mean_W` | watts | periodic mains report |
| `episode` | begin, end | an activity of the resident; its name is the sensor |

Rows of other kinds are counted by name and left out; anything else out of order is an error.
"""

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from pathlib import Path

from rules.errors import ConfigError, phrase, unreadable

HEADER = "timestamp,sensor,kind,value"

_LONGEST_LINE = 1_000
_MOST_NAMES = 500
"Of sensors and of unknown kinds: a file past this is none of a home."
_WATTS_MAX = 100_000.0


class Kind(StrEnum):
    """What a row tells."""

    MOTION = "motion"
    PIR = "pir"
    DOOR = "door"
    MAGNETIC = "magnetic"
    PRESSURE = "pressure"
    FLUSH = "flush"
    ELECTRIC = "electric"
    SWITCH = "switch"
    PLUG_ON = "plug_on"
    PLUG_OFF = "plug_off"
    STEP = "step"
    HOUR_MEAN_W = "hour_mean_W"
    EPISODE = "episode"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a recording."""

    at: datetime
    "Aware, of the zone that the recording was read with."
    sensor: str
    kind: Kind
    value: bool | float
    "ON, OPEN and begin are True; watts are a float."


_SWITCHED = {"ON": True, "OFF": False}
_WORDS: Mapping[Kind, Mapping[str, bool]] = {
    Kind.MOTION: _SWITCHED,
    Kind.PIR: _SWITCHED,
    Kind.DOOR: {"OPEN": True, "CLOSE": False, **_SWITCHED},
    Kind.MAGNETIC: {"OPEN": True, "CLOSE": False, **_SWITCHED},
    Kind.PRESSURE: _SWITCHED,
    Kind.FLUSH: _SWITCHED,
    Kind.ELECTRIC: _SWITCHED,
    Kind.SWITCH: _SWITCHED,
    Kind.EPISODE: {"begin": True, "end": False},
}
"Kinds that are missing here have watts."
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", re.IGNORECASE)
_KINDS = {kind.value: kind for kind in Kind}


def rows(path: Path, zone: tzinfo, unknown: Counter[str] | None = None) -> Iterator[Row]:
    """Stream a recording. Rows of unknown kinds are counted in `unknown` and left out.

    Raises:
        ConfigError: no such file, or a malformed line; the message names file and line.

    """
    unknown = Counter() if unknown is None else unknown
    before = datetime.min.replace(tzinfo=zone)
    for where, line in _lines(path):
        cells = _cells(where, line)
        at = _moment(where, cells[0], zone)
        if at < before:
            raise ConfigError(
                where,
                phrase("{one} after {other}", one=cells[0], other=f"{before:%Y-%m-%dT%H:%M:%S}"),
                _SORTED,
            )
        before = at
        kind = _KINDS.get(cells[2])
        if kind is None:
            _count(where, unknown, cells[2])
            continue
        yield Row(at, cells[1], kind, _value(where, kind, cells[3]))


_SORTED = phrase("sort the lines by time")
_TIMESTAMP = phrase(
    "write local time without zone, such as {example}", example="2026-11-22T07:30:00"
)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line with its place, without its end; the first is checked to be the header."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise ConfigError(str(path), unreadable(error), phrase("name a readable file")) from None
    with file:
        number = 0
        while raw := file.readline(_LONGEST_LINE + 2):
            number += 1
            where = f"{path}:{number}"
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError:
                raise ConfigError(
                    where, phrase("bytes that are no UTF-8"), phrase("save it as UTF-8")
                ) from None
            if len(raw) > _LONGEST_LINE:
                right = phrase("a line has at most {most} bytes", most=_LONGEST_LINE)
                raise ConfigError(where, phrase("a longer line"), right)
            if number == 1:
                if line != HEADER:
                    raise ConfigError(
                        where, repr(line[:60]), phrase("the first line is {header}", header=HEADER)
                    )
                continue
            yield where, line
        if not number:
            raise ConfigError(
                str(path),
                phrase("an empty file"),
                phrase("the first line is {header}", header=HEADER),
            )


def _cells(where: str, line: str) -> list[str]:
    if '"' in line:
        try:
            cells = next(csv.reader([line], strict=True))
        except csv.Error as error:
            raise ConfigError(where, str(error), phrase("close every quotation mark")) from None
    else:
        cells = line.split(",")
    if len(cells) != 4:
        raise ConfigError(
            where,
            phrase("{count} columns", count=len(cells)),
            phrase("write four: {header}", header=HEADER),
        )
    if not cells[1].strip():
        raise ConfigError(
            where, phrase("no sensor"), phrase("name the sensor in the second column")
        )
    return cells


def _moment(where: str, written: str, zone: tzinfo) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise ConfigError(where, repr(written), _TIMESTAMP) from None
    if moment.tzinfo is not None or len(written) < len("2026-11-22T07:30"):
        raise ConfigError(where, repr(written), _TIMESTAMP)
    return moment.replace(tzinfo=zone)


def _value(where: str, kind: Kind, written: str) -> bool | float:
    words = _WORDS.get(kind)
    if words is not None:
        if written not in words:
            raise ConfigError(
                where, repr(written), phrase("write one of {names}", names=", ".join(words))
            )
        return words[written]
    watts = float(written) if _NUMBER.fullmatch(written) else math.inf
    if not abs(watts) <= _WATTS_MAX or (watts < 0 and kind is not Kind.STEP):
        most = f"{_WATTS_MAX:.0f}"
        right = phrase("{kind}: a number of watts up to {most}", kind=kind.value, most=most)
        raise ConfigError(where, repr(written), right)
    return watts


def _count(where: str, names: Counter[str], name: str) -> None:
    names[name] += 1
    if len(names) > _MOST_NAMES:
        raise ConfigError(
            where,
            phrase("more than {most} unknown kinds", most=_MOST_NAMES),
            phrase("write four: {header}", header=HEADER),
        )


@dataclass(slots=True)
class Survey:
    """What a whole recording holds, from one pass over it."""

    sensors: dict[str, set[Kind]] = field(default_factory=dict)
    "In order of appearance."
    signs: Counter[date] = field(default_factory=Counter)
    "Rows by local day, periodic reports aside."
    unknown: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None

    def last_full_day(self) -> date | None:
        """The last day with data that the recording covers up to midnight; else its last day."""
        if self.last is None or not self.signs:
            return None
        full = [day for day in self.signs if day < self.last.date()]
        return max(full or self.signs)


def survey(path: Path, zone: tzinfo) -> Survey:
    """Read all of a recording once.

    Raises:
        ConfigError: a malformed line, or nothing that could be played.

    """
    found = Survey()
    for row in rows(path, zone, found.unknown):
        if row.sensor not in found.sensors and len(found.sensors) == _MOST_NAMES:
            raise ConfigError(
                str(path),
                phrase("more than {most} sensors", most=_MOST_NAMES),
                phrase("play one home"),
            )
        found.sensors.setdefault(row.sensor, set()).add(row.kind)
        found.first = found.first or row.at
        found.last = row.at
        if row.kind is not Kind.HOUR_MEAN_W:
            found.signs[row.at.date()] += 1
    if not found.signs:
        known = ", ".join(kind for kind in Kind if kind is not Kind.HOUR_MEAN_W)
        raise ConfigError(
            str(path), phrase("no event of a person"), phrase("write one of {names}", names=known)
        )
    return found
