"""Where the story stands: daily life, fallen, helped, told; and what that means for the pace."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum, auto

from edge.status import AlarmStatus, Status
from rules.alarm import OPEN, AlarmKind, AlarmState
from sim.act import Absence
from sim.pace import Outlook
from sim.plan import PROMPT_WAIT, Plan

RECOVERY = timedelta(minutes=10)
"After the case is closed the resident is well again."
ENCORE = timedelta(days=1)
"What is told of the time after that."


class Stage(Enum):
    """Where the story stands."""

    DAILY = auto()
    FALLEN = auto()
    HELPED = auto()
    "The case is closed; the next day is told."
    TOLD = auto()
    "Time runs as it does outside."


class Plot:
    """Moves on with each status of the gateway."""

    def __init__(self, plan: Plan, ahead: timedelta) -> None:
        """`ahead`: how far time may run past what the gateway has taken in."""
        self._ahead = ahead
        self.stage = Stage.DAILY
        self._collapse = plan.collapse
        self._end = plan.told if plan.collapse is None else None
        self._was_open = False

    def fates(self) -> list[Absence]:
        """What the home is to know before time begins."""
        return [] if self._collapse is None else [Absence(self._collapse)]

    def recording_is_over(self) -> None:
        """Nothing more will happen by hand."""
        if self.stage is not Stage.FALLEN:
            self.stage = Stage.TOLD

    def go_on(self, now: datetime, alarms: Iterable[AlarmStatus]) -> Absence | None:
        """Move on to `now`; what the home must be told, if anything."""
        is_open = any(
            alarm.key.kind is AlarmKind.INACTIVITY and alarm.state in OPEN for alarm in alarms
        )
        fate = None
        if self.stage is Stage.DAILY and self._collapse is not None and now >= self._collapse:
            self.stage = Stage.FALLEN
        elif self.stage is Stage.FALLEN and self._was_open and not is_open:
            assert self._collapse is not None
            self.stage = Stage.HELPED
            self._end = now + ENCORE
            fate = Absence(self._collapse, now + RECOVERY)
        elif self._end is not None and now >= self._end:
            self.stage = Stage.TOLD
        self._was_open = is_open
        return fate

    def outlook(
        self, status: Status, now: datetime, confirmed: datetime, *, unsettled: bool
    ) -> Outlook:
        """What the pace is to go by. `unsettled`: the home has just been told something."""
        inactivity = [alarm for alarm in status.alarms if alarm.key.kind is AlarmKind.INACTIVITY]
        asked = any(alarm.state is AlarmState.PROMPTED for alarm in inactivity)
        is_open = any(alarm.state in OPEN for alarm in inactivity)
        due = status.alarm_time_if_silent
        if due is not None and not inactivity:
            due -= PROMPT_WAIT
        return Outlook(
            now=now,
            confirmed=confirmed,
            ahead=self._ahead,
            due=due,
            watched=asked or unsettled or (is_open and self.stage is Stage.FALLEN),
            well=self.stage is not Stage.FALLEN,
            over=self.stage is Stage.TOLD,
        )
