"""Whether a run kept its promises, its figures, and the shortest way to see a failure again.

Figures are in `sim.check.figures`, the search for a smaller run in `sim.check.shrink`, and the
command that shows a failure again in `sim.check.command`.
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
    time_jumps,
)
from sim.check.violation import Checker, Violation
from sim.world.chronicle import Chronicle

__all__ = ["CHECKERS", "Checker", "Violation", "check"]

CHECKERS: Mapping[str, Checker] = {
    lost.NAME: lost.check,
    doubled.NAME: doubled.check,
    collapses.NAME: collapses.check,
    dead_sensors.NAME: dead_sensors.check,
    time_jumps.NAME: time_jumps.check,
    hazards.NAME: hazards.check,
    bounds.NAME: bounds.check,
    liveness.NAME: liveness.check,
}
"By name, in the order in which they are reported."


def check(chronicle: Chronicle) -> tuple[Violation, ...]:
    """All that all checkers find, each checker's in order of time."""
    return tuple(
        violation
        for checker in CHECKERS.values()
        for violation in sorted(checker(chronicle), key=lambda found: found.at)
    )
