"""A whole run of real processes on one virtual clock, and what was seen of it."""

import asyncio
import shutil
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from central.cases import Which
from sim.clock import MasterClock
from sim.processes.children import Crew
from sim.processes.folder import claimed
from sim.rig import disk, network, tracer
from sim.rig.agenda import Agenda
from sim.rig.around import Able, Around
from sim.rig.arrivals import Arrivals
from sim.rig.center_end import INTERVAL_S, CenterEnd, seen_of
from sim.rig.duty import Duty
from sim.rig.network import LOOPBACK, Network, Way
from sim.rig.outcome import Outcome, ProcessDied, Progress, Stopped, Tally, violations
from sim.rig.pace import Need, pace
from sim.rig.plan import Plan, drawn_calls
from sim.rig.ports import free_port
from sim.rig.site import Site
from sim.rig.ward import Ward
from sim.world.chronicle import Chronicle
from sim.world.switches import Switches

_LOOK_S: Final = 0.1
"Real seconds between two looks at the center and at how the gateways are."
_SLICE_S: Final = 0.05
_WAITS_S: Final = 30.0
"Real seconds that time runs slowly for a record; the longest pause of an uplink."
_HEALING_S: Final = 90.0
"Real seconds after the end for all that waits to be delivered."
_QUIET: Final = 10
"Steps in a row in which nothing waits."
_SUPERVISION_S: Final = 3 * INTERVAL_S + 1 + 2
"The center's patience with a gateway, and two of its looks."


Show = Callable[[Progress], None]


async def run(plan: Plan, show: Show, stop: asyncio.Event) -> Outcome:
    """Run to the end, let everything heal, and tell what was seen.

    Raises:
        ConfigError: a folder or a network that cannot be used.
        ProcessDied: a process ended by itself; everything else is stopped.
        Stopped: `stop` was set.
        TimeoutError: a process did not get ready.

    """
    disk.remove_left_over()
    await network.remove_left_over()
    with _folder(plan.data) as data:
        try:
            async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
                crew = Crew(data / "logs", group)
                rig = _Rig(plan, data, crew, stack)
                try:
                    return await _unless_stopped(rig.run(show), crew, stop, group)
                finally:
                    await crew.stop()
        except BaseExceptionGroup as several:
            # What went wrong first; all else came of it.
            raise _first(several) from several


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _unless_stopped(
    running: Awaitable[Outcome], crew: Crew, stop: asyncio.Event, group: asyncio.TaskGroup
) -> Outcome:
    async def whole() -> Outcome:
        return await running

    ours = group.create_task(whole(), name="rig")
    stopping = group.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((ours, stopping, crew.died), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not ours.done():
            ours.cancel()
            await asyncio.wait((ours,))
    if crew.died.done():
        raise ProcessDied(crew.died.result())
    if ours.cancelled():
        raise Stopped
    return ours.result()


class _Rig:
    def __init__(self, plan: Plan, data: Path, crew: Crew, stack: AsyncExitStack) -> None:
        self._plan = plan
        self._crew = crew
        self._stack = stack
        self._data = data
        self._clock = MasterClock(data / "clock", plan.start)
        self._agenda = Agenda(plan.start)
        self._works: deque[Callable[[], Awaitable[None]]] = deque()
        self._changed = asyncio.Event()
        self._center_faults = Switches()
        self._center = CenterEnd(data / "center", data / "clock", crew, free_port(LOOPBACK))
        self._waits: dict[int, tuple[datetime, float]] = {}
        self._looked_s = 0.0
        self._rate = 0.0
        self._tally = Tally(plan.network)
        center = tuple(fault for fault in plan.faults if fault.home is None)
        self._sites = self._made_sites()
        self._chronicle = Chronicle(
            plan.seed,
            plan.start,
            plan.end,
            plan.end,
            [site.chronicle for site in self._sites.values()],
            center,
            silent_after=timedelta(seconds=_SUPERVISION_S * plan.speed) + timedelta(minutes=1),
        )
        self._arrivals = Arrivals(self._center, self._sites)
        self._duty = Duty(
            self._agenda,
            self._center,
            {gateway: site.lives for gateway, site in self._sites.items()},
            plan.seed,
            work=self._works.append,
            handled=self._chronicle.handled.append,
        )
        self._ward = Ward(
            self._center,
            self._center_faults,
            self._chronicle,
            agenda=self._agenda,
            arrivals=self._arrivals,
            duty=self._duty,
            sites=self._sites,
            work=self._works.append,
        )

    def _made_sites(self) -> dict[str, Site]:
        plan = self._plan
        around = Around(
            agenda=self._agenda,
            crew=self._crew,
            clock=self._data / "clock",
            now=self._clock.now,
            work=self._works.append,
            changed=self._changed.set,
            able=Able(tracer.possible(), disk.may_mount()),
            center_faults=self._center_faults,
            speed=plan.speed,
            seed=plan.seed,
            start=plan.start,
            end=plan.end,
        )
        sites = {}
        for home in plan.homes:
            way = Way(
                home.number,
                self._center.port,
                namespace=plan.network is Network.NAMESPACES,
                seed=plan.seed * 1_000 + home.number,
                seconds=lambda: self._clock.now().timestamp(),
            )
            sites[home.gateway] = Site(home, plan.faults, self._data / home.gateway, around, way)
        return sites

    # --------------------------------------------------------------------------------- the whole

    async def run(self, show: Show) -> Outcome:
        """Start, let time run, let all heal, stop."""
        plan, agenda = self._plan, self._agenda
        async with self._opened():
            for site in self._sites.values():
                collapse = None if plan.collapse is None else plan.start + plan.collapse
                site.begin(collapse, drawn_calls(plan, site.home.number))
            self._ward.begin(self._chronicle.center_faults)
            agenda.at(plan.end, lambda: None)
            while agenda.now < plan.end:
                await self._step()
                show(self._progress())
            await self._heal(show)
            await self._close()
        found = violations(self._sites.values(), self._clock.now())
        return Outcome(self._chronicle, self._tally, found)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        for site in self._sites.values():
            self._stack.push_async_callback(site.box.aclose)
            site.box.make_folder()
            await site.way.open()
            self._stack.push_async_callback(site.way.close)
        homes = [(gateway, site.keys) for gateway, site in self._sites.items()]
        await self._center.found(homes, self._plan.start)
        await self._center.start()
        async with asyncio.TaskGroup() as starting:
            for site in self._sites.values():
                starting.create_task(site.open(self._plan.limits), name=site.home.gateway)
        yield

    async def _step(self) -> None:
        """Do what is due, look around, and let time run on a little."""
        loop = asyncio.get_running_loop()
        self._agenda.happen(self._clock.now(), lambda: bool(self._works))
        if self._works:
            await self._work()
            return
        if loop.time() >= self._looked_s + _LOOK_S:
            await self._look()
            self._looked_s = loop.time()
        now = self._clock.now()
        planned = self._agenda.due()
        needs = [self._need(site, loop.time()) for site in self._sites.values()]
        rate, until = pace(needs, now, self._plan.speed, planned)
        self._rate = rate
        self._changed.clear()
        self._clock.run(rate, until)
        left_s = _SLICE_S
        if planned is not None:
            left_s = min(_SLICE_S, max(0.0, (planned - now).total_seconds() / rate))
        try:
            async with asyncio.timeout(max(left_s, 0.0005)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _work(self) -> None:
        """Do what takes real time while virtual time stands still."""
        self._clock.run(0.0)
        while self._works:
            await self._works.popleft()()

    def _need(self, site: Site, real_s: float) -> Need:
        frame = site.unconfirmed(real_s)
        now = self._clock.now()
        return Need(
            unconfirmed=None if frame is None else frame.at,
            urgent=frame is not None and frame.urgent,
            busy=site.is_busy(now) or self._waits_for(site, real_s),
            due=_dues(site),
        )

    def _waits_for(self, site: Site, real_s: float) -> bool:
        """Whether a record waits that should be carried; not for ever."""
        since = site.end.waiting_since()
        if (
            since is None
            or not site.pair.running
            or not site.is_connected()
            or not self._center.up
        ):
            self._waits.pop(site.home.number, None)
            return False
        known = self._waits.get(site.home.number)
        if known is None or known[0] != since:
            known = self._waits[site.home.number] = (since, real_s)
        return real_s - known[1] < _WAITS_S

    # -------------------------------------------------------------------------------- both ends

    async def _look(self) -> None:
        for site in self._sites.values():
            await site.look()
        if not self._center.up:
            return
        self._arrivals.look(self._clock.now())
        board = await self._center.cases(Which.OPEN)
        self._duty.look(board)

    def _progress(self) -> Progress:
        sites = self._sites.values()
        up = sum(site.pair.running + site.pair.driving for site in sites) + self._center.up
        return Progress(
            self._clock.now(),
            self._rate,
            up,
            2 * len(sites) + 1 - up,
            self._arrivals.escalations,
            self._ward.kills + sum(site.pair.kills for site in sites),
        )

    # --------------------------------------------------------------------------------- its end

    async def _heal(self, show: Show) -> None:
        """All faults are over: let what waits be delivered."""
        loop = asyncio.get_running_loop()
        by_s, since = loop.time() + _HEALING_S, self._clock.now()
        quiet = 0
        while loop.time() < by_s and quiet < _QUIET:
            await self._step()
            show(self._progress())
            waiting = any(
                site.glance is None
                or site.glance.at <= since
                or site.glance.status.plumbing.outbox_depth
                for site in self._sites.values()
            )
            quiet = 0 if waiting or self._arrivals.pending else quiet + 1
            if quiet == _QUIET and not self._all_stored():
                quiet = 0
        self._clock.run(0.0)
        await self._look()
        show(self._progress())
        self._chronicle.healed = self._clock.now()

    def _all_stored(self) -> bool:
        stored = {id_ for _, _, id_ in self._center.stored()}
        return all(site.all_at(stored) for site in self._sites.values())

    async def _close(self) -> None:
        chronicle, tally = self._chronicle, self._tally
        for site in self._sites.values():
            await site.finish()
        known = self._arrivals.finish()
        chronicle.stored = self._center.stored()
        chronicle.cases = [seen_of(case, known) for case in await self._center.cases(Which.ALL)]
        chronicle.observations = sum(home.observations for home in chronicle.homes)
        tally.kills += self._ward.kills
        tally.refused += self._ward.missed
        tally.add(self._sites.values())


def _dues(site: Site) -> tuple[datetime, ...]:
    """When the gateway is to ask or to call, by the true time."""
    glance = site.glance
    if glance is None or glance.status.alarm_time_if_silent is None:
        return ()
    due = glance.status.alarm_time_if_silent - (glance.status.now - glance.at)
    return due - site.home.book.inactivity.prompt_wait, due


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """An empty folder for the run; nothing of it is left unless it is to be kept."""
    if kept is None:
        data = Path(tempfile.mkdtemp(prefix="ongi-rig-"))
        try:
            (data / "logs").mkdir()
            yield data
        finally:
            shutil.rmtree(data, ignore_errors=True)
        return
    with claimed("--keep-data", kept) as data:
        for left in data.iterdir():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            elif left.name != "run.lock":
                left.unlink()
        (data / "logs").mkdir()
        yield data
