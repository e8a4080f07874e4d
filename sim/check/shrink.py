"""A smaller run that breaks the same promise.

First the days after the violation go, then all homes but its own, then faults, by delta debugging,
and at last days again. Each step keeps what still violates the same checker. The same runner gives
the same result.

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


Runner = Callable[[Attempt], Sequence[Violation]]
Progress = Callable[[int, int, Attempt], None]
"Runs made, runs at most, and the smallest failing attempt so far."


def shrink(
    run: Runner,
    first: Attempt,
    found: Violation,
    *,
    runs_max: int,
    progress: Progress,
    start: datetime = START,
) -> Attempt:
    """The smallest attempt found in `runs_max` runs that still violates the checker of `found`.

    Args:
        run: gives the violations of an attempt.
        first: what violated it.
        found: how.
        runs_max: no more runs are made.
        progress: told after each run.
        start: of the run, in true time.

    """
    search = _Search(run, first, found, runs_max, progress)
    _fewer_days(search, start)
    _fewer_homes(search)
    _fewer_faults(search)
    _fewer_days(search, start)
    return search.best


class _Search:
    """The smallest failing attempt so far, and what is left of the budget."""

    def __init__(
        self, run: Runner, first: Attempt, found: Violation, runs_max: int, progress: Progress
    ) -> None:
        self.best = first
        self.found = found
        self.runs = 0
        self._run = run
        self._runs_max = runs_max
        self._progress = progress
        self._tried: dict[Attempt, Violation | None] = {first: found}

    @property
    def over(self) -> bool:
        """Whether the budget is spent."""
        return self.runs >= self._runs_max

    def keep(self, attempt: Attempt) -> bool:
        """Try an attempt; if it violates the same checker it is the best from now on."""
        if attempt not in self._tried:
            if self.over:
                return False
            self.runs += 1
            self._tried[attempt] = self._same(self._run(attempt))
            failing = self._tried[attempt] is not None
            self._progress(self.runs, self._runs_max, attempt if failing else self.best)
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
