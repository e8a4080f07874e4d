"""Somebody is up and about at home day after day, and nothing is cooked.

Raised with a sign of life, by day: who shows none is looked after by `rules.inactivity`.
"""

from datetime import datetime, timedelta

from rules.alarm import ACTIVE, AlarmKey, AlarmKind
from rules.decision import Decision
from rules.events import LifeSeen
from rules.observation import Observation
from rules.sentence import Say, sentence
from rules.state import State

KEY = AlarmKey(AlarmKind.NOT_EATING)
_MARGIN = 1.25
_UP = timedelta(hours=2)
"Who shows signs for so long without a rest does not only go to the bathroom by night."
_LATE = timedelta(minutes=15)
"Who was up longer ago, as a driver tells that kept it, may not be now."


def life_seen(decision: Decision, life: LifeSeen) -> None:
    """A sign of life at home that counts."""
    state, rule, now = decision.state, decision.book.eating, decision.now
    cooked = state.runs.cooked
    if not rule.enabled or cooked is None or now - cooked <= rule.limit:
        return
    if not _up(decision, life.at) or _told(state, cooked):
        return
    usual, lasted = state.runs.meals.longest, state.not_cooked_for(now)
    if lasted is None or state.away is not None or lasted <= max(rule.limit, _MARGIN * usual):
        return
    # Before there is a habit it is the rulebook that was passed.
    why = {"usual": usual} if usual else {"limit": rule.limit}
    said = sentence(Say.NO_MEAL, since=cooked, silence=now - cooked, **why)
    decision.escalate(KEY, (said,))


def cooked(decision: Decision, seen: Observation) -> None:
    """Something to cook with was switched on."""
    said = sentence(
        Say.COOKED_AGAIN,
        at=seen.phenomenon_time,
        room=decision.room(seen.device),
        device=seen.device,
    )
    decision.clear(KEY, (said,))


def _up(decision: Decision, at: datetime) -> bool:
    runs = decision.state.runs
    begin, late = runs.up_since, decision.now - at
    return late <= _LATE and runs.stirred == at and begin is not None and at - begin >= _UP


def _told(state: State, cooked: datetime) -> bool:
    """Whether there is or was a case since something was cooked last."""
    alarm = state.alarm(KEY)
    return alarm.state in ACTIVE or (alarm.raised_at is not None and alarm.raised_at >= cooked)
