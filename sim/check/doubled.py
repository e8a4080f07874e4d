"""Nothing doubled."""

from collections.abc import Iterator
from typing import Final

from sim.check.violation import Violation
from sim.world.chronicle import Chronicle

NAME: Final = "nothing-doubled"


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Records and cases that are there twice, or of nobody."""
    del chronicle
    yield from ()
