"""Draws without libm: their means, their spreads and their bounds."""

from random import Random
from statistics import fmean, pstdev

import pytest

from sim.homes.draw import exponential, normal, triangular, weighted, within

MANY = 20_000


def test_normal_has_its_mean_and_spread_and_never_runs_away() -> None:
    random = Random("normal")
    drawn = [normal(random, 100.0, 15.0) for _ in range(MANY)]
    assert fmean(drawn) == pytest.approx(100, abs=0.5)
    assert pstdev(drawn) == pytest.approx(15, rel=0.03)
    assert max(abs(one - 100) for one in drawn) < 3.47 * 15


def test_exponential_has_its_mean_spread_and_tail() -> None:
    random = Random("exponential")
    drawn = [exponential(random, 60.0) for _ in range(MANY)]
    assert fmean(drawn) == pytest.approx(60, rel=0.03)
    assert pstdev(drawn) == pytest.approx(60, rel=0.04)
    assert sum(one > 3 * 60 for one in drawn) / MANY == pytest.approx(0.0498, abs=0.006)
    assert min(drawn) >= 0


def test_triangular_is_thickest_at_its_mode() -> None:
    random = Random("triangular")
    drawn = [triangular(random, 0.0, 0.2, 1.0) for _ in range(MANY)]
    assert fmean(drawn) == pytest.approx(0.4, abs=0.01)
    assert all(0 <= one <= 1 for one in drawn)
    assert sum(0.15 < one < 0.25 for one in drawn) > sum(0.45 < one < 0.55 for one in drawn)


def test_weights_are_shares_and_bounds_hold() -> None:
    random = Random("weights")
    drawn = [weighted(random, ((3, "a"), (1, "b"))) for _ in range(MANY)]
    assert drawn.count("a") / MANY == pytest.approx(0.75, abs=0.015)
    assert {within(random, 5, 100, 1, 9) for _ in range(200)} >= {1, 9}
