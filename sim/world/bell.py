"""Rings a simulated gateway when a deadline is reached: by its own clock, on the true timeline."""

from collections.abc import Callable
from datetime import datetime

from edge.clock import AnchoredClock
from sim.world.machine import Machine
from sim.world.timeline import Timeline


class Bell:
    """One deadline at a time, as `edge.bell.Bell`."""

    def __init__(
        self,
        timeline: Timeline,
        machine: Machine,
        clock: AnchoredClock,
        ring: Callable[[], None],
    ) -> None:
        self._timeline = timeline
        self._machine = machine
        self._clock = clock
        self._ring = ring
        self._deadline: datetime | None = None
        self._armed: datetime | None = None
        self._number = 0

    def set(self, deadline: datetime | None, *, anew: bool = False) -> None:
        """Ring at `deadline`; never for None. `anew`: the clock was set, so reckon again."""
        self._deadline = deadline
        if deadline is not None and (anew or self._armed is None or deadline < self._armed):
            self._arm(deadline)

    def reckon_again(self) -> None:
        """The crystal runs otherwise now."""
        self.set(self._deadline, anew=True)

    def silence(self) -> None:
        """Ring no more: the gateway is gone."""
        self._number += 1
        self._deadline = self._armed = None

    def _arm(self, deadline: datetime) -> None:
        self._armed = deadline
        self._number += 1
        number = self._number
        left = self._machine.true_span(deadline - self._clock.now())
        self._timeline.after(left, lambda: self._due(number))

    def _due(self, number: int) -> None:
        if number != self._number:
            return
        self._armed = None
        if self._deadline is None:
            return
        if self._clock.now() < self._deadline:
            # The real one rings early, in vain, and is set again then.
            self._arm(self._deadline)
            return
        self._deadline = None
        self._ring()
