"""What `ongi sim` was asked for, made into a run; and a smaller run of it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from rules.errors import ConfigError, phrase
from sim.check.shrink import Attempt
from sim.faults import file, kept
from sim.faults.drawn import Profile, drawn
from sim.faults.fault import Fault
from sim.homes.population import SimulatedHome, home
from sim.world.run import START, Plan

DEFAULT_POPULATION = "mixed"


@dataclass(frozen=True, slots=True)
class Asked:
    """A run as the command line names it."""

    seed: int
    homes: int
    days: int
    faults: Profile | Path
    population: str
    only: tuple[int, ...] = ()
    "Of the homes only these; empty: all."
    until: int | None = None
    "End after so many days; faults are drawn for `days` all the same."
    keep: tuple[int, ...] | None = None
    "Of the faults only these; None: all."

    def all_homes(self) -> list[SimulatedHome]:
        """All homes, whichever are looked at.

        Raises:
            ConfigError: there is no such population.

        """
        numbers = range(1, self.homes + 1)
        return [home(self.seed, number, START, self.population) for number in numbers]

    def all_faults(self, homes: Sequence[SimulatedHome]) -> tuple[Fault, ...]:
        """All faults, numbered, before any is left out.

        Raises:
            ConfigError: the file cannot be used.

        """
        if isinstance(self.faults, Profile):
            return drawn(self.faults, self.seed, homes, self.days)
        return file.read(self.faults, homes, self.days)

    def plan(self) -> Plan:
        """The run.

        Raises:
            ConfigError: a population, home, fault or file that cannot be used.

        """
        homes = self.all_homes()
        chosen = self._chosen()
        faults = self.all_faults(homes)
        if self.keep is not None:
            faults = kept.kept(faults, self.keep)
        days = self.days if self.until is None else min(self.until, self.days)
        return Plan(
            seed=self.seed,
            homes=chosen,
            days=days,
            faults=tuple(_within(faults, chosen, timedelta(days=days))),
            population=self.population,
        )

    def narrowed(self, attempt: Attempt) -> "Asked":
        """The same, with what an attempt keeps of it."""
        return replace(
            self,
            only=() if len(attempt.homes) == self.homes else attempt.homes,
            until=None if attempt.days == self.days else attempt.days,
            keep=attempt.faults,
        )

    def line(self) -> str:
        """The command that asks for it."""
        words = ["ongi sim", f"--seed {self.seed}", f"--homes {self.homes}", f"--days {self.days}"]
        if self.population != DEFAULT_POPULATION:
            words.append(f"--population {self.population}")
        if self.faults is not Profile.NONE:
            words.append(f"--faults {shlex.quote(str(self.faults))}")
        if self.only:
            words.append(f"--only {','.join(map(str, self.only))}")
        if self.until is not None:
            words.append(f"--until {self.until}")
        if self.keep is not None:
            words.append(f"--keep {kept.written(self.keep)}")
        return " ".join(words)

    def _chosen(self) -> tuple[int, ...]:
        wrong = [number for number in self.only if number > self.homes]
        if wrong:
            right = phrase("the run has homes 1 to {count}", count=self.homes)
            raise ConfigError("--only", str(wrong[0]), right)
        return self.only or tuple(range(1, self.homes + 1))


def _within(faults: Sequence[Fault], homes: Sequence[int], end: timedelta) -> list[Fault]:
    """Faults of these homes and of the center that begin in time, healed at the end at last."""
    return [
        replace(fault, lasting=min(fault.lasting, end - fault.begin))
        for fault in faults
        if fault.begin < end and (fault.home is None or fault.home in homes)
    ]
