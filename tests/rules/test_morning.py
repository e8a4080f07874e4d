"""The day that does not begin, through the engine's door."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.command import Signal
from rules.engine import Engine
from rules.events import AwayReason, Outcome
from rules.inputs import Away, Closed, Shelve
from rules.observation import Phenomenon
from rules.routine import Routine
from rules.sentence import Say
from tests.rules.days import DAY, FALLS_ASLEEP, WAKES, at, awake, book, day, furnished, lived, move
from tests.rules.home import HOUR, KETTLE, MINUTE, NODE, Home

KEY = AlarmKey(AlarmKind.NO_MORNING)
INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
LATE = (timedelta(), 20 * MINUTE, 40 * MINUTE)


def called(home: Home) -> bool:
    return any(case.alarm == KEY for case in home.cases())


def test_a_day_that_does_not_begin_is_called_by_the_learnt_hour() -> None:
    home = lived(furnished(), 21, LATE)
    assert not called(home)
    at(home, WAKES + 40 * MINUTE)
    assert not called(home)
    home.wait(3 * HOUR)
    (case,) = [case for case in home.cases() if case.alarm == KEY]
    assert [each.say for each in case.explanation] == [Say.NO_MORNING, Say.NO_LIFE_SINCE]
    said = dict(case.explanation[0].arguments)
    assert said["signs"] == 0
    usual = said["usual"]
    assert isinstance(usual, datetime)
    assert WAKES <= timedelta(hours=usual.hour, minutes=usual.minute) <= WAKES + 2 * HOUR
    assert len(case.activity) == 48


def test_not_in_the_first_weeks() -> None:
    home = lived(furnished(), 10)
    home.wait(20 * HOUR)
    assert not called(home)


def test_the_resident_is_asked_first_and_an_answer_ends_it_for_the_day() -> None:
    home = lived(furnished(book(prompt=True)), 18)
    at(home, WAKES)
    while home.state(KEY) is AlarmState.NORMAL:
        home.wait(MINUTE)
    assert home.state(KEY) is AlarmState.PROMPTED
    assert f"node:buzzer:{Signal.PROMPT}" in home.commands()
    home.press()
    assert home.state(KEY) is AlarmState.NORMAL
    assert home.commands()[-1].endswith(Signal.OFF)
    home.wait(10 * HOUR)
    assert not called(home)


def test_a_prompt_that_nobody_answers_goes_out_over_a_restart() -> None:
    home = lived(furnished(book(prompt=True)), 18)
    at(home, WAKES)
    while home.state(KEY) is AlarmState.NORMAL:
        home.wait(MINUTE)
    home.wait(5 * MINUTE)
    home.restart(MINUTE)
    home.wait(5 * MINUTE)
    assert home.state(KEY) is AlarmState.RAISED
    assert home.cases()[-1].explanation[-1].say is Say.PROMPT_UNANSWERED


def test_lone_signs_by_night_are_no_morning() -> None:
    home = lived(furnished(), 18)
    at(home, WAKES - 40 * MINUTE)
    move(home, 2)
    home.wait(40 * MINUTE)
    home.see("kettle", Phenomenon.POWER_W, 1800.0)
    home.wait(4 * HOUR)
    assert called(home)


def test_one_way_to_the_bathroom_is_no_morning() -> None:
    home = lived(furnished(), 18)
    at(home, WAKES - 50 * MINUTE)
    for _ in range(8):
        move(home)
        home.wait(MINUTE)
    home.wait(5 * HOUR)
    assert called(home)


def test_by_plugs_alone_two_uses_are_one() -> None:
    home = Home(KETTLE, NODE, book=book())
    lived(home, 18)
    at(home, WAKES)
    home.live()
    home.wait(HOUR)
    home.live()
    home.wait(10 * HOUR)
    assert not called(home)
    at(home, WAKES)
    home.live()
    home.wait(6 * HOUR)
    assert called(home)


def test_the_rarer_a_call_in_vain_may_be_the_longer_is_waited() -> None:
    waits = []
    for every in (7 * DAY, 90 * DAY, 900 * DAY):
        home = lived(furnished(book(every=every)), 21, LATE)
        wait = home.engine.state.routine.latest(every)
        assert wait is not None
        waits.append(wait)
    assert waits == sorted(waits)
    assert len(set(waits)) == 3


def test_once_it_has_begun_the_case_is_cleared() -> None:
    home = lived(furnished(), 18)
    at(home, WAKES + 4 * HOUR)
    assert home.state(KEY) is AlarmState.RAISED
    home.live()
    assert home.state(KEY) is AlarmState.RAISED
    awake(home, HOUR)
    assert home.state(KEY) is AlarmState.CLEARED
    assert home.updates()[-1].explanation[0].say is Say.MORNING_CAME


def test_a_button_begins_the_day_by_itself() -> None:
    home = lived(furnished(), 18)
    at(home, WAKES)
    home.press()
    home.wait(6 * HOUR)
    assert not called(home)


def test_a_late_morning_puts_the_next_ones_off_but_not_if_help_was_needed() -> None:
    waits = []
    for outcome in (Outcome.FALSE, Outcome.REAL):
        home = lived(furnished(), 18)
        at(home, WAKES + 5 * HOUR)
        home.put(Closed(home.cases()[-1].serial, outcome))
        awake(home, 9 * HOUR)
        home.events.clear()
        at(home, WAKES)
        begin = home.now
        while not called(home):
            home.wait(MINUTE)
        waits.append(home.now - begin)
    assert waits[0] >= 5 * HOUR
    assert waits[1] < 4 * HOUR


def test_a_case_closed_is_not_raised_again_for_the_same_morning() -> None:
    home = lived(furnished(), 18)
    at(home, WAKES + 4 * HOUR)
    home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
    home.wait(12 * HOUR)
    assert len([case for case in home.cases() if case.alarm == KEY]) == 1


@pytest.mark.parametrize(
    ("outcome", "calls"),
    [(Outcome.FALSE, 0), (Outcome.REAL, 0), (Outcome.NO_CONTACT, 1), (Outcome.TECHNICAL, 1)],
)
def test_whom_somebody_reached_is_not_called_again_soon_for_the_same_silence(
    outcome: Outcome, calls: int
) -> None:
    home = lived(furnished(), 18)
    last = home.engine.state.life
    assert last is not None
    at(home, WAKES + 4 * HOUR)
    home.put(Closed(home.cases()[-1].serial, outcome))
    closed = home.now
    home.wait(last.at + 25 * HOUR - home.now)
    assert inactivities(home) == calls
    home.wait(closed + 25 * HOUR - home.now)
    assert inactivities(home) == 1


def test_who_is_reached_while_asked_is_asked_no_longer() -> None:
    home = lived(furnished(book(prompt=True)), 18)
    last = home.engine.state.life
    assert last is not None
    at(home, WAKES + 4 * HOUR)
    serial = home.cases()[-1].serial
    home.wait(last.at + 24 * HOUR - 5 * MINUTE - home.now)
    assert home.state(INACTIVITY) is AlarmState.PROMPTED
    home.put(Closed(serial, Outcome.FALSE))
    assert home.state(INACTIVITY) is AlarmState.NORMAL
    home.wait(HOUR)
    assert not inactivities(home)


def inactivities(home: Home) -> int:
    return len([case for case in home.cases() if case.alarm.kind is AlarmKind.INACTIVITY])


def test_a_word_moves_with_the_clock() -> None:
    home = lived(furnished(), 18)
    at(home, WAKES + 4 * HOUR)
    home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
    foretold = home.engine.alarm_time_if_silent()
    assert foretold is not None
    home.jump(HOUR)
    assert home.engine.alarm_time_if_silent() == foretold + HOUR


def test_a_case_put_away_after_the_day_began_says_nothing_of_the_silence_since() -> None:
    home = lived(furnished(), 18)
    at(home, WAKES + 4 * HOUR)
    awake(home, HOUR)
    last = home.engine.state.life
    assert home.state(KEY) is AlarmState.CLEARED
    assert last is not None
    home.wait(5 * HOUR)
    home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
    home.wait(last.at + 24 * HOUR + MINUTE - home.now)
    assert inactivities(home) == 1


@pytest.mark.parametrize("helpers_first", [False, True])
@pytest.mark.parametrize("outcome", [Outcome.FALSE, Outcome.REAL])
def test_the_silence_of_a_person_in_need_is_no_habit(
    outcome: Outcome, *, helpers_first: bool
) -> None:
    home = lived(furnished(), 18)
    awake(home, DAY)
    before = silences(home)
    at(home, WAKES + 4 * HOUR)
    serial = home.cases()[-1].serial
    if helpers_first:
        # The day's habits are learnt before the case is closed.
        awake(home, 2 * HOUR)
    home.put(Closed(serial, outcome))
    awake(home, 26 * HOUR)
    assert silences(home) - before == (outcome is Outcome.FALSE)


def silences(home: Home) -> int:
    """How many of an hour and more the home's habits know."""
    return sum(map(sum, home.engine.state.habits.price_counts()))


def test_a_home_that_somebody_looked_into_in_vain_is_not_asked_each_morning() -> None:
    home = lived(furnished(), 18)
    for _ in range(3 * 24):
        home.wait(HOUR)
        for serial in list(home.engine.state.cases):
            home.put(Closed(serial, Outcome.FALSE))
    kinds = [case.alarm.kind for case in home.cases()]
    assert kinds.count(AlarmKind.INACTIVITY) >= 2
    assert kinds.count(AlarmKind.NO_MORNING) == 1


@pytest.mark.parametrize("why", ["trip", "blind", "off", "inactivity", "shelved"])
def test_it_says_nothing_where_nothing_can_be_said(why: str) -> None:
    home = lived(furnished(book(prompt=True)), 18)
    match why:
        case "trip":
            home.put(Away(AwayReason.TRIP, "son"))
        case "blind":
            at(home, FALLS_ASLEEP)
            home.wait(2 * HOUR)
            home.dead = set(home.engine.state.devices)
        case "off":
            home.book = replace(home.book, morning=replace(home.book.morning, enabled=False))
            home.restart(MINUTE)
        case "inactivity":
            rule = replace(home.book.inactivity, limits=(6 * HOUR, 100 * HOUR))
            home.book = replace(home.book, inactivity=rule)
            home.restart(MINUTE)
        case "shelved":
            at(home, WAKES - 2 * HOUR)
            home.put(Shelve(KEY, home.now + 20 * HOUR))
    at(home, WAKES + 8 * HOUR)
    assert not called(home)
    assert (AlarmKind.INACTIVITY in {case.alarm.kind for case in home.cases()}) is (
        why == "inactivity"
    )


def test_a_prompt_is_withdrawn_when_the_home_goes_blind() -> None:
    slow = book(prompt=True)
    slow = replace(slow, inactivity=replace(slow.inactivity, prompt_wait=2 * HOUR))
    home = lived(furnished(slow, 90 * MINUTE), 18)
    at(home, WAKES - HOUR)
    home.dead = set(home.engine.state.devices)
    at(home, WAKES + 3 * HOUR)
    assert home.state(KEY) is AlarmState.PROMPTED
    home.wait(40 * MINUTE)
    assert home.state(KEY) is AlarmState.NORMAL
    assert not called(home)


def test_a_morning_nobody_listened_to_is_not_judged() -> None:
    home = lived(furnished(), 18)
    at(home, WAKES + 5 * MINUTE)
    home.restart(2 * HOUR)
    home.wait(6 * HOUR)
    assert not called(home)


def test_who_comes_home_in_the_morning_is_up() -> None:
    home = lived(furnished(), 18)
    at(home, WAKES - 20 * MINUTE)
    for value in (True, False):
        home.see("door", Phenomenon.CONTACT_OPEN, value=value)
    home.wait(2 * HOUR)
    assert home.engine.state.away is not None
    for value in (True, False):
        home.see("door", Phenomenon.CONTACT_OPEN, value=value)
    move(home)
    home.wait(5 * HOUR)
    assert not called(home)


def test_a_prompt_that_only_a_false_hour_brought_about_is_taken_back() -> None:
    home = lived(furnished(book(prompt=True)), 18)
    at(home, FALLS_ASLEEP + HOUR)
    home.jump(10 * HOUR)
    home.wait(5 * HOUR)
    assert home.state(KEY) is AlarmState.NORMAL
    assert not called(home)


def test_a_small_correction_of_the_clock_changes_nothing() -> None:
    home = lived(furnished(), 18)
    at(home, WAKES + 10 * MINUTE)
    home.jump(-20 * timedelta(seconds=1))
    home.wait(4 * HOUR)
    assert called(home)


def test_a_home_that_sleeps_by_day_has_its_morning_in_the_evening() -> None:
    home = furnished()
    for _ in range(18):
        # Work by night at home, sleep from 01:00 to 09:00 UTC.
        at(home, 9 * HOUR)
        awake(home, 16 * HOUR)
    at(home, 8 * HOUR)
    assert not called(home)
    at(home, 13 * HOUR)
    assert called(home)


def test_it_keeps_its_budget_on_mornings_that_scatter() -> None:
    home = furnished(book(every=30 * DAY))
    late = [timedelta(minutes=17 * (7 * number % 11)) for number in range(11)]
    lived(home, 90, late)
    assert len([case for case in home.cases() if case.alarm == KEY]) <= 2


def test_a_restart_and_a_replay_come_to_the_same() -> None:
    home = furnished()
    before = home.engine.snapshot()
    home.events.clear()
    lived(home, 16)
    again = Engine.restored(home.book, before, home.events)
    assert again.snapshot() == home.engine.snapshot()


def test_a_snapshot_of_an_earlier_program_begins_to_learn() -> None:
    home = lived(furnished(), 3)
    home.engine.state.routine = Routine()
    home.restart(timedelta())
    lived(home, 18)
    at(home, WAKES + 5 * HOUR)
    assert called(home)


def test_what_is_learnt_is_bounded() -> None:
    home = lived(furnished(), 10)
    small = len(home.engine.snapshot())
    for _ in range(60):
        day(home, every=2 * HOUR)
    assert len(home.engine.snapshot()) < small + 500
