"""What the center knows: cases with their history, homes, gateways, and the news for them.

A case is one record that opened it (escalation, fault or note), the updates of its gateway, and
what people did. *Persisted* (by the center), *taken* (by a person) and *closed* (with an outcome)
are separate facts.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rules.alarm import AlarmKind, Category
from rules.events import Outcome
from rules.sentence import Explanation


class CaseState(StrEnum):
    """How far people are with a case."""

    WAITING = "waiting"
    "Persisted; nobody has taken it."
    TAKEN = "taken"
    CLOSED = "closed"


class Condition(StrEnum):
    """How the cause stands at the home, as its gateway last said."""

    ACTIVE = "active"
    CLEARED = "cleared"
    CANCELLED = "cancelled"
    "Taken back by the resident."


class Which(StrEnum):
    """Which cases a list shows."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


class HistoryWhat(StrEnum):
    """What happened to a case."""

    PERSISTED = "persisted"
    LEVEL = "level"
    "More urgent now, or called for again."
    CLEARED = "cleared"
    CANCELLED = "cancelled"
    TAKEN = "taken"
    NOTE = "note"
    CLOSED = "closed"
    AGAIN = "again"
    "The cause is back, or help was called for after the case was closed: it waits once more."


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened to a case, at the center's time."""

    at: datetime
    what: HistoryWhat
    by: str
    "The person, or the gateway for what came from the home."
    text: str
    "A person's own words; empty but for notes and closings."
    explanation: Explanation
    "The gateway's sentences; empty for what a person did."
    late: bool = False
    "Overtaken on its way by a newer one; it did not change the case's condition."


@dataclass(frozen=True, slots=True)
class Home:
    """What the operator needs in order to call and to send somebody."""

    gateway: str
    name: str = ""
    address: str = ""
    phone: str = ""
    residents: str = ""
    note: str = ""
    "How to get in, who has a key, what to know."


@dataclass(frozen=True, slots=True)
class Case:
    """One case as it stands."""

    id: str
    "Hex of the opening record's id, 32 characters."
    gateway: str
    home: Home
    category: Category
    alarm: AlarmKind
    scope: str | None
    "The device, where the alarm has one."
    level: int
    "1 is the first; higher is more urgent."
    explanation: Explanation
    room: str
    activity: bytes
    "At most 48 half-hour activity classes, oldest first; empty where they say nothing."
    drill: bool
    wall: datetime
    "The gateway's clock when it decided; advisory unless `time_trusted`."
    time_trusted: bool
    persisted_at: datetime
    state: CaseState
    taken_by: str | None
    taken_at: datetime | None
    closed_by: str | None
    closed_at: datetime | None
    outcome: Outcome | None
    condition: Condition
    history: tuple[HistoryEntry, ...]
    "Oldest first."


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One gateway as the supervision sees it."""

    gateway: str
    home: Home
    last_heartbeat: datetime | None
    interval_s: int
    "What it was last told, real seconds; 0 before its first heartbeat."
    silent: bool
    outbox_depth: int
    time_trusted: bool
    version: str
    open_cases: int
    "Escalations and faults; a note waits for nobody."


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, and to what."""

    at: datetime
    who: str
    what: str
    target: str
    detail: str = ""


class NoSuchCase(LookupError):  # noqa: N818 -- says what is the matter, as `LinkLost` does
    """No case has this id."""


class CaseConflict(RuntimeError):  # noqa: N818 -- says what is the matter, as `LinkLost` does
    """Somebody else has the case, or it is closed; `case` says who and since when."""

    def __init__(self, case: Case) -> None:
        who = case.closed_by if case.state is CaseState.CLOSED else case.taken_by
        super().__init__(f"case {case.id} is {case.state.value} by {who}")
        self.case = case


class StoreFailing(OSError):  # noqa: N818 -- says what is the matter, as `LinkLost` does
    """The store could not make a change durable (disk full, read-only, broken, too busy).

    Nothing of the change was kept; whoever sent it must send it again.
    """
