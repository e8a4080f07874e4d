"""How fast time runs: never past a prompt, never ahead of the home."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sim.pace import CAREFUL, REAL, Outlook, pace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUIET = Outlook(
    now=NOW,
    caught_up=NOW,
    due=NOW + 5 * HOUR,
    watched=False,
    well=True,
    over=False,
)


def test_a_quiet_stretch_is_fast_on_lease() -> None:
    rate, until = pace(QUIET, 3600)
    assert rate == 3600
    assert until is not None
    assert timedelta(minutes=5) < until - NOW < timedelta(hours=1)


def test_time_stands_still_before_a_prompt_until_it_is_slow() -> None:
    due = NOW + timedelta(minutes=2)
    rate, until = pace(replace(QUIET, due=due), 3600)
    assert rate == 3600
    assert until == due - timedelta(seconds=2)
    assert pace(replace(QUIET, due=due, now=until, well=False), 3600) == (REAL, None)
    rate, until = pace(replace(QUIET, due=due, now=until, well=True), 3600)
    assert rate == CAREFUL


def test_time_is_real_while_somebody_is_asked_or_a_case_waits() -> None:
    assert pace(replace(QUIET, watched=True, well=False), 3600) == (REAL, None)
    assert pace(replace(QUIET, watched=True, well=True), 3600)[0] == CAREFUL
    assert pace(replace(QUIET, over=True), 3600) == (REAL, None)


def test_time_waits_for_a_home_that_is_behind() -> None:
    _, until = pace(replace(QUIET, caught_up=NOW - HOUR), 3600)
    assert until == NOW


def test_a_slower_speed_is_never_exceeded() -> None:
    assert pace(replace(QUIET, watched=True), 2.0)[0] == 2.0


@given(
    st.timedeltas(-HOUR, 30 * HOUR),
    st.timedeltas(timedelta(), HOUR),
    st.floats(1, 200_000),
)
def test_a_fast_clock_is_never_granted_the_moment_of_a_prompt(
    until_due: timedelta, behind: timedelta, speed: float
) -> None:
    outlook = replace(QUIET, due=NOW + until_due, caught_up=NOW - behind)
    rate, until = pace(outlook, speed)
    assert 0 < rate <= speed
    if rate > CAREFUL:
        assert until is not None
        assert until <= max(NOW, NOW + until_due - timedelta(seconds=2))
