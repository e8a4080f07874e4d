"""A call for help: raised at once and never debounced away; a mistaken one can be taken back."""

from datetime import timedelta

from rules.alarm import ACTIVE, AlarmKey, AlarmKind
from rules.command import Signal
from rules.decision import Decision
from rules.events import Stage
from rules.observation import Observation, Press
from rules.sentence import Say, sentence

LEVEL = 3
_HIGHEST = 9
_SAME_PRESS = timedelta(seconds=1)


def pressed(decision: Decision, call: Observation, since: timedelta | None) -> None:
    """Raise the alarm of this button; a second press makes the case more urgent.

    `since` is how long after the last press it came: at once, it is the same one told twice.
    """
    key = AlarmKey(AlarmKind.SOS, call.device)
    room = decision.room(call.device)
    explanation = (sentence(Say.SOS_PRESSED, at=call.phenomenon_time, room=room),)
    alarm = decision.state.alarm(key)
    if alarm.state in ACTIVE:
        if alarm.level < _HIGHEST and (since is None or since > _SAME_PRESS):
            decision.update(key, Stage.LEVEL, explanation, alarm.level + 1)
        return
    decision.escalate(key, explanation, room=room, level=LEVEL)
    decision.ask(Signal.SOS_SENT, first=call.device)


def taken_back(decision: Decision, press: Observation) -> None:
    """Cancel every young call of this home on a long press; the center sees that too."""
    if press.value is not Press.LONG:
        return
    for alarm in list(decision.state.alarms.values()):
        if alarm.key.kind is not AlarmKind.SOS or alarm.state not in ACTIVE or alarm.drill:
            continue
        assert alarm.raised_at is not None
        if decision.now - alarm.raised_at <= decision.book.sos.cancel_within:
            room = decision.room(press.device)
            decision.clear(
                alarm.key,
                (sentence(Say.SOS_CANCELLED, at=press.phenomenon_time, room=room),),
                Stage.CANCELLED,
            )
            decision.hush()
