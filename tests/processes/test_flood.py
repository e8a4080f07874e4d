"""A driver that floods, lies, is deaf or is killed delays no SOS of another one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rules.alarm import AlarmKind
from rules.device import Link
from rules.observation import Phenomenon
from tests.processes.flood import KINDS, LEAKS, PLUGS
from tests.support.center import free_port
from tests.support.processes import (
    CenterProcess,
    Driver,
    GatewayProcess,
    Process,
    Site,
    device,
    driving,
    eventually,
    prepare,
    running,
    stored_records,
)

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]

CALLS = 4
DEVICES = (
    *(device(f"plug-{n}", Phenomenon.POWER_W) for n in range(PLUGS)),
    *(device(f"leak-{n}", Phenomenon.LEAK) for n in range(LEAKS)),
    *(device(f"sos-{n}", Phenomenon.SOS, link=Link.ZIGBEE) for n in range(CALLS)),
)
RULES = '[rules.hazard]\nleak_hold = "0 s"\nclear_after = "0 s"\n'


@dataclass
class Scene:
    """A home whose BLE driver is mad and whose Zigbee driver is not."""

    site: Site
    gateway: GatewayProcess
    mad: Process
    sane: Driver

    async def more(self) -> None:
        """Wait until the gateway has taken more of the flood."""
        before = len(self.mad.said)

        async def ask() -> bool | None:
            self.mad.check()
            return len(self.mad.said) > before or None

        await eventually(ask)

    async def calls(self, number: int) -> None:
        """Somebody calls for help, and the center knows."""
        self.sane.see(f"sos-{number}", Phenomenon.SOS, value=True)

        async def told() -> bool | None:
            self.gateway.check()
            called = (AlarmKind.SOS, f"sos-{number}")
            records = stored_records(self.site)
            return any((one.alarm, one.scope) == called for one in records) or None

        await eventually(told, seconds=20)


@asynccontextmanager
async def scene(folder: Path, kind: str) -> AsyncIterator[Scene]:
    port = free_port()
    site = await prepare(folder / "home", folder / "center", DEVICES, port, RULES)
    gateway = GatewayProcess(site, folder / "gateway.log")
    center = CenterProcess(site, port, folder / "center.log")
    mad = Process(["-m", "tests.processes.flood", str(site.drivers), kind], folder / "mad.log")
    sane = Driver(site, Link.ZIGBEE)
    async with running(center, gateway), driving(sane), running(mad):
        yield Scene(site, gateway, mad, sane)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_sos_arrives_while_another_driver_is_mad(tmp_path: Path, kind: str) -> None:
    async with scene(tmp_path, kind) as there:
        for number in range(CALLS):
            await there.more()
            await there.calls(number)
        # It went on all the while.
        await there.more()


@pytest.mark.parametrize("kind", ["reports", "alarms"])
async def test_an_sos_arrives_when_another_driver_is_killed(tmp_path: Path, kind: str) -> None:
    async with scene(tmp_path, kind) as there:
        for number in range(CALLS):
            await there.more()
            await there.mad.kill()
            await there.calls(number)
            await there.mad.start()
