"""When all has healed nothing waits."""

from collections.abc import Iterator
from typing import Final

from sim.check.violation import Violation
from sim.world.chronicle import Chronicle

NAME: Final = "nothing-waits"


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """What still waits at the end."""
    del chronicle
    yield from ()
