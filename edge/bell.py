"""Rings when a deadline is reached: one `Tick` into the inbox, no polling in between."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What the bell asks of the gateway's clock."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return at `moment`."""


class Bell:
    """One deadline at a time."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._deadline: datetime | None = None
        self._armed: datetime | None = None
        self._changed = asyncio.Event()

    def set(self, deadline: datetime | None, *, anew: bool = False) -> None:
        """Ring at `deadline`; never for None. `anew`: the clock was set, so reckon again.

        A later deadline than the armed one does not wake the bell's task: it rings once too
        early, and is set again then. That costs one idle tick instead of one wake-up an item.
        """
        self._deadline = deadline
        earlier = deadline is not None and (self._armed is None or deadline < self._armed)
        if earlier or anew:
            self._changed.set()

    async def run(self) -> None:
        """Ring until cancelled."""
        while True:
            self._changed.clear()
            self._armed = self._deadline
            if self._armed is None:
                await self._changed.wait()
                continue
            async with asyncio.TaskGroup() as tasks:
                sleeper = tasks.create_task(self._sleep(self._armed), name="bell sleeper")
                await self._changed.wait()
                sleeper.cancel()

    async def _sleep(self, moment: datetime) -> None:
        await self._clock.sleep_until(moment)
        self._armed = self._deadline = None
        self._ring()
        self._changed.set()
