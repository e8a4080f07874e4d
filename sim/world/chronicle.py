"""What was seen of a run, by the true time: what checkers judge and reports draw."""

from array import array
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from protocol.records import Record
from rules.alarm import AlarmKey, AlarmKind
from rules.device import Device
from rules.events import Event, Outcome
from rules.observation import DeviceId, Phenomenon, Value
from rules.rulebook import Rulebook
from sim.faults.fault import Fault
from sim.homes.act import Announced, PlightKind, SlowHarm, SlowKind


@dataclass(slots=True)
class Trouble:
    """A plight as it went: seconds matter here, so each step has its moment."""

    at: datetime
    kind: PlightKind
    found: datetime | None = None
    "When an escalation of person in danger that was raised after `at` reached the center."
    helped: datetime | None = None
    "When somebody came; the resident lives on as planned from then."


SLOW: Final = {
    AlarmKind.WANDERING: SlowKind.WANDERING,
    AlarmKind.LEFT_ON: SlowKind.LEFT_ON,
    AlarmKind.NOT_EATING: SlowKind.NOT_EATING,
    AlarmKind.DECLINE: SlowKind.DECLINE,
}
"What an alarm of a slow harm is about."


@dataclass(slots=True)
class Suffered:
    """A slow harm as it went."""

    kind: SlowKind
    begin: datetime
    device: DeviceId | None = None
    end: datetime | None = None
    "None while it lasts."

    def lasts(self, moment: datetime) -> bool:
        """Whether it is there."""
        return self.begin <= moment and (self.end is None or moment < self.end)


@dataclass(frozen=True, slots=True)
class Alert:
    """A hazard began, or a person pressed for help: what the device truly noticed."""

    at: datetime
    device: DeviceId
    phenomenon: Phenomenon
    value: Value
    heard: datetime | None
    """When the gateway was handed it; None if it never was (lost on the air, sensor dead, gateway
    down and not told again)."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A hard event as the gateway decided it."""

    at: datetime
    "True time; the event's own moment is by the gateway's clock."
    event: Event
    boot: int


@dataclass(frozen=True, slots=True)
class Queued:
    """A record was put into the outbox durably, or in memory while the disk fails."""

    at: datetime
    id: bytes
    seq: int
    boot: int
    durable: bool
    signed: bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """The center stored a record, or knew it already."""

    at: datetime
    record: Record
    new: bool


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the gateway: from a start to a power cut, a restart, or the end."""

    boot: int
    began: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """Escalations that a start found in its journal, not yet in the saved state."""

    at: datetime
    serials: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """The gateway believed another time."""

    at: datetime
    shift_us: int
    trusted: bool
    source: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """How much the gateway holds.

    Looked at once a simulated day, before each restart, and at the end of the run.
    """

    at: datetime
    outbox: int
    "Records that wait."
    rows: int
    "All rows of the journal."
    bytes: int
    "Of the journal's rows."
    off_us: int
    "The gateway's clock less the true time."
    state: int = 0
    "Bytes of the engine's snapshot."


@dataclass(frozen=True, slots=True)
class Turned:
    """The center's supervision holds a gateway for silent, or hears it again."""

    at: datetime
    silent: bool


@dataclass(slots=True)
class HomeChronicle:
    """One home."""

    number: int
    gateway: str
    devices: tuple[Device, ...]
    book: Rulebook
    faults: tuple[Fault, ...]
    "Of this home; those of the center are the chronicle's."
    troubles: list[Trouble] = field(default_factory=list)
    suffered: list[Suffered] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    queued: list[Queued] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    "One for each start that found any; the rig does not see them."
    moved: list[Moved] = field(default_factory=list)
    gauges: list[Gauge] = field(default_factory=list)
    announced: list[Announced] = field(default_factory=list)
    absences: list[tuple[datetime, datetime]] = field(default_factory=list)
    "When the resident truly was out, by day or for longer."
    life: "array[int]" = field(default_factory=lambda: array("q"))
    "True moments of acts by hand that a device noticed, in microseconds since 1970."
    signs: "array[int]" = field(default_factory=lambda: array("q"))
    """True moments of the signs of life that the engine counted (`LifeSeen.counted`), microseconds
    since 1970, in order: the true time of the decision less the sign's age by the gateway's clock.
    Of many within a minute only the first and the last."""
    turned: list[Turned] = field(default_factory=list)
    "What the center's supervision found of this gateway; no center that is restored forgets it."
    contacts: "array[int]" = field(default_factory=lambda: array("q"))
    """True moments at which a request of the gateway came to a center that was up, microseconds
    since 1970; of many within a minute only the first and the last. The rig does not see them."""
    heard: "dict[DeviceId, array[int]]" = field(default_factory=dict)
    """By device: true moments at which the gateway was handed something of it, microseconds since
    1970, in order; of many within a minute only the first and the last."""
    observations: int = 0
    "Handed to the gateway."

    def note(self, harm: SlowHarm) -> None:
        """A slow harm begins, or is over."""
        if harm.ends:
            for one in self.suffered:
                if one.end is None and (one.kind, one.device) == (harm.kind, harm.device):
                    one.end = harm.at
        else:
            self.suffered.append(Suffered(harm.kind, harm.at, harm.device))


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """A case of the center at the end of the run."""

    id: bytes
    gateway: str
    own: bool
    "Raised by the center itself: a silent gateway."
    alarm: AlarmKey
    opened: datetime
    drill: bool


@dataclass(frozen=True, slots=True)
class Handled:
    """A person at the center took or closed a case."""

    at: datetime
    case: bytes
    gateway: str
    outcome: Outcome | None
    "None: taken."


@dataclass(slots=True)
class Chronicle:
    """A whole run."""

    seed: int
    start: datetime
    end: datetime
    "Faults and harm end here; what follows until `healed` only shows that all is delivered."
    healed: datetime
    homes: list[HomeChronicle] = field(default_factory=list)
    center_faults: tuple[Fault, ...] = ()
    cases: list[CaseSeen] = field(default_factory=list)
    handled: list[Handled] = field(default_factory=list)
    stored: list[tuple[str, int, bytes]] = field(default_factory=list)
    "Gateway, seq and id of every record in the center's database at the end."
    restored: list[tuple[datetime, datetime]] = field(default_factory=list)
    "Moments at which the center went back, and to what."
    forgotten: list[tuple[datetime, bytes]] = field(default_factory=list)
    """Records that the center had acknowledged and did not have when it started again, with the
    moment of that start; what a backup cannot know is none of them."""
    observations: int = 0
    digest: str = ""
    silent_after: timedelta = timedelta(minutes=91)
    "Unheard for so long a gateway is silent to the center: three heartbeats, and a margin."
