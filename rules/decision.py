"""Where rules put what they decide; each event is folded at once for the next rule to see."""

from datetime import datetime, timedelta

from rules.alarm import ACTIVE, OPEN, AlarmKey, AlarmState, Move
from rules.command import Command, Signal
from rules.device import ASKING, WARNING, Output
from rules.events import (
    AlarmMoved,
    Commanded,
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

COMMAND_WITHIN = timedelta(seconds=10)
"A driver answers a command within this, or it is a fault."


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
        level: int = 1,
        activity: bytes = b"",
        drill: bool = False,
    ) -> None:
        """Raise an alarm at rest and open a case for it. A shelved or raised one stays."""
        alarm = self.state.alarm(key)
        if alarm.state is AlarmState.SHELVED or alarm.state in ACTIVE:
            return
        self.move(key, Move.RAISE)
        serial = self.state.next_serial
        self.emit(Escalated(self.now, serial, key, level, explanation, room, activity, drill))

    def clear(self, key: AlarmKey, explanation: Explanation, stage: Stage = Stage.CLEARED) -> None:
        """Tell the center that an active alarm's condition is over; it closes the case."""
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

    def ask(self, signal: Signal, *, first: DeviceId | None = None) -> bool:
        """Send a signal to what can speak, buzz or shine; False if nothing can.

        Args:
            signal: what to express.
            first: this device alone, where it has such an output.

        """
        return self._command(signal, ASKING, first)

    def warn(self) -> bool:
        """Sound the danger on every siren, voice and light; False if there is none."""
        return self._command(Signal.HAZARD, WARNING, None)

    def hush(self) -> None:
        """End what sirens, voices, buzzers and lights express."""
        self._command(Signal.OFF, (*WARNING, Output.BUZZER), None)

    def room(self, device: DeviceId | None) -> str:
        """The room of a device, empty if there is none."""
        heard = None if device is None else self.state.devices.get(device)
        return "" if heard is None else heard.device.room

    def _command(
        self, signal: Signal, outputs: tuple[Output, ...], first: DeviceId | None
    ) -> bool:
        targets = [
            heard.device
            for heard in self.state.devices.values()
            if not heard.device.outputs.isdisjoint(outputs)
        ]
        if any(device.id == first for device in targets):
            targets = [device for device in targets if device.id == first]
        for device in targets:
            for output in outputs:
                if output in device.outputs:
                    order = Command(
                        self.state.next_command,
                        device.id,
                        output,
                        signal,
                        self.now + COMMAND_WITHIN,
                    )
                    self.emit(Commanded(self.now, order))
        return bool(targets)
