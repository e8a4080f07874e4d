"""Anything may happen to a home at any moment: seeded walks, with what must always hold."""

from datetime import timedelta

import pytest

from rules import morning
from rules.alarm import ACTIVE
from rules.cases import DRILL_SCOPE
from rules.events import Escalated, Outcome
from rules.hazard import KINDS
from rules.health import BLIND
from rules.inputs import Closed, TimeTrust
from rules.mains import KEY as MAINS
from rules.observation import DeviceId, Phenomenon
from tests.rules.home import HOUR
from tests.rules.walk import BOOK, INACTIVITY, NO_MORNING, SLOW, WITH_PET, Ticked, Walk

SECOND = timedelta(seconds=1)
KETTLE = DeviceId("kettle")


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_the_invariants_hold(seed: int) -> None:
    walk = Walk(seed, book=WITH_PET if seed % 2 else BOOK)
    for _ in range(120):
        walk.step()
    sent = set(walk.engine.state.commands)
    walk.wait(11 * SECOND)
    assert sent.isdisjoint(walk.engine.state.commands), "a command that never ends"


@pytest.mark.parametrize("seed", range(100, 120))
def test_whatever_happened_before_who_collapses_is_found(seed: int) -> None:
    walk = Walk(seed, book=WITH_PET if seed % 2 else BOOK)
    for _ in range(60):
        walk.step()
    walk.heal()
    # The person lives for the last time.
    walk.see(KETTLE, Phenomenon.POWER_W, 0.0)
    walk.see(KETTLE, Phenomenon.POWER_W, 1200.0)
    before, at = len(walk.events), walk.engine.alarm_time_if_silent()
    rules = walk.book.inactivity
    walk.wait(rules.limits[0] + walk.book.away.extra + rules.prompt_wait)
    found = [
        event.at
        for event in walk.events[before:]
        if isinstance(event, Escalated) and event.alarm == INACTIVITY
    ]
    assert found == [at]


@pytest.mark.parametrize("seed", range(500, 506))
def test_whatever_happened_before_who_does_not_get_up_is_called(seed: int) -> None:
    walk = Walk(seed, book=SLOW)
    for _ in range(60):
        walk.step()
    walk.heal()
    walk.put(TimeTrust(trusted=True, source="center"))
    alarm = walk.engine.state.alarm(NO_MORNING)
    if alarm.state in ACTIVE:
        walk.put(Closed(alarm.serial, Outcome.FALSE))
    before, at = len(walk.events), morning.due(walk.engine.state, walk.book)
    assert at is not None
    walk.wait(at + walk.book.inactivity.prompt_wait - walk.now)
    found = [
        event.at
        for event in walk.events[before:]
        if isinstance(event, Escalated) and event.alarm == NO_MORNING
    ]
    assert found == [at + walk.book.inactivity.prompt_wait]


@pytest.mark.parametrize("seed", range(400, 410))
def test_whatever_happened_what_is_over_ends(seed: int) -> None:
    walk = Walk(seed)
    for _ in range(60):
        walk.step()
    walk.heal()
    walk.wait(HOUR)
    state = walk.engine.state
    active = {key for key, alarm in state.alarms.items() if alarm.state in ACTIVE}
    assert not {key for key in active if key.kind in KINDS or key in {BLIND, MAINS}}
    assert state.away is None
    assert state.seen_from is not None


@pytest.mark.parametrize("seed", range(200, 204))
def test_an_engine_asked_every_second_decides_the_same_at_the_same_second(seed: int) -> None:
    walk = Ticked(seed)
    for _ in range(50):
        walk.step()


def test_what_is_remembered_is_bounded_and_what_is_over_is_forgotten() -> None:
    walk = Walk(300)
    for _ in range(800):
        walk.step()
    assert len(walk.engine.snapshot()) < 60_000
    walk.set_devices(())
    for serial in list(walk.opened):
        walk.put(Closed(serial, Outcome.TECHNICAL))
    state = walk.engine.state
    assert not state.cases
    assert not state.commands
    assert {key.scope for key in state.alarms} <= {None, DeviceId("driver:ble"), DRILL_SCOPE}
    habits = walk.engine.state.habits
    assert len(walk.engine.snapshot()) - len(habits.tables) - len(habits.scores) < 5_000
