"""An outside door was opened by night, and nobody came back.

The night is the home's own (see `rules.routine`), and an hour at which somebody habitually goes
out is none. Only where some sensor would see who comes back, and not where the door was opened
from outside. An empty home stirs by itself twice a day: a lone motion puts the call off, and ends
the wait only if it comes so soon after the door was shut that it is a step back inside. Nobody is
asked: whoever is out cannot hear it. It stands beside the guess that somebody is out
(`rules.away`): that one puts inactivity off, this one calls.
"""

from datetime import datetime, timedelta

from rules import away, evidence
from rules.alarm import ACTIVE, AlarmKey, AlarmKind, AlarmState
from rules.decision import Decision
from rules.doubt import SAME_EVENT
from rules.events import AwayEnded, AwayReason, CameIn, DoorOpened, LifeSeen
from rules.night import minute_of_day
from rules.observation import Observation, Phenomenon
from rules.rulebook import Rulebook
from rules.sentence import Say, sentence
from rules.state import State

KEY = AlarmKey(AlarmKind.WANDERING)
_PUT_OFF = 4
"""A door that swings, or a lone sign, puts it off by no more than so many times what is waited for
anyhow."""
_AT_DOOR = timedelta(seconds=10)
"A sensor in the hall tells so late of the step out of the door."
_STEPS_IN = timedelta(minutes=5)
"So soon after the door a motion is a person's: an empty home has one then in 140 nights."
_FROM_WITHIN = timedelta(minutes=10)
"Who was seen inside so shortly before opened the door to go out."


def door_moved(decision: Decision, door: Observation) -> None:
    """An outside door was opened or shut."""
    state, book, at = decision.state, decision.book, door.phenomenon_time
    if not (
        door.value and book.wandering.enabled and state.trusted and state.is_door(door.device)
    ):
        return
    night = state.routine.night
    if night is None or not night.covers(minute_of_day(at)) or state.routine.goes_out_at(at):
        return
    if state.routine.opened is not None:
        return  # Somebody is out already, or it swings.
    came_home = any(isinstance(event, AwayEnded) for event in decision.events)
    if not came_home or _stirred_inside(state, book, at):
        decision.emit(DoorOpened(at, door.device))


def due(state: State, book: Rulebook) -> datetime | None:
    """When `settle` has something to do."""
    opened = state.routine.opened
    if opened is None or not book.wandering.enabled or not state.trusted:
        return None
    alarm = state.alarm(KEY)
    rests = alarm.state is not AlarmState.SHELVED and alarm.state not in ACTIVE
    told = alarm.closed_at is not None and alarm.closed_at >= opened
    gone = state.away is not None and state.away.reason is not AwayReason.OUTING
    if not rests or told or gone or state.inactivity_stands:
        return None
    if not away.would_see(state, book, opened):
        return None
    wait = book.wandering.back_within
    # The quarter of an hour is one in which somebody listened.
    by = max(_last_sign(state, opened), state.started) + wait
    return min(by, max(opened + _PUT_OFF * wait, state.started + wait))


def settle(decision: Decision) -> None:
    """Do what has fallen due."""
    state, now = decision.state, decision.now
    at = due(state, decision.book)
    if at is None or now < at:
        return
    opened = state.routine.opened
    assert opened is not None
    room = decision.room(state.routine.door)
    silence = now - _last_moved(state, opened)
    decision.escalate(
        KEY, (sentence(Say.NIGHT_DOOR, at=opened, room=room, silence=silence),), room=room
    )


def life_seen(decision: Decision, life: LifeSeen, beside: LifeSeen | None) -> None:
    """A sign of life at home that counts; if somebody is inside by it, it ends the alarm.

    Args:
        decision: in the making.
        life: the sign.
        beside: the one that lends it its weight; None if it counts by itself.

    """
    state = decision.state
    opened, alarm = state.routine.opened, state.alarms.get(KEY)
    if opened is not None and _is_inside(state, opened, life, beside):
        decision.emit(CameIn(life.at))
    if alarm is not None and alarm.state in ACTIVE and state.routine.opened is None:
        room = decision.room(life.device)
        decision.clear(KEY, (sentence(Say.CAME_BACK, at=life.at, room=room),))


def _is_inside(state: State, opened: datetime, life: LifeSeen, beside: LifeSeen | None) -> bool:
    """Whether a person is seen at home, and not an empty home that stirs."""
    moved = _last_moved(state, opened)
    if not _within(state, life, moved):
        return False
    if beside is None:
        return True
    steps_in = life.phenomenon in evidence.OF_PEOPLE and life.at - moved <= _STEPS_IN
    if steps_in and not _stands_open(state):
        return True
    # Two signs of one device so soon after each other are one.
    two = beside.device != life.device or life.at - beside.at >= SAME_EVENT
    return two and _within(state, beside, moved)


def _stands_open(state: State) -> bool:
    """Whether who is seen may still go, having turned back for a coat."""
    return any(
        (door := heard.readings.get(Phenomenon.CONTACT_OPEN)) is not None and bool(door.value)
        for heard in state.devices.values()
        if heard.device.outside_door
    )


def _within(state: State, life: LifeSeen, moved: datetime) -> bool:
    """Whether a sign tells of what is inside after the door moved."""
    return (
        life.at_home
        and not state.is_door(life.device)
        and life.at - moved >= _AT_DOOR
        and not _ends(state, life)
    )


def _ends(state: State, life: LifeSeen) -> bool:
    """Whether a sensor tells that nobody is before it any more: it may be who went out."""
    if life.phenomenon is not Phenomenon.OCCUPANCY:
        return False
    heard = state.devices.get(life.device)
    # A device that was entered anew has said nothing yet.
    reading = None if heard is None else heard.readings.get(life.phenomenon)
    return reading is not None and not reading.value


def _last_sign(state: State, opened: datetime) -> datetime:
    """When somebody may have been at home last since then, or at the door."""
    moved, life = _last_moved(state, opened), state.life
    return max(moved, life.at) if life is not None and life.at_home else moved


def _last_moved(state: State, opened: datetime) -> datetime:
    """When a door moved last since then: somebody looked in, and went again."""
    door = state.habits.door
    return opened if door is None else max(door, opened)


def _stirred_inside(state: State, book: Rulebook, at: datetime) -> bool:
    """Whether some sensor saw a person inside just before."""
    readings = (
        reading
        for heard in state.devices.values()
        if evidence.sees_people(heard.device, pet=book.evidence.pet)
        for reading in heard.readings.values()
        if reading.phenomenon in evidence.OF_PEOPLE
    )
    return any(
        reading.since < at and (reading.value or at - reading.since <= _FROM_WITHIN)
        for reading in readings
    )
