"""No evidence of life for too long: ask the resident, then call for help.

The silence is counted from the last sign of life, from a person's word that all is well (a closed
case), from the return of an absent resident, or from the moment since which at least one live
device proves the silence, whichever is latest. A home without such a device is blind: then nothing
is claimed about the person (see `rules.health`).
"""

from datetime import datetime, timedelta

from rules.alarm import ACTIVE, AlarmKey, AlarmKind, AlarmState, Move
from rules.command import Signal
from rules.decision import Decision
from rules.events import AwayReason, Stage
from rules.rulebook import Rulebook
from rules.sentence import Explanation, Say, Sentence, sentence
from rules.state import State

KEY = AlarmKey(AlarmKind.INACTIVITY)


def silent_since(state: State) -> datetime | None:
    """From when on silence counts; None while nothing can be claimed."""
    if state.seen_from is None or state.installed is None:
        return None
    if state.away is not None and state.away.reason is not AwayReason.OUTING:
        return None
    marks = [
        state.seen_from,
        state.installed,
        state.away_ended,
        state.alarm(KEY).closed_at,
        state.life.at if state.life is not None else None,
    ]
    return max(mark for mark in marks if mark is not None)


def raise_time(state: State, book: Rulebook) -> datetime | None:
    """When the first escalation goes out if nothing more is seen; None if none will."""
    alarm = state.alarm(KEY)
    if alarm.state is AlarmState.PROMPTED:
        return alarm.until
    since = silent_since(state)
    if not book.inactivity.enabled or since is None or alarm.state in ACTIVE:
        return None
    limit = since + _limit(state, book, 0)
    return max(limit, alarm.until) if alarm.state is AlarmState.SHELVED and alarm.until else limit


def due(state: State, book: Rulebook) -> datetime | None:
    """When `settle` has something to do."""
    alarm = state.alarm(KEY)
    if alarm.state in ACTIVE:
        since = silent_since(state)
        if since is None or alarm.level >= len(book.inactivity.limits):
            return None
        return since + _limit(state, book, alarm.level)
    if alarm.state is AlarmState.SHELVED:
        return None
    at = raise_time(state, book)
    if at is not None and alarm.state is AlarmState.NORMAL and _asks(state, book):
        at -= book.inactivity.prompt_wait
    return at


def settle(decision: Decision) -> None:
    """Ask, raise or make more urgent what has fallen due."""
    state, book, now = decision.state, decision.book, decision.now
    at = due(state, book)
    if at is None or now < at:
        return
    alarm = state.alarm(KEY)
    level = _level(state, book, now)
    if alarm.state in ACTIVE:
        decision.update(KEY, Stage.LEVEL, _explain(decision, level), level)
    elif alarm.state is AlarmState.NORMAL and _asks(state, book):
        # The limit itself is kept; only where it has passed already, while the gateway was down,
        # does the resident get the whole wait to answer.
        limit = at + book.inactivity.prompt_wait
        decision.move(KEY, Move.PROMPT, max(limit, now + book.inactivity.prompt_wait))
        decision.ask(Signal.PROMPT)
    else:
        gone = None if state.away is None else state.away.at
        decision.escalate(
            KEY,
            _explain(decision, level),
            room=decision.room(None if state.life is None else state.life.device),
            level=level,
            activity=state.tally.classes(now, state.seen_from, gone),
        )


def life_seen(decision: Decision) -> None:
    """A sign of life that counts answers a prompt and is news for an open case."""
    alarm, life = decision.state.alarm(KEY), decision.state.life
    assert life is not None
    if alarm.state is AlarmState.PROMPTED:
        decision.move(KEY, Move.ANSWER)
        decision.hush()
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
        decision.hush()


def _asks(state: State, book: Rulebook) -> bool:
    return book.inactivity.prompt and state.can_ask


def _limit(state: State, book: Rulebook, step: int) -> timedelta:
    limits = book.inactivity.limits
    limit = limits[min(step, len(limits) - 1)]
    return limit if state.away is None else limit + book.away.extra


def _level(state: State, book: Rulebook, now: datetime) -> int:
    """How many limits the silence has reached, at least one."""
    since = silent_since(state)
    if since is None:
        return 1
    steps = range(len(book.inactivity.limits))
    return max(1, sum(now >= since + _limit(state, book, step) for step in steps))


def _explain(decision: Decision, level: int) -> Explanation:
    state, book, now = decision.state, decision.book, decision.now
    said: list[Sentence] = []
    life = state.life
    if life is None:
        since = silent_since(state) or state.started
        said.append(sentence(Say.SILENT_FROM_START, since=since, silence=now - since))
    else:
        said.append(
            sentence(
                Say.SILENT_SINCE,
                since=life.at,
                silence=now - life.at,
                room=decision.room(life.device),
                phenomenon=life.phenomenon,
            )
        )
    if state.away is not None:
        said.append(sentence(Say.WENT_OUT, at=state.away.at))
    said.append(
        sentence(
            Say.SILENCE_LIMIT,
            limit=_limit(state, book, level - 1),
            level=level,
            levels=len(book.inactivity.limits),
        )
    )
    alarm = state.alarm(KEY)
    if alarm.state is AlarmState.PROMPTED:
        said.append(sentence(Say.PROMPT_UNANSWERED, at=alarm.since))
    elif book.inactivity.prompt and not state.can_ask:
        said.append(sentence(Say.PROMPT_IMPOSSIBLE))
    if state.down and (life is None or state.started >= life.at):
        said.append(sentence(Say.GATEWAY_WAS_DOWN, down=state.down))
    return tuple(said)
