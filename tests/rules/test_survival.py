from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.survival import (
    CELLS,
    EDGES_MIN,
    GRID_MIN,
    HOURS,
    LONGEST_MIN,
    NOTHING,
    STEPS,
    Counts,
    Line,
    count,
    hazard,
    line,
    survival,
    watch,
)

NOON = 12 * 60
silences = st.lists(st.tuples(st.integers(0, 1439), st.integers(5, 3000)), max_size=40)


def counts(*spans: tuple[int, int]) -> Counts:
    ends, minutes = [0.0] * CELLS, [0.0] * CELLS
    for begin, lasted in spans:
        count(ends, minutes, begin, lasted)
    return Counts(ends, minutes)


def row(minute: int) -> int:
    return max(at for at, edge in enumerate(EDGES_MIN) if edge <= minute)


@given(silences)
def test_a_silence_is_watched_from_its_fifth_minute_to_its_end(
    spans: list[tuple[int, int]],
) -> None:
    made = counts(*spans)
    assert sum(made.ends) == sum(lasted <= LONGEST_MIN for _, lasted in spans)
    assert sum(made.minutes) == sum(min(lasted, LONGEST_MIN) - 5 for _, lasted in spans)


def test_a_silence_is_counted_at_the_hour_and_the_span_in_which_it_ended() -> None:
    made = counts((NOON, 125))
    assert made.ends[row(125) * HOURS + 14] == 1
    assert made.minutes[row(60) * HOURS + 13] == 15


def test_whoever_was_asked_ended_nothing_by_himself() -> None:
    minutes = [0.0] * CELLS
    watch(minutes, NOON, 65)
    assert sum(minutes) == 60


@given(silences, st.integers(0, 95), st.floats(1, 500))
def test_chances_fall_from_one_and_never_reach_nothing(
    spans: list[tuple[int, int]], slot: int, per_day: float
) -> None:
    chances = survival(hazard(counts(*spans)), slot * GRID_MIN, per_day)
    assert len(chances) == STEPS + 1
    assert chances[0] == 1
    assert all(later < before for before, later in pairwise(chances))
    assert chances[-1] > 0


def test_where_silences_end_soon_a_long_one_is_rarer() -> None:
    soon = survival(hazard(counts(*[(NOON, 20)] * 50)), NOON, 10)
    late = survival(hazard(counts(*[(NOON, 300)] * 50)), NOON, 10)
    assert soon[4] < 0.2 < late[4]


@given(
    st.lists(st.floats(0.01, 0.9), min_size=20, max_size=60),
    st.floats(1e-6, 1e9),
)
def test_the_wait_is_the_cheapest_of_all(falls: list[float], price: float) -> None:
    chances = [1.0]
    for fall in falls:
        chances.append(chances[-1] * fall)
    made = line(chances)
    cost = costs(chances)
    paid = {at: cost[at] + price * chances[at] for at in range(4, len(chances))}
    assert paid[made.wait_min(price) // GRID_MIN] == pytest.approx(min(paid.values()), rel=1e-9)


def costs(chances: list[float]) -> list[float]:
    """The same integral by another way: of each trapezoid's moments."""
    values, width = chances, GRID_MIN / 60
    for _ in range(4):
        total = [0.0]
        for before, after in pairwise(values):
            total.append(total[-1] + (before + after) * width / 2)
        values = total
    return values


@given(silences, st.integers(0, 95), st.integers(60, 2000))
def test_at_its_price_a_silence_would_just_not_have_been_called(
    spans: list[tuple[int, int]], slot: int, lasted: int
) -> None:
    made = line(survival(hazard(counts(*spans)), slot * GRID_MIN, 20))
    price = made.price(lasted)
    assert price == inf or made.wait_min(price) >= lasted
    assert not price or made.wait_min(price * 0.999) < lasted or price == inf


def test_waits_rise_with_the_price_from_an_hour_on() -> None:
    made = line(survival(hazard(counts(*[(NOON, 30)] * 30, (NOON, 400))), NOON, 20))
    waits = [made.wait_min(10.0**power) for power in range(-6, 12)]
    assert waits == sorted(waits)
    assert waits[0] == 60
    assert waits[-1] > 400


def test_nothing_known_is_no_error() -> None:
    made = line(survival(hazard(NOTHING), 0, 1))
    assert isinstance(made, Line)
    assert made.usual_min > 0
