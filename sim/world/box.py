"""The gateway in its home: power, card and clock, the daemon on them, and what befalls them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from edge.answer import Answer, NoAnswer
from edge.happening import Delivered, Happening
from edge.journal import Found
from edge.outbox import OutboxRow
from protocol.identity import GatewayIdentity
from rules.command import Command
from rules.device import Device
from rules.events import LifeSeen
from rules.inputs import Input
from rules.observation import Observation
from rules.rulebook import Rulebook
from sim.faults.fault import Fault, FaultKind
from sim.world.chronicle import Gauge
from sim.world.daemon import Daemon, Outside, Parts
from sim.world.disk import Disk, PowerCut
from sim.world.machine import Machine
from sim.world.radio import Heard
from sim.world.scribe import Scribe
from sim.world.switches import Switches
from sim.world.timeline import Timeline
from sim.world.way import Manner, Way

_US = timedelta(microseconds=1)
_RESTART = timedelta(minutes=2)
"A Pi that was switched off and on decides again after this."

AskCenter = Callable[[GatewayIdentity, str, bytes], Answer | None]


@dataclass(frozen=True, slots=True)
class Fitting:
    """What a box is made for."""

    identity: GatewayIdentity
    book: Rulebook
    devices: tuple[Device, ...]
    parts: Parts
    seed: str
    "Of its draws."


class Box:
    """Runs a daemon while there is power."""

    def __init__(  # noqa: PLR0913 -- what it is connected with
        self,
        timeline: Timeline,
        fitting: Fitting,
        faults: Switches,
        way: Way,
        scribe: Scribe,
        *,
        ask_center: AskCenter,
        send: Callable[[Command], bool],
        started: Callable[[Daemon], None],
    ) -> None:
        """`send` takes commands for devices; `started` is told of each start of the daemon."""
        self._timeline = timeline
        self._fitting = fitting
        self._faults = faults
        self._way = way
        self._scribe = scribe
        self._ask_center = ask_center
        self._send = send
        self._started = started
        self._chance = Random(f"{fitting.seed}/gateway")
        self._machine = Machine(timeline)
        self._disk = Disk(faults, Random(f"{fitting.seed}/card"))
        self._daemon: Daemon | None = None
        self._ticket = 0
        "Of the last planned start; an older one is void."
        self._down_for: timedelta | None = None
        "How long the power cut that is armed will last."
        self._gone_at: datetime | None = None
        self._busy_until = timeline.now
        "A card that is slow keeps the daemon waiting."

    @property
    def daemon(self) -> Daemon | None:
        """The daemon, while it runs."""
        return self._daemon

    def put(self, item: Input) -> None:
        """Tell the daemon something, if it runs."""
        daemon = self._daemon
        if daemon is not None:
            self._guarded(daemon, lambda: daemon.put(item))

    def observe(self, heard: Heard) -> None:
        """Hand an observation to the daemon, if it runs."""
        daemon = self._daemon
        if daemon is None:
            return
        if self._timeline.now < self._busy_until:
            self._timeline.at(self._busy_until, lambda: self.observe(heard))
            return
        _, device, phenomenon, value, _, quality = heard
        self._scribe.heard(device, phenomenon, value)
        try:
            daemon.observe(device, phenomenon, value, quality)
        except PowerCut:
            self._power_lost()
        if self._disk.spent:
            self._wait_for_disk()

    def gauge(self) -> None:
        """Note how much it holds, while it runs."""
        daemon = self._daemon
        if daemon is None:
            return
        self._scribe.gauge(
            Gauge(
                self._timeline.now,
                daemon.journal.depth(),
                self._disk.rows,
                self._disk.size,
                (daemon.clock.now() - self._timeline.now) // _US,
                daemon.engine.state_bytes(),
            )
        )

    def switch_on(self) -> None:
        """Start on what the card holds."""
        self._boot(self._disk.found)

    # ------------------------------------------------------------------------------------- power

    def _boot(self, found: Callable[[], Found]) -> None:
        self._ticket += 1
        self._set_date_at_boot()
        self._machine.boot()
        self._busy_until = self._timeline.now
        holds = found()
        fitting = self._fitting
        try:
            daemon = Daemon(
                self._timeline,
                self._machine,
                self._disk,
                holds,
                identity=fitting.identity,
                book=fitting.book,
                devices=fitting.devices,
                random=self._chance,
                outside=Outside(self._ask, self._send, self._tell, self._queued),
                parts=fitting.parts,
                guard=self._guarded,
            )
            self._daemon = daemon
            self._scribe.started(daemon.boot, holds)
            daemon.start()
        except PowerCut:
            self._power_lost()
        else:
            self._started(daemon)

    def _guarded(self, daemon: Daemon, act: Callable[[], object]) -> None:
        """Have a daemon do something: later while its card is slow, never once it is gone."""
        if daemon is not self._daemon:
            return
        if self._timeline.now < self._busy_until:
            self._timeline.at(self._busy_until, lambda: self._guarded(daemon, act))
            return
        try:
            act()
        except PowerCut:
            self._power_lost()
        if self._disk.spent:
            self._wait_for_disk()

    def _wait_for_disk(self) -> None:
        self._busy_until = self._timeline.now + self._disk.spent
        self._disk.spent = timedelta()

    def _power_lost(self) -> None:
        """The daemon is gone in mid-air; it comes back after a while."""
        self._stop()
        self._back_after(self._down_for or _RESTART, self._disk.found)

    def _restart(self, down: timedelta, found: Callable[[], Found]) -> None:
        if self._daemon is not None:
            self.gauge()
            self._stop()
            self._back_after(down, found)

    def _back_after(self, down: timedelta, found: Callable[[], Found]) -> None:
        self._ticket += 1
        ticket = self._ticket

        def back() -> None:
            if ticket == self._ticket and self._daemon is None:
                self._boot(found)

        self._timeline.after(down, back)

    def _stop(self) -> None:
        daemon, self._daemon = self._daemon, None
        self._gone_at = self._timeline.now
        if daemon is not None:
            daemon.stop()
            self._scribe.ended()

    def _set_date_at_boot(self) -> None:
        """Without a network a Pi goes on from the date at which it stopped."""
        if self._faults.on(FaultKind.WRONG_AT_BOOT) or self._faults.on(FaultKind.CLOCK_JUMP):
            return
        if self._faults.on(FaultKind.UPLINK_DOWN) and self._gone_at is not None:
            self._machine.set_date(self._gone_at - self._timeline.now, None)

    # ------------------------------------------------------------------------- what a daemon does

    def _ask(
        self,
        manner: Manner,
        path: str,
        payload: bytes,
        answered: Callable[[Answer | NoAnswer], None],
    ) -> None:
        daemon = self._daemon
        assert daemon is not None
        identity = self._fitting.identity
        self._way.ask(
            manner,
            lambda: self._ask_center(identity, path, payload),
            lambda answer: self._guarded(daemon, lambda: answered(answer)),
        )

    def _tell(self, happening: Happening) -> None:
        if isinstance(happening, LifeSeen):
            if happening.counted:
                daemon = self._daemon
                now = happening.at if daemon is None else daemon.clock.now()
                self._scribe.sign(now - happening.at)
        elif not isinstance(happening, Observation | Delivered):
            self._scribe.decided(happening)

    def _queued(self, rows: Sequence[OutboxRow], durable: bool) -> None:  # noqa: FBT001 -- a callback's
        self._scribe.queued(rows, durable=durable)

    # ------------------------------------------------------------------------------------ faults

    def break_(self, fault: Fault) -> None:
        """A fault of the home begins; the switches know it already."""
        match fault.kind:
            case FaultKind.POWER_CUT:
                self._down_for = fault.lasting
                self._disk.cut_at(max(1, round(fault.amount)))
            case FaultKind.DISK_CORRUPTED:
                self._restart(fault.lasting, self._disk.damaged)
            case FaultKind.WRONG_AT_BOOT:
                self._machine.set_date(timedelta(seconds=round(fault.amount)), None)
                self._restart(_RESTART, self._disk.found)
            case FaultKind.CLOCK_JUMP:
                self._machine.set_date(timedelta(seconds=round(fault.amount)), "ntp")
            case FaultKind.CLOCK_DRIFT:
                self._drift(round(fault.amount))
            case _:
                pass  # The card, the radio and the way look at the switches.

    def heal(self, fault: Fault) -> None:
        """A fault of the home is over."""
        match fault.kind:
            case FaultKind.POWER_CUT:
                self._down_for = None
                self._disk.cut_at(None)
                if self._daemon is None:
                    self.switch_on()
            case FaultKind.WRONG_AT_BOOT | FaultKind.CLOCK_JUMP | FaultKind.UPLINK_DOWN:
                if not self._faults.on(FaultKind.UPLINK_DOWN):
                    self._machine.set_date(timedelta(), "ntp")
            case FaultKind.CLOCK_DRIFT:
                self._drift(0)
            case _:
                pass

    def _drift(self, ppm: int) -> None:
        self._machine.drift(ppm)
        if self._daemon is not None:
            self._daemon.bell.reckon_again()
