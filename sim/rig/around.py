"""What the homes of a rig have in common."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sim.processes.children import Crew
from sim.rig.agenda import Agenda
from sim.world.switches import Switches


@dataclass(frozen=True, slots=True)
class Able:
    """What can be done to processes here."""

    trace: bool
    mount: bool


@dataclass(frozen=True, slots=True)
class Around:
    """What a home has in common with the others."""

    agenda: Agenda
    crew: Crew
    clock: Path
    now: Callable[[], datetime]
    work: Callable[[Callable[[], Awaitable[None]]], None]
    "Have something done that takes real time; virtual time stands still meanwhile."
    changed: Callable[[], None]
    "Something was heard: look at the pace again."
    able: Able
    center_faults: Switches
    speed: float
    seed: int
    start: datetime
    end: datetime
