"""The whole run: every home's evidence, then every method on every stream."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol

from benchmarks.detection import passes, rivals
from benchmarks.detection.asked import Asked, Method
from benchmarks.detection.record import Record
from benchmarks.detection.rivals import Prior
from benchmarks.detection.scored import Failed, Home, Key, Part, Scored
from rules.errors import ConfigError
from sim.pool import each
from sim.replay.fleet import Drawn
from sim.replay.options import START

_PRIOR_SEED: Final = 7_000
"None that a figure is likely to be asked for."
_PRIOR_HOMES: Final = 3
_PRIOR_DAYS: Final = 180


class Told(Protocol):
    """Shows how far a run has come."""

    def __call__(self, stage: str, works: int, /) -> Callable[[object], None]:
        """Begin a stage of so many works; what is returned is called after each."""


@dataclass(frozen=True, slots=True)
class Study:
    """All that a run found."""

    asked: Asked
    records: tuple[Record, ...]
    "Of all homes, in the order that was asked for."
    scored: dict[str, dict[Key, Scored]] = field(default_factory=dict)
    "By home; those that are long enough."

    def moments(self, record: Record) -> list[float]:
        """When the resident of that home collapses."""
        asked = self.asked
        return record.moments(asked.moments, Random(f"{asked.seed}/{record.name}/moments"))


def study(homes: Sequence[Home], asked: Asked, workers: int, told: Told) -> Study:
    """Score all homes.

    Raises:
        ConfigError: a home cannot be read; the message names file, line and reason.

    """
    records = _records(homes, workers, told)
    study = Study(asked, tuple(records))
    chosen = [(home, one) for home, one in zip(homes, records, strict=True) if one.is_scored]
    if not chosen:
        return study
    drawn = []
    if len(chosen) == 1 and Method.CONSTANT in asked.methods:
        drawn = _simulated(chosen[0][1], workers, told)
    parts = [
        Part(home, record, is_outage, asked, _prior(record, [one for _, one in chosen], drawn))
        for home, record in sorted(chosen, key=lambda pair: -len(pair[1].signs))
        for is_outage in (False, True)
    ]
    for part, found in zip(
        parts, each(passes.score, parts, workers, told("streams", len(parts))), strict=True
    ):
        of_home = study.scored.setdefault(part.record.name, {})
        for key, scored in found.items():
            of_home.setdefault(key, Scored()).add(scored)
    return study


def _records(homes: Sequence[Home], workers: int, told: Told) -> list[Record]:
    records = []
    for found in each(passes.evidence, homes, workers, told("homes", len(homes))):
        if isinstance(found, Failed):
            raise ConfigError(found.where, found.found, found.right)
        records.append(found)
    return records


def _simulated(alone: Record, workers: int, told: Told) -> list[Record]:
    """Homes for the prior of one that has no other beside it."""
    population = "rooms" if alone.has_motion else "plugs"
    homes = [
        Drawn(population, _PRIOR_SEED, number, START, _PRIOR_DAYS)
        for number in range(1, _PRIOR_HOMES + 1)
    ]
    return _records(homes, workers, told)


def _prior(record: Record, records: Sequence[Record], drawn: Sequence[Record]) -> Prior:
    """Of the other homes, of the same kind if there are any."""
    others = [one for one in records if one is not record]
    alike = [one for one in others if one.has_motion == record.has_motion]
    return rivals.prior(alike or others or drawn)
