"""Somebody is up and about, and nothing is cooked."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.device import Device, Use
from rules.events import AwayReason, Escalated, Outcome
from rules.inputs import Away, Closed, DeviceChanged, LifeSign
from rules.observation import DeviceId, Observation, Phenomenon
from rules.rulebook import Eating, Inactivity, Rulebook
from rules.sentence import Say
from tests.rules.home import HOUR, KETTLE, MINUTE, MOTION, Home, device

POWER = Phenomenon.POWER_W
DAY = 24 * HOUR
KEY = AlarmKey(AlarmKind.NOT_EATING)
COOKER = device("cooker", POWER, mains=True, use=Use.COOKING)
MICROWAVE = device("microwave", POWER, mains=True, use=Use.COOKING)
BOOK = Rulebook(inactivity=Inactivity(prompt=False, learn=False, limits=(160 * HOUR,)))


def home(*devices: Device, book: Rulebook = BOOK) -> Home:
    one = Home(KETTLE, MOTION, *(devices or (COOKER,)), book=book)
    for each in devices or (COOKER,):
        one.see(each.id, POWER, 0.0)
    return one


def raised(one: Home) -> list[Escalated]:
    return [case for case in one.cases() if case.alarm == KEY]


def cook(one: Home, name: str = "cooker") -> datetime:
    one.see(name, POWER, 900.0)
    begin = one.now
    one.wait(10 * MINUTE)
    one.see(name, POWER, 0.0)
    return begin


def live(one: Home, span: timedelta) -> None:
    """Days of somebody who stirs every other hour by day and sleeps for eight hours."""
    end = one.now + span
    while one.now < end:
        if 8 <= one.now.hour < 22:
            one.live()
        one.wait(min(2 * HOUR - timedelta(hours=one.now.hour % 2), end - one.now))


def test_who_is_up_for_two_days_and_cooks_nothing_is_told() -> None:
    one = home()
    live(one, 9 * HOUR)
    begin = cook(one)
    live(one, 46 * HOUR)
    assert not raised(one)
    live(one, 20 * HOUR)
    (case,) = raised(one)
    assert begin + 48 * HOUR < case.at <= begin + 50 * HOUR
    (said,) = case.explanation
    assert said.say is Say.NO_MEAL
    assert dict(said.arguments) == {
        "since": begin,
        "silence": case.at - begin,
        "limit": 48 * HOUR,
    }
    live(one, 3 * DAY)
    assert len(raised(one)) == 1
    assert one.state(KEY) is AlarmState.RAISED


def test_cooking_again_clears_it() -> None:
    one = home()
    cook(one)
    live(one, 3 * DAY)
    at = cook(one)
    assert one.state(KEY) is AlarmState.CLEARED
    (said,) = one.updates()[-1].explanation
    assert said.say is Say.COOKED_AGAIN
    assert dict(said.arguments) == {"at": at, "room": "room of cooker", "device": "cooker"}
    live(one, DAY)
    assert len(raised(one)) == 1
    live(one, 2 * DAY)
    assert len(raised(one)) == 2


def test_the_meal_that_is_cooked_at_last_raises_nothing_itself() -> None:
    one = home()
    live(one, 13 * HOUR)
    cook(one)
    live(one, 47 * HOUR + 40 * MINUTE)
    one.wait(30 * MINUTE)
    cook(one)
    assert not raised(one)


def test_who_cooks_daily_is_never_told() -> None:
    one = home()
    for _ in range(12):
        live(one, 8 * HOUR)
        cook(one)
        live(one, 16 * HOUR)
    assert not raised(one)


def test_a_home_that_never_cooked_is_not_told() -> None:
    one = home()
    live(one, 12 * DAY)
    assert not raised(one)


def test_what_keeps_warm_is_no_meal() -> None:
    one = home()
    cook(one)
    for _ in range(40):
        live(one, 2 * HOUR)
        one.see("cooker", POWER, 45.0)
        one.see("cooker", POWER, 0.0)
    assert raised(one)


def test_who_cooks_every_fourth_day_is_known_after_two_times() -> None:
    one = home()
    for _ in range(6):
        cook(one)
        live(one, 4 * DAY)
        for case in raised(one):
            one.put(Closed(case.serial, Outcome.FALSE))
    assert len(raised(one)) == 2
    cook(one)
    live(one, 6 * DAY)
    assert len(raised(one)) == 3
    case = raised(one)[-1]
    said = dict(case.explanation[0].arguments)
    assert said["usual"] == 4 * DAY + 10 * MINUTE
    assert isinstance(said["silence"], timedelta)
    assert 5 * DAY < said["silence"] < 5.5 * DAY


def test_fasting_that_was_a_danger_is_no_habit() -> None:
    one = home()
    for _ in range(4):
        cook(one)
        live(one, 4 * DAY)
        one.put(Closed(raised(one)[-1].serial, Outcome.REAL))
    assert len(raised(one)) == 4


def test_what_turns_out_a_danger_days_later_is_no_habit_either() -> None:
    one = home()
    for number in range(4):
        cook(one)
        live(one, 4 * DAY)
        cook(one)
        live(one, 36 * HOUR)
        assert len(raised(one)) == number + 1
        one.put(Closed(raised(one)[-1].serial, Outcome.REAL))


def test_nobody_is_told_of_by_night() -> None:
    one = home()
    live(one, 21 * HOUR)
    cook(one)
    live(one, 48 * HOUR)
    one.wait(5 * HOUR)
    one.live()
    one.wait(3 * MINUTE)
    one.live()
    assert not raised(one)
    live(one, 12 * HOUR)
    assert raised(one)


def test_a_heater_that_switches_by_itself_is_nobody_up_by_night() -> None:
    heater = device("heater", POWER, mains=True, use=Use.HEATING)
    one = home(COOKER, heater)
    live(one, 21 * HOUR)
    cook(one)
    live(one, 47 * HOUR + 40 * MINUTE)
    for number in range(6):
        one.see("heater", POWER, 900.0 - 300.0 * (number % 2))
        one.wait(10 * MINUTE)
        one.see("heater", POWER, 0.0)
        one.wait(15 * MINUTE)
    assert one.engine.state.life is not None
    assert one.engine.state.life.device == "heater"
    assert not raised(one)


def test_who_packs_for_a_trip_is_not_told_of() -> None:
    one = home()
    live(one, 13 * HOUR)
    cook(one)
    live(one, 47 * HOUR + 40 * MINUTE)
    one.wait(30 * MINUTE)
    one.put(Away(AwayReason.TRIP, "son"))
    one.wait(10 * MINUTE)
    one.live()
    assert not raised(one)


def test_a_sign_that_comes_late_is_nobody_up_now() -> None:
    one = home()
    live(one, 13 * HOUR)
    cook(one)
    live(one, 47 * HOUR + 40 * MINUTE)
    one.wait(HOUR)
    late = one.now - 30 * MINUTE
    one.put(Observation(MOTION.id, Phenomenon.OCCUPANCY, False, late, late))
    one.put(Observation(MOTION.id, Phenomenon.OCCUPANCY, True, late, one.now))
    assert one.engine.state.runs.stirred == late
    assert not raised(one)


def test_one_sign_a_day_is_nobody_up_and_about() -> None:
    one = home()
    cook(one)
    for _ in range(6):
        one.wait(20 * HOUR)
        one.live()
    assert not raised(one)


def test_time_away_does_not_count() -> None:
    one = home()
    live(one, 9 * HOUR)
    begin = cook(one)
    live(one, 12 * HOUR)
    one.put(Away(AwayReason.HOSPITAL, "son"))
    one.wait(5 * DAY)
    one.put(Away(AwayReason.HOSPITAL, "son", ends=True))
    live(one, 34 * HOUR)
    assert not raised(one)
    live(one, DAY)
    assert begin + 5 * DAY + 48 * HOUR < raised(one)[0].at < begin + 5 * DAY + 65 * HOUR


def test_who_was_out_without_a_word_did_not_fast() -> None:
    one = home()
    live(one, 9 * HOUR)
    cook(one)
    live(one, 5 * HOUR)
    one.wait(4 * DAY)
    one.put(LifeSign("phone", one.now))
    live(one, DAY)
    assert not raised(one)
    live(one, 2 * DAY)
    assert raised(one)


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("trusted", [True, False])
def test_time_in_which_the_gateway_was_down_does_not_count(*, trusted: bool, again: bool) -> None:
    one = home()
    live(one, 9 * HOUR)
    begin = cook(one)
    live(one, DAY)
    one.restart(12 * HOUR, trusted=trusted)
    if not trusted:
        one.jump(12 * HOUR)
    if again:
        one.restart(2 * MINUTE)
    live(one, 23 * HOUR)
    assert not raised(one)
    live(one, DAY)
    assert raised(one)[0].at > begin + 60 * HOUR


def test_a_dead_cooker_is_not_cold() -> None:
    one = home(COOKER, MICROWAVE)
    cook(one)
    one.wait(HOUR)
    one.dead.add(COOKER.id)
    live(one, 4 * DAY)
    assert not raised(one)
    one.dead.clear()
    one.see("cooker", POWER, 0.0)
    at = one.now
    live(one, 4 * DAY)
    assert raised(one)[0].at > at + 48 * HOUR


def test_one_that_was_lost_long_ago_is_not_waited_for() -> None:
    one = home(COOKER, MICROWAVE)
    cook(one)
    one.dead.add(COOKER.id)
    live(one, DAY)
    cook(one, "microwave")
    live(one, 3 * DAY)
    assert raised(one)


def test_it_yields_to_inactivity() -> None:
    book = replace(BOOK, inactivity=replace(BOOK.inactivity, limits=(12 * HOUR,)))
    one = home(book=book)
    live(one, 9 * HOUR)
    cook(one)
    live(one, 47 * HOUR)
    one.wait(13 * HOUR)
    one.live()
    assert not raised(one)


def test_a_clock_that_jumps_changes_no_span() -> None:
    one = Home(KETTLE, COOKER, book=BOOK, trusted=False)
    one.see("cooker", POWER, 0.0)
    begin = cook(one)
    live(one, 40 * HOUR)
    one.jump(14 * DAY)
    live(one, 6 * HOUR)
    assert not raised(one)
    live(one, DAY)
    assert dict(raised(one)[0].explanation[0].arguments)["since"] == begin + 14 * DAY


def test_a_closed_case_is_not_raised_again_before_the_next_meal() -> None:
    one = home()
    cook(one)
    live(one, 3 * DAY)
    one.put(Closed(raised(one)[0].serial, Outcome.FALSE))
    live(one, 6 * DAY)
    assert len(raised(one)) == 1


def test_a_device_for_something_else_is_no_meal() -> None:
    one = home()
    cook(one)
    one.put(DeviceChanged((KETTLE, MOTION, replace(COOKER, use=None))))
    live(one, 4 * DAY)
    assert not raised(one)


def test_a_home_may_do_without() -> None:
    one = home(book=replace(BOOK, eating=Eating(enabled=False)))
    cook(one)
    live(one, 5 * DAY)
    assert not raised(one)
    assert DeviceId("cooker") in one.engine.state.devices
