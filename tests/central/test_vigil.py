"""Who falls silent and who is back, with time told by hand."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.cases import GatewayRow, Home
from central.vigil import MISSED, Turn, Vigil
from tests.central.receiving import NOW

SECOND = timedelta(seconds=1)
MARGIN_S = 1


def row(
    gateway: str, *, heard: bool = True, silent: bool = False, interval_s: int = 60
) -> GatewayRow:
    return GatewayRow(
        gateway=gateway,
        home=Home(gateway),
        last_heartbeat=NOW if heard else None,
        interval_s=interval_s,
        silent=silent,
        outbox_depth=0,
        time_trusted=True,
        version="",
        open_cases=0,
    )


def vigil(*rows: GatewayRow, interval_s: int = 60) -> Vigil:
    made = Vigil(lambda: interval_s)
    made.load(rows)
    return made


def test_nobody_is_silent_until_after_three_intervals_and_a_margin() -> None:
    watch = vigil()
    watch.heard("home-1", NOW)
    watch.passed(MISSED * 60 + MARGIN_S, NOW + 181 * SECOND)
    assert watch.turns() == []
    watch.passed(0.001, NOW + 182 * SECOND)
    assert watch.turns() == [Turn("home-1", silent=True, at=NOW + 182 * SECOND, last=NOW)]
    watch.passed(1000, NOW + 1182 * SECOND)
    assert watch.turns() == []


def test_one_that_is_heard_in_time_is_never_silent() -> None:
    watch = vigil()
    for _ in range(10):
        watch.heard("home-1", NOW)
        watch.passed(MISSED * 60, NOW)
    assert watch.turns() == []


def test_a_silent_gateway_that_is_heard_is_back_once() -> None:
    watch = vigil()
    watch.heard("home-1", NOW)
    assert watch.turns() == []
    watch.passed(200, NOW + 200 * SECOND)
    watch.turns()
    at = NOW + 300 * SECOND
    watch.heard("home-1", at)
    assert watch.turns() == [Turn("home-1", silent=False, at=at, last=at)]
    watch.heard("home-1", at)
    assert watch.turns() == []


def test_of_a_gateway_that_turned_twice_only_the_last_turn_is_told() -> None:
    watch = vigil()
    watch.heard("home-1", NOW)
    watch.passed(200, NOW + 200 * SECOND)
    watch.heard("home-1", NOW + 200 * SECOND)
    assert [turn.silent for turn in watch.turns()] == [False]


def test_after_a_start_all_that_were_ever_heard_have_a_full_grace() -> None:
    watch = vigil(row("home-1"), row("home-2", heard=False))
    watch.passed(181, NOW + 181 * SECOND)
    assert watch.turns() == []
    watch.passed(1, NOW + 182 * SECOND)
    assert watch.turns() == [Turn("home-1", silent=True, at=NOW + 182 * SECOND, last=NOW)]


def test_one_known_to_be_silent_is_not_told_again_but_is_when_it_is_back() -> None:
    watch = vigil(row("home-1", silent=True))
    watch.passed(1000, NOW)
    assert watch.turns() == []
    assert watch.next_s() is None
    watch.heard("home-1", NOW)
    assert [turn.silent for turn in watch.turns()] == [False]


@pytest.mark.parametrize(("was_s", "is_s"), [(60, 10), (10, 60)])
def test_a_changed_interval_is_held_against_nobody_who_does_not_know_it(
    was_s: int, is_s: int
) -> None:
    interval_s = was_s
    watch = Vigil(lambda: interval_s)
    watch.heard("home-1", NOW)
    interval_s = is_s
    watch.passed(MISSED * 60 + MARGIN_S, NOW)
    assert watch.turns() == []
    watch.passed(1, NOW)
    assert len(watch.turns()) == 1


def test_with_nobody_to_watch_nobody_falls_silent() -> None:
    watch = vigil(row("home-1", heard=False))
    assert watch.next_s() is None
    watch.passed(1e9, NOW)
    assert watch.turns() == []


@given(
    st.integers(1, 3600),
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 10_000)), min_size=1, max_size=20),
)
def test_next_s_is_when_the_first_falls_silent(
    interval_s: int, steps: list[tuple[str, float]]
) -> None:
    watch = vigil(interval_s=interval_s)
    for gateway, seconds in steps:
        watch.passed(seconds, NOW)
        watch.heard(gateway, NOW)
    watch.turns()
    rounds = 0
    while (left_s := watch.next_s()) is not None:
        assert left_s > 0
        if left_s > 0.01:
            watch.passed(left_s - 0.01, NOW)
            assert watch.turns() == []
        rest_s = watch.next_s()
        assert rest_s is not None
        # As a world of whole milliseconds would say it.
        watch.passed(max(round(rest_s, 3), 0.001), NOW)
        assert all(turn.silent for turn in watch.turns())
        rounds += 1
        assert rounds <= 6, "two rounds for each of the three at most"
