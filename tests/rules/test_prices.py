"""What a call in vain may cost: the lowest price by which the past would have kept the budget."""

from hypothesis import given
from hypothesis import strategies as st

from rules.habits_prior_data import PRICES
from rules.prices import Budget, above, number_of, within

HALF_A_YEAR = Budget(calls=1 / 180, prompts=None)
ASKED_FIRST = Budget(calls=1 / 180, prompts=2 / 7)
COUNTS = st.lists(st.floats(0, 20, allow_nan=False), min_size=PRICES, max_size=PRICES)


def silences(*prices: float) -> list[float]:
    counts = [0.0] * PRICES
    for price in prices:
        counts[number_of(price)] += 1
    return counts


def test_the_dearest_silences_of_the_past_are_called_as_often_as_the_budget_has_it() -> None:
    # In 360 days two calls are allowed, and half of one may still come: one of these three.
    dearer = above(silences(1.0, 8.0, 64.0))
    (price,) = within(HALF_A_YEAR, [dearer], [1.0], days=360.0, own_days=300.0)
    assert 8.0 <= price < 64.0


def test_where_nobody_is_asked_half_a_call_may_come_from_the_first_day_on() -> None:
    dearer = above(silences(64.0))
    (price,) = within(HALF_A_YEAR, [dearer], [1.0], days=89.0, own_days=0.0)
    assert number_of(price) == PRICES - 1
    (price,) = within(HALF_A_YEAR, [dearer], [1.0], days=91.0, own_days=0.0)
    assert 64.0 <= price < 100.0


def test_a_home_that_answers_prompts_must_show_by_itself_that_calls_are_seldom() -> None:
    # One in fifty prompts goes unanswered: fifteen make three tenths of a call.
    dearer = above(silences(*[2.0] * 30, *[4.0] * 15))

    def price(own_days: float) -> float:
        days = 60.0 + own_days
        return within(ASKED_FIRST, [dearer], [0.02], days=days, own_days=own_days)[0]

    assert price(0.0) < 4.0
    assert price(60.0) >= 4.0, "half a call may still come, as its own days come to weigh"
    assert price(300.0) < 4.0, "none came in all the time"


@given(COUNTS, st.floats(1, 500), st.floats(0, 500))
def test_the_past_would_have_kept_the_budget(
    counts: list[float], others_d: float, own_d: float
) -> None:
    dearer = above(counts)
    days = others_d + own_d
    (price,) = within(HALF_A_YEAR, [dearer], [1.0], days=days, own_days=own_d)
    at = number_of(price)
    assert at == PRICES - 1 or dearer[at] / days <= HALF_A_YEAR.calls
