"""Everything that sends, on the air at its moment, to everybody who hears it."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from sim.ble.ether import Ether
from sim.ble.frame import Frame


class Clock(Protocol):
    """The time of the world."""

    def now(self) -> datetime: ...

    async def sleep_until(self, moment: datetime) -> None: ...


class Source(Protocol):
    """A device, or many."""

    def next_due(self) -> datetime | None: ...

    def emit(self, now: datetime) -> list[Frame]: ...


Hear = Callable[[str, Frame, int], None]
"Takes a frame at a receiver, by its address, with its strength in dBm."


class Broadcast:
    """Carries the frames of all sources over the ether. `run` must run."""

    def __init__(self, ether: Ether, clock: Clock, receivers: Mapping[str, Hear]) -> None:
        """Receivers by their addresses; those of the ether that are not among them are deaf."""
        self.sent = 0
        "Frames."
        self.heard = 0
        "By receivers, each counted."
        self._ether = ether
        self._clock = clock
        self._receivers = dict(receivers)
        self._order = itertools.count()
        self._agenda: list[tuple[datetime, int, Source]] = []
        self._woken = asyncio.Event()

    def add(self, source: Source) -> None:
        """A source comes, or one that was silent has something to say again."""
        self._agenda = [item for item in self._agenda if item[2] is not source]
        heapq.heapify(self._agenda)
        self._put(source)
        self._woken.set()

    def receive(self, receiver: str, hear: Hear) -> None:
        """A receiver of the ether is listened at from now on."""
        self._receivers[receiver] = hear

    async def run(self) -> None:
        """Broadcast until cancelled."""
        while True:
            self._woken.clear()
            if not self._agenda:
                await self._woken.wait()
                continue
            due = self._agenda[0][0]
            if due > self._clock.now():
                await self._sleep(due)
                continue
            self.step()

    def step(self) -> None:
        """Send what is due now."""
        now = self._clock.now()
        while self._agenda and self._agenda[0][0] <= now:
            source = heapq.heappop(self._agenda)[2]
            for frame in source.emit(now):
                self.sent += 1
                for receiver, rssi_dbm in self._ether.spread(frame):
                    hear = self._receivers.get(receiver)
                    if hear is not None:
                        self.heard += 1
                        hear(receiver, frame, rssi_dbm)
            self._put(source)

    async def _sleep(self, due: datetime) -> None:
        """Until the moment, or until something earlier is said."""
        async with asyncio.TaskGroup() as group:
            moment = group.create_task(self._clock.sleep_until(due), name="air")
            woken = group.create_task(self._woken.wait(), name="air woken")
            await asyncio.wait((moment, woken), return_when=asyncio.FIRST_COMPLETED)
            moment.cancel()
            woken.cancel()

    def _put(self, source: Source) -> None:
        due = source.next_due()
        if due is not None:
            heapq.heappush(self._agenda, (due, next(self._order), source))
