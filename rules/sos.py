"""A call for help: raised at once and never debounced away; a mistaken one can be taken back."""

from datetime import timedelta

from rules.alarm import ACTIVE, AlarmKey, AlarmKind, Move
from rules.command import Signal
from rules.decision import Decision
from rules.events import AlarmMoved, Stage
from rules.observation import Observation, Phenomenon, Press
from rules.sentence import Say, sentence
from rules.state import Alarm

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


def held(decision: Decision, press: Observation) -> None:
    """A long press takes young calls of this home back; where there is none, it is a call.

    Who is afraid holds the button down. Only an answer to a prompt is no call, however long.
    """
    if press.value is not Press.LONG:
        return
    calls = [
        alarm
        for alarm in decision.state.alarms.values()
        if alarm.key.kind is AlarmKind.SOS and alarm.state in ACTIVE and not alarm.drill
    ]
    device = decision.state.devices[press.device].device
    if calls:
        _take_back(decision, press, calls)
    elif Phenomenon.SOS in device.phenomena and not _answers(decision):
        pressed(decision, press, None)


def _answers(decision: Decision) -> bool:
    return any(
        isinstance(event, AlarmMoved) and event.move is Move.ANSWER for event in decision.events
    )


def _take_back(decision: Decision, press: Observation, calls: list[Alarm]) -> None:
    for alarm in calls:
        assert alarm.raised_at is not None
        if decision.now - alarm.raised_at <= decision.book.sos.cancel_within:
            room = decision.room(press.device)
            decision.clear(
                alarm.key,
                (sentence(Say.SOS_CANCELLED, at=press.phenomenon_time, room=room),),
                Stage.CANCELLED,
            )
            decision.hush()
