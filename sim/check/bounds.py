"""Outbox and disk are bounded."""

from collections.abc import Iterator
from typing import Final

from sim.check.violation import Violation
from sim.world.chronicle import Chronicle

NAME: Final = "bounded"


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Gateways that hold more than they may."""
    del chronicle
    yield from ()
