"""No evidence of life for too long: ask the resident, then call for help.

The silence is counted from the last sign of life, from a person's word that all is well (a case
of a silence that is closed), from the return of an absent resident, or from the moment since which
at least one live device proves the silence, whichever is latest. A home without such a device is
blind: then nothing is claimed about the person (see `rules.health`).
"""

from datetime import datetime, timedelta

from rules import away, prompt
from rules.alarm import ACTIVE, AlarmKey, AlarmKind, AlarmState, Move
from rules.decision import Decision
from rules.doubt import Doubt
from rules.events import AwayReason, Learnt, Stage
from rules.habits import LEARNS_EVERY, SOONEST
from rules.prices import Budget
from rules.rulebook import Rulebook
from rules.sentence import Explanation, Say, Sentence, sentence
from rules.silences import Context
from rules.state import State

KEY = AlarmKey(AlarmKind.INACTIVITY)
_EARLY = timedelta(minutes=1)


def silent_since(state: State, book: Rulebook) -> datetime | None:
    """From when on silence counts; None while nothing can be claimed."""
    seen = state.sees_since(pet=book.evidence.pet)
    if seen is None or state.installed is None:
        return None
    if state.away is not None and state.away.reason is not AwayReason.OUTING:
        return None
    marks = [
        seen,
        state.installed,
        state.away_ended,
        state.reached,
        state.unreached,
        state.life.at if state.life is not None else None,
    ]
    return max(mark for mark in marks if mark is not None)


def raise_time(state: State, book: Rulebook) -> datetime | None:
    """When the first escalation goes out if nothing more is seen; None while none can be."""
    alarm, since = state.alarm(KEY), silent_since(state, book)
    if not book.inactivity.enabled or since is None or alarm.state in ACTIVE:
        return None
    if alarm.state is AlarmState.PROMPTED:
        return alarm.until
    fixed = since + _fixed(state, book, 0)
    left = None if state.away is not None else away.due(state, book)
    if left is not None and left <= fixed - prompt.wait(state, book):
        # By then the silence will have been taken for an outing.
        fixed += book.away.extra
    learnt = _learnt(state, book, since)
    limit = fixed if learnt is None else min(fixed, since + learnt)
    if alarm.state is AlarmState.SHELVED and alarm.until is not None:
        return max(limit, alarm.until + prompt.wait(state, book))
    return limit


def due(state: State, book: Rulebook, now: datetime | None = None) -> datetime | None:
    """When `settle` has something to do; a bound before it where `now` is further off than that.

    Most silences are over before the bound: of those nothing need be reckoned.
    """
    alarm = state.alarm(KEY)
    since = silent_since(state, book) if book.inactivity.enabled else None
    if alarm.state is AlarmState.PROMPTED:
        # Where nothing can be claimed any more, the prompt is withdrawn at once.
        return alarm.since if since is None or _reached(state) else alarm.until
    if since is None or alarm.state is AlarmState.SHELVED:
        return None
    if alarm.state not in ACTIVE:
        wait = prompt.wait(state, book)
        soonest = since + min(_fixed(state, book, 0) - wait, SOONEST)
        if now is not None and now < soonest:
            return soonest
        return since + _limit(state, book, since, 0) - wait
    if alarm.level >= len(book.inactivity.limits):
        return None
    return since + _limit(state, book, since, alarm.level)


def settle(decision: Decision) -> None:
    """Ask, raise, make more urgent or withdraw what has fallen due."""
    state, book, now = decision.state, decision.book, decision.now
    at = due(state, book, now)
    if at is None or now < at:
        return
    alarm, since = state.alarm(KEY), silent_since(state, book)
    asked = alarm.state is AlarmState.PROMPTED
    if since is None or not book.inactivity.enabled or (asked and _reached(state)):
        decision.move(KEY, Move.WITHDRAW)
        return
    level = _level(state, book, since, now)
    if alarm.state in ACTIVE:
        decision.update(KEY, Stage.LEVEL, _explain(decision, level), level)
    elif not asked and (wait := prompt.wait(state, book)):
        # Who is asked late, since the gateway was down, has the whole wait to answer all the same.
        decision.move(KEY, Move.PROMPT, now + wait)
    else:
        gone = None if state.away is None else state.away.at
        decision.escalate(
            KEY,
            _explain(decision, level),
            room=decision.room(None if state.life is None else state.life.device),
            level=level,
            activity=state.tally.classes(now, state.sees_since(pet=book.evidence.pet), gone),
        )


def asked_by_this_clock(state: State) -> bool:
    """Whether a prompt stands that was given since the clock was anchored."""
    alarm = state.alarm(KEY)
    return alarm.state is AlarmState.PROMPTED and alarm.since >= state.anchored


def clock_set(decision: Decision) -> None:
    """Take back a prompt, given by the clock as it was, that only its false date brought about.

    One that an earlier run gave stands: a silence that was heard out does not end with a date.
    """
    state, book = decision.state, decision.book
    since, asked = silent_since(state, book), state.alarm(KEY).since
    # Before the limit, but for what clocks are off by anyway.
    if since is None:
        return
    due_at = since + _limit(state, book, since, 0) - prompt.wait(state, book)
    if asked < due_at - _EARLY:
        decision.move(KEY, Move.WITHDRAW)


def life_seen(decision: Decision) -> None:
    """A sign of life that counts answers a prompt and is news for an open case."""
    alarm, life = decision.state.alarm(KEY), decision.state.life
    assert life is not None
    if alarm.state is AlarmState.PROMPTED:
        decision.move(KEY, Move.ANSWER)
    elif alarm.state in ACTIVE:
        decision.clear(
            KEY,
            (
                sentence(
                    Say.LIFE_AGAIN,
                    at=life.at,
                    room=decision.room(life.device),
                    phenomenon=life.phenomenon,
                ),
            ),
        )


def _reached(state: State) -> bool:
    """Whether somebody spoke with the resident since the prompt, over the case of a morning."""
    return state.reached is not None and state.reached > state.alarm(KEY).since


def _limit(state: State, book: Rulebook, since: datetime, step: int) -> timedelta:
    """After how long a silence since then reaches a step of the ladder."""
    fixed = _fixed(state, book, step)
    learnt = None if step else _learnt(state, book, since)
    return fixed if learnt is None else min(fixed, learnt)


def _fixed(state: State, book: Rulebook, step: int) -> timedelta:
    limits = book.inactivity.limits
    limit = limits[min(step, len(limits) - 1)]
    return limit if state.away is None else limit + book.away.extra


def _learnt(state: State, book: Rulebook, since: datetime) -> timedelta | None:
    """After how long a silence since then is no habit of this home; None while that is unknown."""
    habits, rule = state.habits, book.inactivity
    if not rule.learn or not habits.known or _since_a_word(state, since):
        return None
    wait = prompt.wait(state, book)
    budget = Budget(
        calls=LEARNS_EVERY / rule.false_call_every,
        prompts=LEARNS_EVERY / rule.ask_every if wait else None,
    )
    # While the date may be false, so may be the hour: then the longest of the day.
    begin, doubt = (since, _doubt(state, since)) if state.trusted else (None, None)
    silence = habits.wait(begin, _context(state, since), budget, doubt)
    # What happened while the gateway was down is unknown, which the fixed limit alone ignores.
    return silence + wait + state.unheard_since(since)


def _since_a_word(state: State, since: datetime) -> bool:
    """Whether a silence counts from what a person said, and nobody was seen at home since.

    A case closed in vain, a trip that was to be over: then nobody is there as a rule, and no habit
    says for how long. Without this an unannounced trip of four days is a case every four hours.
    """
    words = (state.reached, state.away_ended)
    # Who comes home ends an absence in the moment of being seen, or a little later.
    return since in words and (state.life is None or state.life.at < since - _EARLY)


def _context(state: State, since: datetime) -> Context:
    at_life = state.life is not None and state.life.at == since
    return state.habits.began if at_life else Context.INSIDE


def _doubt(state: State, since: datetime) -> Doubt | None:
    at_life = state.life is not None and state.life.at == since
    return state.habits.doubt if at_life else None


def learn(decision: Decision) -> None:
    """Let the silences of the last day become habits; not by a date that may be false.

    With a sign of life, so that no silence is measured by two yardsticks.
    """
    state, now = decision.state, decision.now
    last = state.habits.learnt or state.installed
    if not state.trusted or last is None or now < last + LEARNS_EVERY:
        return
    listened = timedelta()
    if state.seen_from is not None:
        down = state.down_since(last)
        listened = max(now - max(last, state.seen_from) - down, listened)
    decision.emit(Learnt(now, listened))


def _level(state: State, book: Rulebook, since: datetime, now: datetime) -> int:
    """How many limits the silence has reached, at least one."""
    steps = range(len(book.inactivity.limits))
    return max(1, sum(now >= since + _limit(state, book, since, step) for step in steps))


def _explain(decision: Decision, level: int) -> Explanation:
    state, book, now = decision.state, decision.book, decision.now
    said: list[Sentence] = []
    life, watched = state.life, state.sees_since(pet=book.evidence.pet) or state.started
    if life is not None:
        said.append(
            sentence(
                Say.SILENT_SINCE,
                since=life.at,
                silence=now - life.at,
                room=decision.room(life.device),
                phenomenon=life.phenomenon,
            )
        )
    if life is None or watched > life.at:
        # Before, nobody could have seen a sign.
        said.append(sentence(Say.SILENT_FROM_START, since=watched, silence=now - watched))
    if state.away is not None:
        said.append(sentence(Say.WENT_OUT, at=state.away.at))
    said.append(_why(decision, level))
    said += prompt.told(state, book, KEY)
    if state.down and (life is None or state.started >= life.at):
        said.append(sentence(Say.GATEWAY_WAS_DOWN, down=state.down))
    return tuple(said)


def _why(decision: Decision, level: int) -> Sentence:
    """What was passed: a limit of the ladder, or what is usual in this home at this hour."""
    state, book, now = decision.state, decision.book, decision.now
    since = silent_since(state, book)
    limit = _fixed(state, book, level - 1)
    if level == 1 and since is not None and now < since + limit and state.habits.known:
        usual = state.habits.usual(since, _context(state, since))
        doubt = _doubt(state, since)
        if doubt is not None and now - since < usual:
            # Sooner than is usual since that sign, as it may have been nobody's.
            return sentence(Say.LONE_SIGN, at=since, since=doubt.since)
        return sentence(Say.SILENCE_USUAL, since=since, usual=usual)
    return sentence(
        Say.SILENCE_LIMIT, limit=limit, level=level, levels=len(book.inactivity.limits)
    )
