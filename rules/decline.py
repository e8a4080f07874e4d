"""Less life week by week: a note to the welfare worker, never an alarm.

The last four weeks are held against the eight before them, by their medians. It is told only if
they differ by much and nearly each of the four from nearly each of the eight: one odd week, a trip
or a sensor that died says nothing. A note is never cleared: the welfare worker closes it.

Ref: probability of superiority, U/(mn) of Mann & Whitney, Ann. Math. Statist. 18(1), 1947.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import product
from math import sqrt
from statistics import median

from rules.alarm import AlarmKey, AlarmKind
from rules.decision import Decision
from rules.night import quietest
from rules.sentence import Explanation, Say, Sentence, sentence
from rules.weeks import LENGTH, Week

KEY = AlarmKey(AlarmKind.DECLINE)
_LATELY, _BEFORE = 4, 8
"Weeks that are compared."
_LATELY_MIN, _BEFORE_MIN = 3, 5
"So many of them have to be seen."
_SURELY = 0.95
"In so many pairs of a late and an early week the late one is the worse."
_LESS_LIFE = 0.7
_LESS_COOKING, _COOKED_MIN = 0.6, 1.0
_MORE_NIGHT, _NIGHT_SIGNS_MIN = 1.5, 2.0
_LATER_MIN = 60.0


def learnt(decision: Decision) -> None:
    """Look back, after a day became part of what is known of the home."""
    state, now = decision.state, decision.now
    weeks = state.routine.weeks
    if not decision.book.decline.enabled or state.routine.folded != now:
        return
    if state.away is not None or state.inactivity_stands or weeks.begun is None:
        return
    raised = state.alarm(KEY).raised_at
    if raised is not None and weeks.begun - raised < _LATELY * LENGTH:
        # Those weeks were told of already.
        return
    explanation = _compare(weeks.past)
    if explanation:
        decision.escalate(KEY, explanation)


def _compare(past: Sequence[Week]) -> Explanation:
    lately = [week for week in past[-_LATELY:] if week.seen]
    before = [week for week in past[-_LATELY - _BEFORE : -_LATELY] if week.seen]
    if len(lately) < _LATELY_MIN or len(before) < _BEFORE_MIN:
        return ()
    # The night of before: a restless one is soon none any more.
    profiles = zip(*(week.profile for week in before), strict=True)
    night = quietest([sqrt(sum(signs)) for signs in profiles])
    if night is None:
        return ()

    def of(measure: Callable[[Week], float | None]) -> tuple[list[float], list[float]]:
        return _known(map(measure, lately)), _known(map(measure, before))

    said: list[Sentence] = []
    changed = _fell(*of(lambda week: week.a_day(week.signs)))
    if changed and changed[0] <= _LESS_LIFE * changed[1]:
        said.append(_told(Say.LESS_LIFE, changed))
    changed = _rose(*of(lambda week: week.late(night.wakes_min)))
    if changed and changed[0] - changed[1] >= _LATER_MIN:
        later = timedelta(minutes=round(changed[0] - changed[1]))
        said.append(sentence(Say.LATER_MORNINGS, later=later, weeks=_LATELY))
    changed = _rose(*of(lambda week: week.a_day(night.core(week.profile))))
    if changed and changed[0] >= max(_MORE_NIGHT * changed[1], changed[1] + _NIGHT_SIGNS_MIN):
        said.append(_told(Say.MORE_NIGHT_LIFE, changed))
    changed = _fell(*of(lambda week: week.a_day(week.cooked)))
    if changed and changed[0] <= _LESS_COOKING * changed[1] and changed[1] >= _COOKED_MIN:
        said.append(_told(Say.LESS_COOKING, changed))
    return tuple(said)


def _told(say: Say, changed: tuple[float, float]) -> Sentence:
    value, before = (round(each, 1) for each in changed)
    return sentence(say, value=value, before=before, weeks=_LATELY)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _fell(lately: Sequence[float], before: Sequence[float]) -> tuple[float, float] | None:
    """Both medians, if nearly every late week lies below nearly every early one."""
    less = _rose([-each for each in lately], [-each for each in before])
    return None if less is None else (-less[0], -less[1])


def _rose(lately: Sequence[float], before: Sequence[float]) -> tuple[float, float] | None:
    if len(lately) < _LATELY_MIN or len(before) < _BEFORE_MIN:
        return None
    above = sum(late > early for late, early in product(lately, before))
    if above < _SURELY * len(lately) * len(before):
        return None
    return median(lately), median(before)
