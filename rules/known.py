"""What the engine knows of a home, and what the rules ask of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rules import evidence
from rules.activity import Tally
from rules.alarm import ACTIVE, AlarmKey, AlarmKind, AlarmState
from rules.device import Liveness
from rules.events import AwayBegan, Commanded, LifeSeen
from rules.habits import Habits
from rules.observation import DeviceId
from rules.registers import LONG_AGO, Alarm, Heard
from rules.routine import Routine
from rules.runs import Runs

WHOLE = datetime.min.replace(tzinfo=UTC)
"An anchor of all moments."
RESTART = timedelta(minutes=5)
"Who starts again within this has missed nothing that matters to a habit."
_INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)


@dataclass(slots=True)
class Known:
    """All of it. Read by the rules; changed by `rules.state.State.apply` alone."""

    devices: dict[DeviceId, Heard] = field(default_factory=dict)
    alarms: dict[AlarmKey, Alarm] = field(default_factory=dict)
    cases: dict[int, AlarmKey] = field(default_factory=dict)
    "Open cases by serial, oldest first."
    commands: dict[int, Commanded] = field(default_factory=dict)
    "Sent and not yet answered."
    life: LifeSeen | None = None
    "The last sign that counted."
    weak: LifeSeen | None = None
    "The last sign of any strength, counted ones too."
    other: LifeSeen | None = None
    "The last one of another device than that."
    tally: Tally = field(default_factory=Tally)
    habits: Habits = field(default_factory=Habits)
    runs: Runs = field(default_factory=Runs)
    routine: Routine = field(default_factory=Routine)
    away: AwayBegan | None = None
    away_ended: datetime | None = None
    reached: datetime | None = None
    "When the center closed a case of a silence that went on, having reached the resident."
    unreached: datetime | None = None
    "When it closed one of inactivity, nobody having been reached: who may lie there still."
    door_shut: datetime | None = None
    installed: datetime | None = None
    started: datetime = LONG_AGO
    down: timedelta = timedelta()
    "For how long nothing ran before the anchor, as far as the clock can tell."
    unheard: timedelta = timedelta()
    "For how long nobody listened between the last sign of life and the run before this one."
    boot: int = 0
    anchored: datetime = WHOLE
    "Moments from here on were reckoned by the clock that runs now, and move when it is set."
    trusted: bool = False
    trust_changed: datetime = LONG_AGO
    "Or when the clock was set last."
    next_serial: int = 1
    next_command: int = 1
    seen_from: datetime | None = None
    "Since when one live device alone proves a silence; None while the home is blind."
    seen_beside_pet: datetime | None = None
    "The same where an animal lives, which may stir some of the devices: see `sees_since`."
    can_ask: bool = False
    "Whether some device can speak, buzz or shine."

    def sees_since(self, *, pet: bool) -> datetime | None:
        """Since when one live device alone proves a silence; None while the home is blind."""
        return self.seen_beside_pet if pet else self.seen_from

    def quiet_from(self, *, pet: bool) -> datetime | None:
        """Since when a silence at home would be the resident's; None while it is not."""
        seen = self.sees_since(pet=pet)
        if seen is None or self.away is not None:
            return None
        marks = (seen, self.away_ended, self.listened_from, self.reached, self.unreached)
        return max(mark for mark in marks if mark is not None)

    @property
    def listened_from(self) -> datetime | None:
        """The start of this run, if more than a moment went unheard before it."""
        return self.started if self.down > RESTART else None

    @property
    def inactivity_stands(self) -> bool:
        """Whether the resident is asked or looked for: then nothing else is claimed of them."""
        alarm = self.alarms.get(_INACTIVITY)
        return alarm is not None and (alarm.state is AlarmState.PROMPTED or alarm.state in ACTIVE)

    def not_cooked_for(self, at: datetime) -> timedelta | None:
        """How long nothing was cooked, of the time that somebody could have at home.

        None while nobody can tell.
        """
        since = self.runs.hungry_since(self.devices.values())
        if since is None:
            return None
        away = timedelta() if self.away is None else at - max(self.away.at, since)
        down = self.down if self.started > since else timedelta()
        return at - since - self.runs.uncounted - max(away, timedelta()) - down

    def unheard_since(self, begin: datetime) -> timedelta:
        """For how much of the silence since `begin` nobody listened, over all restarts."""
        last = self.down if self.started > begin else timedelta()
        return self.unheard + max(last, timedelta())

    def down_since(self, learnt: datetime) -> timedelta:
        """For how much of the time since `learnt`, the last time, nobody listened."""
        last = self.down if self.started > learnt else timedelta()
        return self.habits.down + max(last, timedelta())

    def hears_all(self) -> bool:
        """Whether every device that shows life is live: else signs come alone that used not to."""
        return all(
            heard.liveness is Liveness.LIVE or not evidence.shows(heard.device, pet=False)
            for heard in self.devices.values()
        )

    def alarm(self, key: AlarmKey) -> Alarm:
        """The alarm of that key; a fresh one at rest if it never moved."""
        return self.alarms.get(key) or Alarm(key)

    def is_door(self, device: DeviceId) -> bool:
        """Whether that device is at an outside door."""
        heard = self.devices.get(device)
        return heard is not None and heard.device.outside_door
