"""Starts the processes of a run, lets time run, and tells what happens."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from central.app import DATABASE
from central.cases import Case, CaseConflict, CaseState, Condition, Which
from central.store import Store
from edge.caller import Caller
from edge.status import Status
from rules.alarm import AlarmKind
from rules.command import Signal
from rules.events import Outcome
from sim.air.told import Ask, CaughtUp, Message, Ready, Told, What, to_line
from sim.ble.bus import ENVIRONMENT
from sim.clock import MasterClock
from sim.demo.ends import CenterEnd, GatewayEnd, waiting
from sim.demo.folders import Folders
from sim.demo.furnish import furnish
from sim.demo.pace import CAREFUL, Confirmed, Outlook, pace
from sim.demo.plan import Plan
from sim.demo.plot import Plot, Stage
from sim.demo.prepare import HOST, Login, found_center
from sim.demo.story import Story
from sim.homes.household import household
from sim.processes.answering import answering, driven
from sim.processes.children import Child, Crew, Program, messages
from texts import Translator

_LOOK_S = 0.02
"Between two looks at the gateway while time runs fast: it waits for them."
_LOOK_REAL_S = 0.1
_SHOW_S = 0.1
_CASES = 50
_SETTLE_S = 1.0
"Real seconds of slow time after there was a reason for it: commands end within."
_READY_S = 60.0
"A process that takes no requests after this is broken; a slow card needs 20 s."
_AHEAD = 1.2
"Of the shortest reporting contract: a device is stale after three of them."


@dataclass(frozen=True, slots=True)
class Door:
    """How a person gets into the console."""

    address: str
    login: Login


class Telling:
    """One run: its processes, its clock, and what becomes of the person."""

    def __init__(
        self, plan: Plan, folders: Folders, bus: str, say: Translator, story: Story
    ) -> None:
        """Tell of a home whose Bluetooth is on the bus at address `bus`.

        Raises:
            ConfigError: the recording cannot be read any more.

        """
        self._bus = bus
        self._plan = plan
        self._folders = folders
        self._say = say
        self._story = story
        self._clock = MasterClock(folders.clock, plan.start)
        asked = plan.asked
        self._house = household(asked.seed, plan.start, asked.language, asked.home_csv)
        shortest = min(one.device.report_every for one in self._house.installed)
        self._plot = Plot(plan, _AHEAD * shortest)
        self._gateway_end = GatewayEnd(say)
        self._center_end = CenterEnd(say, plan.zone)
        self._confirmed = Confirmed(plan.start)
        self._home = CaughtUp(plan.start, None)
        self._held = False
        self._invited = False
        self._sounded = False
        self._settled_at_s = 0.0

    def part(self) -> None:
        """The last words."""
        if self._home.unheard:
            lost = self._say.plural(
                "{n} frame reached the adapter, and the driver did not hear it.",
                "{n} frames reached the adapter, and the driver did not hear them.",
                self._home.unheard,
            )
            self._story.show(lost)
        self._story.say("Stopped.")

    async def tell(self, crew: Crew) -> None:
        """Start the processes, let time run, and tell what happens, until cancelled."""
        story = self._story
        story.say("Starting the center ...")
        login = await found_center(self._folders, self._say, self._plan.start)
        center = await self._start_center(crew)
        story.say("Starting the gateway and the home ...")
        furnish(
            self._folders,
            self._plan,
            self._house.installed,
            center.coap_port,
            self._say.text("Simulated home"),
        )
        await crew.start("gateway", self._program("gateway"), messages(self._hear))
        async with answering(self._folders.gateway / "run" / "control.sock", _READY_S) as gateway:
            home = await self._start_home(crew)
            # Ready when the driver listens: nothing happens before.
            async with asyncio.timeout(_READY_S):
                await home.ready
            await driven(gateway, _READY_S)
            address = f"http://{HOST}:{center.web_port}"
            story.say("Console: {address}", address=address)
            self._show_login(login)
            store = await Store.open(self._folders.center / DATABASE)
            try:
                await self._drive(gateway, home, store, Door(address, login))
            finally:
                await store.aclose()

    async def _start_center(self, crew: Crew) -> Ready:
        asked = self._plan.asked
        ports = ["--coap-port", str(asked.coap_port), "--port", str(asked.web_port)]
        center = await crew.start("center", self._program("center", *ports), messages(self._hear))
        async with asyncio.timeout(_READY_S):
            return await center.ready

    async def _start_home(self, crew: Crew) -> Child:
        asked = self._plan.asked
        arguments = ["--seed", str(asked.seed)]
        arguments += ["--start", self._plan.start.isoformat(), "--language", asked.language.value]
        if asked.home_csv is not None:
            arguments += ["--home-csv", str(asked.home_csv)]
        home = await crew.start("home", self._program("home", *arguments), messages(self._hear))
        for fate in self._plot.fates():
            home.send(to_line(fate))
        await crew.start("driver", self._program("driver"), messages(self._hear))
        return home

    def _program(self, name: str, *arguments: str) -> Program:
        return Program(
            ("sim", name, "--data", str(self._folders.data), *arguments),
            environment={ENVIRONMENT: self._bus},
        )

    def _hear(self, message: Message) -> None:
        """Take in what a process says; all of it is the home's."""
        if isinstance(message, CaughtUp):
            self._home = message
        if not isinstance(message, Told):
            return
        if message.what is What.SIGNAL:
            self._sounded = message.detail == Signal.PROMPT
        if message.what in (What.SIGNAL, What.ANSWERED):
            self._settled_at_s = asyncio.get_running_loop().time() + _SETTLE_S
        self._story.home(message, by_day=self._plan.played is not None)
        if message.what is What.OVER:
            self._plot.recording_is_over()

    async def _drive(self, gateway: Caller, home: Child, store: Store, door: Door) -> None:
        """Grant time by what the gateway says, and tell what both ends say."""
        loop = asyncio.get_running_loop()
        next_s = 0.0
        while True:
            # The center is asked first: what it has, the gateway has sent before.
            cases = None if loop.time() < next_s else await self._cases(store)
            home.send(to_line(Ask()))
            caught_up = self._home
            status = await gateway.status()
            now = self._clock.now()
            self._story.tell(self._gateway_end.see(status.alarms, now))
            if cases is not None:
                await self._look_at(cases, store, door, now)
            self._move_on(status, now, home)
            confirmed = self._confirmed.look(
                caught_up, {one.id: one.last_seen for one in status.devices}
            )
            outlook = self._plot.outlook(
                status,
                now,
                confirmed,
                coming=caught_up.coming,
                sounded=self._sounded,
                held=self._held,
            )
            rate, until = self._pace(outlook)
            self._clock.run(rate, until)
            if cases is not None:
                next_s = loop.time() + _SHOW_S
                self._story.progress(now, rate, self._played(now))
            await asyncio.sleep(_LOOK_S if rate > CAREFUL else _LOOK_REAL_S)

    def _pace(self, outlook: Outlook) -> tuple[float, datetime | None]:
        """Rate and limit; slow for a moment longer than there seems to be a reason for.

        What the home did last may be on its way to the gateway, and commands to the home.
        """
        now_s = asyncio.get_running_loop().time()
        rate, until = pace(outlook, self._plan.speed)
        if rate <= CAREFUL:
            self._settled_at_s = max(self._settled_at_s, now_s + _SETTLE_S)
        elif now_s < self._settled_at_s:
            return pace(replace(outlook, watched=True), self._plan.speed)
        return rate, until

    def _played(self, now: datetime) -> float | None:
        """How much of a recording has been played, up to the collapse or the end of the story."""
        plan = self._plan
        if plan.played is None:
            return None
        return (now - plan.start) / ((plan.collapse or plan.told) - plan.start)

    def _move_on(self, status: Status, now: datetime, home: Child) -> None:
        before = self._plot.stage
        fate = self._plot.go_on(now, status.alarms)
        if fate is not None:
            home.send(to_line(fate))
        if self._plot.stage is Stage.TOLD and before is not Stage.TOLD:
            self._story.say("From here on time runs as it does outside. Ctrl-C ends it.")

    async def _cases(self, store: Store) -> list[Case]:
        return await store.cases(state=Which.ALL, limit=_CASES)

    async def _look_at(self, cases: list[Case], store: Store, door: Door, now: datetime) -> None:
        """Tell what is new at the center, and tidy up what is not of this story."""
        self._story.tell(self._center_end.see(reversed(cases), now))
        self._held = any(case.state is CaseState.TAKEN for case in cases)
        for case in waiting(cases, AlarmKind.INACTIVITY):
            if self._plot.is_told_of(case.wall):
                self._invite(door)
            elif case.condition is Condition.CLEARED:
                await self._tidy(store, case, now)

    async def _tidy(self, store: Store, case: Case, now: datetime) -> None:
        """Close a case of the days before the story, as somebody did when it was recorded."""
        by = self._say.text("center of those days")
        text = self._say.text("The recording goes on: all was well.")
        # Unless a person at the console was quicker.
        with suppress(CaseConflict):
            await store.close(case.id, by, Outcome.FALSE, text, now)

    def _invite(self, door: Door) -> None:
        if not self._invited:
            self._invited = True
            story = self._story
            story.say("Waiting for a person: take the case at {address}.", address=door.address)
            self._show_login(door.login)

    def _show_login(self, login: Login) -> None:
        self._story.say(
            "User: {user}   Password: {password}", user=login.user, password=login.password
        )
