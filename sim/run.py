"""The launcher: a center, a gateway and one home on one clock, and their story.

Nothing it starts knows that it is simulated: the processes run production code, the home stands
where a Bluetooth adapter would, and the clock is shared.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path

from rich.console import Console

from central.app import DATABASE
from central.cases import Case, CaseConflict, CaseState, Condition, Which
from central.store import Store
from edge.caller import Caller, NotRunning, called
from rules.alarm import AlarmKind
from rules.events import Outcome
from sim.children import Child, Crew, Died
from sim.clock import MasterClock
from sim.ends import CenterEnd, GatewayEnd, waiting
from sim.folders import Folders
from sim.furnish import furnish
from sim.household import household
from sim.pace import CAREFUL, Confirmed, pace
from sim.plan import Plan
from sim.plot import Plot, Stage
from sim.prepare import HOST, Login, check_ports, found_center, fresh
from sim.story import Story
from sim.told import Ask, Message, Ready, Told, What
from texts import Translator

_LOOK_S = 0.02
"Between two looks at the gateway while time runs fast: it waits for them."
_LOOK_REAL_S = 0.1
_AHEAD = 1.2
"Of the shortest reporting contract: a device is stale after three of them."
_CENTER_S = 0.2
_CASES = 50
_SETTLE_S = 1.0
"Real seconds of slow time after something was said to the home: commands end within."
_READY_S = 60.0
"A process that takes no requests after this is broken; a slow card needs 20 s."


async def run(plan: Plan, say: Translator, console: Console) -> int:
    """Show a run until Ctrl-C or SIGTERM; the exit status.

    Raises:
        ConfigError: a folder or a port that cannot be used; nothing was started.

    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    check_ports(plan.asked.web_port, plan.asked.coap_port)
    with fresh(plan.asked.data) as folders, Story(say, plan.zone, console) as story:
        _introduce(plan, story)
        died = await _live(Run(plan, folders, say, story), folders, stop)
        if died is None:
            story.say("Stopped.")
            return 0
        story.say("{name} ended by itself (status {status}); its last words:", **_words(died))
        for line in died.tail:
            story.show(f"  {line}")
        story.say("All else is stopped. The whole log is in {folder}.", folder=folders.logs)
        return 1


async def _live(run: "Run", folders: Folders, stop: asyncio.Event) -> Died | None:
    """Start everything and tell the story until `stop` is set, or a process dies."""
    async with asyncio.TaskGroup() as group:
        crew = Crew(folders.logs, group)
        told = group.create_task(run.tell(crew), name="story")
        stopping = group.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait((told, stopping, crew.died), return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            stopping.cancel()
            await crew.stop()
    return crew.died.result() if crew.died.done() else None


def _words(died: Died) -> dict[str, object]:
    return {"name": died.name, "status": died.status}


def _introduce(plan: Plan, story: Story) -> None:
    played = plan.played
    if played is None:
        story.say("One simulated home, its gateway and the center, on one accelerated clock.")
        return
    found = played.found
    story.say(
        "Recording {file}: {sensors} sensors, {events} events of people, {first} to {last}.",
        file=played.path.name,
        sensors=len(found.sensors),
        events=found.signs.total(),
        first=min(found.signs),
        last=max(found.signs),
    )
    for kind, count in sorted(found.unknown.items()):
        story.say("Left out: {count} rows of the unknown kind {kind}.", kind=kind, count=count)
    if played.short:
        story.say(
            "There are no 28 days before {day}: played from its start.", day=plan.day.isoformat()
        )


class Run:
    """One run: its processes, its clock, and what becomes of the person."""

    def __init__(self, plan: Plan, folders: Folders, say: Translator, story: Story) -> None:
        """Raises `ConfigError` where the recording cannot be read any more."""
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
        self._sent = plan.start
        self._coming: datetime | None = None
        self._held = False
        self._settled_at_s = 0.0

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
        await crew.start("gateway", self._arguments(), self._hear)
        async with _answering(self._folders.gateway / "run" / "control.sock") as gateway:
            home = await self._start_home(crew)
            await _driven(gateway)
            address = f"http://{HOST}:{center.web_port}"
            story.say("Console: {address}", address=address)
            story.say("User: {user}   Password: {password}", **_login(login))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._drive(gateway, home), name="pace")
                group.create_task(self._watch(address, login), name="center's side")

    async def _start_center(self, crew: Crew) -> Ready:
        asked = self._plan.asked
        ports = ["--coap-port", str(asked.coap_port), "--port", str(asked.web_port)]
        center = await crew.start("center", [*self._arguments(), *ports], self._hear)
        async with asyncio.timeout(_READY_S):
            return await center.ready

    async def _start_home(self, crew: Crew) -> Child:
        asked = self._plan.asked
        arguments = [*self._arguments(), "--seed", str(asked.seed)]
        arguments += ["--start", self._plan.start.isoformat(), "--language", asked.language.value]
        if asked.home_csv is not None:
            arguments += ["--home-csv", str(asked.home_csv)]
        home = await crew.start("home", arguments, self._hear)
        async with asyncio.timeout(_READY_S):
            await home.ready
        for fate in self._plot.fates():
            home.send(fate)
        return home

    def _arguments(self) -> list[str]:
        return ["--data", str(self._folders.data)]

    def _hear(self, message: Message) -> None:
        """Take in what a process says; all of it is the home's."""
        if not isinstance(message, Told):
            return
        if message.what is What.CAUGHT_UP:
            self._sent, self._coming = message.at, message.coming
            return
        if message.what in (What.SIGNAL, What.ANSWERED):
            self._settled_at_s = asyncio.get_running_loop().time() + _SETTLE_S
        self._story.home(message, by_day=self._plan.played is not None)
        if message.what is What.OVER:
            self._plot.recording_is_over()

    async def _drive(self, gateway: Caller, home: Child) -> None:
        """Grant time, a little at a time, by what the gateway says."""
        loop = asyncio.get_running_loop()
        while True:
            home.send(Ask())
            sent = self._sent
            status = await gateway.status()
            now = self._clock.now()
            confirmed = self._confirmed.look(sent, (one.last_seen for one in status.devices))
            self._story.tell(self._gateway_end.see(status.alarms, now))
            before = self._plot.stage
            fate = self._plot.go_on(now, status.alarms)
            if fate is not None:
                home.send(fate)
            if self._plot.stage is Stage.TOLD and before is not Stage.TOLD:
                self._story.say("From here on time runs as it does outside. Ctrl-C ends it.")
            outlook = self._plot.outlook(
                status,
                now,
                confirmed,
                coming=self._coming,
                unsettled=loop.time() < self._settled_at_s,
                held=self._held,
            )
            rate, until = pace(outlook, self._plan.speed)
            self._clock.run(rate, until)
            self._story.progress(now, rate, by_day=self._plan.played is not None)
            await asyncio.sleep(_LOOK_S if rate > CAREFUL else _LOOK_REAL_S)

    async def _watch(self, address: str, login: Login) -> None:
        """Tell what the center has, out of its own store."""
        store = await Store.open(self._folders.center / DATABASE)
        invited = False
        try:
            while True:
                now = self._clock.now()
                cases = await store.cases(state=Which.ALL, limit=_CASES)
                self._story.tell(self._center_end.see(reversed(cases), now))
                self._held = any(case.state is CaseState.TAKEN for case in cases)
                for case in waiting(cases, AlarmKind.INACTIVITY):
                    if self._plot.is_told_of(case.wall):
                        if not invited:
                            self._invite(address, login)
                        invited = True
                    elif case.condition is Condition.CLEARED:
                        await self._tidy(store, case, now)
                await asyncio.sleep(_CENTER_S)
        finally:
            await store.aclose()

    async def _tidy(self, store: Store, case: Case, now: datetime) -> None:
        """Close a case of the days before the story, as somebody did when it was recorded."""
        by = self._say.text("center of those days")
        text = self._say.text("The recording goes on: all was well.")
        # Unless a person at the console was quicker.
        with suppress(CaseConflict):
            await store.close(case.id, by, Outcome.FALSE, text, now)

    def _invite(self, address: str, login: Login) -> None:
        self._story.say("Waiting for a person: take the case at {address}.", address=address)
        self._story.say("User: {user}   Password: {password}", **_login(login))


@asynccontextmanager
async def _answering(path: Path) -> AsyncIterator[Caller]:
    """A connection to the gateway that is just starting.

    Raises:
        TimeoutError: it does not listen.

    """
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(_READY_S):
            gateway = await _entered(stack, path)
        yield gateway


async def _entered(stack: AsyncExitStack, path: Path) -> Caller:
    while True:
        try:
            return await stack.enter_async_context(called(path))
        except NotRunning:
            await asyncio.sleep(_LOOK_S)


async def _driven(gateway: Caller) -> None:
    """Wait until the home's driver has met the gateway.

    Raises:
        TimeoutError: it does not.

    """
    async with asyncio.timeout(_READY_S):
        while True:
            status = await gateway.status()
            if any(driver.connected for driver in status.plumbing.drivers):
                return
            await asyncio.sleep(_LOOK_S)


def _login(login: Login) -> dict[str, object]:
    return {"user": login.user, "password": login.password}
