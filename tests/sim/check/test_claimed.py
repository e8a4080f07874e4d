"""Calls that habits brought forward: checked by the silence that they claim."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rules.codec import moment_us
from rules.events import Escalated
from rules.sentence import Say, sentence
from sim.check import check, dead_sensors, time_jumps
from tests.sim.check.story import HALL, HOUR, INACTIVITY, KETTLE, TELEVISION, Good, on


def calls_by_habit(story: Good, at: datetime, claimed: timedelta, *, lone: bool = False) -> None:
    """The last sign is of 05:00, the next of 11:00, and help is called meanwhile."""
    for moments in (story.home.life, story.home.signs):
        for index in range(len(moments) - 1, -1, -1):
            if moment_us(on(10, 6)) < moments[index] < moment_us(on(10, 10)):
                del moments[index]
    opening = story.escalates(at, INACTIVITY)
    decided = story.home.decided[-1]
    assert isinstance(decided.event, Escalated)
    said = sentence(Say.SILENCE_USUAL, since=at - claimed, usual=2 * HOUR)
    if lone:
        said = sentence(Say.LONE_SIGN, at=at - claimed, since=at - 2 * claimed)
    event = replace(decided.event, explanation=(said,))
    story.home.decided[-1] = replace(decided, event=event)
    story.clears(on(10, 10), opening, INACTIVITY)


def violated(story: Good) -> set[str]:
    return {violation.checker for violation in check(story.run)}


def test_a_call_by_habit_after_the_silence_that_it_claims_is_due() -> None:
    story = Good()
    calls_by_habit(story, on(10, 9), 4 * HOUR)
    assert not violated(story)


@pytest.mark.parametrize("lone", [False, True])
def test_a_call_that_claims_more_silence_than_there_was_is_not(*, lone: bool) -> None:
    story = Good()
    calls_by_habit(story, on(10, 9), 3 * HOUR, lone=lone)
    assert not violated(story)
    story = Good()
    calls_by_habit(story, on(10, 9), 8 * HOUR, lone=lone)
    assert violated(story) == {time_jumps.NAME}


def test_one_that_a_jump_of_the_clock_brought_is_not() -> None:
    story = Good()
    calls_by_habit(story, on(10, 9), 8 * HOUR)
    assert violated(story) == {time_jumps.NAME}


def test_sensors_that_were_dead_before_that_silence_are_no_reproach() -> None:
    story = Good()
    for which in (KETTLE, TELEVISION, HALL):
        story.mute(which, on(9, 18), on(9, 23))
    story.says_blind(on(9, 20.4), on(9, 23.2))
    calls_by_habit(story, on(10, 9), 3 * HOUR)
    assert not violated(story)


def test_sensors_that_were_dead_within_it_are() -> None:
    story = Good()
    for which in (KETTLE, TELEVISION, HALL):
        story.mute(which, on(9, 18), on(10, 7))
    story.says_blind(on(9, 20.4), on(10, 7.2))
    calls_by_habit(story, on(10, 9), 3 * HOUR)
    assert dead_sensors.NAME in violated(story)
