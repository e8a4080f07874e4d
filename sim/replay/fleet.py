"""Many homes at once: what is asked of each, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rules.errors import ConfigError, phrase, unreadable
from rules.rulebook import Preset
from sim.pool import each
from sim.replay import homes
from sim.replay.exported import exported
from sim.replay.replay import Compared, compare
from sim.replay.rulefile import RuleFile

RECORDING, EVIDENCE = ".csv", ".jsonl"
"How the names of files end; what does not end as a recording is taken for evidence."


@dataclass(frozen=True, slots=True)
class FromFile:
    """A recording or an evidence log."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True)
class Drawn:
    """A simulated home."""

    population: str
    seed: int
    number: int
    start: datetime
    days: int

    @property
    def name(self) -> str:
        return f"{self.population}-{self.seed}-{self.number}"


@dataclass(frozen=True, slots=True)
class Job:
    """One home to be compared; small, so that it goes to any process or machine."""

    home: FromFile | Drawn
    new: RuleFile
    old: RuleFile | None
    "None: those that the home had."
    keep: int | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A home that cannot be read, and why: the parts of a `ConfigError`."""

    where: str
    found: str
    right: str


Result = Compared | Failed


def carry_out(job: Job) -> Result:
    """Compare one home. This is what runs in a worker."""
    try:
        home = _opened(job)
        old = homes.in_force(home)
        pet = old.evidence.pet
        if job.old is not None:
            old = job.old.book(home.preset, pet=pet)
        return compare(home, old, job.new.book(home.preset, pet=pet), job.keep)
    except ConfigError as error:
        return Failed(error.where, error.found, error.right)
    except OSError as error:
        return Failed(job.home.name, unreadable(error), phrase("a readable file"))


def _opened(job: Job) -> homes.Replayed:
    match job.home:
        case FromFile(path) if path.suffix == RECORDING:
            return homes.recorded(path, job.new.base or Preset.LIVING_ALONE)
        case FromFile(path):
            return exported(path)
        case Drawn(name, seed, number, start, days):
            return homes.simulated(name, seed, number, start, days)


def local(jobs: Sequence[Job], workers: int, done: Callable[[Result], None]) -> list[Result]:
    """All jobs, on this machine's cores; `done` is told of each home as it comes."""
    return each(carry_out, jobs, workers, done)
