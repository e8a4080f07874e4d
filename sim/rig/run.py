"""A whole run of real processes on one virtual clock, and what was seen of it."""

import asyncio
import shutil
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from central.cases import Which
from protocol.records import RecordKind
from rules.alarm import PERSON_IN_DANGER
from sim.clock import MasterClock
from sim.faults.fault import Fault, FaultKind
from sim.processes.children import Crew, Died
from sim.processes.folder import claimed
from sim.rig import disk, network, tracer
from sim.rig.agenda import Agenda
from sim.rig.center_end import INTERVAL_S, CenterEnd, Stored, seen_of
from sim.rig.duty import Duty
from sim.rig.network import LOOPBACK, Network, Way
from sim.rig.pace import Need, pace
from sim.rig.plan import Plan
from sim.rig.ports import free_port
from sim.rig.site import Able, Around, Site
from sim.world.chronicle import Arrived, Chronicle, Turned
from sim.world.switches import Switches

_LOOK_S: Final = 0.1
"Real seconds between two looks at the center and at how the gateways are."
_SLICE_S: Final = 0.05
_WAITS_S: Final = 30.0
"Real seconds that time runs slowly for a record; the longest pause of an uplink."
_HEALING_S: Final = 90.0
"Real seconds after the end for all that waits to be delivered."
_SUPERVISION_S: Final = 3 * INTERVAL_S + 1 + 2
"The center's patience with a gateway, and two of its looks."
_UNSEEN_MAX: Final = 50
"Looks at the center after which a record counts, though its gateway never spoke of it."


class ProcessDied(Exception):  # noqa: N818 -- names what happened
    """A process of the rig ended by itself."""

    def __init__(self, died: Died) -> None:
        super().__init__(f"{died.name} ended by itself (status {died.status})")
        self.died = died


class Stopped(Exception):  # noqa: N818 -- names what happened
    """Somebody wants the run to end."""


@dataclass(slots=True)
class Tally:
    """What was done to the processes, and how they did."""

    network: Network
    kills: int = 0
    starts: int = 0
    frames: int = 0
    unanswered: int = 0
    datagrams_lost: int = 0
    latency_ms: tuple[float, float] = (0.0, 0.0)
    "From a frame to its decision: the median, and what 99 % do not exceed."
    urgent_ms: float | None = None
    "The slowest hazard or call for help."
    refused: list[str] = field(default_factory=list)
    "What was to be done to a process and could not be."


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    now: datetime
    rate: float
    up: int
    down: int
    escalations: int
    kills: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    chronicle: Chronicle
    tally: Tally


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
        self._known: set[bytes] = set()
        self._ids: dict[str, dict[tuple[int, int], bytes]] = {}
        self._pending: list[tuple[Stored, int]] = []
        self._waits: dict[int, tuple[datetime, float]] = {}
        self._backup_of: datetime | None = None
        self._silent: dict[str, bool] = {}
        self._looked_s = 0.0
        self._rate = 0.0
        self._escalations = 0
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
        self._duty = Duty(
            self._agenda,
            self._center,
            {gateway: site.lives for gateway, site in self._sites.items()},
            plan.seed,
            work=self._works.append,
            handled=self._chronicle.handled.append,
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
                site.begin(None if plan.collapse is None else plan.start + plan.collapse)
            for fault in self._chronicle.center_faults:
                self._arrange(fault)
            agenda.at(plan.end, lambda: None)
            while agenda.now < plan.end:
                await self._step()
                show(self._progress())
            await self._heal(show)
            await self._close()
        return Outcome(self._chronicle, self._tally)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        for site in self._sites.values():
            self._stack.push_async_callback(site.aclose)
            site.make_folder()
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
            busy=site.end.commanding(now) or self._waits_for(site, real_s),
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
        self._take_in()
        self._look_who_is_silent()
        board = await self._center.cases(Which.OPEN)
        self._duty.look(board)

    def _take_in(self) -> None:
        """Note what has arrived; when it was decided its gateway may be just about to say."""
        self._pending += [(one, 0) for one in self._center.arrived()]
        later = []
        for one, looks in self._pending:
            site = self._sites[one.gateway]
            decided = site.end.decided_at(one.record.boot, one.record.seq)
            if decided is None and looks < _UNSEEN_MAX:
                later.append((one, looks + 1))
            else:
                self._note_arrived(site, one, decided)
        self._pending = later

    def _note_arrived(self, site: Site, one: Stored, decided: datetime | None) -> None:
        record = one.record
        new = record.id not in self._known
        self._known.add(record.id)
        self._ids.setdefault(one.gateway, {})[record.boot, record.seq] = record.id
        site.chronicle.arrived.append(Arrived(one.at, record, new))
        if record.kind is RecordKind.UPDATE or record.drill:
            return
        danger = record.alarm in PERSON_IN_DANGER
        self._escalations += new and danger
        trouble = site.lives.trouble
        if trouble is None or trouble.found is not None or not danger:
            return
        if decided is not None and decided >= trouble.at:
            trouble.found = one.at

    def _look_who_is_silent(self) -> None:
        for gateway, since in self._center.silent().items():
            was = self._silent.get(gateway, False)
            if (since is not None) != was:
                self._silent[gateway] = since is not None
                at = self._clock.now() if since is None else since
                self._sites[gateway].chronicle.turned.append(Turned(at, since is not None))

    def _progress(self) -> Progress:
        sites = self._sites.values()
        up = sum(site.pair.running + site.pair.driving for site in sites) + self._center.up
        return Progress(
            self._clock.now(),
            self._rate,
            up,
            2 * len(sites) + 1 - up,
            self._escalations,
            self._tally.kills + sum(site.pair.kills for site in sites),
        )

    # --------------------------------------------------------------------- what befalls the center

    def _arrange(self, fault: Fault) -> None:
        agenda, begin = self._agenda, self._plan.start + fault.begin
        end = begin + fault.lasting
        if fault.kind is FaultKind.CENTER_RESTORED:
            kept = max(begin - timedelta(seconds=round(fault.amount)), self._plan.start)
            agenda.at(kept, lambda: self._works.append(lambda: self._keep(kept)))
        agenda.at(begin, lambda: self._works.append(lambda: self._break(fault)))
        agenda.at(end, lambda: self._works.append(lambda: self._mend(fault)))

    async def _keep(self, moment: datetime) -> None:
        if self._center.up and await self._center.keep_backup():
            self._backup_of = moment

    async def _break(self, fault: Fault) -> None:
        self._center_faults.begin(fault)
        if fault.kind in (FaultKind.CENTER_KILLED, FaultKind.CENTER_RESTORED):
            if self._center.up:
                self._tally.kills += 1
                await self._center.kill()
                self._take_in()
        else:
            await self._look_at_ways()

    async def _mend(self, fault: Fault) -> None:
        self._center_faults.end(fault)
        if fault.kind is FaultKind.CENTER_RESTORED and self._backup_of is not None:
            await self._restore(self._backup_of)
        down = (FaultKind.CENTER_KILLED, FaultKind.CENTER_RESTORED)
        if not self._center.up and not any(map(self._center_faults.on, down)):
            await self._center.start()
        await self._look_at_ways()

    async def _restore(self, backup_of: datetime) -> None:
        if self._center.up:
            await self._center.kill()
        self._take_in()
        if not await self._center.restore_backup():
            self._tally.refused.append("ongi center restore")
            return
        self._chronicle.restored.append((self._agenda.now, backup_of))
        self._known = {id_ for _, _, id_ in self._center.stored()}
        self._duty.look_anew()

    async def _look_at_ways(self) -> None:
        for site in self._sites.values():
            await site.look_at_way()

    # --------------------------------------------------------------------------------- its end

    async def _heal(self, show: Show) -> None:
        """All faults are over: let what waits be delivered."""
        loop = asyncio.get_running_loop()
        by_s, since = loop.time() + _HEALING_S, self._clock.now()
        quiet = 0
        while loop.time() < by_s and quiet < 10:
            await self._step()
            show(self._progress())
            waiting = any(
                site.glance is None
                or site.glance.at <= since
                or site.glance.status.plumbing.outbox_depth
                for site in self._sites.values()
            )
            quiet = 0 if waiting or self._pending else quiet + 1
        self._clock.run(0.0)
        self._chronicle.healed = self._clock.now()

    async def _close(self) -> None:
        chronicle, tally = self._chronicle, self._tally
        for site in self._sites.values():
            await site.finish()
        await self._look_last()
        for gateway, site in self._sites.items():
            site.end.note_unwritten(self._ids.get(gateway, {}))
            tally.kills += site.pair.kills
            tally.starts += site.pair.starts
            tally.frames += len(site.latencies_s)
            tally.unanswered += site.unanswered
            tally.refused += site.pair.missed
            tally.datagrams_lost += site.way.net.counts.lost
        took = sorted(one for site in self._sites.values() for one in site.latencies_s)
        if took:
            median, most = took[len(took) // 2], took[len(took) * 99 // 100]
            tally.latency_ms = (round(median * 1e3, 2), round(most * 1e3, 2))
        urgent = [one for site in self._sites.values() for one in site.urgent_s]
        tally.urgent_ms = round(max(urgent) * 1e3, 2) if urgent else None
        chronicle.observations = sum(home.observations for home in chronicle.homes)

    async def _look_last(self) -> None:
        chronicle = self._chronicle
        while True:
            self._take_in()
            if not self._pending:
                break
        chronicle.stored = self._center.stored()
        known = {id_ for ids in self._ids.values() for id_ in ids.values()}
        chronicle.cases = [seen_of(case, known) for case in await self._center.cases(Which.ALL)]


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
