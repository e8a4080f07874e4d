"""What a checker says of a run that broke a promise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sim.world.chronicle import Chronicle


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise."""

    checker: str
    "Name of the promise, in kebab case."
    home: int | None
    "None: not of one home."
    at: datetime
    "True moment at which it was broken."
    what: str
    "One sentence, with the numbers."
    evidence: tuple[str, ...] = ()
    "What stands in the chronicle, a line each."


Checker = Callable[[Chronicle], Iterator[Violation]]
