"""What is wrong with one link's driver: told once, and taken back when it is over."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Protocol

from edge.inbox import Inbox
from rules.alarm import AlarmKind
from rules.device import Link
from rules.inputs import Technical
from rules.observation import DeviceId
from rules.sentence import Say, Sentence, sentence

LOST_AFTER = timedelta(seconds=30)
"systemd restarts a driver within seconds; one that is away for longer does not come back alone."
REFUSED_EVERY = timedelta(hours=1)
"So often at most is refused rubbish reported; so long without any, and the fault is over."

_log = logging.getLogger(__name__)


class Clock(Protocol):
    """The gateway's time."""

    def now(self) -> datetime:
        """Aware UTC."""

    def boottime_us(self) -> int:
        """CLOCK_BOOTTIME in microseconds."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return at `moment`."""


class DriverFaults:
    """The faults of one link's driver, put into the inbox as they come and go."""

    def __init__(self, link: Link, inbox: Inbox, clock: Clock, tasks: asyncio.TaskGroup) -> None:
        self.source = f"driver:{link}"
        "Its lane of the inbox, and the scope of its faults; no device can have such an id."
        self._link = link
        self._inbox = inbox
        self._clock = clock
        self._tasks = tasks
        self._lost: asyncio.Task[None] | None = None
        self._settled = False
        self._clean: asyncio.Task[None] | None = None
        self._clean_us = 0
        self._told_us: int | None = None

    def missing(self) -> None:
        """No driver is connected: a fault, unless one comes in time."""
        self._settled = False
        if self._lost is None:
            self._lost = self._tasks.create_task(self._be_lost(), name=f"{self.source} lost")

    async def not_missed(self) -> None:
        """A driver is there, or none is needed."""
        if self._lost is not None:
            self._lost.cancel()
            self._lost = None
        if not self._settled:
            self._settled = True
            # Said even where this run knows of no fault: one of an earlier run ends here.
            await self._over(AlarmKind.DRIVER_LOST)

    def listened_to(self) -> None:
        """A driver is being read: an hour without rubbish ends what an earlier run reported."""
        self._clean_us = self._clock.boottime_us() + _us(REFUSED_EVERY)
        if self._clean is None:
            self._clean = self._tasks.create_task(self._be_clean(), name=f"{self.source} clean")

    async def refuse(self, reason: str, detail: str) -> None:
        """Something that the driver sent was refused.

        Args:
            reason: for the technician; holds no observed value, since it leaves the house.
            detail: for this machine's log.

        """
        self.listened_to()
        now_us = self._clock.boottime_us()
        if self._told_us is not None and now_us - self._told_us < _us(REFUSED_EVERY):
            return
        self._told_us = now_us
        _log.warning("%s: refused %s: %s", self.source, reason, detail)
        now = self._clock.now()
        said = sentence(Say.FRAMES_REFUSED, at=now, device=self.source, reason=reason)
        await self._tell(AlarmKind.FRAMES_REFUSED, said, present=True)

    async def _be_lost(self) -> None:
        await elapse(self._clock, LOST_AFTER)
        _log.error("%s: no driver for %s", self.source, LOST_AFTER)
        said = sentence(Say.DRIVER_LOST, at=self._clock.now(), driver=self._link.value)
        await self._tell(AlarmKind.DRIVER_LOST, said, present=True)

    async def _be_clean(self) -> None:
        while (left_us := self._clean_us - self._clock.boottime_us()) > 0:
            await elapse(self._clock, timedelta(microseconds=left_us))
        self._clean = None
        await self._over(AlarmKind.FRAMES_REFUSED)

    async def _over(self, kind: AlarmKind) -> None:
        await self._tell(kind, sentence(Say.FAULT_OVER, at=self._clock.now()), present=False)

    async def _tell(self, kind: AlarmKind, said: Sentence, *, present: bool) -> None:
        told = Technical(kind, DeviceId(self.source), present, said)
        await self._inbox.put_waiting(told, urgent=True, source=self.source)


async def elapse(clock: Clock, span: timedelta) -> None:
    """Return when so much boot time has passed, whatever the clock is set to meanwhile."""
    end_us = clock.boottime_us() + _us(span)
    while True:
        now = clock.now()
        left = timedelta(microseconds=end_us - clock.boottime_us())
        if left <= timedelta():
            return
        try:
            # A clock set back would sleep on: a timeout in real time looks again.
            async with asyncio.timeout(left.total_seconds()):
                await clock.sleep_until(now + left)
        except TimeoutError:
            continue


def _us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
