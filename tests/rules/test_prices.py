"""The price that a budget of calls in vain allows."""

import pytest

from rules.habits_prior_data import PRICES
from rules.prices import Budget, number_of, within

DEARER = [max(100.0 - number, 0.0) for number in range(PRICES)]
NONE = [0.0] * PRICES


@pytest.mark.parametrize(
    ("unanswered", "asked"),
    [
        # A third of a call in 60 days, less half of one that may still come: none is left.
        (1.0, 0),
        # Less a quarter: a hundredth of eight prompts, a thousandth of 83.
        (0.01, 8),
        (0.001, 83),
    ],
)
def test_however_seldom_prompts_go_unanswered_some_of_a_call_may_still_come(
    unanswered: float, asked: int
) -> None:
    half_a_year = Budget(calls=1 / 180, prompts=100.0)
    price, _ = within(half_a_year, [DEARER, NONE], [unanswered] * 2, days=60.0)
    if asked:
        assert DEARER[number_of(price)] == asked
    else:
        assert number_of(price) == PRICES - 1
