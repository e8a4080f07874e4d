from random import Random

import pytest

from benchmarks.detection.record import Counts, Record

H = 3_600.0
DAY = 24 * H


def record(signs: list[float], doors: list[float] | None = None, days: float = 90) -> Record:
    """Of signs in hours."""
    return Record(
        name="home",
        begin_s=0.0,
        end_s=days * DAY,
        signs=[sign * H for sign in signs],
        doors=[door * H for door in doors or []],
        has_door=doors is not None,
        has_motion=False,
    )


def hours(*alarms: float) -> list[float]:
    return [alarm * H for alarm in alarms]


SCORED = 28 * 24


def test_an_alarm_is_false_once_in_a_silence_that_ends() -> None:
    home = record([0, SCORED + 10, SCORED + 20, SCORED + 30])
    assert home.for_nothing(hours(SCORED + 12, SCORED + 13, SCORED + 25)) == Counts(
        all=2, at_home=2
    )


def test_no_alarm_of_the_warm_up_or_after_the_last_sign_is_false() -> None:
    home = record([0, 20, 40, SCORED + 10, SCORED + 20])
    assert home.for_nothing(hours(15, SCORED + 21)) == Counts()


def test_an_alarm_in_an_absence_is_listed_apart() -> None:
    home = record([0, SCORED, SCORED + 36.1, SCORED + 72.1])
    assert home.for_nothing(hours(SCORED + 24, SCORED + 60)) == Counts(
        all=1, at_home=1, in_absences=1
    )
    assert home.absences() == [(SCORED * H, (SCORED + 36.1) * H)]
    assert home.scored_days == pytest.approx(72.1 / 24)
    assert home.present_days == pytest.approx(36 / 24)


@pytest.mark.parametrize(
    ("doors", "at_home"),
    [
        (None, True),
        ([1.0, 9.0], False),
        ([0.74, 9.0], True),  # The door moved 15.6 minutes before.
        ([0.76, 9.04], False),
        ([1.0, 9.06], True),  # It moves again 3.6 minutes after the sign.
        ([1.0, 5.0, 9.0], True),  # Someone else came or went in between.
        ([1.0], True),  # It never moves again.
    ],
)
def test_who_left_by_the_door_and_came_back_by_it_was_not_at_home(
    doors: list[float] | None,
    at_home: bool,  # noqa: FBT001 -- a value of the table above
) -> None:
    home = record([1.0, 9.0], doors)
    assert home.is_home(1 * H, 9 * H) is at_home


def test_moments_are_uniform_over_scored_time_at_home() -> None:
    signs = [SCORED - 10, SCORED + 30, SCORED + 70, SCORED + 71, SCORED + 81]
    # Two absences of 40 h; then out for an hour, and ten hours at home.
    home = record([0, *signs], [SCORED + 70, SCORED + 71], days=90)
    drawn = home.moments(4_000, Random(1))
    assert drawn == sorted(drawn)
    assert all((SCORED + 71) * H <= moment <= (SCORED + 81) * H for moment in drawn)
    early = sum(moment < (SCORED + 73.5) * H for moment in drawn)
    assert early == pytest.approx(1_000, abs=100)


def test_the_same_seed_draws_the_same_moments() -> None:
    home = record([0, *range(SCORED, SCORED + 100, 5)])
    assert home.moments(50, Random("a")) == home.moments(50, Random("a"))
    assert home.moments(50, Random("a")) != home.moments(50, Random("b"))


def test_a_home_of_less_than_sixty_days_is_not_scored() -> None:
    signs = [float(hour) for hour in range(0, 24 * 59, 6)]
    assert not record(signs, days=59.9).is_scored
    assert record(signs, days=60).is_scored
