"""One home in simulated time: who lives there, what its devices say, and its gateway."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from edge.driver_faults import LOST_AFTER
from protocol.identity import new_identity
from rules.alarm import AlarmKind
from rules.command import Command, Signal
from rules.inputs import Drill, Technical
from rules.observation import DeviceId, Phenomenon, Press
from rules.rulebook import Rulebook
from rules.sentence import Say, sentence
from sim.faults.fault import Fault, FaultKind
from sim.homes.act import Act, Announced, Happening, Plight, SlowHarm
from sim.homes.dwelling import Installed
from sim.world.box import AskCenter, Box, Fitting
from sim.world.chronicle import HomeChronicle, Trouble
from sim.world.daemon import Daemon, Parts
from sim.world.radio import Heard, Radio
from sim.world.scribe import Scribe
from sim.world.switches import Switches
from sim.world.timeline import Timeline
from sim.world.way import Way

_CONNECTED_AFTER = LOST_AFTER
"A driver connects sooner; one that is gone is missed by then."
_ANSWERS = 0.9
"Of prompts that a resident at home hears."
_NEIGHBOUR_AFTER = timedelta(hours=72)
"Whoever lies unnoticed is found by somebody in the end; long after any rule should have spoken."
_PRESENCE_EVERY = timedelta(minutes=15)
_FIRST_DRILL, _DRILL_EVERY = timedelta(days=20), timedelta(days=90)


class Home(Protocol):
    """Who lives in a home, and among what devices."""

    @property
    def number(self) -> int:
        """From 1."""

    @property
    def gateway(self) -> str:
        """Its name."""

    @property
    def book(self) -> Rulebook:
        """Its rules."""

    @property
    def installed(self) -> tuple[Installed, ...]:
        """Its devices."""

    def happenings(self) -> Iterator[Happening]:
        """All that happens, in order of `at`, endless."""

    def at_home(self, moment: datetime) -> bool:
        """Whether a prompt would be heard. Asked for moments near the last happening."""


class Site:
    """A home and its gateway, from the start of the run to its end."""

    def __init__(  # noqa: PLR0913 -- what a home needs of the world
        self,
        timeline: Timeline,
        home: Home,
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
        drawn = f"{seed}/{home.number}"
        self.home = home
        self.identity = new_identity(
            home.gateway, b"%04d" % home.number, Random(f"{drawn}/keys").randbytes
        )
        self.trouble: Trouble | None = None
        "The plight that nobody has helped yet."
        self._timeline = timeline
        self._start, self._end = start, end
        devices = tuple(one.device for one in home.installed)
        ours = tuple(fault for fault in faults if fault.home == home.number)
        self.scribe = Scribe(
            timeline, HomeChronicle(home.number, home.gateway, devices, home.book, ours)
        )
        self._switches = Switches()
        self._answers = Random(f"{drawn}/answers")
        self._radio = Radio(home.installed, faults, start, seed, home.number)
        self._refused = 0
        "Frames that the radio had refused when its driver was last asked."
        self._driven_at: datetime | None = None
        self._box = Box(
            timeline,
            Fitting(self.identity, home.book, devices, parts, drawn),
            self._switches,
            Way(timeline, Random(f"{drawn}/way"), self._switches, center_faults),
            self.scribe,
            ask_center=ask_center,
            send=self._send,
            started=self._started,
        )
        self._life: Iterator[Happening] = iter(())
        self._last_helped: tuple[datetime, datetime] | None = None
        self._answering = False

    @property
    def chronicle(self) -> HomeChronicle:
        """What was seen of it."""
        return self.scribe.chronicle

    def begin(self) -> None:
        """Begin to live, and switch the gateway on."""
        self._life = self.home.happenings()
        self._live_on()
        self._report_on()
        self._drive_on()
        for fault in self.chronicle.faults:
            self._arrange(fault)
        self._timeline.after(timedelta(hours=1), self._look_daily)
        self._timeline.after(_PRESENCE_EVERY, self._look_who_is_out)
        self._timeline.after(_FIRST_DRILL, self._drill)
        self._box.switch_on()

    def finish(self) -> None:
        """Look a last time."""
        self._box.gauge()
        self.scribe.presence(out=False)
        self.scribe.ended()

    def help_comes(self) -> None:
        """Somebody is with the resident, who lives on as planned."""
        if self.trouble is not None:
            self.trouble.helped = self._timeline.now
            self._last_helped = (self.trouble.at, self._timeline.now)
            self.trouble = None

    # ---------------------------------------------------------------------------- what people do

    def _live_on(self) -> None:
        happening = next(self._life)
        self._timeline.at(happening.at, lambda: self._happen(happening))

    def _happen(self, happening: Happening) -> None:
        self._live_on()
        match happening:
            case Act():
                self._act(happening)
            case Plight():
                self._befall(happening)
            case SlowHarm():
                self.chronicle.note(happening)
            case Announced() if self.trouble is None:
                self.chronicle.announced.append(happening)
                self._box.put(happening.away)

    def _act(self, act: Act) -> None:
        hand = act.hand
        if hand is not None:
            if self._prevented(hand):
                return
            if hand == act.at:
                self.scribe.lived()
        self._say(act)

    def _prevented(self, hand: datetime) -> bool:
        if self.trouble is not None and hand >= self.trouble.at:
            return True
        last = self._last_helped
        return last is not None and last[0] <= hand < last[1]

    def _befall(self, plight: Plight) -> None:
        if self.trouble is not None or plight.at >= self._end:
            return
        trouble = Trouble(plight.at, plight.kind)
        self.trouble = trouble
        self.chronicle.troubles.append(trouble)
        self.scribe.digest.line(plight.at, "plight", plight.kind.value)
        for act in plight.acts:
            self._timeline.at(act.at, self._in_trouble(trouble, act))
        self._timeline.after(_NEIGHBOUR_AFTER, lambda: self._neighbour(trouble))

    def _in_trouble(self, trouble: Trouble, act: Act) -> Callable[[], None]:
        def move() -> None:
            if self.trouble is trouble:
                self.scribe.lived()
                self._say(act)

        return move

    def _neighbour(self, trouble: Trouble) -> None:
        if self.trouble is trouble:
            self.help_comes()

    def _look_who_is_out(self) -> None:
        at_home = self.trouble is not None or self.home.at_home(self._timeline.now)
        self.scribe.presence(out=not at_home)
        self._timeline.after(_PRESENCE_EVERY, self._look_who_is_out)

    def _drill(self) -> None:
        if self._timeline.now < self._end:
            self._box.put(Drill("installer"))
            self._timeline.after(_DRILL_EVERY, self._drill)

    def _prompted(self, device: DeviceId) -> None:
        wait = timedelta(seconds=self._answers.randint(8, 90))
        willing = self._answers.random() < _ANSWERS
        if self._answering or not willing:
            return
        self._answering = True

        def press() -> None:
            self._answering = False
            now = self._timeline.now
            if self.trouble is None and self.home.at_home(now):
                self.scribe.lived()
                self._say(Act(now, device, Phenomenon.BUTTON, Press.SINGLE, now))

        self._timeline.after(wait, press)

    # ------------------------------------------------------------------------- what devices say

    def _say(self, act: Act) -> None:
        self.scribe.noticed(act.device, act.phenomenon, act.value)
        self._hand_over(self._radio.says(act.at, act.device, act.phenomenon, act.value))

    def _report_on(self) -> None:
        self._timeline.at(self._radio.due(), self._report)

    def _report(self) -> None:
        heard = self._radio.report()
        self._report_on()
        self._hand_over(heard)

    def _hand_over(self, heard: Sequence[Heard]) -> None:
        if self._radio.refused != self._refused:
            self._refused = self._radio.refused
            self._drive_on()
        now, observe = self._timeline.now, self._box.observe
        for one in heard:
            if one.at > now:
                self._timeline.at(one.at, lambda one=one: observe(one))  # type: ignore[misc]
            else:
                observe(one)

    def _send(self, command: Command) -> bool:
        if self._switches.on(FaultKind.RADIO_LOST):
            return False
        performed = self._radio.performs(self._timeline.now, command)
        if performed is not None:
            self._timeline.at(performed.at, lambda: self._box.put(performed.result))
            if performed.result.refusal is None and command.signal is Signal.PROMPT:
                self._prompted(command.device)
        return True

    # ----------------------------------------------------------------------------------- drivers

    def _drive_on(self) -> None:
        """See to it that drivers are asked when they have something to say."""
        due, planned = self._radio.driver_due(), self._driven_at
        if due is not None and (planned is None or due < planned):
            self._driven_at = due
            self._timeline.at(due, self._drive)

    def _drive(self) -> None:
        if self._timeline.now != self._driven_at:
            return  # Planned anew since.
        self._driven_at = None
        for _, technical in self._radio.driver_items(self._timeline.now):
            self._box.put(technical)
        self._drive_on()

    def _started(self, daemon: Daemon) -> None:
        self._timeline.after(_CONNECTED_AFTER, lambda: self._connected(daemon))

    def _connected(self, daemon: Daemon) -> None:
        """As `edge.driver_faults`: a driver that connects ends what an earlier run said of it."""
        if daemon is not self._box.daemon:
            return
        lost = self._switches.on(FaultKind.RADIO_LOST)
        at = daemon.clock.now()
        for link in sorted({one.device.link for one in self.home.installed}):
            said = sentence(Say.FAULT_OVER, at=at)
            if lost:
                said = sentence(Say.DRIVER_LOST, at=at, driver=link.value)
            scope = DeviceId(f"driver:{link.value}")
            self._box.put(Technical(AlarmKind.DRIVER_LOST, scope, lost, said))

    # ------------------------------------------------------------------------------------ faults

    def _arrange(self, fault: Fault) -> None:
        def break_() -> None:
            self._switches.begin(fault)
            self._box.break_(fault)

        def heal() -> None:
            self._switches.end(fault)
            self._box.heal(fault)

        self._timeline.at(self._start + fault.begin, break_)
        self._timeline.at(self._start + fault.begin + fault.lasting, heal)

    def _look_daily(self) -> None:
        self._box.gauge()
        self._timeline.after(timedelta(days=1), self._look_daily)
