"""A call for help: raised at once and never debounced away; a mistaken one can be taken back.

One press may be told several times: by its radio, and by a driver that does not know whether a
gateway that died had read it. What was told again is not a second press.
"""

from datetime import timedelta

from rules.alarm import ACTIVE, AlarmKey, AlarmKind, Move
from rules.decision import Decision
from rules.events import AlarmMoved, Stage
from rules.evidence import Before
from rules.observation import Observation, Phenomenon, Press
from rules.registers import Alarm
from rules.sentence import Say, sentence

_HIGHEST = 9
_SAME_PRESS = timedelta(seconds=2)
"Two accounts of one press lie so far apart at most: `edge.timekeeper` leaves that much alone."
_SAME_HOLD = timedelta(seconds=5)
"A button that is held down may say so again and again; each time within this."


def pressed(decision: Decision, call: Observation, before: Before | None) -> None:
    """Raise the alarm of this button; a second press makes the case more urgent."""
    key = AlarmKey(AlarmKind.SOS, call.device)
    alarm = decision.state.alarm(key)
    if before is not None and _told_again(call, before, alarm):
        return
    room = decision.room(call.device)
    explanation = (sentence(Say.SOS_PRESSED, at=call.phenomenon_time, room=room),)
    if alarm.state in ACTIVE:
        if alarm.level < _HIGHEST:
            decision.update(key, Stage.LEVEL, explanation, alarm.level + 1)
    else:
        decision.escalate(key, explanation, room=room)


def held(decision: Decision, press: Observation, before: Before | None) -> None:
    """A long press takes young calls of this home back; where there is none, it is a call.

    Who is afraid holds the button down. Only an answer to a prompt is no call, however long.
    """
    if press.value is not Press.LONG:
        return
    if before is not None and before.value is Press.LONG and before.ago <= _SAME_HOLD:
        return
    young = [
        alarm
        for alarm in decision.state.alarms.values()
        if alarm.key.kind is AlarmKind.SOS
        and alarm.state in ACTIVE
        and not alarm.drill
        and alarm.raised_at is not None
        and decision.now - alarm.raised_at <= decision.book.sos.cancel_within
    ]
    device = decision.state.devices[press.device].device
    if young:
        room = decision.room(press.device)
        said = sentence(Say.SOS_CANCELLED, at=press.phenomenon_time, room=room)
        for alarm in young:
            decision.clear(alarm.key, (said,), Stage.CANCELLED)
    elif Phenomenon.SOS in device.phenomena and not _answers(decision):
        pressed(decision, press, None)


def _told_again(call: Observation, before: Before, alarm: Alarm) -> bool:
    if before.value:
        return before.ago <= _SAME_PRESS
    # Older than the end of a press: one that was never told, unless a case was opened after it.
    return (
        before.ago < timedelta()
        and alarm.raised_at is not None
        and call.phenomenon_time <= alarm.raised_at
    )


def _answers(decision: Decision) -> bool:
    return any(
        isinstance(event, AlarmMoved) and event.move is Move.ANSWER for event in decision.events
    )
