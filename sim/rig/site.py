"""One home of the rig: its people on the air, and what is heard of its gateway."""

import asyncio
from collections import deque
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from edge.config import IDENTITY_FILE
from edge.status import Status
from rules.command import Command, Signal
from rules.errors import FrameError
from rules.inputs import Drill
from rules.observation import Observation
from sim.faults.fault import Fault, FaultKind
from sim.homes.population import SimulatedHome
from sim.processes.furnish import HomeFiles, furnish
from sim.rig import antenna, spoken
from sim.rig.air import Air, Frame
from sim.rig.around import Around
from sim.rig.box import Box
from sim.rig.gateway_end import GatewayEnd
from sim.rig.lives import Lives
from sim.rig.network import Way
from sim.world.chronicle import HomeChronicle

_UNCONFIRMED_S: Final = 0.25
"Real seconds; what a gateway has not taken in by then was lost on its way."
_LATENCIES_MAX: Final = 200_000
_DAY: Final = timedelta(days=1)
_URGENT: Final = timedelta(seconds=20)
"A leak stands for five seconds before it is raised, and shall be at the center ten later."

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
        self.chronicle = HomeChronicle(
            number=number,
            gateway=home.gateway,
            devices=tuple(one.device for one in home.installed),
            book=home.book,
            faults=tuple(fault for fault in faults if fault.home == number),
        )
        self.end = GatewayEnd(self.chronicle, self._observed)
        self._unconfirmed: deque[tuple[Frame, float]] = deque()
        self.box = Box(
            self.chronicle,
            self.end,
            folder,
            around,
            way,
            hear=(self._hear, self._hear_driver),
            deaf=self._unconfirmed.clear,
        )
        self.pair = self.box.pair
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

    # ------------------------------------------------------------------- its beginning and end

    @property
    def keys(self) -> Path:
        """Where the center's people put the gateway's keys."""
        return self.folder / IDENTITY_FILE

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
        await self.box.start()

    def begin(self, collapse: datetime | None, calls: Sequence[datetime]) -> None:
        """Begin to live; faults begin and end as planned."""
        agenda = self._around.agenda
        self.lives.begin(collapse, calls)
        self.box.begin()
        agenda.after(_DAY, self._look_daily)
        agenda.after(20 * _DAY, lambda: self._around.work(self._drill))

    async def finish(self) -> None:
        """Stop the gateway in good order and look at what it leaves."""
        self.lives.finish()
        await self.box.finish()

    def _look_daily(self) -> None:
        self._around.agenda.after(_DAY, self._look_daily)
        self._around.work(self._gauge)

    async def _gauge(self) -> None:
        if self.pair.running:
            self.end.gauge(self.box.journal, self._around.now())

    def all_at(self, stored: AbstractSet[bytes]) -> bool:
        """Whether all records of a gateway that runs are among these ids, the center's."""
        return self.pair.running and self.end.all_at(self.box.journal, stored)

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
        ours, theirs = self.box.faults, self._around.center_faults
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
        for advert in frame.adverts(self.box.machine.boottime_us(frame.at)):
            self.pair.tell_driver(antenna.advert_line(advert))
        if frame.urgent:
            self._urgent_until = frame.at + _URGENT
        if frame.sure and self.pair.running:
            self._unconfirmed.append((frame, asyncio.get_running_loop().time()))
