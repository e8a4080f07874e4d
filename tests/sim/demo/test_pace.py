"""How fast time runs: never past a prompt, never ahead of the home."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rules.observation import DeviceId
from sim.air.told import CaughtUp
from sim.demo.pace import CAREFUL, REAL, Confirmed, Outlook, pace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
AHEAD = timedelta(minutes=12)
QUIET = Outlook(
    now=NOW,
    confirmed=NOW,
    ahead=AHEAD,
    due=NOW + 5 * HOUR,
    watched=False,
    sounding=True,
    well=True,
    over=False,
)


def test_a_quiet_stretch_is_fast_and_granted_a_little_ahead() -> None:
    assert pace(QUIET, 3600) == (3600, NOW + AHEAD)
    behind = replace(QUIET, confirmed=NOW - HOUR)
    assert pace(behind, 3600) == (3600, NOW - HOUR + AHEAD)


def test_time_stands_still_before_a_prompt_until_all_is_taken_in() -> None:
    due = NOW + timedelta(minutes=2)
    last = due - timedelta(seconds=2)
    assert pace(replace(QUIET, due=due), 3600) == (3600, last)
    assert pace(replace(QUIET, due=due, now=last), 3600) == (3600, last)
    arrived = replace(QUIET, due=due, now=last, confirmed=last)
    assert pace(replace(arrived, well=False), 3600) == (REAL, None)
    assert pace(arrived, 3600)[0] == CAREFUL


def test_time_is_real_while_somebody_is_asked_or_a_case_waits() -> None:
    assert pace(replace(QUIET, watched=True, well=False), 3600) == (REAL, None)
    assert pace(replace(QUIET, watched=True), 3600) == (CAREFUL, NOW + AHEAD)
    asked = replace(QUIET, watched=True, sounding=False)
    assert pace(asked, 3600) == (REAL, None)  # The prompt is still on its way to its device.
    assert pace(replace(QUIET, over=True), 3600) == (REAL, None)


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
    rate, until = pace(replace(QUIET, due=NOW + until_due, confirmed=NOW - behind), speed)
    assert 0 < rate <= speed
    if rate > CAREFUL:
        assert until is not None
        assert until <= NOW + until_due - timedelta(seconds=2)
        assert until <= NOW - behind + AHEAD


KETTLE = DeviceId("kettle")
DOOR = DeviceId("door")


def test_what_the_driver_heard_last_of_each_device_must_be_with_the_gateway() -> None:
    confirmed = Confirmed(NOW)
    minute = timedelta(minutes=1)
    heard = CaughtUp(NOW + HOUR, None, {KETTLE: NOW + 50 * minute, DOOR: NOW + 5 * minute})
    # The kettle's news have overtaken the door's report.
    assert confirmed.look(heard, {KETTLE: NOW + 50 * minute, DOOR: None}) == NOW
    assert confirmed.look(heard, {KETTLE: NOW + 50 * minute, DOOR: NOW + 3 * minute}) == NOW
    later = CaughtUp(NOW + 2 * HOUR, None, {**heard.heard, DOOR: NOW + 90 * minute})
    seen: dict[DeviceId, datetime | None] = {KETTLE: NOW + 50 * minute, DOOR: NOW + 5 * minute}
    assert confirmed.look(later, seen) == NOW + HOUR
    assert confirmed.look(later, seen) == NOW + HOUR
    assert confirmed.look(later, {**seen, DOOR: NOW + 90 * minute}) == NOW + 2 * HOUR
    assert confirmed.look(heard, seen) == NOW + 2 * HOUR  # Never back.


def test_what_is_never_seen_holds_time_up_for_a_while_only() -> None:
    confirmed = Confirmed(NOW)
    moments = [
        confirmed.look(CaughtUp(NOW + n * timedelta(minutes=1), None, {DOOR: NOW}), {})
        for n in range(100)
    ]
    assert moments[5] == NOW
    assert moments[-1] > NOW + timedelta(minutes=60)
