"""Whether somebody may have come to harm before the last sign of life."""

from math import exp, isfinite

import pytest

from rules.doubt import Doubt, doubted
from rules.survival import GRID_MIN, STEPS
from tests.rules.home import EPOCH, HOUR

MEAN_H = 3.0
CHANCES = [exp(-step * GRID_MIN / 60 / MEAN_H) for step in range(STEPS + 1)]


STIRS_PER_H = 2 / 24


def after(
    hours: float, before: Doubt | None = None, stirs_per_h: float = STIRS_PER_H
) -> Doubt | None:
    begin = EPOCH if before is None else before.at
    end = begin + hours * HOUR
    return doubted(CHANCES, begin, end, before, stirs_per_h=stirs_per_h, more=True)


def test_in_a_house_that_stirs_less_a_sign_leaves_less_doubt() -> None:
    often, seldom = after(10), after(10, stirs_per_h=STIRS_PER_H / 4)
    assert often is not None
    assert seldom is not None
    assert seldom.costs(2)[0] == pytest.approx(often.costs(2)[0] / 4)


def test_a_sign_that_ends_a_long_silence_leaves_more_doubt_than_one_that_ends_a_short() -> None:
    short, long = after(1), after(10)
    assert short is not None
    assert long is not None
    assert long.costs(2)[0] > 10 * short.costs(2)[0]


def test_what_it_costs_to_wait_is_what_those_pay_who_collapsed_before() -> None:
    doubt = after(6)
    assert doubt is not None
    ends_per_h = exp(-6 / MEAN_H) / MEAN_H
    wide = 0.01
    delays = ((exp(-at * wide / MEAN_H), 6 - at * wide + 4.0) for at in range(round(6 / wide)))
    whole = sum(chance * delay**3 / 6 * wide for chance, delay in delays)
    assert doubt.costs(4.0)[0] == pytest.approx(whole * STIRS_PER_H / ends_per_h, rel=0.06)


def test_a_second_sign_soon_after_leaves_next_to_none_of_it() -> None:
    first = after(10)
    assert first is not None
    second = after(0.2, first)
    assert second is None or second.costs(2)[0] < first.costs(2)[0] / 2
    third = None if second is None else after(0.2, second)
    assert third is None or third.costs(2)[0] < first.costs(2)[0] / 5


def test_no_number_of_lone_signs_makes_it_endless() -> None:
    doubt = after(30)
    for _ in range(1_000):
        doubt = after(30, doubt)
    assert doubt is not None
    assert isfinite(doubt.costs(72)[0])


def test_a_sign_in_the_moment_of_the_last_one_is_no_trouble() -> None:
    assert after(0) is None
    assert after(1 / 60) is None
    doubt = after(10)
    assert doubt is not None
    assert after(0, doubt) is not None
