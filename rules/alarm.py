"""The life of an alarm: its kinds, states, and the one table of legal moves.

Ref: ANSI/ISA-18.2-2016, alarm state transition diagram; `prompted` is ours: the resident is asked
before the alarm is raised.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from rules.observation import DeviceId


class Category(StrEnum):
    """Whose queue an alarm goes to."""

    ESCALATION = "escalation"
    "A person may be in danger: to the center's operators."
    FAULT = "fault"
    "Something technical: to the technicians."
    NOTE = "note"
    "A slow change: to the welfare worker."


class AlarmKind(StrEnum):
    """What an alarm is about."""

    SOS = "sos"
    INACTIVITY = "inactivity"
    LEAK = "leak"
    SMOKE = "smoke"
    GAS = "gas"
    CO = "co"
    HEAT = "heat"
    COLD = "cold"
    NO_MORNING = "no_morning"
    "The day has not begun by the hour by which it does."
    WANDERING = "wandering"
    "An outside door opened by night, and nobody came back."
    LEFT_ON = "left_on"
    "A heater, a stove or a lamp that runs on and on."
    NOT_EATING = "not_eating"
    "Somebody is up and about, and nothing is cooked."
    DECLINE = "decline"
    "Less life, week by week."
    DEVICE = "device"
    HOME_BLIND = "home_blind"
    MAINS_OUTAGE = "mains_outage"
    BATTERY_LOW = "battery_low"
    TAMPER = "tamper"
    COMMAND_FAILED = "command_failed"
    DRIVER_LOST = "driver_lost"
    RADIO_LOST = "radio_lost"
    "One of a driver's adapters or proxies; the driver itself runs."
    FRAMES_REFUSED = "frames_refused"
    JOURNAL_RESTORED = "journal_restored"
    DISK_FAILING = "disk_failing"
    REGISTRY_RESTORED = "registry_restored"
    TIME_UNTRUSTED = "time_untrusted"
    GATEWAY_SILENT = "gateway_silent"

    @property
    def category(self) -> Category:
        """The queue that this kind goes to."""
        if self is AlarmKind.DECLINE:
            return Category.NOTE
        return Category.ESCALATION if self in PERSON_IN_DANGER else Category.FAULT

    @property
    def level(self) -> int:
        """How urgent a case of this kind is at first: 1 to 3."""
        return _LEVELS.get(self, _FIRST)


PERSON_IN_DANGER = frozenset(
    {
        AlarmKind.SOS,
        AlarmKind.INACTIVITY,
        AlarmKind.LEAK,
        AlarmKind.SMOKE,
        AlarmKind.GAS,
        AlarmKind.CO,
        AlarmKind.HEAT,
        AlarmKind.COLD,
        AlarmKind.NO_MORNING,
        AlarmKind.WANDERING,
        AlarmKind.LEFT_ON,
        AlarmKind.NOT_EATING,
    }
)

SOUNDED = frozenset({AlarmKind.LEAK, AlarmKind.SMOKE, AlarmKind.GAS, AlarmKind.CO})
"Dangers that sirens and voices in the home warn of, until a person at the center has taken them."

ASKED = frozenset({AlarmKind.INACTIVITY, AlarmKind.NO_MORNING})
"The resident is asked before them, and on until a person at the center has taken them."

_URGENT, _SERIOUS, _FIRST = 3, 2, 1
_LEVELS = {
    **dict.fromkeys(SOUNDED | {AlarmKind.SOS}, _URGENT),
    AlarmKind.HOME_BLIND: _SERIOUS,
    AlarmKind.MAINS_OUTAGE: _SERIOUS,
    AlarmKind.WANDERING: _SERIOUS,
}


@dataclass(frozen=True, slots=True)
class AlarmKey:
    """One alarm of a home: its kind and, where it has one, its device or part."""

    kind: AlarmKind
    scope: DeviceId | None = None

    def __str__(self) -> str:
        """`leak:bathroom-leak`, or the kind alone for the whole home."""
        return f"{self.kind}:{self.scope}" if self.scope else str(self.kind)

    @classmethod
    def read(cls, written: str) -> "AlarmKey":
        """A key from the form that `str` gives it.

        Raises:
            ValueError: no such kind.

        """
        kind, _, scope = written.partition(":")
        return cls(AlarmKind(kind), DeviceId(scope) if scope else None)


class AlarmState(StrEnum):
    """Where an alarm stands."""

    NORMAL = "normal"
    PROMPTED = "prompted"
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    "Taken by a person at the center."
    CLEARED = "cleared"
    "The condition is over, but the center has not closed the case. It may begin anew meanwhile."
    SHELVED = "shelved"


class Move(Enum):
    """What can befall an alarm."""

    PROMPT = "prompt"
    ANSWER = "answer"
    WITHDRAW = "withdraw"
    "Nothing can be claimed any more: the home is blind, or somebody is away."
    RAISE = "raise"
    ACKNOWLEDGE = "acknowledge"
    CLEAR = "clear"
    CLOSE = "close"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"


TRANSITIONS: dict[tuple[AlarmState, Move], AlarmState] = {
    (AlarmState.NORMAL, Move.PROMPT): AlarmState.PROMPTED,
    (AlarmState.NORMAL, Move.RAISE): AlarmState.RAISED,
    (AlarmState.NORMAL, Move.SHELVE): AlarmState.SHELVED,
    (AlarmState.PROMPTED, Move.ANSWER): AlarmState.NORMAL,
    (AlarmState.PROMPTED, Move.WITHDRAW): AlarmState.NORMAL,
    (AlarmState.PROMPTED, Move.RAISE): AlarmState.RAISED,
    (AlarmState.PROMPTED, Move.SHELVE): AlarmState.SHELVED,
    (AlarmState.RAISED, Move.ACKNOWLEDGE): AlarmState.ACKNOWLEDGED,
    (AlarmState.RAISED, Move.CLEAR): AlarmState.CLEARED,
    (AlarmState.RAISED, Move.CLOSE): AlarmState.NORMAL,
    (AlarmState.ACKNOWLEDGED, Move.CLEAR): AlarmState.CLEARED,
    (AlarmState.ACKNOWLEDGED, Move.CLOSE): AlarmState.NORMAL,
    (AlarmState.CLEARED, Move.PROMPT): AlarmState.PROMPTED,
    (AlarmState.CLEARED, Move.RAISE): AlarmState.RAISED,
    (AlarmState.CLEARED, Move.CLOSE): AlarmState.NORMAL,
    (AlarmState.SHELVED, Move.UNSHELVE): AlarmState.NORMAL,
}
"""Every legal move; what is absent is a programmer's error, not an operating one.

A higher level of an active alarm (12 h after 8 h, a second press of the same SOS button) is no
move: the case stays the same.
"""

ACTIVE = frozenset({AlarmState.RAISED, AlarmState.ACKNOWLEDGED})
OPEN = ACTIVE | {AlarmState.CLEARED}
"States in which the center has a case."
