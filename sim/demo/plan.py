"""What a run shall show, worked out from what was asked for."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path
from random import Random

from rules.errors import ConfigError, phrase
from rules.rulebook import Preset
from sim.homes.household import RECORDED_ZONE, SITE_ZONE
from sim.recordings.recorded import Survey, survey
from sim.recordings.recording import just_active
from texts import Language

SIMULATED_SPEED = 4_800.0
"From nine in the evening to the prompt of the next evening in about 20 s."
RECORDED_SPEED = 86_400.0
"A day a second."
SPEED_MAX = 200_000.0

PROMPT_WAIT = timedelta(seconds=20)
"Short, so that whoever looks on sees prompt and escalation within the minute."

_WARM_UP = timedelta(days=28)
_DAY = timedelta(days=1)
_EVENING = timedelta(hours=3)
"Before the midnight of the chosen day: with the evening and the night the story has all of a day."
_COLLAPSE = time(13, 40)
"After lunch: the resident is at home, and the prompt comes in the evening."


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says; None where it says nothing."""

    data: Path
    language: Language
    seed: int
    web_port: int
    coap_port: int
    home_csv: Path | None
    day: str | None
    collapse: str | None
    speed: float | None


@dataclass(frozen=True, slots=True)
class Played:
    """A recording and what is to be known of it before it begins."""

    path: Path
    found: Survey
    short: bool
    "It has no 28 days before the chosen one."


@dataclass(frozen=True, slots=True)
class Plan:
    """A run."""

    asked: Asked
    zone: tzinfo
    day: date
    start: datetime
    collapse: datetime | None
    told: datetime
    "Without a collapse the story ends here."
    speed: float
    preset: Preset
    played: Played | None


def plan(asked: Asked, today: date) -> Plan:
    """Work out a run.

    Args:
        asked: the command line.
        today: day of a simulated home, where none is asked for.

    Raises:
        ConfigError: a day or an hour that cannot be, or a recording that cannot be played.

    """
    if asked.home_csv is not None:
        return _recorded(asked, asked.home_csv)
    day = today if asked.day is None else _day(asked.day)
    midnight = datetime.combine(day, time(), SITE_ZONE)
    hour = _hour(asked.collapse)
    collapse = None if hour is None else datetime.combine(day, hour, SITE_ZONE)
    return Plan(
        asked=asked,
        zone=SITE_ZONE,
        day=day,
        start=midnight - _EVENING,
        collapse=collapse,
        told=midnight + _DAY,
        speed=asked.speed or SIMULATED_SPEED,
        preset=Preset.LIVING_ALONE_HIGH_RISK,
        played=None,
    )


def _recorded(asked: Asked, path: Path) -> Plan:
    found = survey(path, RECORDED_ZONE)
    day = found.last_full_day() if asked.day is None else _day(asked.day)
    assert found.first is not None
    assert found.last is not None
    assert day is not None
    first, last = found.first.date(), found.last.date()
    if not found.signs[day]:
        right = phrase(
            "it has events of people on {days} days from {first} to {last}",
            days=len(found.signs),
            first=first,
            last=last,
        )
        raise ConfigError(
            "--day", phrase("{day}, of which {path} has none", day=day, path=path), right
        )
    midnight = datetime.combine(day, time(), RECORDED_ZONE)
    warm_up = midnight - _WARM_UP
    short = found.first.date() > warm_up.date()
    return Plan(
        asked=asked,
        zone=SITE_ZONE,
        day=day,
        start=found.first if short else warm_up,
        collapse=_recorded_collapse(asked, path, day),
        told=midnight + _DAY,
        speed=asked.speed or RECORDED_SPEED,
        preset=Preset.LIVING_ALONE,
        played=Played(path, found, short),
    )


def _recorded_collapse(asked: Asked, path: Path, day: date) -> datetime | None:
    if asked.collapse is None:
        return just_active(path, RECORDED_ZONE, day, Random(asked.seed))
    hour = _hour(asked.collapse)
    return None if hour is None else datetime.combine(day, hour, RECORDED_ZONE)


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        right = phrase("write a day such as 2026-11-22")
        raise ConfigError("--day", repr(written), right) from None


def _hour(written: str | None) -> time | None:
    """The hour of the collapse; None if there shall be none."""
    if written is None:
        return _COLLAPSE
    if written == "none":
        return None
    matched = re.fullmatch(r"(\d{1,2}):(\d{2})", written, re.ASCII)
    if matched is None or not (int(matched[1]) < 24 and int(matched[2]) < 60):
        right = phrase("write an hour such as 14:20, or none")
        raise ConfigError("--collapse", repr(written), right)
    return time(int(matched[1]), int(matched[2]))
