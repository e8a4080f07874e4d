"""A smaller run that fails in the same way, found with few runs and the same each time."""

import zlib
from collections.abc import Callable
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.check.shrink import Attempt, shrink
from sim.check.violation import Violation
from tests.sim.check.story import START

DAY = timedelta(days=1)
FIRST = Attempt((1, 2, 3), 365, tuple(range(1, 41)))
Fails = Callable[[Attempt], bool]


def violation(checker: str = "nothing-lost", home: int | None = 2, day: float = 11.5) -> Violation:
    return Violation(checker, home, START + day * DAY, "It is so.")


class World:
    """Violates the promise of `found` whenever `fails` says so, and another one always."""

    def __init__(self, fails: Fails, found: Violation) -> None:
        self.tried: list[Attempt] = []
        self._fails = fails
        self._found = found

    def __call__(self, attempt: Attempt) -> tuple[Violation, ...]:
        self.tried.append(attempt)
        other = violation("bounded", 1, 1)
        return (other, self._found) if self._fails(attempt) else (other,)


def shrunk(fails: Fails, found: Violation, cost_max: int = 200_000) -> tuple[Attempt, World]:
    world = World(fails, found)
    told: list[int] = []

    def progress(made: int, most: int, smallest: Attempt) -> None:
        assert fails(smallest)
        assert most == cost_max
        told.append(made)

    smallest = shrink(world, FIRST, found, cost_max=cost_max, progress=progress, start=START)
    assert len(told) == len(world.tried)
    assert told == sorted(told)
    assert len(set(world.tried)) == len(world.tried), "the same attempt twice"
    return smallest, world


def test_days_homes_and_faults() -> None:
    smallest, world = shrunk(
        lambda one: 2 in one.homes and one.days >= 12 and {3, 7} <= set(one.faults), violation()
    )
    assert smallest == Attempt((2,), 12, (3, 7))
    assert world.tried[0] == Attempt((1, 2, 3), 12, FIRST.faults)
    assert len(world.tried) < 60


def test_no_fault_at_all() -> None:
    smallest, world = shrunk(lambda one: 2 in one.homes, violation())
    assert smallest == Attempt((2,), 12, ())
    assert len(world.tried) < 8


def test_what_shows_a_few_days_later_only() -> None:
    smallest, _ = shrunk(lambda one: one.days >= 20, violation())
    assert 20 <= smallest.days <= 35


def test_what_shows_at_the_end_only() -> None:
    world = World(lambda one: one.days >= 40, violation())

    def run(attempt: Attempt) -> tuple[Violation, ...]:
        found = violation("nothing-waits", 2, attempt.days + 0.25)
        return (found,) if world(attempt)[1:] else ()

    found = violation("nothing-waits", 2, FIRST.days + 0.25)
    smallest = shrink(run, FIRST, found, cost_max=9_999, progress=lambda *_: None, start=START)
    assert smallest == Attempt((2,), 45, ())


def test_what_needs_two_homes() -> None:
    smallest, _ = shrunk(lambda one: {1, 3} <= set(one.homes), violation(home=None))
    assert smallest.homes == (1, 3)


def test_another_violation_is_not_the_same() -> None:
    smallest, _ = shrunk(lambda one: one == FIRST, violation(), cost_max=500_000)
    assert smallest == FIRST


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_what_is_printed_cannot_be_made_smaller_by_running_it_again(
    seed: int, rarity: int
) -> None:
    def fails(one: Attempt) -> bool:
        # Of no use to delta debugging: what fails says nothing about what is like it.
        drawn = zlib.crc32(f"{seed}/{one}".encode())
        return one == FIRST or drawn % (rarity + 1) == 0

    smallest, _ = shrunk(fails, violation(), cost_max=10_000_000)
    world = World(fails, violation())
    again = shrink(
        world, smallest, violation(), cost_max=10_000_000, progress=lambda *_: None, start=START
    )
    assert again == smallest


def test_no_more_is_run_than_allowed() -> None:
    smallest, world = shrunk(lambda one: {3, 7, 19} <= set(one.faults), violation(), cost_max=200)
    costs = [each.cost for each in world.tried]
    # Three homes for twelve days and one; afterwards one home.
    assert costs[:2] == [39, 13]
    assert sum(costs[:-1]) < 200 <= sum(costs)
    assert {3, 7, 19} <= set(smallest.faults)
    assert 3 < len(smallest.faults) < 40


@settings(max_examples=60, deadline=None)
@given(st.frozensets(st.integers(1, 40), max_size=5), st.integers(1, 365))
def test_nothing_is_kept_that_can_be_spared(needed: frozenset[int], days: int) -> None:
    def fails(one: Attempt) -> bool:
        return needed <= set(one.faults) and one.days >= days

    smallest, world = shrunk(fails, violation(), cost_max=1_000_000)
    assert smallest.faults == tuple(sorted(needed))
    assert smallest.days >= days
    again, other = shrunk(fails, violation(), cost_max=1_000_000)
    assert again == smallest
    assert other.tried == world.tried
