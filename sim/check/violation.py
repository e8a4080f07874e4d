"""What a checker says of a run that broke a promise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.errors import phrase
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
    "One sentence, with the numbers: a phrase, so that each reader has it in their language."
    evidence: tuple[str, ...] = ()
    "What stands in the chronicle, a line each; phrases, too."


Checker = Callable[[Chronicle], Iterator[Violation]]


def lasting(span: timedelta) -> str:
    """A span for a sentence, exact: `3 d 1:00:00`, `0:00:02.500000`."""
    sign = "-" if span < timedelta() else ""
    days, rest = divmod(abs(span), timedelta(days=1))
    if not days:
        return f"{sign}{rest}"
    return phrase("{days} d {clock}", days=f"{sign}{days}", clock=rest)
