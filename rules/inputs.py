"""All that can be put to the engine: a closed union, one item at a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.alarm import AlarmKey, AlarmKind
from rules.command import Refusal
from rules.device import Device
from rules.events import AwayReason, Outcome
from rules.observation import DeviceId, Observation
from rules.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Taken:
    """A person at the center took the case."""

    serial: int
    by: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The center closed the case."""

    serial: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Away:
    """Staff or the resident announce an absence, or with `ends` its end."""

    reason: AwayReason
    who: str
    until: datetime | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Shelve:
    """Hold one alarm back until a moment; a past moment ends the shelving."""

    alarm: AlarmKey
    until: datetime


@dataclass(frozen=True, slots=True)
class LifeSign:
    """Evidence of life from outside: phone, telecom, AI speaker, meter."""

    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a driver says of a command: done (`refusal` is None) or why not."""

    id: int
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class TimeTrust:
    """The clock was re-anchored by `shift` (zero: only its trust changed)."""

    trusted: bool
    source: str
    shift: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class DeviceChanged:
    """The registry has new contents."""

    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Technical:
    """A condition that the gateway or a driver found in itself, now present or over."""

    kind: AlarmKind
    scope: DeviceId | None
    present: bool
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Drill:
    """A test alarm: travels the whole way and is marked as a drill at every stage."""

    who: str


@dataclass(frozen=True, slots=True)
class Identify:
    """A technician wants to see which device this is."""

    device: DeviceId


@dataclass(frozen=True, slots=True)
class Boot:
    """The first input after a start. `down` is a lower bound while time is untrusted."""

    boot: int
    down: timedelta
    trusted: bool
    next_serial: int = 1
    "Serials below it may have been used, as far as the journal and the outbox know."
    lost: timedelta = timedelta()
    "Of the time before it went down: what was heard then was lost with a broken journal."


@dataclass(frozen=True, slots=True)
class Tick:
    """Only time has passed."""


Input = (
    Observation
    | Taken
    | Closed
    | Away
    | Shelve
    | LifeSign
    | CommandResult
    | TimeTrust
    | DeviceChanged
    | Technical
    | Drill
    | Identify
    | Boot
    | Tick
)
