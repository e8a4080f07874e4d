"""Absence: an outing told from the door, a trip or a stay in hospital told by a person.

An outing is a guess, since a visitor may have left instead: it only puts the inactivity limits
off. A trip or a stay in hospital is somebody's word: it holds inactivity back until its end.
Life at home ends each of them.
"""

from datetime import datetime, timedelta

from rules import evidence
from rules.decision import Decision
from rules.events import AwayBegan, AwayEnded, AwayReason, DoorShut
from rules.inputs import Away
from rules.observation import Observation
from rules.rulebook import Rulebook
from rules.state import State

_LEAVING = timedelta(minutes=30)
"Life so soon after a trip was announced is the packing, not the return."


def announced(decision: Decision, item: Away) -> None:
    """Begin or end an absence on a person's word."""
    if item.ends:
        if decision.state.away is not None:
            decision.emit(AwayEnded(decision.now))
        return
    if item.until is not None and item.until <= decision.now:
        return
    decision.emit(AwayBegan(decision.now, item.reason, item.until, item.who))


def door_moved(decision: Decision, door: Observation) -> None:
    """An outside door was opened or shut."""
    state = decision.state
    shut = state.devices[door.device].device.outside_door and not door.value
    book = decision.book
    if shut and book.away.enabled and would_see(state, book, door.phenomenon_time):
        decision.emit(DoorShut(door.phenomenon_time))


def life_seen(decision: Decision) -> None:
    """A sign of life at home that counts."""
    away = decision.state.away
    if away is None:
        return
    if away.reason is AwayReason.OUTING or decision.now - away.at >= _LEAVING:
        decision.emit(AwayEnded(decision.now))


def due(state: State, book: Rulebook) -> datetime | None:
    """When an outing is believed, or an announced absence runs out."""
    if state.away is not None:
        return state.away.until
    shut = state.door_shut
    if shut is None or not book.away.enabled or not would_see(state, book, shut):
        return None
    # A quiet half hour is one in which somebody listened.
    return max(shut, state.started) + book.away.settle


def settle(decision: Decision) -> None:
    """Do what has fallen due."""
    state, now = decision.state, decision.now
    at = due(state, decision.book)
    if at is None or now < at:
        return
    if state.away is not None:
        decision.emit(AwayEnded(now))
    else:
        assert state.door_shut is not None
        decision.emit(AwayBegan(state.door_shut, AwayReason.OUTING, None, ""))


def would_see(state: State, book: Rulebook, since: datetime) -> bool:
    """Whether some sensor that sees people move was live without a break.

    Without one a quiet half hour proves nothing. What sees an animal as well is none.
    """
    return any(
        heard.live_since is not None
        and heard.live_since <= since
        and evidence.sees_people(heard.device, pet=book.evidence.pet)
        for heard in state.devices.values()
    )
