"""A slow decline over weeks, through the engine's door."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from functools import cache
from random import Random

import pytest

from rules.alarm import AlarmKey, AlarmKind, AlarmState, Category
from rules.device import Use
from rules.events import Escalated, Outcome
from rules.inputs import Closed, DeviceChanged
from rules.observation import Phenomenon
from rules.rulebook import Decline
from rules.sentence import Say
from tests.rules.days import DAY, FALLS_ASLEEP, WAKES, at, awake, book, furnished
from tests.rules.home import DOOR, HOUR, KETTLE, MINUTE, MOTION, NODE, Home

KEY = AlarmKey(AlarmKind.DECLINE)
WEEK = 7 * DAY
POT = replace(KETTLE, use=Use.COOKING, report_every=6 * HOUR)
DEVICES = (POT, *(replace(each, report_every=6 * HOUR) for each in (MOTION, DOOR, NODE)))


def kitchen(**rules: object) -> Home:
    calm = replace(book(), **rules)  # type: ignore[arg-type]
    calm = replace(
        calm,
        morning=replace(calm.morning, enabled=False),
        eating=replace(calm.eating, enabled=False),
    )
    home = Home(*DEVICES, book=calm)
    home.wait(5 * MINUTE)
    return home


def day(
    home: Home,
    *,
    wakes: timedelta = WAKES,
    every: timedelta = 80 * MINUTE,
    cooks: int = 3,
    stirs: int = 0,
) -> None:
    """A day that begins at `wakes`, with so much of everything, and none by the minute."""
    odd = Random(home.now.toordinal())
    at(home, FALLS_ASLEEP)
    for _ in range(stirs):
        home.wait(40 * MINUTE)
        stroll(home)
    at(home, wakes)
    end = home.now + DAY - (wakes - FALLS_ASLEEP)
    for _ in range(cooks):
        home.wait(odd.randrange(20) * MINUTE)
        for load in (0.0, odd.uniform(1500, 2000), 0.0):
            home.see("kettle", Phenomenon.POWER_W, load)
            home.wait(odd.randrange(1, 5) * MINUTE)
        stroll(home)
        home.wait(35 * MINUTE)
    while home.now < end - every:
        stroll(home)
        home.wait(every - odd.randrange(15, 20) * MINUTE)
    home.wait(max(end - home.now, timedelta()))


def stroll(home: Home) -> None:
    """A quarter of an hour about the home."""
    for _ in range(3):
        home.see("motion", Phenomenon.MOTION, value=True)
        home.wait(MINUTE)
        home.see("motion", Phenomenon.MOTION, value=False)
        home.wait(4 * MINUTE)


def notes(home: Home) -> list[Escalated]:
    return [case for case in home.cases() if case.alarm == KEY]


def weeks(home: Home, count: int, live: Callable[[Home], None] = day) -> Home:
    for _ in range(7 * count):
        live(home)
    return home


@cache
def _twelve_weeks() -> Home:
    return weeks(kitchen(), 12)


def twelve_weeks() -> Home:
    """A home that was known for so long."""
    return deepcopy(_twelve_weeks())


def later(home: Home) -> None:
    day(home, wakes=WAKES + 90 * MINUTE)


def less(home: Home) -> None:
    day(home, every=160 * MINUTE, cooks=1)


def restless(home: Home) -> None:
    day(home, stirs=4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (less, {Say.LESS_LIFE, Say.LESS_COOKING}),
        (later, {Say.LATER_MORNINGS}),
        (restless, {Say.MORE_NIGHT_LIFE}),
    ],
)
def test_what_changed_for_weeks_is_told_once_and_never_asked_about(
    change: Callable[[Home], None], says: set[Say]
) -> None:
    home = twelve_weeks()
    assert not notes(home)
    weeks(home, 7, change)
    (note,) = notes(home)
    found = {each.say for each in note.explanation}
    assert found
    assert found <= says
    assert note.alarm.kind.category is Category.NOTE
    assert not home.commands()
    assert len(home.cases()) == 1


def test_a_steady_home_says_nothing() -> None:
    home = kitchen()
    for number in range(110):
        # Each day somewhat else, no week like another.
        day(home, every=timedelta(minutes=50 + 17 * (5 * number % 7)), cooks=1 + number % 4)
    assert not home.cases()


def test_one_bad_week_is_none() -> None:
    home = twelve_weeks()
    weeks(home, 1, less)
    weeks(home, 4)
    assert not notes(home)


@pytest.mark.parametrize("days", [20, 40])
def test_a_trip_that_nobody_announced_is_none(days: int) -> None:
    home = weeks(kitchen(inactivity=replace(book().inactivity, enabled=False)), 12)
    home.wait(days * DAY)
    weeks(home, 3)
    assert not notes(home)


def test_long_weekends_with_the_daughter_are_none() -> None:
    home = deepcopy(_twelve_weeks())
    for _ in range(5):
        for _ in range(4):
            day(home)
        home.wait(3 * DAY)
    assert not notes(home)


def test_a_sensor_that_died_is_none() -> None:
    home = twelve_weeks()
    home.dead = {POT.id}
    weeks(home, 5, lambda home: day(home, cooks=0))
    assert not notes(home)


def test_other_devices_see_another_home() -> None:
    home = twelve_weeks()
    home.put(DeviceChanged((POT, *(replace(each, address="00:01") for each in DEVICES[1:2]))))
    weeks(home, 5, lambda home: day(home, every=3 * HOUR))
    assert not notes(home)


def test_it_is_told_again_only_of_later_weeks() -> None:
    home = twelve_weeks()
    weeks(home, 4, less)
    (note,) = notes(home)
    home.put(Closed(note.serial, Outcome.TECHNICAL))
    assert home.state(KEY) is AlarmState.NORMAL
    weeks(home, 6, less)
    assert len(notes(home)) == 1
    weeks(home, 8, lambda home: day(home, every=5 * HOUR, cooks=0))
    assert len(notes(home)) == 2


def test_where_it_is_off_nothing_is_told() -> None:
    home = weeks(kitchen(decline=Decline(enabled=False)), 12)
    weeks(home, 5, less)
    assert not notes(home)


def test_what_is_kept_of_weeks_is_bounded() -> None:
    home = weeks(twelve_weeks(), 2)
    small = len(home.engine.snapshot())
    weeks(home, 6)
    assert abs(len(home.engine.snapshot()) - small) < 200
    assert len(home.engine.state.routine.weeks.past) == 13


def test_a_morning_somebody_was_called_to_teaches_nothing() -> None:
    home = furnished()
    for _ in range(18):
        at(home, WAKES)
        awake(home, 16 * HOUR)
    at(home, WAKES + 5 * HOUR)
    serial = home.cases()[-1].serial
    before = home.engine.state.routine.mornings
    awake(home, HOUR)
    home.put(Closed(serial, Outcome.REAL))
    assert home.engine.state.routine.mornings == before
