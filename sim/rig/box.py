"""One home's machine: its two processes, its card, its clock, and what befalls them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from sim.faults.fault import Fault, FaultKind
from sim.processes.children import Died, Hear
from sim.processes.machine import MachineFile
from sim.rig import disk, tracer
from sim.rig.around import Around
from sim.rig.gateway_end import GatewayEnd
from sim.rig.network import Way
from sim.rig.pair import Pair
from sim.world.chronicle import HomeChronicle
from sim.world.switches import Switches

_RESTART: Final = timedelta(minutes=2)
"A Pi that was switched off and on decides again after this."
_DEATH_KNOWN_S: Final = 0.05


class Box:
    """Runs from `start` on, but while a fault keeps it from running."""

    def __init__(
        self,
        chronicle: HomeChronicle,
        end: GatewayEnd,
        folder: Path,
        around: Around,
        way: Way,
        *,
        hear: tuple[Hear, Hear],
        deaf: Callable[[], None],
    ) -> None:
        """Nothing is started before `start`.

        Args:
            chronicle: of the home, with its faults.
            end: looks at what a gateway leaves.
            folder: of the home.
            around: what it has in common with others.
            way: to the center.
            hear: takes the lines of gateway and driver.
            deaf: told when what was on its way to the gateway is lost.

        """
        self.faults = Switches()
        self.journal = folder / "journal.sqlite"
        self.pair = Pair(
            chronicle.gateway,
            folder,
            clock=around.clock,
            crew=around.crew,
            prefix=lambda: way.prefix,
            hear=hear,
            fell=self._fell,
        )
        self.machine = MachineFile(self.pair.machine, around.start)
        self._chronicle = chronicle
        self._end = end
        self._folder = folder
        self._around = around
        self._way = way
        self._deaf = deaf
        self._chance = Random(f"{around.seed}/{chronicle.number}/card")
        self._off: set[int] = set()
        "Faults that keep the gateway from running."
        self._driver_off: set[int] = set()
        self._cut: Fault | None = None
        "The power cut that waits for a write."
        self._fallen: Fault | None = None
        "The power cut that has just met its write."
        self._stopped_at: datetime | None = None
        self._card = False
        "The gateway has a small one of its own."
        self._stack = AsyncExitStack()

    def make_folder(self) -> None:
        """Make the gateway's card: a small one if it will be full one day."""
        self._folder.mkdir()
        kinds = {fault.kind for fault in self._chronicle.faults}
        if FaultKind.DISK_FULL in kinds and self._around.able.mount:
            self._card = self._stack.enter_context(disk.small_card(self._folder))
        (self._folder.parent / "memory").mkdir(exist_ok=True)

    def begin(self) -> None:
        """Faults begin and end as planned."""
        agenda = self._around.agenda
        for fault in self._chronicle.faults:
            begin = self._around.start + fault.begin
            agenda.at(begin, self._planned(self._break, fault))
            agenda.at(begin + fault.lasting, self._planned(self._heal, fault))

    async def finish(self) -> None:
        """Stop the gateway in good order and look at what it leaves."""
        await self.pair.stop()
        self._note_gone()

    async def aclose(self) -> None:
        """Leave nothing behind."""
        await self.pair.inject(())
        await self._stack.aclose()

    # --------------------------------------------------------------------------------- processes

    async def start(self) -> None:
        """Start what should run and does not, and wait until both have met."""
        if not self.pair.running and not self._off:
            if self.pair.starts:
                self._set_date_at_boot()
            await self.pair.start_gateway()
            if self.faults.on(FaultKind.DISK_FULL):
                self._fill()
            await self._inject()
        if not self.pair.driving and not self._driver_off:
            await self.pair.start_driver()
        await self.pair.met()

    async def _kill_gateway(self) -> None:
        await self.pair.kill_gateway()
        self._note_gone()

    def _note_gone(self) -> None:
        """The gateway's process has ended; what it leaves is looked at."""
        self._deaf()
        self._stopped_at = now = self._around.now()
        self._end.ended(now)
        self._end.look_at_journal(self.journal, now)

    def _fell(self, died: Died) -> None:
        """The gateway ended, and not by our hand: at a write that was to be its last."""
        if self._cut is None:
            if not self._around.crew.died.done():
                self._around.crew.died.set_result(died)
            return
        self.pair.kills += 1
        self._fallen, self._cut = self._cut, None
        self._around.work(self._fall)

    async def _fall(self) -> None:
        fault, self._fallen = self._fallen, None
        if fault is not None:
            await self._power_lost(fault)

    async def _power_lost(self, fault: Fault) -> None:
        self._off.add(fault.number)
        self._driver_off.add(fault.number)
        was_running = self.pair.running
        await self.pair.kill_driver()
        if was_running:
            await self._kill_gateway()
        elif self._chronicle.runs and self._chronicle.runs[-1].ended is None:
            await self.pair.gone()
            self._note_gone()

    async def _power_back(self, fault: Fault) -> None:
        self._off.discard(fault.number)
        self._driver_off.discard(fault.number)
        if not self.pair.running and not self.pair.driving:
            self.machine.boot(self._around.now())
        await self.start()

    def _set_date_at_boot(self) -> None:
        """Without a network a Pi goes on from the date at which it stopped."""
        if self.faults.on(FaultKind.WRONG_AT_BOOT) or self.faults.on(FaultKind.CLOCK_JUMP):
            return
        if self.faults.on(FaultKind.UPLINK_DOWN) and self._stopped_at is not None:
            self.machine.set_date(self._stopped_at - self._around.now(), None)

    # ------------------------------------------------------------------------------------ faults

    def _planned(
        self, act: Callable[[Fault], Awaitable[None]], fault: Fault
    ) -> Callable[[], None]:
        return lambda: self._around.work(lambda: act(fault))

    async def _break(self, fault: Fault) -> None:
        self.faults.begin(fault)
        match fault.kind:
            case FaultKind.POWER_CUT if self._around.able.trace and self.pair.running:
                self._cut = fault
                await self._inject()
            case FaultKind.POWER_CUT:
                await self._power_lost(fault)
            case FaultKind.RADIO_LOST:
                self._driver_off.add(fault.number)
                await self.pair.kill_driver()
                self._deaf()
            case FaultKind.DISK_CORRUPTED:
                self._off.add(fault.number)
                await self._kill_gateway()
                disk.damage(self.journal, self._chance)
            case FaultKind.WRONG_AT_BOOT:
                self.machine.set_date(timedelta(seconds=round(fault.amount)), None)
                await self._power_lost(fault)
                self._around.agenda.after(_RESTART, self._planned(self._power_back, fault))
            case FaultKind.CLOCK_JUMP:
                self.machine.set_date(timedelta(seconds=round(fault.amount)), "ntp")
            case FaultKind.CLOCK_DRIFT:
                self.machine.drift(round(fault.amount), self._around.now())
            case FaultKind.DISK_FULL:
                self._fill()
            case _:
                await self.look_at_way()
                await self._inject()

    async def _heal(self, fault: Fault) -> None:
        self.faults.end(fault)
        match fault.kind:
            case FaultKind.POWER_CUT:
                await self.pair.inject(())
                # It may have met its write just now.
                await asyncio.sleep(_DEATH_KNOWN_S)
                self._cut = None
                await self._fall()
                await self._inject()
                await self._power_back(fault)
            case FaultKind.RADIO_LOST:
                self._driver_off.discard(fault.number)
                await self.start()
            case FaultKind.DISK_CORRUPTED:
                self._off.discard(fault.number)
                await self.start()
            case FaultKind.WRONG_AT_BOOT | FaultKind.CLOCK_JUMP | FaultKind.UPLINK_DOWN:
                if not self.faults.on(FaultKind.UPLINK_DOWN):
                    self.machine.set_date(timedelta(), "ntp")
                if fault.number in self._off:
                    await self._power_back(fault)
                await self.look_at_way()
            case FaultKind.CLOCK_DRIFT:
                self.machine.drift(0, self._around.now())
            case FaultKind.DISK_FULL:
                self._make_room()
            case _:
                await self.look_at_way()
                await self._inject()

    async def look_at_way(self) -> None:
        """Let the way be as bad as it is now."""
        net, ours, theirs = self._way.net, self.faults, self._around.center_faults
        net.duplicate = ours.amount(FaultKind.UPLINK_DUPLICATES)
        net.forget_s = ours.amount(FaultKind.NAT_REBINDING) or None
        net.spoil = theirs.amount(FaultKind.CENTER_GARBAGE)
        net.reply_delay_s = theirs.amount(FaultKind.CENTER_SLOW) / self._around.speed
        down = ours.on(FaultKind.UPLINK_DOWN)
        await self._way.lose(1.0 if down else ours.amount(FaultKind.UPLINK_LOSS))

    def _fill(self) -> None:
        if self._card:
            disk.fill(self._folder)
        else:
            self.pair.limit(full=True)

    def _make_room(self) -> None:
        if not self.faults.on(FaultKind.DISK_FULL):
            disk.make_room(self._folder)
            self.pair.limit(full=False)

    async def _inject(self) -> None:
        """Let the writes of the gateway fail, take long or be the last, as the faults have it."""
        wanted: list[str] = []
        if self._around.able.trace:
            if self._cut is not None:
                wanted.append(tracer.cut_at(max(1, round(self._cut.amount))))
            elif self.faults.on(FaultKind.DISK_REFUSING):
                wanted.append(tracer.refusing("EIO"))
            elif self.faults.on(FaultKind.DISK_SLOW):
                seconds = self.faults.amount(FaultKind.DISK_SLOW) / self._around.speed
                wanted.append(tracer.slow(seconds))
        await self.pair.inject(wanted)
