"""The figures of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from sim.check.violation import Violation
from sim.world.chronicle import Chronicle


@dataclass(frozen=True, slots=True)
class HomeFigures:
    """One home's row of the table."""

    home: int
    gateway: str
    observations: int
    escalations: int
    collapses: int
    found: int
    found_p50_h: float | None
    found_p90_h: float | None
    blind: int
    false_per_30d: float
    violations: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The keys of `--json`, in their order."""

    digest: str
    seed: int
    wall_s: float
    escalations: int
    lost: int
    doubled: int
    collapses: int
    found: int
    found_p50_h: float | None
    found_p90_h: float | None
    blind: int
    false_per_30d: float
    violations: tuple[Violation, ...]


def figures(chronicle: Chronicle, violations: Sequence[Violation], wall_s: float) -> Figures:
    """The figures of a whole run."""
    raise NotImplementedError


def home_figures(chronicle: Chronicle, violations: Sequence[Violation]) -> tuple[HomeFigures, ...]:
    """A row for each home."""
    raise NotImplementedError
