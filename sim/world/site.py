"""One home in simulated time: its people and devices, its gateway, and what befalls them."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from edge.answer import Answer, NoAnswer
from edge.driver_faults import LOST_AFTER
from edge.happening import Delivered, Happening
from edge.journal import Found
from edge.outbox import OutboxRow
from protocol.identity import GatewayIdentity, new_identity
from rules.alarm import AlarmKind
from rules.command import Command, Signal
from rules.events import Escalated, Event, LifeSeen, TimeMoved, Updated
from rules.inputs import Drill, Input, Technical
from rules.observation import DeviceId, Observation, Phenomenon, Press, Value
from rules.sentence import Say, sentence
from sim.faults.fault import Fault, FaultKind
from sim.homes.act import Act, Announced, Plight
from sim.homes.act import Happening as Lived
from sim.homes.population import SimulatedHome
from sim.world.chronicle import Alert, Decided, Gauge, HomeChronicle, Moved, Queued, Run, Trouble
from sim.world.daemon import Daemon, Outside, Parts
from sim.world.digest import Digest
from sim.world.disk import Disk, PowerCut
from sim.world.machine import Machine
from sim.world.radio import Heard, Radio
from sim.world.switches import Switches
from sim.world.timeline import Timeline
from sim.world.way import Manner, Way

_US = timedelta(microseconds=1)
_MINUTE_US = 60_000_000
_CONNECTED_AFTER = LOST_AFTER
"""A driver connects sooner; one that is gone is missed by then."""
_RESTART = timedelta(minutes=2)
"A Pi that was switched off and on decides again after this."
_ALARMING = frozenset({Phenomenon.LEAK, Phenomenon.SMOKE, Phenomenon.GAS, Phenomenon.CO})
_ANSWERS = 0.9
"Of prompts that a resident at home hears."
_NEIGHBOUR_AFTER = timedelta(hours=72)
"Whoever lies unnoticed is found by somebody in the end; long after any rule should have spoken."

AskCenter = Callable[[GatewayIdentity, str, bytes], Answer | None]


class Site:
    """A home and its gateway, from the start of the run to its end."""

    def __init__(  # noqa: PLR0913 -- what a home needs of the world
        self,
        timeline: Timeline,
        home: SimulatedHome,
        faults: Sequence[Fault],
        *,
        seed: int,
        start: datetime,
        end: datetime,
        center_faults: Switches,
        ask_center: AskCenter,
        parts: Parts,
    ) -> None:
        """Nothing happens before `begin`; after `end` nothing bad does."""
        number = home.number
        self.home = home
        self.digest = Digest()
        self.chronicle = HomeChronicle(
            number=number,
            gateway=home.gateway,
            devices=tuple(one.device for one in home.installed),
            book=home.book,
            faults=tuple(fault for fault in faults if fault.home == number),
        )
        self.trouble: Trouble | None = None
        "The plight that nobody has helped yet."
        self._timeline = timeline
        self._start, self._end = start, end
        self._seed = seed
        self._faults = Switches()
        self._people = Random(f"{seed}/{number}/answers")
        self._chance = Random(f"{seed}/{number}/gateway")
        self.identity = new_identity(
            home.gateway, b"%04d" % number, Random(f"{seed}/{number}/keys").randbytes
        )
        self._machine = Machine(timeline)
        self._disk = Disk(self._faults, Random(f"{seed}/{number}/card"))
        way = Random(f"{seed}/{number}/way")
        self._way = Way(timeline, way, self._faults, center_faults)
        self._ask_center = ask_center
        self._radio = Radio(home.installed, faults, start, seed, number)
        self._refused = 0
        self._driven_at: datetime | None = None
        self._parts = parts
        self._daemon: Daemon | None = None
        self._ticket = 0
        "Of the last planned start; an older one is void."
        self._life: Iterator[Lived] = iter(())
        self._helped_last: tuple[datetime, datetime] | None = None
        self._answering = False
        self._alerts: dict[tuple[DeviceId, Phenomenon], int] = {}
        self._queued: set[bytes] = set()
        self._decided: set[int] = set()
        "Serials of records whose event is in the chronicle."
        self._out_since: datetime | None = None

    def begin(self) -> None:
        """Begin to live, and switch the gateway on."""
        self._life = self.home.happenings()
        self._live_on()
        self._report_on()
        self._drive_on()
        for fault in self.chronicle.faults:
            self._timeline.at(self._start + fault.begin, self._begin_of(fault))
            self._timeline.at(self._start + fault.begin + fault.lasting, self._end_of(fault))
        self._timeline.after(timedelta(hours=1), self._look_daily)
        self._timeline.after(timedelta(minutes=15), self._look_who_is_out)
        self._timeline.after(timedelta(days=20), self._drill)
        self._boot(self._disk.found())

    def finish(self) -> None:
        """Look a last time."""
        self._gauge()
        if self._out_since is not None:
            self.chronicle.absences.append((self._out_since, self._timeline.now))
        runs = self.chronicle.runs
        if self._daemon is not None and runs:
            runs[-1] = Run(runs[-1].boot, runs[-1].began, self._timeline.now)

    # ---------------------------------------------------------------------------- what people do

    def help_comes(self) -> None:
        """Somebody is with the resident, who lives on as planned."""
        if self.trouble is not None and self.trouble.helped is None:
            self.trouble.helped = self._timeline.now
            self._helped_last = (self.trouble.at, self._timeline.now)
            self.trouble = None

    def put(self, item: Input) -> None:
        """Tell the gateway something, if it runs."""
        daemon = self._daemon
        if daemon is not None:
            self._guarded(lambda: daemon.put(item))

    def _live_on(self) -> None:
        lived = next(self._life)
        self._timeline.at(lived.at, lambda: self._happen(lived))

    def _happen(self, lived: Lived) -> None:
        self._live_on()
        match lived:
            case Act():
                self._act(lived)
            case Plight():
                self._befall(lived)
            case Announced():
                if self.trouble is None:
                    self.chronicle.announced.append(lived)
                    self.put(lived.away)

    def _act(self, act: Act) -> None:
        hand = act.hand
        if hand is not None and self._prevented(hand):
            return
        heard = self._radio.says(act.at, act.device, act.phenomenon, act.value)
        if hand is not None and hand == act.at:
            self.chronicle.life.append(self._timeline.us())
        if act.phenomenon in _ALARMING or act.phenomenon is Phenomenon.SOS:
            self._alerted(act.device, act.phenomenon, act.value)
        self._hand_over(heard)

    def _prevented(self, hand: datetime) -> bool:
        if self.trouble is not None and hand >= self.trouble.at:
            return True
        last = self._helped_last
        return last is not None and last[0] <= hand < last[1]

    def _befall(self, plight: Plight) -> None:
        if self.trouble is not None or plight.at >= self._end:
            return
        trouble = Trouble(plight.at, plight.kind)
        self.trouble = trouble
        self.chronicle.troubles.append(trouble)
        self.digest.line(plight.at, "plight", plight.kind.value)
        for act in plight.acts:
            self._timeline.at(act.at, self._in_trouble(trouble, act))
        self._timeline.after(_NEIGHBOUR_AFTER, lambda: self._neighbour(trouble))

    def _in_trouble(self, trouble: Trouble, act: Act) -> Callable[[], None]:
        def move() -> None:
            if self.trouble is trouble:
                self.chronicle.life.append(self._timeline.us())
                self._hand_over(self._radio.says(act.at, act.device, act.phenomenon, act.value))

        return move

    def _neighbour(self, trouble: Trouble) -> None:
        if self.trouble is trouble:
            self.help_comes()

    def _look_who_is_out(self) -> None:
        now = self._timeline.now
        out = self.trouble is None and not self.home.at_home(now)
        if out and self._out_since is None:
            self._out_since = now
        elif not out and self._out_since is not None:
            self.chronicle.absences.append((self._out_since, now))
            self._out_since = None
        self._timeline.after(timedelta(minutes=15), self._look_who_is_out)

    def _drill(self) -> None:
        if self._timeline.now < self._end:
            self.put(Drill("installer"))
            self._timeline.after(timedelta(days=90), self._drill)

    # ------------------------------------------------------------------------- what devices say

    def _report_on(self) -> None:
        self._timeline.at(self._radio.due(), self._report)

    def _report(self) -> None:
        heard = self._radio.report()
        self._timeline.at(self._radio.due(), self._report)
        self._hand_over(heard)

    def _drive_on(self) -> None:
        """See to it that drivers are asked when they have something to say."""
        due = self._radio.driver_due()
        planned = self._driven_at
        if due is not None and (planned is None or due < planned):
            self._driven_at = due
            self._timeline.at(due, self._drive)

    def _drive(self) -> None:
        self._driven_at = None
        for _, technical in self._radio.driver_items(self._timeline.now):
            self.put(technical)
        self._drive_on()

    def _hand_over(self, heard: Sequence[Heard]) -> None:
        now = self._timeline.now
        if self._radio.refused != self._refused:
            self._refused = self._radio.refused
            self._drive_on()
        for one in heard:
            if one.at > now:
                self._timeline.at(one.at, lambda one=one: self._deliver(one))  # type: ignore[misc]
            else:
                self._deliver(one)

    def _deliver(self, heard: Heard) -> None:
        daemon = self._daemon
        if daemon is None:
            return
        _, device, phenomenon, value, _, quality = heard
        self._note_heard(device)
        if self._alerts:
            self._note_alert(device, phenomenon, value)
        try:
            daemon.observe(device, phenomenon, value, quality)
        except PowerCut:
            self._power_lost()

    def _note_heard(self, device: DeviceId) -> None:
        self.chronicle.observations += 1
        moments = self.chronicle.heard.get(device)
        if moments is None:
            moments = self.chronicle.heard[device] = array("q")
        _note_moment(moments, self._timeline.us())

    def _alerted(self, device: DeviceId, phenomenon: Phenomenon, value: Value) -> None:
        key = (device, phenomenon)
        self._alerts.pop(key, None)
        if value:
            self._alerts[key] = len(self.chronicle.alerts)
            alert = Alert(self._timeline.now, device, phenomenon, value, heard=None)
            self.chronicle.alerts.append(alert)

    def _note_alert(self, device: DeviceId, phenomenon: Phenomenon, value: Value) -> None:
        number = self._alerts.get((device, phenomenon))
        if number is not None and value:
            del self._alerts[device, phenomenon]
            alert = self.chronicle.alerts[number]
            self.chronicle.alerts[number] = Alert(
                alert.at, alert.device, alert.phenomenon, alert.value, self._timeline.now
            )

    # ------------------------------------------------------------------------------ the gateway

    @property
    def running(self) -> bool:
        """Whether its gateway runs."""
        return self._daemon is not None

    def _guarded(self, act: Callable[[], object]) -> None:
        try:
            act()
        except PowerCut:
            self._power_lost()

    def _boot(self, found: Found) -> None:
        self._ticket += 1
        self._machine.boot()
        outside = Outside(self._ask, self._send, self._tell, self._note_queued)
        try:
            daemon = Daemon(
                self._timeline,
                self._machine,
                self._disk,
                found,
                identity=self.identity,
                book=self.home.book,
                devices=self.chronicle.devices,
                random=self._chance,
                outside=outside,
                parts=self._parts,
                guard=self._guarded,
            )
            self._daemon = daemon
            self.chronicle.runs.append(Run(daemon.boot, self._timeline.now, None))
            self._note_found(found)
            daemon.start()
        except PowerCut:
            self._power_lost()
            return
        self._timeline.after(_CONNECTED_AFTER, lambda: self._drivers_are_there(daemon))

    def _drivers_are_there(self, daemon: Daemon) -> None:
        """As `edge.driver_faults`: a driver that connects ends what an earlier run said of it."""
        if daemon is not self._daemon:
            return
        lost = self._faults.on(FaultKind.RADIO_LOST)
        at = daemon.clock.now()
        for link in sorted({one.device.link for one in self.home.installed}):
            said = sentence(Say.FAULT_OVER, at=at)
            if lost:
                said = sentence(Say.DRIVER_LOST, at=at, driver=link.value)
            scope = DeviceId(f"driver:{link.value}")
            self.put(Technical(AlarmKind.DRIVER_LOST, scope, lost, said))

    def _power_lost(self, back_after: timedelta = _RESTART) -> None:
        """The gateway is gone in mid-air; it comes back after a while."""
        self._stop()
        self._ticket += 1
        ticket = self._ticket
        self._timeline.after(self._down_for or back_after, lambda: self._power_back(ticket))

    _down_for: timedelta | None = None
    "How long the power cut that is armed will last."

    def _power_back(self, ticket: int) -> None:
        if ticket == self._ticket and self._daemon is None:
            self._set_date_at_boot()
            self._boot(self._disk.found())

    def _stop(self) -> None:
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            daemon.stop()
            runs = self.chronicle.runs
            runs[-1] = Run(runs[-1].boot, runs[-1].began, self._timeline.now)
            self._gone_at = self._timeline.now

    _gone_at: datetime | None = None

    def _set_date_at_boot(self) -> None:
        """Without a network a Pi goes on from the date at which it stopped."""
        if self._faults.on(FaultKind.WRONG_AT_BOOT) or self._faults.on(FaultKind.CLOCK_JUMP):
            return
        if self._faults.on(FaultKind.UPLINK_DOWN) and self._gone_at is not None:
            self._machine.set_date(self._gone_at - self._timeline.now, None)

    def _ask(
        self,
        manner: Manner,
        path: str,
        payload: bytes,
        answered: Callable[[Answer | NoAnswer], None],
    ) -> None:
        def carry_out() -> Answer | None:
            return self._ask_center(self.identity, path, payload)

        def back(answer: Answer | NoAnswer) -> None:
            self._guarded(lambda: answered(answer))

        self._way.ask(manner, carry_out, back)

    def _send(self, command: Command) -> bool:
        if self._faults.on(FaultKind.RADIO_LOST):
            return False
        performed = self._radio.performs(self._timeline.now, command)
        if performed is not None:
            self._timeline.at(performed.at, lambda: self.put(performed.result))
            if performed.result.refusal is None and command.signal is Signal.PROMPT:
                self._prompted(command.device)
        return True

    def _prompted(self, device: DeviceId) -> None:
        wait = timedelta(seconds=self._people.randint(8, 90))
        willing = self._people.random() < _ANSWERS
        if self._answering or not willing:
            return
        self._answering = True

        def press() -> None:
            self._answering = False
            now = self._timeline.now
            if self.trouble is None and self.home.at_home(now):
                self.chronicle.life.append(self._timeline.us())
                self._hand_over(self._radio.says(now, device, Phenomenon.BUTTON, Press.SINGLE))

        self._timeline.after(wait, press)

    def _tell(self, happening: Happening) -> None:
        if isinstance(happening, LifeSeen):
            if happening.counted:
                self._note_sign(happening)
        elif not isinstance(happening, Observation | Delivered):
            self._note_decided(happening)

    def _note_sign(self, sign: LifeSeen) -> None:
        daemon = self._daemon
        age = timedelta() if daemon is None else daemon.clock.now() - sign.at
        _note_moment(self.chronicle.signs, self._timeline.us() - max(age, timedelta()) // _US)

    def _note_decided(self, event: Event) -> None:
        now = self._timeline.now
        daemon = self._daemon
        boot = 0 if daemon is None else daemon.boot
        self.chronicle.decided.append(Decided(now, event, boot))
        self.digest.decided(now, event)
        if isinstance(event, Escalated | Updated):
            self._decided.add(event.serial)
        elif isinstance(event, TimeMoved):
            shift_us = event.shift // _US
            self.chronicle.moved.append(Moved(now, shift_us, event.trusted, event.source))

    def _note_queued(self, rows: Sequence[OutboxRow], durable: bool) -> None:  # noqa: FBT001 -- as the journal has it
        boot = 0 if self._daemon is None else self._daemon.boot
        for row in rows:
            self._queued.add(row.id)
            self.chronicle.queued.append(
                Queued(self._timeline.now, row.id, row.seq, boot, durable, row.signed)
            )

    def _note_found(self, found: Found) -> None:
        """What the power cut kept from being told: it was on the card all the same."""
        for seq, held in sorted(found.contents.outbox.items()):
            if held.id not in self._queued:
                row = OutboxRow(held.id, seq, held.priority, held.signed)
                self._note_queued([row], durable=True)
        for event in found.events:
            if isinstance(event, Escalated | Updated) and event.serial not in self._decided:
                self._note_decided(event)

    def _look_daily(self) -> None:
        self._gauge()
        self._timeline.after(timedelta(days=1), self._look_daily)

    def _gauge(self) -> None:
        daemon = self._daemon
        if daemon is not None:
            off = daemon.clock.now() - self._timeline.now
            self.chronicle.gauges.append(
                Gauge(
                    self._timeline.now,
                    daemon.journal.depth(),
                    self._disk.rows,
                    self._disk.size,
                    off // _US,
                    daemon.engine.state_bytes(),
                )
            )

    # ------------------------------------------------------------------------------------ faults

    def _begin_of(self, fault: Fault) -> Callable[[], None]:
        return lambda: self._break(fault)

    def _end_of(self, fault: Fault) -> Callable[[], None]:
        return lambda: self._heal(fault)

    def _break(self, fault: Fault) -> None:
        self._faults.begin(fault)
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

    def _heal(self, fault: Fault) -> None:
        self._faults.end(fault)
        match fault.kind:
            case FaultKind.POWER_CUT:
                self._down_for = None
                self._disk.cut_at(None)
                if self._daemon is None:
                    self._ticket += 1
                    self._power_back(self._ticket)
            case FaultKind.WRONG_AT_BOOT | FaultKind.CLOCK_JUMP | FaultKind.UPLINK_DOWN:
                if not self._faults.on(FaultKind.UPLINK_DOWN):
                    self._machine.set_date(timedelta(), "ntp")
            case FaultKind.CLOCK_DRIFT:
                self._drift(0)
            case _:
                pass

    def _restart(self, down: timedelta, found: Callable[[], Found]) -> None:
        if self._daemon is None:
            return
        self._gauge()
        self._stop()
        self._ticket += 1
        ticket = self._ticket

        def back() -> None:
            if ticket == self._ticket and self._daemon is None:
                self._set_date_at_boot()
                self._boot(found())

        self._timeline.after(down, back)

    def _drift(self, ppm: int) -> None:
        self._machine.drift(ppm)
        if self._daemon is not None:
            self._daemon.bell.reckon_again()


def _note_moment(moments: "array[int]", now_us: int) -> None:
    """Of many within a minute the first and the last."""
    if len(moments) > 1 and now_us - moments[-2] < _MINUTE_US:
        moments[-1] = now_us
    else:
        moments.append(now_us)
