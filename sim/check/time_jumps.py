"""No alarm caused by a time jump."""

from collections.abc import Iterator
from typing import Final

from sim.check.violation import Violation
from sim.world.chronicle import Chronicle

NAME: Final = "no-alarm-from-a-time-jump"


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Alarms that were not due by the true time."""
    del chronicle
    yield from ()
