"""The day has not begun by the hour by which it does in this home: ask, then call for help.

A day begins with a few signs of life within an hour after the home's own night, or with a button.
By when it does is learnt from its past mornings (see `rules.routine`), so that nobody is called in
vain more often than the rulebook allows. Inactivity goes first: one case for one danger.
"""

from datetime import datetime, timedelta

from rules import prompt
from rules.alarm import ACTIVE, AlarmKey, AlarmKind, AlarmState, Move
from rules.decision import Decision
from rules.rulebook import Rulebook
from rules.sentence import Explanation, Say, sentence
from rules.state import State

KEY = AlarmKey(AlarmKind.NO_MORNING)
_INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
_EARLY = timedelta(minutes=1)


def due(state: State, book: Rulebook) -> datetime | None:
    """When `settle` has something to do."""
    if not book.morning.enabled and KEY not in state.alarms:
        return None
    alarm = state.alarm(KEY)
    if alarm.state is AlarmState.PROMPTED:
        # Where nothing can be claimed any more, the prompt is withdrawn at once.
        return alarm.until if _may_claim(state, book) else alarm.since
    if alarm.state is AlarmState.SHELVED or alarm.state in ACTIVE:
        return None
    if not state.trusted or not _may_claim(state, book):
        return None
    return _missed(state, book, alarm.since)


def settle(decision: Decision) -> None:
    """Ask, raise or withdraw what has fallen due."""
    state, book, now = decision.state, decision.book, decision.now
    at = due(state, book)
    if at is None or now < at:
        return
    alarm = state.alarm(KEY)
    asked = alarm.state is AlarmState.PROMPTED
    if asked and not _may_claim(state, book):
        decision.move(KEY, Move.WITHDRAW)
    elif not asked and (wait := prompt.wait(state, book)):
        decision.move(KEY, Move.PROMPT, now + wait)
    else:
        room = decision.room(None if state.life is None else state.life.device)
        day = state.tally.classes(now, state.sees_since(pet=book.evidence.pet), None)
        decision.escalate(KEY, _explain(decision), room=room, activity=day)


def life_seen(decision: Decision) -> None:
    """A sign of life answers a prompt; an open case it ends once the day has begun with it."""
    alarm = decision.state.alarms.get(KEY)
    if alarm is None:
        return
    began = decision.state.routine.began
    if alarm.state is AlarmState.PROMPTED:
        decision.move(KEY, Move.ANSWER)
    elif alarm.state in ACTIVE and began is not None and began >= alarm.since:
        decision.clear(KEY, (sentence(Say.MORNING_CAME, at=began),))


def clock_set(decision: Decision) -> None:
    """Take back a prompt, given by the clock as it was, that only its false hour brought about."""
    state, book = decision.state, decision.book
    alarm = state.alarm(KEY)
    if alarm.state is not AlarmState.PROMPTED or alarm.since < state.anchored:
        return
    missed = _missed(state, book, alarm.since - timedelta(days=1))
    if missed is None or alarm.since < missed - _EARLY:
        decision.move(KEY, Move.WITHDRAW)


def _may_claim(state: State, book: Rulebook) -> bool:
    """Whether somebody sees, and nothing else explains or claims the quiet."""
    return (
        book.morning.enabled
        and state.away is None
        and not state.inactivity_stands
        and not _looked_after(state)
        and state.sees_since(pet=book.evidence.pet) is not None
    )


def _looked_after(state: State) -> bool:
    """Whether somebody closed a case of this silence: the next one is inactivity's to call."""
    closed, life = (state.reached, state.unreached), state.life
    return any(at is not None and (life is None or life.at < at) for at in closed)


def _missed(state: State, book: Rulebook, told: datetime) -> datetime | None:
    """By when the day awaited should have begun, None if nobody can tell.

    Args:
        state: of the home.
        book: its rules.
        told: when this alarm last came to rest; the same day is not asked about twice.

    """
    routine = state.routine
    latest = routine.latest(book.morning.false_call_every)
    seen = state.sees_since(pet=book.evidence.pet)
    if latest is None or seen is None:
        return None
    # What was quiet while nobody looked, and whom somebody just looked after, is not called late.
    marks = max(seen, told, state.alarm(_INACTIVITY).since)
    begin = routine.awaited_after(marks)
    return None if begin is None else begin + latest


def _explain(decision: Decision) -> Explanation:
    state, book, now = decision.state, decision.book, decision.now
    routine = state.routine
    watch = routine.watch or now
    begin = watch + (now - watch) // timedelta(days=1) * timedelta(days=1)
    usual = begin + routine.usually(book.morning.false_call_every)
    said = [sentence(Say.NO_MORNING, usual=usual, signs=state.tally.signs(begin, now))]
    if state.life is not None:
        silence = now - state.life.at
        said.append(sentence(Say.NO_LIFE_SINCE, since=state.life.at, silence=silence))
    return (*said, *prompt.told(state, book, KEY))
