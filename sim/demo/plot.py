"""Where the story stands: daily life, fallen, helped, told; and what that means for the pace."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum, auto

from edge.status import AlarmStatus, Status
from rules.alarm import ACTIVE, OPEN, AlarmKind, AlarmState
from sim.demo.pace import Outlook
from sim.demo.plan import PROMPT_WAIT, Plan
from sim.homes.act import Absence

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
        is_open = any(self._is_its_own(alarm) for alarm in alarms)
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
        self,
        status: Status,
        now: datetime,
        confirmed: datetime,
        *,
        coming: datetime | None,
        sounded: bool,
        held: bool,
    ) -> Outlook:
        """What the pace is to go by.

        Args:
            status: of the gateway.
            now: virtual time.
            confirmed: until when the gateway has taken in all that happened.
            coming: when the person next does something, if that is known.
            sounded: the prompt, if there is one, has reached the home.
            held: a person at the console has a case.

        """
        inactivity = [alarm for alarm in status.alarms if alarm.key.kind is AlarmKind.INACTIVITY]
        asked = any(alarm.state is AlarmState.PROMPTED for alarm in inactivity)
        due = status.alarm_time_if_silent
        if due is not None and not inactivity:
            due -= PROMPT_WAIT
        if any(alarm.state in ACTIVE for alarm in inactivity) and self.stage is Stage.DAILY:
            # Lights in the home go out as soon as life is seen, and commands take their time.
            due = coming
        return Outlook(
            now=now,
            confirmed=confirmed,
            ahead=self._ahead,
            due=due,
            watched=asked
            or any(map(self._is_its_own, inactivity))
            or (self._is_past(inactivity) and not held),
            sounding=sounded or not asked,
            well=self.stage is not Stage.FALLEN,
            over=self.stage is Stage.TOLD,
        )

    def is_told_of(self, moment: datetime) -> bool:
        """Whether the story is about a case of that moment, not one of the days before."""
        return self._collapse is not None and moment >= self._collapse

    def _is_past(self, inactivity: list[AlarmStatus]) -> bool:
        """Whether an alarm of the days before is over, and its case about to be closed."""
        return self.stage is Stage.DAILY and any(
            alarm.state is AlarmState.CLEARED for alarm in inactivity
        )

    def _is_its_own(self, alarm: AlarmStatus) -> bool:
        """Whether an alarm is the one that the story is about, and its case is open."""
        return (
            self.stage is Stage.FALLEN
            and alarm.key.kind is AlarmKind.INACTIVITY
            and alarm.state in OPEN
            and self.is_told_of(alarm.since)
        )
