"""A smaller run that breaks the same promise.

First the days after the violation go, then all homes but its own, then faults, by delta debugging,
and then all of it again until nothing more goes: the result cannot be made smaller by shrinking
it. Each step keeps what still violates the same checker. The same runner gives the same result,
so what it may cost is counted in simulated days and not by a clock.

Ref: A. Zeller, R. Hildebrandt, Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28(2),
2002, algorithm ddmin.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sim.check.violation import Violation
from sim.world.run import START

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What of a run is kept: its homes and faults by number, and its length."""

    homes: tuple[int, ...]
    days: int
    faults: tuple[int, ...]

    @property
    def cost(self) -> int:
        """Simulated days of all homes, and one a home for what a run takes at least."""
        return len(self.homes) * (self.days + 1)


Runner = Callable[[Attempt], Sequence[Violation]]
Progress = Callable[[int, int, Attempt], None]
"Cost of all runs made, cost at most, and the smallest failing attempt so far."


def shrink(
    run: Runner,
    first: Attempt,
    found: Violation,
    *,
    cost_max: int,
    progress: Progress,
    start: datetime = START,
) -> Attempt:
    """The smallest attempt found for `cost_max` that still violates the checker of `found`.

    Args:
        run: gives the violations of an attempt.
        first: what violated it.
        found: how.
        cost_max: no run is made once all together cost so much.
        progress: told after each run.
        start: of the run, in true time.

    """
    search = _Search(run, first, found, cost_max, progress)
    before = None
    while search.best != before and not search.over:
        before = search.best
        _fewer_days(search, start)
        _fewer_homes(search)
        _fewer_faults(search)
    return search.best


class _Search:
    """The smallest failing attempt so far, and what is left of the budget."""

    def __init__(
        self, run: Runner, first: Attempt, found: Violation, cost_max: int, progress: Progress
    ) -> None:
        self.best = first
        self.found = found
        self._spent = 0
        self._run = run
        self._cost_max = cost_max
        self._progress = progress
        self._tried: dict[Attempt, Violation | None] = {first: found}

    @property
    def over(self) -> bool:
        """Whether the budget is spent."""
        return self._spent >= self._cost_max

    def keep(self, attempt: Attempt) -> bool:
        """Try an attempt; if it violates the same checker it is the best from now on."""
        if attempt not in self._tried:
            if self.over:
                return False
            self._spent += attempt.cost
            self._tried[attempt] = self._same(self._run(attempt))
            failing = self._tried[attempt] is not None
            smallest = attempt if failing else self.best
            self._progress(min(self._spent, self._cost_max), self._cost_max, smallest)
        found = self._tried[attempt]
        if found is None:
            return False
        self.best, self.found = attempt, found
        return True

    def _same(self, violations: Sequence[Violation]) -> Violation | None:
        same = [each for each in violations if each.checker == self.found.checker]
        # The first of its home, where that one violates it still.
        return min(same, key=lambda each: (each.home != self.found.home, each.at), default=None)


def _fewer_days(search: _Search, start: datetime) -> None:
    """Cut after the day of the violation; where it needs more time, a little later."""
    while not search.over:
        days = search.best.days
        needed = max((search.found.at - start) // _DAY + 1, 1)
        # What is seen after the end only: half of the time may do.
        shorter = _later(needed, days) if needed <= days else iter((days // 2,)[: days // 2])
        if not any(search.keep(replace(search.best, days=each)) for each in shorter):
            return


def _later(needed: int, days: int) -> Iterator[int]:
    more = 0
    while needed + more < days:
        yield needed + more
        more = 2 * more + 1


def _fewer_homes(search: _Search) -> None:
    home = search.found.home
    if home is not None and len(search.best.homes) > 1:
        search.keep(replace(search.best, homes=(home,)))
    _reduce(
        search,
        search.best.homes,
        lambda homes: replace(search.best, homes=homes),
        at_least=1,
    )


def _fewer_faults(search: _Search) -> None:
    _reduce(
        search, search.best.faults, lambda faults: replace(search.best, faults=faults), at_least=0
    )


def _reduce(
    search: _Search,
    items: tuple[int, ...],
    attempt: Callable[[tuple[int, ...]], Attempt],
    *,
    at_least: int,
) -> None:
    """Fewer and fewer of `items`, until none can be spared or the budget is spent."""
    if len(items) > at_least == 0 and search.keep(attempt(())):
        return
    parts = 2
    while len(items) > max(at_least, 1) and not search.over:
        parts = min(parts, len(items))
        chunks = _chunks(items, parts)
        smaller = _first_failing(search, attempt, chunks)
        if smaller is not None:
            items, parts = smaller, 2
            continue
        smaller = _first_failing(search, attempt, [_without(items, chunk) for chunk in chunks])
        if smaller is not None:
            items, parts = smaller, max(parts - 1, 2)
        elif parts == len(items):
            return
        else:
            parts *= 2


def _first_failing(
    search: _Search,
    attempt: Callable[[tuple[int, ...]], Attempt],
    candidates: Iterable[tuple[int, ...]],
) -> tuple[int, ...] | None:
    return next((each for each in candidates if each and search.keep(attempt(each))), None)


def _chunks(items: tuple[int, ...], parts: int) -> list[tuple[int, ...]]:
    ends = [len(items) * part // parts for part in range(parts + 1)]
    return [items[ends[part] : ends[part + 1]] for part in range(parts)]


def _without(items: tuple[int, ...], chunk: Collection[int]) -> tuple[int, ...]:
    return tuple(item for item in items if item not in chunk)
