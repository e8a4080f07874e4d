"""Whether a run kept its promises, its figures, and the shortest way to see a failure again.

The search for a smaller run that fails is in `sim.check.shrink`; the command that shows it again
is `sim.check.command.Asked.line`.
"""

from collections.abc import Mapping

from sim.check import (
    bounds,
    collapses,
    dead_sensors,
    doubled,
    hazards,
    liveness,
    lost,
    remembering,
    slow_harms,
    supervision,
    time_jumps,
)
from sim.check.figures import Figures, HomeFigures, figures
from sim.check.violation import Checker, Violation
from sim.world.chronicle import Chronicle

__all__ = [
    "CHECKERS",
    "Checker",
    "Figures",
    "HomeFigures",
    "Violation",
    "check",
    "figures",
]

CHECKERS: Mapping[str, Checker] = {
    lost.NAME: lost.check,
    doubled.NAME: doubled.check,
    collapses.NAME: collapses.check,
    dead_sensors.NAME: dead_sensors.check,
    time_jumps.NAME: time_jumps.check,
    hazards.NAME: hazards.check,
    bounds.NAME: bounds.check,
    liveness.NAME: liveness.check,
    slow_harms.NAME: slow_harms.check,
    remembering.NAME: remembering.check,
    supervision.NAME: supervision.check,
}
"By name, in the order in which they are reported."


def check(chronicle: Chronicle) -> tuple[Violation, ...]:
    """All that all checkers find, each checker's in order of time."""
    return tuple(
        violation
        for checker in CHECKERS.values()
        for violation in sorted(checker(chronicle), key=lambda found: found.at)
    )
