"""Nothing lost."""

from collections.abc import Iterator
from typing import Final

from sim.check.violation import Violation
from sim.world.chronicle import Chronicle

NAME: Final = "nothing-lost"


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Records that were queued and are not at the center at the end."""
    del chronicle
    yield from ()
