"""Where rules put what they decide; each event is folded at once for the next rule to see."""

from datetime import datetime

from rules.alarm import ACTIVE, OPEN, AlarmKey, AlarmState, Move
from rules.events import (
    AlarmMoved,
    ConditionChanged,
    Escalated,
    Event,
    Stage,
    Updated,
)
from rules.observation import DeviceId
from rules.rulebook import Rulebook
from rules.sentence import Explanation
from rules.state import State


class Decision:
    """The answer to one input in the making."""

    def __init__(self, state: State, book: Rulebook, now: datetime) -> None:
        self.state = state
        self.book = book
        self.now = now
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Decide `event`."""
        self.state.apply(event)
        self.events.append(event)

    def move(self, key: AlarmKey, move: Move, until: datetime | None = None) -> None:
        """Let an alarm make a move of the table."""
        self.emit(AlarmMoved(self.now, key, move, until))

    def change(self, key: AlarmKey, *, present: bool, value: float | None = None) -> None:
        """Note that an alarm's condition began or ended; nothing if it did not change."""
        alarm = self.state.alarm(key)
        if alarm.present != present:
            self.emit(ConditionChanged(self.now, key, present, value))

    def escalate(
        self,
        key: AlarmKey,
        explanation: Explanation,
        *,
        room: str = "",
        level: int | None = None,
        activity: bytes = b"",
        drill: bool = False,
    ) -> None:
        """Raise an alarm that is not active and open a case for it. A shelved one stays.

        Args:
            key: the alarm.
            explanation: why, in sentences.
            room: where, empty for the whole home.
            level: how urgent; by its kind if not given.
            activity: the day in half hours, for silences.
            drill: a test.

        """
        alarm = self.state.alarm(key)
        if alarm.state is AlarmState.SHELVED or alarm.state in ACTIVE:
            return
        self.move(key, Move.RAISE)
        serial = self.state.next_serial
        first = key.kind.level if level is None else level
        self.emit(Escalated(self.now, serial, key, first, explanation, room, activity, drill))

    def clear(self, key: AlarmKey, explanation: Explanation, stage: Stage = Stage.CLEARED) -> None:
        """Tell the center that an active alarm's condition is over. The case stays open there."""
        if self.state.alarm(key).state in ACTIVE:
            self.move(key, Move.CLEAR)
            self.update(key, stage, explanation)

    def update(
        self, key: AlarmKey, stage: Stage, explanation: Explanation, level: int | None = None
    ) -> None:
        """Send news of an open case."""
        alarm = self.state.alarm(key)
        assert alarm.state in OPEN, f"news of {key}, which is {alarm.state}"
        self.emit(
            Updated(
                self.now,
                self.state.next_serial,
                alarm.serial,
                key,
                stage,
                alarm.level if level is None else level,
                explanation,
            )
        )

    def room(self, device: DeviceId | None) -> str:
        """The room of a device, empty if there is none."""
        heard = None if device is None else self.state.devices.get(device)
        return "" if heard is None else heard.device.room
