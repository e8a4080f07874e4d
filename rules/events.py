"""What the engine decides and remembers. State is the fold of these events.

Soft events (`Observation`, `LifeSeen`, `Switched`) are registers: the newest one replaces the
older, so they are written in batches, or beside a hard event that they led to. All others are
hard: each is journaled, in order, in the transaction that also fills the outbox.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rules.alarm import AlarmKey, Move
from rules.command import Command, Refusal
from rules.device import Device, Liveness
from rules.observation import DeviceId, Observation, Phenomenon
from rules.sentence import Explanation

OUTSIDE = "outside:"
"No device can be called so."


class AwayReason(StrEnum):
    """Why nobody is expected at home."""

    OUTING = "outing"
    "Learnt from the door; ends by evidence of life."
    TRIP = "trip"
    HOSPITAL = "hospital"


class Outcome(StrEnum):
    """What a closed case turned out to be."""

    REAL = "real"
    FALSE = "false"
    TECHNICAL = "technical"
    NO_CONTACT = "no_contact"


class Stage(StrEnum):
    """What an update tells the center about an escalation that it already has."""

    CLEARED = "cleared"
    CANCELLED = "cancelled"
    "Taken back by the resident."
    LEVEL = "level"
    "The same case is more urgent now."


@dataclass(frozen=True, slots=True)
class LifeSeen:
    """A sign of life. Soft."""

    at: datetime
    device: DeviceId
    "Or `OUTSIDE` and the source, of what was not seen in the home."
    phenomenon: Phenomenon
    counted: bool
    "False for a weak sign that waits for a second one within the hour."

    @property
    def at_home(self) -> bool:
        """Whether it says where the person is; a phone says only that somebody lives."""
        return not self.device.startswith(OUTSIDE)


@dataclass(frozen=True, slots=True)
class Switched:
    """A device of some use was switched on or off. Soft: the next report tells it again."""

    at: datetime
    device: DeviceId
    on: bool


@dataclass(frozen=True, slots=True)
class AlarmMoved:
    """An alarm made one move of the table."""

    at: datetime
    alarm: AlarmKey
    move: Move
    until: datetime | None = None
    "For `SHELVE`: when it ends; for `PROMPT`: when an unanswered prompt is escalated."


@dataclass(frozen=True, slots=True)
class Learnt:
    """The silences of the last day became part of the home's habits."""

    at: datetime
    listened: timedelta
    "For how long of it somebody listened."


@dataclass(frozen=True, slots=True)
class ConditionChanged:
    """What an alarm is about has begun or ended; delays and hysteresis count from here."""

    at: datetime
    alarm: AlarmKey
    present: bool
    value: float | None = None
    "What was measured, where it is a measure."


@dataclass(frozen=True, slots=True)
class LivenessChanged:
    """A device passed a limit of its reporting contract, or is heard again."""

    at: datetime
    device: DeviceId
    liveness: Liveness


@dataclass(frozen=True, slots=True)
class Escalated:
    """A case that leaves the house: escalation or fault, by the alarm's category."""

    at: datetime
    serial: int
    "Rises by one with every record of this gateway; the outbox gives it its UUIDv7."
    alarm: AlarmKey
    level: int
    "1 is the first; higher is more urgent."
    explanation: Explanation
    room: str
    activity: bytes
    "At most 48 classes, one per half hour up to `at`, oldest first; only of silences."
    drill: bool = False


@dataclass(frozen=True, slots=True)
class Updated:
    """News of a case that the center already has."""

    at: datetime
    serial: int
    refers: int
    "Serial of the `Escalated` that opened the case."
    alarm: AlarmKey
    stage: Stage
    level: int
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class CaseTaken:
    """A person at the center took the case `serial`."""

    at: datetime
    serial: int
    by: str


@dataclass(frozen=True, slots=True)
class CaseClosed:
    """The center closed the case `serial`."""

    at: datetime
    serial: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Commanded:
    """A command goes to a driver. The effect of this event is to send it."""

    at: datetime
    command: Command


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """A command was answered, or nobody waits for its answer any more."""

    at: datetime
    id: int
    ok: bool
    why: Refusal | None = None
    "Of one that was not carried out; None also where nobody waits any more."


@dataclass(frozen=True, slots=True)
class AwayBegan:
    """Nobody is expected at home from `at` on."""

    at: datetime
    reason: AwayReason
    until: datetime | None
    who: str


@dataclass(frozen=True, slots=True)
class AwayEnded:
    """Somebody is home again, or the absence ran out."""

    at: datetime


@dataclass(frozen=True, slots=True)
class DoorShut:
    """An outside door was closed at `at`; an absence begins if no life follows."""

    at: datetime


@dataclass(frozen=True, slots=True)
class DoorOpened:
    """An outside door was opened by night from within; who shows no life then has gone out."""

    at: datetime
    device: DeviceId


@dataclass(frozen=True, slots=True)
class CameIn:
    """Whoever opened an outside door by night is inside at `at`, or went out never."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Started:
    """The gateway runs since `at`; it was down for `down` as far as it can tell."""

    at: datetime
    boot: int
    down: timedelta
    next_serial: int = 1
    lost: timedelta = timedelta()
    "Of the time before it went down: what was heard then is not known any more."


@dataclass(frozen=True, slots=True)
class TimeMoved:
    """The clock was re-anchored: moments of this anchor moved by `shift`."""

    at: datetime
    trusted: bool
    source: str
    shift: timedelta


@dataclass(frozen=True, slots=True)
class DevicesChanged:
    """The registry's devices are now these."""

    at: datetime
    devices: tuple[Device, ...]


Event = (
    Observation
    | LifeSeen
    | Switched
    | AlarmMoved
    | ConditionChanged
    | LivenessChanged
    | Escalated
    | Updated
    | CaseTaken
    | CaseClosed
    | Commanded
    | CommandEnded
    | AwayBegan
    | AwayEnded
    | DoorShut
    | DoorOpened
    | CameIn
    | Learnt
    | Started
    | TimeMoved
    | DevicesChanged
)

SOFT = (Observation, LifeSeen, Switched)
"Kept in snapshots, not in the journal."
