"""What was decided, as one hash: equal runs have equal digests on every machine.

Floats are left out: the last bit of a sum may differ between machines, and nothing hangs on it.
"""

import hashlib
from datetime import datetime

from rules.codec import moment_us
from rules.events import (
    AlarmMoved,
    AwayBegan,
    AwayEnded,
    CameIn,
    CaseClosed,
    CaseTaken,
    Commanded,
    CommandEnded,
    ConditionChanged,
    DevicesChanged,
    DoorOpened,
    DoorShut,
    Escalated,
    Event,
    Learnt,
    LifeSeen,
    LivenessChanged,
    Started,
    Switched,
    TimeMoved,
    Updated,
)
from rules.observation import Observation


class Digest:
    """Takes in what happens, in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def decided(self, at: datetime, event: Event) -> None:
        """Take in an event of a gateway and the true moment of it."""
        self.line(at, type(event).__name__, moment_us(_moment(event)), *_words(event))

    def line(self, at: datetime, *words: object) -> None:
        """Take in anything that prints the same everywhere."""
        self._hash.update("\x1f".join(map(str, (moment_us(at), *words))).encode())
        self._hash.update(b"\n")

    def hex(self) -> str:
        """The digest so far."""
        return self._hash.hexdigest()


def _moment(event: Event) -> datetime:
    return event.phenomenon_time if isinstance(event, Observation) else event.at


def _words(event: Event) -> tuple[object, ...]:  # noqa: C901, PLR0911, PLR0912 -- one case each
    match event:
        case AlarmMoved(_, alarm, move, until):
            return alarm.kind.value, alarm.scope, move.value, until
        case ConditionChanged(_, alarm, present):
            return alarm.kind.value, alarm.scope, present
        case LivenessChanged(_, device, liveness):
            return device, liveness.value
        case Escalated():
            alarm, said = event.alarm, [each.say.value for each in event.explanation]
            return event.serial, alarm.kind.value, alarm.scope, event.level, said, event.drill
        case Updated():
            said = [each.say.value for each in event.explanation]
            return event.serial, event.refers, event.stage.value, event.level, said
        case CaseTaken(_, serial, by):
            return serial, by
        case CaseClosed(_, serial, outcome):
            return serial, outcome.value
        case Commanded(_, command):
            return command.id, command.device, command.output.value, command.signal.value
        case CommandEnded(_, number, ok):
            return number, ok
        case AwayBegan(_, reason, until, who):
            return reason.value, until, who
        case Started(_, boot, down, serial):
            return boot, down, serial
        case TimeMoved(_, trusted, source, shift):
            return trusted, source, shift
        case DevicesChanged(_, devices):
            return tuple(device.id for device in devices)
        case Observation() | LifeSeen():
            return event.device, event.phenomenon.value
        case Switched(_, device, on):
            return device, on
        case AwayEnded() | DoorShut() | DoorOpened() | CameIn() | Learnt():
            return ()
