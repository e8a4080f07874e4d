"""One home, its center and the network between them, on a clock that a test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from central.cases import Case, Which
from edge.status import Status
from protocol.records import Record
from rules.alarm import AlarmKind
from rules.device import Device, Link, Output
from rules.observation import DeviceId, Phenomenon
from sim.clock import MasterClock
from sim.rig.badnet import BadNet
from tests.central.receiving import opened
from tests.processes.ends import set_machine
from tests.support.center import free_port
from tests.support.processes import (
    CenterProcess,
    Driver,
    GatewayProcess,
    Site,
    device,
    driving,
    eventually,
    prepare,
    running,
    stored_records,
)

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RATE = 6_000.0
"Virtual seconds in a real one."
CLOSE = timedelta(seconds=3)
"The gateway leaves a difference of two seconds alone."

DOOR = device("door", Phenomenon.CONTACT_OPEN, room="현관")
NODE = device("node", Phenomenon.BUTTON, outputs=frozenset({Output.LIGHT}))
HOME = (DOOR, NODE, *(device(f"sos-{number}", Phenomenon.SOS) for number in range(8)))


@dataclass
class Town:
    """All of it. The clock stands unless `pass_` moves it."""

    clock: MasterClock
    machine: Path
    site: Site
    net: BadNet
    gateway: GatewayProcess
    center: CenterProcess
    driver: Driver
    _door_open: bool = False

    async def pass_(self, span: timedelta, rate: float = RATE) -> None:
        """Let so much time pass, and stand still again."""
        await self.pass_to(self.clock.now() + span, rate)

    async def pass_to(self, moment: datetime, rate: float = RATE) -> None:
        """Let time pass up to a moment of the true clock, and stand still there."""
        self.clock.run(rate, moment)
        while self.clock.now() < moment:  # noqa: ASYNC110 -- a moment of another clock
            await asyncio.sleep(0.005)

    async def restart(self) -> None:
        """The gateway after it was killed or stopped."""
        await self.gateway.start()
        # Half a minute without a driver is a fault, and a fraction of a second on this clock.
        await self.status(connected)

    async def live(self) -> Status:
        """Somebody moves the door; the status once the gateway knows."""
        before = (await self.gateway.status()).life
        # Of the first value nobody knows whether it is a change.
        for _ in range(2):
            self._door_open = not self._door_open
            self.driver.see(DOOR.id, Phenomenon.CONTACT_OPEN, self._door_open)

        return await self.status(lambda status: status.life not in (None, before))

    async def report(self, *, written: bool = True) -> None:
        """A device says that nothing is new, and the gateway writes that down a minute later."""
        log = self.site.home / "journal.sqlite-wal"
        self.driver.see(NODE.id, Phenomenon.LINK_QUALITY, -60.0)
        await self.status(lambda status: status.devices[1].last_seen == status.now)
        before = log.stat().st_mtime_ns if written else 0
        await self.pass_(MINUTE)

        async def newer() -> bool | None:
            return log.stat().st_mtime_ns > before or None

        if written:
            await eventually(newer)

    def press(self, number: int) -> None:
        """Somebody calls for help."""
        self.driver.see(f"sos-{number}", Phenomenon.SOS, value=True)

    async def status(self, wanted: Callable[[Status], bool]) -> Status:
        """The gateway's status as soon as it is as wanted."""

        async def ask() -> Status | None:
            status = await self.gateway.status()
            return status if wanted(status) else None

        return await eventually(ask)

    async def left(self) -> timedelta:
        """How long until inactivity is escalated if nothing more is seen."""
        status = await self.gateway.status()
        assert status.alarm_time_if_silent is not None
        return status.alarm_time_if_silent - status.now

    async def cases(self) -> list[Case]:
        """What the gateway has brought to the center; the center's own faults aside."""
        async with opened(self.site.data) as store:
            found = await store.cases(state=Which.ALL, limit=1000)
        return [case for case in found if case.alarm is not AlarmKind.GATEWAY_SILENT]

    async def case(self, kind: AlarmKind, scope: str | None = None) -> Case:
        """That case, as soon as the center has it."""

        async def ask() -> Case | None:
            self.gateway.check()
            self.center.check()
            wanted = (kind, scope)
            return next((c for c in await self.cases() if (c.alarm, c.scope) == wanted), None)

        return await eventually(ask)

    async def nth_case(self, kind: AlarmKind, number: int) -> None:
        """Wait until the center has so many of a kind."""

        async def ask() -> bool | None:
            self.gateway.check()
            return sum(c.alarm is kind for c in await self.cases()) >= number or None

        await eventually(ask)

    def record(self, case: Case) -> Record:
        """What opened a case, as it was signed."""
        return next(one for one in stored_records(self.site) if one.id.hex() == case.id)


def connected(status: Status) -> bool:
    """Whether some driver is there."""
    return any(driver.connected for driver in status.plumbing.drivers)


@asynccontextmanager
async def town(  # noqa: PLR0913 -- what tests set of a town
    folder: Path,
    rules: str = "",
    *,
    devices: Iterable[Device] = HOME,
    off: timedelta = timedelta(),
    source: str | None = "ntp",
    down: bool = False,
    home: Path | None = None,
    keys: Mapping[DeviceId, bytes] = MappingProxyType({}),
    link: Link = Link.BLE,
) -> AsyncIterator[Town]:
    """Start a center and a gateway with one driver.

    The gateway's machine has a date that is `off`, vouched for by `source`. With `down`, nothing
    gets through to the center at first.
    """
    clock = MasterClock(folder / "clock", START)
    set_machine(folder / "machine", off, source)
    port = free_port()
    async with AsyncExitStack() as stack:
        net = await stack.enter_async_context(BadNet(("127.0.0.1", port), delay_s=0.002))
        net.down = down
        home = home or folder / "home"
        site = await prepare(home, folder / "center", devices, net.port, rules, keys)
        gateway = GatewayProcess(
            site, folder / "gateway.log", clock=folder / "clock", machine=folder / "machine"
        )
        center = CenterProcess(
            site, port, folder / "center.log", interval_s=1, clock=folder / "clock"
        )
        driver = Driver(site, link, clock)
        await stack.enter_async_context(running(center, gateway))
        await stack.enter_async_context(driving(driver))
        made = Town(clock, folder / "machine", site, net, gateway, center, driver)
        await made.status(connected)
        yield made
