"""A smaller run that fails in the same way, found with few runs and the same each time."""

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


def shrunk(fails: Fails, found: Violation, runs_max: int = 200) -> tuple[Attempt, World]:
    world = World(fails, found)
    told: list[int] = []

    def progress(made: int, most: int, smallest: Attempt) -> None:
        assert fails(smallest)
        assert most == runs_max
        told.append(made)

    smallest = shrink(world, FIRST, found, runs_max=runs_max, progress=progress, start=START)
    assert told == list(range(1, len(world.tried) + 1))
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
    smallest = shrink(run, FIRST, found, runs_max=99, progress=lambda *_: None, start=START)
    assert smallest == Attempt((2,), 45, ())


def test_what_needs_two_homes() -> None:
    smallest, _ = shrunk(lambda one: {1, 3} <= set(one.homes), violation(home=None))
    assert smallest.homes == (1, 3)


def test_another_violation_is_not_the_same() -> None:
    smallest, _ = shrunk(lambda one: one == FIRST, violation(), runs_max=500)
    assert smallest == FIRST


def test_no_more_runs_than_allowed() -> None:
    smallest, world = shrunk(lambda one: {3, 7, 19} <= set(one.faults), violation(), runs_max=14)
    assert len(world.tried) == 14
    assert {3, 7, 19} <= set(smallest.faults)
    assert 3 < len(smallest.faults) < 40


@settings(max_examples=60, deadline=None)
@given(st.frozensets(st.integers(1, 40), max_size=5), st.integers(1, 365))
def test_nothing_is_kept_that_can_be_spared(needed: frozenset[int], days: int) -> None:
    def fails(one: Attempt) -> bool:
        return needed <= set(one.faults) and one.days >= days

    smallest, world = shrunk(fails, violation(), runs_max=1_000)
    assert smallest.faults == tuple(sorted(needed))
    assert smallest.days >= days
    again, other = shrunk(fails, violation(), runs_max=1_000)
    assert again == smallest
    assert other.tried == world.tried
