"""One home of the rig: its people on the air, its two processes, and what befalls them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from edge.config import IDENTITY_FILE
from edge.status import Status
from rules.command import Command, Signal
from rules.errors import FrameError
from rules.inputs import Drill
from rules.observation import Observation
from sim.faults.fault import Fault, FaultKind
from sim.homes.population import SimulatedHome
from sim.processes.children import Crew, Died
from sim.processes.furnish import HomeFiles, furnish
from sim.processes.machine import MachineFile
from sim.rig import antenna, disk, spoken, tracer
from sim.rig.agenda import Agenda
from sim.rig.air import Air, Frame
from sim.rig.gateway_end import GatewayEnd
from sim.rig.lives import Lives
from sim.rig.network import Way
from sim.rig.pair import Pair
from sim.world.chronicle import HomeChronicle
from sim.world.switches import Switches

_RESTART: Final = timedelta(minutes=2)
"A Pi that was switched off and on decides again after this."
_UNCONFIRMED_S: Final = 0.25
"Real seconds; what a gateway has not taken in by then was lost on its way."
_LATENCIES_MAX: Final = 200_000
_DAY: Final = timedelta(days=1)
_URGENT: Final = timedelta(seconds=20)
"A leak stands for five seconds before it is raised, and shall be at the center ten later."
_DEATH_KNOWN_S: Final = 0.05

_OF_WAY: Final = (
    FaultKind.UPLINK_DOWN,
    FaultKind.UPLINK_LOSS,
    FaultKind.UPLINK_DUPLICATES,
    FaultKind.NAT_REBINDING,
)
_OF_CENTER: Final = (
    FaultKind.CENTER_KILLED,
    FaultKind.CENTER_RESTORED,
    FaultKind.CENTER_SLOW,
    FaultKind.CENTER_GARBAGE,
)


@dataclass(frozen=True, slots=True)
class Able:
    """What can be done to processes here."""

    trace: bool
    mount: bool


@dataclass(frozen=True, slots=True)
class Around:
    """What a home has in common with the others."""

    agenda: Agenda
    crew: Crew
    clock: Path
    now: Callable[[], datetime]
    work: Callable[[Callable[[], Awaitable[None]]], None]
    "Have something done that takes real time; virtual time stands still meanwhile."
    changed: Callable[[], None]
    "Something was heard: look at the pace again."
    able: Able
    center_faults: Switches
    speed: float
    seed: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Glance:
    """How a gateway said that it is."""

    at: datetime
    status: Status


class Site:
    """A home, from the start of the run to its end."""

    def __init__(
        self, home: SimulatedHome, faults: Sequence[Fault], folder: Path, around: Around, way: Way
    ) -> None:
        """Nothing is started before `open`."""
        number = home.number
        self.home = home
        self.folder = folder
        self.way = way
        self.latencies_s: deque[float] = deque(maxlen=_LATENCIES_MAX)
        "Real seconds from a frame on the air to its observation decided upon."
        self.urgent_s: list[float] = []
        "Of hazards and calls for help among them."
        self.unanswered = 0
        "Frames that nothing was heard of within a quarter of a real second."
        self.glance: Glance | None = None
        self._urgent_until = around.start
        self.faults = Switches()
        self.chronicle = HomeChronicle(
            number=number,
            gateway=home.gateway,
            devices=tuple(one.device for one in home.installed),
            book=home.book,
            faults=tuple(fault for fault in faults if fault.home == number),
        )
        self.end = GatewayEnd(self.chronicle, self._observed)
        self.pair = Pair(
            home.gateway,
            folder,
            clock=around.clock,
            crew=around.crew,
            prefix=lambda: way.prefix,
            hear=(self._hear, self._hear_driver),
            fell=self._fell,
        )
        self._around = around
        self._air = Air(home.installed, faults, around.start, around.seed, number)
        self.lives = Lives(
            home,
            around.agenda,
            self._air,
            self.chronicle,
            seed=around.seed,
            end=around.end,
            send=self._send,
            announce=lambda away: around.work(lambda: self.pair.put(away)),
        )
        self._machine = MachineFile(self.pair.machine, around.start)
        self._chance = Random(f"{around.seed}/{number}/card")
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
        self._unconfirmed: deque[tuple[Frame, float]] = deque()
        self._stack = AsyncExitStack()

    # ------------------------------------------------------------------- its beginning and end

    @property
    def keys(self) -> Path:
        """Where the center's people put the gateway's keys."""
        return self.folder / IDENTITY_FILE

    @property
    def _journal(self) -> Path:
        return self.folder / "journal.sqlite"

    def make_folder(self) -> None:
        """Make the gateway's card: a small one if it will be full one day."""
        self.folder.mkdir()
        kinds = {fault.kind for fault in self.chronicle.faults}
        if FaultKind.DISK_FULL in kinds and self._around.able.mount:
            self._card = self._stack.enter_context(disk.small_card(self.folder))
        (self.folder.parent / "memory").mkdir(exist_ok=True)

    async def open(self, limits: Sequence[timedelta]) -> None:
        """Furnish the home, and start its processes."""
        host, port = self.way.address
        files = HomeFiles(
            gateway=self.home.gateway,
            name=self.home.gateway,
            timezone="Asia/Seoul",
            preset=self.home.preset,
            host=host,
            port=port,
            limits=limits,
            pet=self.home.book.evidence.pet,
        )
        furnish(self.folder, files, self.home.installed)
        await self._start()

    def begin(self, collapse: datetime | None, calls: Sequence[datetime]) -> None:
        """Begin to live; faults begin and end as planned."""
        agenda = self._around.agenda
        self.lives.begin(collapse, calls)
        for fault in self.chronicle.faults:
            begin = self._around.start + fault.begin
            agenda.at(begin, self._planned(self._break, fault))
            agenda.at(begin + fault.lasting, self._planned(self._heal, fault))
        agenda.after(_DAY, self._look_daily)
        agenda.after(20 * _DAY, lambda: self._around.work(self._drill))

    async def finish(self) -> None:
        """Stop the gateway in good order and look at what it leaves."""
        self.lives.finish()
        await self.pair.stop()
        self._note_gone()

    async def aclose(self) -> None:
        """Leave nothing behind."""
        await self.pair.inject(())
        await self._stack.aclose()

    def _look_daily(self) -> None:
        self._around.agenda.after(_DAY, self._look_daily)
        self._around.work(self._gauge)

    async def _gauge(self) -> None:
        if self.pair.running:
            self.end.gauge(self._journal, self._around.now())

    def all_at(self, stored: AbstractSet[bytes]) -> bool:
        """Whether all records of a gateway that runs are among these ids, the center's."""
        return self.pair.running and self.end.all_at(self._journal, stored)

    async def _drill(self) -> None:
        await self.pair.put(Drill("installer"))

    # ---------------------------------------------------------------------------------- the pace

    def unconfirmed(self, real_s: float) -> Frame | None:
        """The oldest frame that the gateway should have taken in and has not."""
        while self._unconfirmed and real_s - self._unconfirmed[0][1] > _UNCONFIRMED_S:
            self._unconfirmed.popleft()
            self.unanswered += 1
        return self._unconfirmed[0][0] if self._unconfirmed else None

    def is_busy(self, now: datetime) -> bool:
        """Whether a call for help, a hazard or a command is being dealt with."""
        return now < self._urgent_until or self.end.commanding(now)

    def is_connected(self) -> bool:
        """Whether nothing is wrong between the gateway and the center."""
        ours, theirs = self.faults, self._around.center_faults
        return not any(ours.on(kind) for kind in _OF_WAY) and not any(
            theirs.on(kind) for kind in _OF_CENTER
        )

    async def look(self) -> None:
        """Ask how the gateway is."""
        status = await self.pair.status()
        self.glance = None if status is None else Glance(self._around.now(), status)

    # --------------------------------------------------------------------------- what is heard

    def _hear(self, line: bytes) -> bool:
        try:
            said = spoken.from_line(line)
        except FrameError:
            return False
        if said is None:
            return False
        self.end.take(*said)
        self._around.changed()
        return True

    def _observed(self, at: datetime, seen: Observation) -> None:
        self.lives.heard(at, seen.device, seen.phenomenon, seen.value)
        if all(frame.device != seen.device for frame, _ in self._unconfirmed):
            return
        # One driver, one socket: what was sent before has been taken in before, or never will be.
        frame, sent_s = self._unconfirmed.popleft()
        while frame.device != seen.device:
            frame, sent_s = self._unconfirmed.popleft()
        took_s = asyncio.get_running_loop().time() - sent_s
        self.latencies_s.append(took_s)
        if frame.urgent:
            self.urgent_s.append(took_s)

    def _hear_driver(self, line: bytes) -> bool:
        try:
            asked = antenna.command_of(line)
        except FrameError:
            return False
        if asked is not None:
            self._perform(*asked)
        return asked is not None

    def _perform(self, number: int, command: Command) -> None:
        agenda = self._around.agenda
        self.end.reached.add(command.id)
        performed = self._air.performs(agenda.now, command)
        if performed is None:
            return
        answer = antenna.performed_line(number, performed.result.refusal)
        agenda.at(performed.at, lambda: self.pair.tell_driver(answer))
        if performed.result.refusal is None and command.signal is Signal.PROMPT:
            self.lives.prompted(command.device)

    def _send(self, frame: Frame) -> None:
        if not self.pair.driving:
            return
        for advert in frame.adverts(self._machine.boottime_us(frame.at)):
            self.pair.tell_driver(antenna.advert_line(advert))
        if frame.urgent:
            self._urgent_until = frame.at + _URGENT
        if frame.sure and self.pair.running:
            self._unconfirmed.append((frame, asyncio.get_running_loop().time()))

    # --------------------------------------------------------------------------------- processes

    async def _start(self) -> None:
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
        self._unconfirmed.clear()
        self._stopped_at = now = self._around.now()
        self.end.ended(now)
        self.end.look_at_journal(self._journal, now)

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
        elif self.chronicle.runs and self.chronicle.runs[-1].ended is None:
            await self.pair.gone()
            self._note_gone()

    async def _power_back(self, fault: Fault) -> None:
        self._off.discard(fault.number)
        self._driver_off.discard(fault.number)
        if not self.pair.running and not self.pair.driving:
            self._machine.boot(self._around.now())
        await self._start()

    def _set_date_at_boot(self) -> None:
        """Without a network a Pi goes on from the date at which it stopped."""
        if self.faults.on(FaultKind.WRONG_AT_BOOT) or self.faults.on(FaultKind.CLOCK_JUMP):
            return
        if self.faults.on(FaultKind.UPLINK_DOWN) and self._stopped_at is not None:
            self._machine.set_date(self._stopped_at - self._around.now(), None)

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
                self._unconfirmed.clear()
            case FaultKind.DISK_CORRUPTED:
                self._off.add(fault.number)
                await self._kill_gateway()
                disk.damage(self._journal, self._chance)
            case FaultKind.WRONG_AT_BOOT:
                self._machine.set_date(timedelta(seconds=round(fault.amount)), None)
                await self._power_lost(fault)
                self._around.agenda.after(_RESTART, self._planned(self._power_back, fault))
            case FaultKind.CLOCK_JUMP:
                self._machine.set_date(timedelta(seconds=round(fault.amount)), "ntp")
            case FaultKind.CLOCK_DRIFT:
                self._machine.drift(round(fault.amount), self._around.now())
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
                await self._start()
            case FaultKind.DISK_CORRUPTED:
                self._off.discard(fault.number)
                await self._start()
            case FaultKind.WRONG_AT_BOOT | FaultKind.CLOCK_JUMP | FaultKind.UPLINK_DOWN:
                if not self.faults.on(FaultKind.UPLINK_DOWN):
                    self._machine.set_date(timedelta(), "ntp")
                if fault.number in self._off:
                    await self._power_back(fault)
                await self.look_at_way()
            case FaultKind.CLOCK_DRIFT:
                self._machine.drift(0, self._around.now())
            case FaultKind.DISK_FULL:
                self._make_room()
            case _:
                await self.look_at_way()
                await self._inject()

    async def look_at_way(self) -> None:
        """Let the way be as bad as it is now."""
        net, ours, theirs = self.way.net, self.faults, self._around.center_faults
        net.duplicate = ours.amount(FaultKind.UPLINK_DUPLICATES)
        net.forget_s = ours.amount(FaultKind.NAT_REBINDING) or None
        net.spoil = theirs.amount(FaultKind.CENTER_GARBAGE)
        net.reply_delay_s = theirs.amount(FaultKind.CENTER_SLOW) / self._around.speed
        down = ours.on(FaultKind.UPLINK_DOWN)
        await self.way.lose(1.0 if down else ours.amount(FaultKind.UPLINK_LOSS))

    def _fill(self) -> None:
        if self._card:
            disk.fill(self.folder)
        else:
            self.pair.limit(full=True)

    def _make_room(self) -> None:
        if not self.faults.on(FaultKind.DISK_FULL):
            disk.make_room(self.folder)
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
