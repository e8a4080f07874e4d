"""`ongi driver ble` as systemd runs it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rules.air import Proxy, Settings
from rules.observation import Phenomenon
from rules.wire import Observed
from sim.ble.esphome import FakeProxy
from tests.drivers.ble.air import HCI0, HCI1, POWER, frame, world
from tests.drivers.ble.proxied import KEY
from tests.drivers.gateway import DEADLINE_S, GatewayEnd
from tests.drivers.home import Sensor
from tests.support.dbus import NEEDS_DBUS

pytestmark = pytest.mark.wall

ROOT = Path(__file__).parents[3]


def plug() -> Sensor:
    return Sensor("plug", frozenset({Phenomenon.POWER_W}))


@asynccontextmanager
async def command(
    folder: Path, env: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "ongi.py", "driver", "ble"),
        *("--socket", str(folder / "driver.sock"), "--state", str(folder / "drivers")),
        cwd=ROOT,
        env={**os.environ, **env},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        assert b"Traceback" not in said, said.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@NEEDS_DBUS
async def test_from_the_air_to_the_gateway_once_though_two_adapters_hear_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = plug()
    gateway = GatewayEnd(tmp_path / "driver.sock")
    async with (
        world(monkeypatch, adapters={HCI0: 0, HCI1: 1}, listens=False) as here,
        command(tmp_path, {"DBUS_SYSTEM_BUS_ADDRESS": here.bus.address}),
    ):
        await gateway.accept(sensor.keyed)
        seen: list[Observed] = []
        for power in range(1, 6):
            sent = frame(sensor, sensor.frame((POWER, float(power))))
            while not seen or seen[-1].value != power:
                # Until it listens: what is repeated is no news.
                for adapter in (HCI0, HCI1):
                    here.bluez.hear(adapter, sent, -60)
                try:
                    async with asyncio.timeout(0.2):
                        message = await gateway.next()
                except TimeoutError:
                    continue
                if isinstance(message, Observed) and message.phenomenon is Phenomenon.POWER_W:
                    seen.append(message)
        assert [message.value for message in seen] == [1.0, 2.0, 3.0, 4.0, 5.0]
    gateway.die()


async def test_without_a_bus_it_serves_the_gateway_and_keeps_trying(tmp_path: Path) -> None:
    gateway = GatewayEnd(tmp_path / "driver.sock")
    nowhere = f"unix:path={tmp_path}/nobody"
    async with command(tmp_path, {"DBUS_SYSTEM_BUS_ADDRESS": nowhere}) as process:
        await gateway.accept(plug().keyed)
        await asyncio.sleep(2.0)
        assert process.returncode is None
    gateway.die()


async def test_by_a_proxy_on_a_machine_without_bluetooth(tmp_path: Path) -> None:
    sensor, gateway = plug(), GatewayEnd(tmp_path / "driver.sock")
    proxy = FakeProxy("hall", "AA:BB:CC:00:00:01", KEY)
    nowhere = f"unix:path={tmp_path}/nobody"
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(proxy.run(), name="proxy")
        await proxy.up.wait()
        known = Settings((Proxy("hall", "127.0.0.1", proxy.port, KEY),))
        async with command(tmp_path, {"DBUS_SYSTEM_BUS_ADDRESS": nowhere}):
            await gateway.accept(sensor.keyed, settings=known)
            async with asyncio.timeout(DEADLINE_S):
                while not proxy.subscribed:  # noqa: ASYNC110 -- of another process
                    await asyncio.sleep(0.02)
            proxy.hear(frame(sensor, sensor.frame((POWER, 7.0))), -60)
            message = await gateway.next()
            while not isinstance(message, Observed):
                message = await gateway.next()
            assert (message.phenomenon, message.value) == (Phenomenon.POWER_W, 7.0)
        assert proxy.served == 1
        serving.cancel()
    gateway.die()


def test_without_its_packages_it_names_them(tmp_path: Path) -> None:
    (tmp_path / "bleak.py").write_text("raise ModuleNotFoundError('gone', name='bleak')")
    done = subprocess.run(
        [sys.executable, "ongi.py", "driver", "ble", "--socket", "s", "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
    )
    assert done.returncode == 2
    assert "'bleak'" in done.stderr
    assert "ongi[ble]" in done.stderr
    assert "requirements/gateway-ble.txt" in done.stderr
