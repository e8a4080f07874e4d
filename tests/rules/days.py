"""Days by the clock in a home, for rules that learn what is usual."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rules.events import Outcome
from rules.inputs import Closed
from rules.observation import Phenomenon
from rules.rulebook import PRESETS, Morning, Preset, Rulebook, Wandering
from tests.rules.home import DOOR, HOUR, KETTLE, MINUTE, MOTION, NODE, Home

DAY = timedelta(days=1)
ALONE = PRESETS[Preset.LIVING_ALONE]
FALLS_ASLEEP = 14 * HOUR
"In UTC: 23:00 in Seoul."
WAKES = 22 * HOUR


def book(*, prompt: bool = False, every: timedelta = 90 * DAY) -> Rulebook:
    """The rules of one who lives alone, with all that watches over days."""
    return replace(
        ALONE,
        inactivity=replace(ALONE.inactivity, prompt=prompt, learn=False),
        morning=Morning(enabled=True, false_call_every=every),
        wandering=Wandering(enabled=True),
    )


def furnished(rules: Rulebook | None = None, every: timedelta = 2 * HOUR) -> Home:
    """A home whose devices report only as often as tests need."""
    devices = [replace(each, report_every=every) for each in (KETTLE, MOTION, DOOR, NODE)]
    home = Home(*devices, book=rules or book())
    home.wait(5 * MINUTE)
    return home


def move(home: Home, times: int = 1) -> None:
    """Somebody walks past the motion sensor."""
    for _ in range(times):
        home.see("motion", Phenomenon.MOTION, value=True)
        home.see("motion", Phenomenon.MOTION, value=False)


def at(home: Home, time: timedelta) -> None:
    """Wait for the next time that it is so late (UTC)."""
    midnight = home.now.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight + time
    home.wait(moment - home.now if moment >= home.now else moment + DAY - home.now)


def awake(home: Home, span: timedelta, every: timedelta = 20 * MINUTE) -> None:
    """Somebody is up and about for so long."""
    end = home.now + span
    while home.now < end:
        home.live()
        move(home)
        home.wait(min(every, end - home.now))


def day(home: Home, wakes: timedelta = WAKES, every: timedelta = 20 * MINUTE) -> None:
    """A day as others: a night's sleep until `wakes`, and then life until it is late."""
    at(home, FALLS_ASLEEP)
    at(home, wakes)
    awake(home, DAY - (wakes - FALLS_ASLEEP), every)
    for serial in list(home.engine.state.cases):
        home.put(Closed(serial, Outcome.FALSE))


def lived(home: Home, days: int, late: Sequence[timedelta] = (timedelta(),)) -> Home:
    """So many days, whose mornings are late by turns."""
    for number in range(days):
        day(home, WAKES + late[number % len(late)])
    return home
