"""Learnt inactivity, through the engine's door."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.engine import Engine
from rules.events import AwayReason, Learnt, Outcome, Stage
from rules.habits import Habits
from rules.inputs import Away, Boot, Closed
from rules.observation import Phenomenon
from rules.prices import Budget
from rules.rulebook import PRESETS, Preset, Rulebook
from rules.sentence import Say
from rules.silences import Context, Ended
from tests.rules import home
from tests.rules.home import HOUR, MINUTE, Home

KETTLE, MOTION, DOOR, NODE = (
    # Seldom, since what is tested here is silence; the tests take a third of the time.
    replace(each, report_every=4 * HOUR)
    for each in (home.KETTLE, home.MOTION, home.DOOR, home.NODE)
)
LAMP = home.device("lamp", Phenomenon.RELAY_ON, every=4 * HOUR, mains=True)
KEY = AlarmKey(AlarmKind.INACTIVITY)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
ALONE = PRESETS[Preset.LIVING_ALONE]


def book(**rule: object) -> Rulebook:
    rules = {"prompt": False, "false_call_every": timedelta(days=30), **rule}
    return replace(ALONE, inactivity=replace(ALONE.inactivity, **rules))  # type: ignore[arg-type]


def day(home: Home, hours: int = 16, every: timedelta = HOUR) -> None:
    """A day by the clock: life for so many hours from 00:00 UTC on, then sleep."""
    begin = home.now
    while home.now < begin + hours * HOUR:
        home.live()
        for case in list(home.engine.state.cases):
            home.put(Closed(case, Outcome.FALSE))
        home.wait(every)
    home.wait(begin + DAY - home.now)


def lived(home: Home, days: int) -> Home:
    for _ in range(days):
        day(home)
    return home


@cache
def _lived_for(days: int, rule: tuple[tuple[str, object], ...]) -> Home:
    return lived(Home(KETTLE, NODE, book=book(**dict(rule))), days)


def lived_for(days: int, **rule: object) -> Home:
    """Such a home, lived in once for all tests."""
    return deepcopy(_lived_for(days, tuple(rule.items())))


def until(home: Home, hours: int) -> None:
    """Life every hour for so long, and a last time then."""
    for _ in range(hours):
        home.live()
        home.wait(HOUR)
    home.live()


def alarm_after(home: Home) -> timedelta:
    at, life = home.engine.alarm_time_if_silent(), home.engine.state.life
    assert at is not None
    assert life is not None
    return at - life.at


def test_until_it_has_learnt_the_fixed_limit_stands() -> None:
    home = lived_for(6)
    home.live()
    assert alarm_after(home) == 24 * HOUR


def test_by_day_a_home_that_lives_by_the_clock_is_called_within_hours() -> None:
    home = lived_for(60)
    until(home, 4)
    by_day = alarm_after(home)
    assert HOUR <= by_day <= 8 * HOUR
    home.wait(30 * MINUTE)
    assert home.state(KEY) is AlarmState.NORMAL


def test_at_night_the_same_home_is_left_to_sleep() -> None:
    home = lived_for(60)
    assert not [case for case in home.cases() if case.alarm == KEY]
    until(home, 15)
    # Nine hours of sleep follow.
    assert 9 * HOUR < alarm_after(home) < 20 * HOUR


def test_without_learning_nothing_changes() -> None:
    home = lived_for(20, learn=False)
    home.live()
    assert alarm_after(home) == 24 * HOUR


def test_what_was_learnt_never_calls_later_than_the_fixed_limit() -> None:
    strict = replace(book(), inactivity=replace(book().inactivity, limits=(3 * HOUR, 50 * HOUR)))
    home = Home(KETTLE, NODE, book=strict)
    for _ in range(20):
        # Silences of twelve hours are this home's habit.
        home.live()
        home.wait(12 * HOUR)
        for case in list(home.engine.state.cases):
            home.put(Closed(case, Outcome.FALSE))
    home.live()
    assert alarm_after(home) <= 3 * HOUR


def test_a_generous_budget_calls_sooner_than_a_tight_one() -> None:
    waits = []
    for every in (2, 30, 360):
        home = lived_for(40, false_call_every=timedelta(days=every))
        until(home, 5)
        waits.append(alarm_after(home))
    assert waits == sorted(waits)
    assert waits[0] < waits[-1]


def test_the_call_says_what_is_usual_here() -> None:
    home = lived_for(40)
    until(home, 6)
    home.wait(12 * HOUR)
    (case,) = [case for case in home.cases() if case.alarm == KEY]
    usual = next(each for each in case.explanation if each.say is Say.SILENCE_USUAL)
    span = dict(usual.arguments)["usual"]
    assert isinstance(span, timedelta)
    assert span < 4 * HOUR
    assert Say.SILENCE_LIMIT not in {each.say for each in case.explanation}


def test_after_the_first_call_the_ladder_goes_on() -> None:
    home = lived_for(40)
    home.live()
    home.wait(37 * HOUR)
    levels = [news.level for news in home.updates() if news.stage is Stage.LEVEL]
    assert levels == [2]


def test_after_somebody_looked_in_vain_the_same_silence_is_judged_by_the_fixed_limit() -> None:
    home = lived_for(40)
    until(home, 5)
    while not home.engine.state.cases:
        home.wait(10 * MINUTE)
    (case,) = home.engine.state.cases
    home.put(Closed(case, Outcome.FALSE))
    closed = home.now
    assert home.engine.alarm_time_if_silent() == closed + 24 * HOUR
    home.live()
    assert alarm_after(home) < 12 * HOUR


def test_whom_nobody_reached_is_called_for_again_as_soon() -> None:
    home = lived_for(40)
    until(home, 5)
    while not home.engine.state.cases:
        home.wait(10 * MINUTE)
    (case,) = home.engine.state.cases
    home.put(Closed(case, Outcome.NO_CONTACT))
    assert alarm_after(home) < 20 * HOUR


def test_who_does_not_come_back_when_a_trip_was_to_end_is_given_the_fixed_limit() -> None:
    home = lived_for(40)
    home.live()
    until_ = home.now + 30 * HOUR
    home.put(Away(AwayReason.TRIP, "daughter", until_))
    home.wait(31 * HOUR)
    assert home.engine.alarm_time_if_silent() == until_ + 24 * HOUR
    home.live()
    assert alarm_after(home) < 12 * HOUR


def test_a_restart_and_a_replay_of_events_come_to_the_same() -> None:
    home = Home(KETTLE, NODE, book=book())
    before = home.engine.snapshot()
    home.events.clear()
    lived(home, 12)
    again = Engine.restored(home.book, before, home.events)
    assert again.snapshot() == home.engine.snapshot()
    home.live()
    assert Engine.restored(home.book, home.engine.snapshot(), []).alarm_time_if_silent() == (
        home.engine.alarm_time_if_silent()
    )


def test_it_learns_once_a_day_and_what_it_keeps_is_bounded() -> None:
    home = Home(KETTLE, MOTION, NODE, book=book())
    lived(home, 3)
    small = len(home.engine.snapshot())
    lived(home, 40)
    # With the first sign of life of each day but the first.
    assert len(list(home.of(Learnt))) == 42
    # Weeks and mornings fill up over a quarter: 0.8 KB and 0.4 KB.
    assert len(home.engine.snapshot()) < small + 1_500


def test_a_day_of_many_restarts_was_listened_to_less() -> None:
    home = lived_for(10)
    home.live()
    before, learnt = home.engine.state.habits.days, home.engine.state.habits.learnt
    assert learnt is not None
    for _ in range(6):
        home.wait(2 * HOUR)
        home.restart(2 * HOUR)
        home.live()
    home.wait(HOUR)
    home.live()
    again = home.engine.state.habits.learnt
    assert again is not None
    days = (again - learnt - 12 * HOUR) / DAY
    assert home.engine.state.habits.days - before == pytest.approx(days, abs=0.02)
    # Those downtimes count for that day alone.
    home.wait(25 * HOUR)
    home.live()
    days += (home.now - again) / DAY
    assert home.engine.state.habits.days - before == pytest.approx(days, abs=0.02)


def test_a_silence_nobody_watched_is_not_learnt() -> None:
    seen = lived_for(10)
    seen.live()
    known = len(seen.engine.state.habits.today)
    seen.wait(30 * MINUTE)
    seen.restart(5 * HOUR)
    seen.live()
    assert len(seen.engine.state.habits.today) == known
    seen.wait(30 * MINUTE)
    seen.restart(MINUTE)
    seen.live()
    assert seen.engine.state.habits.today[-1].minutes == 31


def test_a_short_restart_after_a_long_one_makes_nobody_have_watched() -> None:
    home = lived_for(10)
    home.live()
    known = len(home.engine.state.habits.today)
    home.wait(30 * MINUTE)
    home.restart(5 * HOUR)
    home.wait(MINUTE)
    home.restart(MINUTE)
    home.live()
    assert len(home.engine.state.habits.today) == known
    home.wait(30 * MINUTE)
    home.live()
    assert home.engine.state.habits.today[-1].minutes == 30


def test_the_downtimes_of_several_restarts_are_no_silence() -> None:
    home = lived_for(40)
    until(home, 4)
    limit = alarm_after(home)
    home.wait(30 * MINUTE)
    home.restart(5 * HOUR)
    home.wait(MINUTE)
    home.restart(MINUTE)
    home.wait(MINUTE)
    assert home.state(KEY) is AlarmState.NORMAL
    assert alarm_after(home) == limit + 5 * HOUR + MINUTE


def test_what_was_lost_with_a_broken_journal_is_not_learnt() -> None:
    home = lived_for(10)
    home.live()
    known = len(home.engine.state.habits.today)
    home.wait(HOUR)
    home.put(Boot(home.engine.state.boot + 1, MINUTE, trusted=True, lost=HOUR))
    home.live()
    assert len(home.engine.state.habits.today) == known


def test_a_gateway_that_did_not_learn_before_knows_what_kind_of_home_it_is_in() -> None:
    home = Home(KETTLE, MOTION, NODE, book=book())
    home.engine.state.habits = Habits()
    home.restart(timedelta())
    assert home.engine.state.habits.rooms


def test_nobody_is_silent_while_the_gateway_is_down() -> None:
    home = lived_for(40)
    until(home, 5)
    before = alarm_after(home)
    home.restart(2 * HOUR)
    assert alarm_after(home) == before + 2 * HOUR
    home.restart(22 * HOUR)
    # The fixed limit counts them all the same.
    assert home.cases()[-1].alarm == KEY


def test_a_silence_is_measured_by_one_yardstick() -> None:
    home = lived_for(40, false_call_every=timedelta(days=360))
    home.live()
    foretold = home.engine.alarm_time_if_silent()
    home.wait(30 * HOUR)
    assert home.cases()[-1].at == foretold


def test_a_trip_is_not_learnt() -> None:
    home = lived_for(10)
    home.live()
    home.put(Away(AwayReason.TRIP, "me"))
    home.wait(20 * HOUR)
    home.live()
    assert all(each.minutes < 19 * 60 for each in home.engine.state.habits.today)


def test_a_person_in_need_teaches_nothing() -> None:
    home = lived_for(20)
    home.live()
    known = len(home.engine.state.habits.today)
    home.wait(23 * HOUR)
    for case in list(home.engine.state.cases):
        home.put(Closed(case, Outcome.REAL))
    home.wait(HOUR)
    home.live()
    assert all(each.minutes < 10 * 60 for each in home.engine.state.habits.today[:known])
    assert not [each for each in home.engine.state.habits.today if each.minutes >= 23 * 60]


@pytest.mark.parametrize("outcome", [Outcome.REAL, Outcome.FALSE])
@pytest.mark.parametrize("helpers_first", [True, False])
def test_a_call_is_learnt_from_once_it_is_known_to_be_vain(
    outcome: Outcome, *, helpers_first: bool
) -> None:
    home = lived_for(20)
    until(home, 5)
    vain = home.engine.state.habits.vain[Context.INSIDE]
    home.wait(20 * HOUR)
    (case,) = home.engine.state.cases
    if helpers_first:
        # Whoever helps moves about, the day's habits are learnt, and the case is closed later.
        home.live()
    home.put(Closed(case, outcome))
    for _ in range(2):
        home.wait(25 * HOUR)
        home.live()
        for later in list(home.engine.state.cases):
            home.put(Closed(later, Outcome.REAL))
    learnt = home.engine.state.habits.vain[Context.INSIDE] - vain
    assert learnt == (outcome is Outcome.FALSE)


def test_while_the_date_may_be_false_the_longest_wait_of_the_day_counts() -> None:
    home = lived_for(40)
    until(home, 4)
    by_day = alarm_after(home)
    home.restart(timedelta(), trusted=False)
    home.live()
    assert alarm_after(home) > by_day


def test_a_silence_behind_the_front_door_may_be_an_outing() -> None:
    home = Home(MOTION, DOOR, KETTLE, NODE, book=book())
    for _ in range(40):
        begin = home.now
        while home.now < begin + 8 * HOUR:
            home.live()
            home.wait(40 * MINUTE)
        home.see("door", Phenomenon.CONTACT_OPEN, value=True)
        home.see("door", Phenomenon.CONTACT_OPEN, value=False)
        home.wait(4 * HOUR)
        home.see("door", Phenomenon.CONTACT_OPEN, value=True)
        home.see("door", Phenomenon.CONTACT_OPEN, value=False)
        home.wait(30 * MINUTE)
        while home.now < begin + 16 * HOUR:
            home.live()
            home.wait(40 * MINUTE)
        home.wait(begin + DAY - home.now)
    begin = home.now
    home.live()
    home.wait(8 * HOUR)
    home.live()
    inside = alarm_after(home)
    home.see("door", Phenomenon.CONTACT_OPEN, value=True)
    home.see("door", Phenomenon.CONTACT_OPEN, value=False)
    assert home.engine.state.habits.began is Context.AFTER_DOOR
    assert alarm_after(home) > max(inside, 4 * HOUR)


@pytest.mark.parametrize(
    ("room", "after", "began"),
    [
        ("kitchen", 5 * MINUTE, Context.INSIDE),
        # Whoever went out may have been seen late.
        ("kitchen", 30 * SECOND, Context.AFTER_DOOR),
        ("hall", 5 * MINUTE, Context.AFTER_DOOR),
    ],
)
def test_who_was_seen_last_in_another_room_than_the_door_s_did_not_go_out(
    room: str, after: timedelta, began: Context
) -> None:
    door, motion = replace(DOOR, room="hall"), replace(MOTION, room=room)
    home = Home(motion, door, KETTLE, NODE, book=book())
    home.live()
    home.see("door", Phenomenon.CONTACT_OPEN, value=False)
    home.see("door", Phenomenon.CONTACT_OPEN, value=True)
    home.see("door", Phenomenon.CONTACT_OPEN, value=False)
    assert home.engine.state.habits.began is Context.AFTER_DOOR
    home.wait(after)
    home.see("motion", Phenomenon.MOTION, value=True)
    assert home.engine.state.habits.began is began


@pytest.mark.parametrize("answers", [True, False])
def test_it_learns_whether_prompts_are_answered(*, answers: bool) -> None:
    home = lived_for(30, prompt=True, ask_every=DAY)
    for _ in range(5):
        until(home, 6)
        while home.state(KEY) is not AlarmState.PROMPTED:
            home.wait(MINUTE)
        if answers:
            home.press()
        else:
            home.wait(11 * MINUTE)
            home.live()
        for case in list(home.engine.state.cases):
            home.put(Closed(case, Outcome.FALSE))
    home.wait(DAY)
    home.live()
    habits = home.engine.state.habits
    assert habits.asked[Context.INSIDE] >= 5
    assert (habits.vain[Context.INSIDE] >= 5) is not answers


def test_prompts_and_calls_keep_to_their_budgets() -> None:
    habits = Habits()
    habits.days = 60.0
    begin = datetime(2026, 7, 1, 5, 0).astimezone()
    quiet = habits.wait(begin, Context.INSIDE, Budget(1 / 180, None))
    asked = habits.wait(begin, Context.INSIDE, Budget(1 / 180, 2 / 7))
    assert asked < quiet


def in_doubt() -> tuple[Home, timedelta]:
    home, limit = _in_doubt()
    return deepcopy(home), limit


@cache
def _in_doubt() -> tuple[Home, timedelta]:
    """A home whose only sign for hours is one that nobody may have made; its wait otherwise."""
    home = Home(KETTLE, LAMP, NODE, book=book(false_call_every=timedelta(days=180)))
    for _ in range(30):
        day(home, every=40 * MINUTE)
    home.see("lamp", Phenomenon.RELAY_ON, value=False)
    until(home, 4)
    limit = alarm_after(home)
    home.wait(limit - 15 * MINUTE)
    home.see("lamp", Phenomenon.RELAY_ON, value=True)
    return home, limit


def test_a_lone_sign_in_an_unusual_silence_does_not_begin_it_anew() -> None:
    home, limit = in_doubt()
    at, before = home.now, home.now - (limit - 15 * MINUTE)
    assert HOUR <= alarm_after(home) < limit / 2
    doubt = home.engine.state.habits.doubt
    # The other end of the same switching is no second sign.
    home.wait(timedelta(seconds=10))
    home.see("lamp", Phenomenon.RELAY_ON, value=False)
    assert home.engine.state.habits.doubt == doubt
    assert HOUR <= alarm_after(home) < limit / 2
    foretold = home.engine.alarm_time_if_silent()
    home.wait(limit)
    case = home.cases()[-1]
    assert (case.alarm, case.at) == (KEY, foretold)
    said = {each.say: dict(each.arguments) for each in case.explanation}
    assert said[Say.LONE_SIGN] == {"at": at + timedelta(seconds=10), "since": before}


def test_where_few_signs_come_a_lone_one_leaves_less_doubt() -> None:
    begin = datetime(2026, 7, 1, 5, 0, tzinfo=UTC)
    many, few = Habits(days=60.0), Habits(days=60.0, weight=90.0)
    for each in (many, few):
        each.end(begin, begin + 4 * HOUR, Ended.LIFE)
    assert many.doubt is not None
    assert few.doubt is not None
    # A quarter as many signs a day; the shares of them that follow no habit differ, too.
    assert few.doubt.costs(2)[0] < many.doubt.costs(2)[0] / 3


def test_what_did_not_stand_alone_is_not_said_to() -> None:
    home, limit = in_doubt()
    for minutes in (5, 19, 11, 23, 8, 31, 14, 27):
        home.wait(minutes * MINUTE)
        home.live()
    home.wait(2 * limit)
    assert all(each.say is not Say.LONE_SIGN for each in home.cases()[-1].explanation)


def test_signs_soon_after_each_other_do() -> None:
    home, limit = in_doubt()
    doubted = alarm_after(home)
    for _ in range(3):
        home.wait(20 * MINUTE)
        home.live()
    assert alarm_after(home) > max(2 * doubted, limit / 2)


def test_a_pressed_button_leaves_no_doubt() -> None:
    home, limit = in_doubt()
    home.wait(MINUTE)
    home.press()
    assert home.engine.state.habits.doubt is None
    assert alarm_after(home) > limit / 2


def test_where_a_sensor_is_dead_signs_come_alone() -> None:
    home = lived(Home(KETTLE, LAMP, MOTION, NODE, book=book()), 40)
    home.see("lamp", Phenomenon.RELAY_ON, value=False)
    home.dead = {MOTION.id}
    for _ in range(2):
        day(home)
    until(home, 4)
    limit = alarm_after(home)
    home.wait(limit - 15 * MINUTE)
    home.see("lamp", Phenomenon.RELAY_ON, value=True)
    assert home.engine.state.habits.doubt is None


def test_who_was_looked_after_is_in_no_doubt() -> None:
    home, _ = in_doubt()
    home.wait(5 * HOUR)
    home.see("lamp", Phenomenon.RELAY_ON, value=False)
    (case,) = home.engine.state.cases
    home.put(Closed(case, Outcome.FALSE))
    assert home.engine.state.habits.doubt is None


def test_an_old_case_that_is_closed_says_nothing_of_todays_doubt() -> None:
    home = Home(KETTLE, LAMP, NODE, book=book(false_call_every=timedelta(days=180)))
    for _ in range(30):
        day(home, every=40 * MINUTE)
    home.wait(DAY)
    (case,) = home.engine.state.cases
    for _ in range(24):
        home.live()
        home.wait(40 * MINUTE)
    home.wait(8 * HOUR)
    home.see("lamp", Phenomenon.RELAY_ON, value=False)
    until(home, 4)
    home.wait(alarm_after(home) - 15 * MINUTE)
    home.see("lamp", Phenomenon.RELAY_ON, value=True)
    assert case in home.engine.state.cases
    limit = alarm_after(home)
    assert home.engine.state.habits.doubt is not None
    home.put(Closed(case, Outcome.FALSE))
    assert alarm_after(home) == limit


def test_doubt_outlives_a_restart_and_a_clock_that_is_set() -> None:
    home, _ = in_doubt()
    home.wait(5 * MINUTE)
    home.jump(6 * HOUR)
    habits = home.engine.state.habits
    assert habits.doubt is not None
    assert habits.doubt.at == home.now - 5 * MINUTE
    left = alarm_after(home)
    home.restart(timedelta())
    assert alarm_after(home) == left


@pytest.mark.parametrize("down", [2 * MINUTE, 2 * HOUR], ids=["moment", "outage"])
def test_what_is_doubted_outlives_an_outage(down: timedelta) -> None:
    home, limit = in_doubt()
    home.restart(down)
    home.see("lamp", Phenomenon.RELAY_ON, value=True)
    assert home.engine.state.habits.doubt is not None
    assert alarm_after(home) < limit / 2
    for _ in range(12):
        home.wait(20 * MINUTE)
        home.live()
    assert alarm_after(home) > limit / 2


def test_a_sensor_that_falls_silent_leaves_the_doubt_there_was() -> None:
    home = lived(Home(KETTLE, LAMP, MOTION, NODE, book=book()), 40)
    home.see("lamp", Phenomenon.RELAY_ON, value=False)
    until(home, 4)
    limit = alarm_after(home)
    home.wait(limit - 15 * MINUTE)
    home.see("lamp", Phenomenon.RELAY_ON, value=True)
    before = home.engine.state.habits.doubt
    assert before is not None
    home.dead = {MOTION.id}
    home.wait(50 * MINUTE)
    home.see("lamp", Phenomenon.RELAY_ON, value=False)
    after = home.engine.state.habits.doubt
    assert after is not None
    assert after.moments[0] <= before.moments[0]
    assert alarm_after(home) < limit / 2
