"""What `ongi sim` was asked for, made into a run."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sim.check.command import Asked
from sim.faults import file, kept
from sim.faults.drawn import Profile, drawn
from sim.faults.fault import Fault
from sim.homes.population import SimulatedHome, home
from sim.world.run import START, Plan

_PROFILES = {profile.value: profile for profile in Profile}


def plan(asked: Asked) -> Plan:
    """The run that is asked for.

    Raises:
        ConfigError: a population, a fault or a file that cannot be used.

    """
    faults = all_faults(asked)
    if asked.keep is not None:
        faults = kept.kept(faults, asked.keep)
    end = timedelta(days=asked.days)
    return Plan(
        seed=asked.seed,
        homes=asked.numbers,
        days=asked.days,
        faults=tuple(_within(faults, asked.numbers, end)),
        population=asked.population,
    )


def all_homes(asked: Asked) -> list[SimulatedHome]:
    """All homes, whichever are run.

    Raises:
        ConfigError: there is no such population.

    """
    numbers = range(1, asked.homes + 1)
    return [home(asked.seed, number, START, asked.population) for number in numbers]


def all_faults(asked: Asked) -> tuple[Fault, ...]:
    """All faults, numbered, before any is left out.

    Raises:
        ConfigError: the file cannot be used.

    """
    homes, days = all_homes(asked), asked.drawn_for or asked.days
    profile = _PROFILES.get(asked.faults)
    if profile is None:
        return file.read(Path(asked.faults), homes, days)
    return drawn(profile, asked.seed, homes, days)


def _within(faults: Sequence[Fault], homes: Sequence[int], end: timedelta) -> list[Fault]:
    """Faults of these homes and of the center that begin in time, healed at the end at last."""
    return [
        replace(fault, lasting=min(fault.lasting, end - fault.begin))
        for fault in faults
        if fault.begin < end and (fault.home is None or fault.home in homes)
    ]
