"""A smaller run that breaks the same promise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.check.violation import Violation


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
    run: Runner, first: Attempt, found: Violation, *, runs_max: int, progress: Progress
) -> Attempt:
    """The smallest attempt found in `runs_max` runs that still breaks the promise of `found`."""
    raise NotImplementedError
