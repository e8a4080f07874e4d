"""What the launcher's processes tell it, and what the home is told: one JSON line each."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rules.codec import parse, plain
from rules.errors import FrameError
from rules.observation import DeviceId
from sim.homes.act import Absence


class What(StrEnum):
    """Kinds of news from the home."""

    SCENE = "scene"
    "A part of the day begins; `detail` is a `sim.homes.act.Scene`."
    DAY = "day"
    "A local day of a recording is over; `detail` its date, `count` its signs of life."
    COLLAPSED = "collapsed"
    WELL_AGAIN = "well_again"
    SIGNAL = "signal"
    "A device expresses something; `detail` is a `rules.command.Signal`."
    ANSWERED = "answered"
    "The resident pressed the button after a prompt."
    OVER = "over"
    "The recording has no more rows."


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of news."""

    at: datetime
    what: What
    detail: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Answers `Ask`: how far the home is."""

    at: datetime
    "The driver has heard everything of before, but for `unheard` frames."
    coming: datetime | None
    "When the person next does something, if that is known."
    heard: dict[DeviceId, datetime] = field(default_factory=dict)
    "When each device sent what was heard of it last."
    unheard: int = 0
    "Frames that reached the adapter and not the driver, since the start."


@dataclass(frozen=True, slots=True)
class Ready:
    """A process takes requests; the center names its ports."""

    coap_port: int = 0
    web_port: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """Asks the home how far it is."""


Message = Told | CaughtUp | Ready | Absence | Ask


def to_line(message: Message) -> bytes:
    """A message as one line."""
    return json.dumps({type(message).__name__: plain(message)}).encode() + b"\n"


def from_line(line: bytes) -> Message:
    """The message of a line.

    Raises:
        FrameError: the line is none.

    """
    try:
        value = json.loads(line)
    except ValueError as error:
        raise FrameError(f"no JSON: {line[:60]!r}") from error
    match value:
        case {"Told": body}:
            return parse(body, Told)
        case {"CaughtUp": body}:
            return parse(body, CaughtUp)
        case {"Ready": body}:
            return parse(body, Ready)
        case {"Absence": body}:
            return parse(body, Absence)
        case {"Ask": body}:
            return parse(body, Ask)
        case _:
            raise FrameError(f"no message: {line[:60]!r}")
