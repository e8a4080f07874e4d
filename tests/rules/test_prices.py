"""The price that a budget of calls in vain allows."""

import pytest

from rules.habits_prior_data import PRICES
from rules.prices import Budget, number_of, within

DEARER = [max(100.0 - number, 0.0) for number in range(PRICES)]
NONE = [0.0] * PRICES


# In 120 days two thirds of a call, less half of one that may still come.
@pytest.mark.parametrize(("unanswered", "asked"), [(1.0, 0), (0.01, 16), (0.002, 83)])
def test_however_seldom_prompts_go_unanswered_some_of_a_call_may_still_come(
    unanswered: float, asked: int
) -> None:
    half_a_year = Budget(calls=1 / 180, prompts=100.0)
    price, _ = within(half_a_year, [DEARER, NONE], [unanswered] * 2, days=120.0)
    assert DEARER[number_of(price)] == asked
