"""Who goes out by night and does not come back, through the engine's door."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.device import EvidenceRole
from rules.events import AwayReason, Outcome
from rules.evidence import COMPANION
from rules.inputs import Away, Closed, DeviceChanged
from rules.observation import Phenomenon
from rules.sentence import Say
from tests.rules.days import FALLS_ASLEEP, WAKES, at, awake, book, furnished, lived, move
from tests.rules.home import DOOR, HOUR, KETTLE, MINUTE, MOTION, NODE, Home, device

KEY = AlarmKey(AlarmKind.WANDERING)
BY_NIGHT = FALLS_ASLEEP + 3 * HOUR
SECOND = timedelta(seconds=1)


def walks_out(home: Home, *, shuts: bool = True) -> None:
    """Past the sensor in the hall and out of the door."""
    move(home)
    home.see("door", Phenomenon.CONTACT_OPEN, value=True)
    home.wait(10 * SECOND)
    if shuts:
        home.see("door", Phenomenon.CONTACT_OPEN, value=False)


def comes_in(home: Home) -> None:
    """In at the door and past the sensor in the hall."""
    for value in (True, False):
        home.see("door", Phenomenon.CONTACT_OPEN, value=value)
        home.wait(10 * SECOND)
    move(home)


def called(home: Home) -> int:
    return len([case for case in home.cases() if case.alarm == KEY])


def by_night(home: Home | None = None, days: int = 10) -> Home:
    home = lived(furnished() if home is None else home, days)
    at(home, BY_NIGHT)
    return home


@pytest.mark.parametrize("shuts", [True, False])
def test_who_goes_out_by_night_and_does_not_come_back_is_called(*, shuts: bool) -> None:
    home = by_night()
    walks_out(home, shuts=shuts)
    out = home.now
    home.wait(14 * MINUTE)
    assert not called(home)
    home.wait(2 * MINUTE)
    (case,) = [case for case in home.cases() if case.alarm == KEY]
    assert case.at - out <= 15 * MINUTE
    assert case.level == 2
    assert case.room == "room of door"
    assert [each.say for each in case.explanation] == [Say.NIGHT_DOOR]
    assert not home.commands()
    comes_in(home)
    assert home.state(KEY) is AlarmState.CLEARED
    assert home.updates()[-1].explanation[0].say is Say.CAME_BACK


def test_who_only_looks_out_of_the_door_is_not() -> None:
    home = by_night()
    walks_out(home)
    home.wait(3 * MINUTE)
    move(home)
    home.wait(HOUR)
    assert not called(home)


def test_what_the_hall_tells_late_of_the_step_out_is_no_return() -> None:
    home = by_night()
    walks_out(home)
    home.wait(2 * SECOND)
    move(home)
    home.wait(20 * MINUTE)
    assert called(home) == 1


@pytest.mark.parametrize("after", [6 * MINUTE, 13 * MINUTE])
def test_a_lone_motion_in_an_empty_home_puts_it_off_and_no_more(after: timedelta) -> None:
    home = by_night()
    walks_out(home)
    home.wait(after)
    move(home)
    home.wait(14 * MINUTE)
    assert not called(home)
    home.wait(2 * MINUTE)
    assert called(home) == 1


@pytest.mark.parametrize("second", ["motion", "kettle", "button"])
def test_who_came_in_unseen_by_the_door_is_known_by_two_signs_or_a_hand(second: str) -> None:
    home = by_night()
    walks_out(home)
    home.wait(6 * MINUTE)
    if second == "motion":
        move(home)
    home.wait(6 * MINUTE)
    match second:
        case "motion":
            move(home)
        case "kettle":
            home.live()
        case "button":
            home.press()
    home.wait(2 * HOUR)
    assert not called(home)


def test_the_far_end_of_the_way_out_is_no_return() -> None:
    radar = device("radar", Phenomenon.OCCUPANCY)
    home = by_night(Home(KETTLE, MOTION, DOOR, NODE, radar, book=book()))
    home.see("radar", Phenomenon.OCCUPANCY, value=False)
    home.see("radar", Phenomenon.OCCUPANCY, value=True)
    home.see("kettle", Phenomenon.POWER_W, 1800.0)
    walks_out(home)
    home.wait(MINUTE)
    home.see("radar", Phenomenon.OCCUPANCY, value=False)
    home.wait(MINUTE)
    home.see("kettle", Phenomenon.POWER_W, 0.0)
    home.wait(20 * MINUTE)
    assert called(home) == 1


def test_signs_before_and_after_a_restart_are_two() -> None:
    home = by_night()
    walks_out(home)
    home.wait(6 * MINUTE)
    move(home)
    home.restart(6 * MINUTE)
    move(home)
    home.wait(2 * HOUR)
    assert not called(home)


def test_who_looks_in_and_goes_again_is_waited_for_anew() -> None:
    home = by_night()
    walks_out(home)
    home.wait(10 * MINUTE)
    for value in (True, False):
        home.see("door", Phenomenon.CONTACT_OPEN, value=value)
    home.wait(10 * MINUTE)
    assert not called(home)
    home.wait(6 * MINUTE)
    assert called(home) == 1


def test_a_door_that_is_shut_later_is_waited_for_anew() -> None:
    home = by_night()
    walks_out(home, shuts=False)
    home.wait(10 * MINUTE)
    home.see("door", Phenomenon.CONTACT_OPEN, value=False)
    home.wait(14 * MINUTE)
    assert not called(home)
    home.wait(2 * MINUTE)
    assert called(home) == 1


def test_a_door_that_swings_puts_it_off_for_an_hour_at_most() -> None:
    home = by_night()
    move(home)
    out, swings = home.now, True
    for _ in range(24):
        home.see("door", Phenomenon.CONTACT_OPEN, value=swings)
        home.wait(10 * MINUTE)
        swings = not swings
    (case,) = [case for case in home.cases() if case.alarm == KEY]
    assert case.at - out <= HOUR + MINUTE


def test_who_leaves_for_an_early_train_is_not_called() -> None:
    home = by_night()
    home.put(Away(AwayReason.TRIP, "son"))
    home.wait(5 * MINUTE)
    walks_out(home)
    home.wait(3 * HOUR)
    assert not called(home)


def test_by_day_and_before_the_night_is_known_nobody_is_called() -> None:
    home = by_night(days=4)
    walks_out(home)
    home.wait(HOUR)
    assert not called(home)
    comes_in(home)
    at(home, WAKES)
    lived(home, 8)
    at(home, WAKES + 2 * HOUR)
    walks_out(home)
    home.wait(HOUR)
    assert not called(home)


def test_beside_the_guess_that_somebody_is_out_but_not_on_a_trip() -> None:
    slow = book()
    slow = replace(slow, wandering=replace(slow.wandering, back_within=HOUR))
    home = by_night(furnished(slow))
    walks_out(home)
    home.wait(HOUR + MINUTE)
    assert home.engine.state.away is not None
    assert called(home) == 1
    home = by_night(furnished(slow))
    walks_out(home)
    home.put(Away(AwayReason.HOSPITAL, "ambulance"))
    home.wait(3 * HOUR)
    assert not called(home)


def test_who_comes_home_by_night_and_goes_to_bed_is_not_called() -> None:
    home = lived(furnished(), 10)
    at(home, WAKES + HOUR)
    for value in (True, False):
        home.see("door", Phenomenon.CONTACT_OPEN, value=value)
    at(home, BY_NIGHT)
    assert home.engine.state.away is not None
    for value in (True, False):
        home.see("door", Phenomenon.CONTACT_OPEN, value=value)
    home.wait(2 * HOUR)
    assert not called(home)


def test_who_was_thought_to_be_out_and_walks_past_the_hall_first_is() -> None:
    home = lived(furnished(), 10)
    # A visitor left; the resident was in bed.
    at(home, WAKES + HOUR)
    for value in (True, False):
        home.see("door", Phenomenon.CONTACT_OPEN, value=value)
    at(home, BY_NIGHT)
    assert home.engine.state.away is not None
    assert home.engine.state.weak is not None
    assert home.now - home.engine.state.weak.at > COMPANION
    home.see("motion", Phenomenon.MOTION, value=True)
    home.wait(20 * SECOND)
    home.see("door", Phenomenon.CONTACT_OPEN, value=True)
    home.wait(20 * MINUTE)
    assert called(home) == 1


def test_an_hour_at_which_this_home_goes_out_is_none() -> None:
    home = furnished()
    for number in range(13):
        if number % 3 == 0:
            # To the dawn prayer.
            at(home, WAKES - 3 * HOUR)
            walks_out(home)
            home.wait(HOUR)
            comes_in(home)
        at(home, WAKES)
        awake(home, 16 * HOUR)
    night = home.engine.state.routine.night
    assert night is not None
    assert night.covers(19 * 60)
    assert not called(home)


def test_a_wanderer_is_no_habit_unless_the_center_says_so() -> None:
    calls = []
    for outcome in (Outcome.REAL, Outcome.FALSE):
        home = by_night()
        for _ in range(4):
            walks_out(home)
            home.wait(HOUR)
            comes_in(home)
            for serial in list(home.engine.state.cases):
                home.put(Closed(serial, outcome))
            lived(home, 1)
            at(home, BY_NIGHT)
        calls.append(called(home))
    assert calls[0] == 4
    assert calls[1] < 4


def test_a_case_that_was_closed_is_not_raised_again_for_the_same_door() -> None:
    home = by_night()
    walks_out(home)
    home.wait(16 * MINUTE)
    home.put(Closed(home.cases()[-1].serial, Outcome.REAL))
    home.wait(3 * HOUR)
    assert called(home) == 1


def test_a_restart_gives_the_wait_anew() -> None:
    home = by_night()
    walks_out(home)
    home.wait(5 * MINUTE)
    home.restart(40 * MINUTE)
    home.wait(14 * MINUTE)
    assert not called(home)
    home.wait(2 * MINUTE)
    assert called(home) == 1


@pytest.mark.parametrize("shift", [-3 * HOUR, 40 * SECOND])
def test_a_clock_that_is_set_neither_loses_nor_hastens_it(shift: timedelta) -> None:
    home = by_night()
    walks_out(home)
    home.wait(5 * MINUTE)
    home.jump(shift)
    home.wait(9 * MINUTE)
    assert not called(home)
    home.wait(2 * MINUTE)
    assert called(home) == 1


def test_without_a_sensor_that_would_see_a_return_nothing_is_claimed() -> None:
    home = Home(KETTLE, DOOR, NODE, book=book())
    lived(home, 10)
    at(home, BY_NIGHT)
    home.see("door", Phenomenon.CONTACT_OPEN, value=True)
    home.wait(2 * HOUR)
    assert not called(home)


def test_nor_if_that_sensor_falls_silent_meanwhile() -> None:
    home = by_night()
    home.dead = {each for each in home.engine.state.devices if each == "motion"}
    home.wait(5 * HOUR)
    home.see("door", Phenomenon.CONTACT_OPEN, value=True)
    home.wait(2 * HOUR)
    assert not called(home)


def test_where_it_is_off_nothing_is_noted() -> None:
    off = book()
    home = by_night(furnished(replace(off, wandering=replace(off.wandering, enabled=False))))
    walks_out(home)
    home.wait(HOUR)
    assert home.engine.state.routine.opened is None
    assert not called(home)


def test_who_turns_back_for_a_coat_and_goes_is_called() -> None:
    home = by_night()
    move(home)
    home.see("door", Phenomenon.CONTACT_OPEN, value=True)
    home.wait(20 * SECOND)
    move(home)
    home.wait(20 * SECOND)
    home.see("door", Phenomenon.CONTACT_OPEN, value=False)
    home.wait(16 * MINUTE)
    assert called(home) == 1


def test_a_sensor_entered_anew_has_said_nothing_of_an_end() -> None:
    radar = device("radar", Phenomenon.OCCUPANCY, evidence=EvidenceRole.WEAK)
    home = by_night(Home(KETTLE, MOTION, DOOR, NODE, radar, book=book()))
    home.see("radar", Phenomenon.OCCUPANCY, value=False)
    walks_out(home)
    home.wait(6 * MINUTE)
    home.see("radar", Phenomenon.OCCUPANCY, value=True)
    other = replace(radar, address="112233445566")
    home.put(DeviceChanged((KETTLE, MOTION, DOOR, NODE, other)))
    home.wait(2 * MINUTE)
    move(home)
    assert home.engine.state.routine.opened is None
