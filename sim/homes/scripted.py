"""A home to which something certain happens, beside the life that was drawn for it."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rules.observation import Phenomenon
from rules.rulebook import Rulebook
from sim.homes.act import Act, Happening
from sim.homes.dwelling import Installed
from sim.homes.population import SimulatedHome

Span = tuple[datetime, datetime]
"Begin included, end not."


@dataclass(frozen=True, slots=True)
class Scripted:
    """A drawn home with a script."""

    drawn: SimulatedHome
    book: Rulebook
    "In the place of the one that was drawn."
    script: tuple[Happening, ...]
    "In order of `at`; its acts are of devices that the home has."
    out: tuple[Span, ...] = ()
    """When nobody is at home: what hands would do then is not done, and no sensor sees what is not
    there."""

    @property
    def number(self) -> int:
        """From 1."""
        return self.drawn.number

    @property
    def gateway(self) -> str:
        """Its name."""
        return self.drawn.gateway

    @property
    def installed(self) -> tuple[Installed, ...]:
        """Its devices."""
        return self.drawn.installed

    def happenings(self) -> Iterator[Happening]:
        """Life and script, in order of `at`, endless."""
        life = (one for one in self.drawn.happenings() if not self._prevented(one))
        return heapq.merge(life, self.script, key=lambda one: one.at)

    def at_home(self, moment: datetime) -> bool:
        """Whether a prompt would be heard."""
        return not self._is_out(moment) and self.drawn.at_home(moment)

    def _prevented(self, happening: Happening) -> bool:
        if not isinstance(happening, Act):
            return False
        if happening.hand is None:
            sees = happening.phenomenon is Phenomenon.MOTION and bool(happening.value)
            return sees and self._is_out(happening.at)
        return self._is_out(happening.hand)

    def _is_out(self, moment: datetime) -> bool:
        return any(begin <= moment < end for begin, end in self.out)
