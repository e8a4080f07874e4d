"""`ongi devices scan` from end to end: gateway and driver, each a process, over BlueZ."""

import asyncio
import json
import sys
import tempfile
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.registry import Registry
from rules.observation import Phenomenon
from sim.ble.bluez import Bluez
from sim.ble.bus import ENVIRONMENT, private_bus
from sim.ble.frame import Frame, flags, manufacturer, name, service_data
from tests.drivers.ble.air import DEADLINE_S, HCI0, frame
from tests.drivers.home import Sensor
from tests.edge.test_config import SITE, identify, write
from tests.support.dbus import NEEDS_DBUS

pytestmark = [NEEDS_DBUS, pytest.mark.wall]

POWER, OPEN = 0x0B, 0x2D
NEW, TAG = "7C:C6:B6:11:22:33", "7C:00:00:00:00:01"
BTHOME = 0xFCD2


def kettle() -> Sensor:
    return Sensor("kettle", frozenset({Phenomenon.POWER_W}))


def home_of(folder: Path, sensor: Sensor) -> Path:
    folder.mkdir()
    write(folder, SITE.replace('"192.0.2.7"', '"127.0.0.1"\nport = 9'))
    identify(folder)
    Registry.load(folder).add_device(sensor.keyed.device, sensor.key)
    return folder


async def air(bluez: Bluez, sensor: Sensor) -> None:
    """One of the home's own, a new sensor in the clear, and a tag that passive scanning misses."""
    fresh = Sensor("new", frozenset(), key=None)
    for number in range(1_000_000):
        value = float(number % 500)
        bluez.hear(HCI0, frame(sensor, sensor.frame((POWER, value))), -60)
        data = service_data(BTHOME, fresh.frame((OPEN, True), packet_id=number % 256))
        bluez.hear(HCI0, Frame(NEW, flags() + data, response=name("SBDW-002C")), -45)
        bluez.hear(HCI0, Frame(TAG, manufacturer(0x004C, number.to_bytes(4, "big"))), -85)
        await asyncio.sleep(0.1)


@asynccontextmanager
async def process(*words: str) -> AsyncIterator[Process]:
    made = await create_subprocess_exec(sys.executable, "-m", "ongi", *words, stdout=PIPE)
    try:
        yield made
    finally:
        if made.returncode is None:
            made.terminate()
        async with asyncio.timeout(DEADLINE_S):
            await made.wait()


async def told_by(scan: Process) -> dict[str, dict[str, Any]]:
    """The newest of each, once all three were told with all that they say."""
    found: dict[str, dict[str, Any]] = {}
    assert scan.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < 3 or not found[NEW]["name"]:
            seen = json.loads(await scan.stdout.readline())
            found[seen["address"]] = seen
    return found


async def scanned(home: Path) -> dict[str, dict[str, Any]]:
    """What a scan tells; tried again until the gateway has its driver."""
    while True:
        async with process("devices", "scan", "--json", "--home", str(home)) as scan:
            assert scan.stdout is not None
            try:
                return await told_by(scan)
            except json.JSONDecodeError:  # It has ended without a line.
                await asyncio.sleep(0.2)


async def test_a_scan_tells_who_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    sensor = kettle()
    # Short, as a socket's path must be; pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="ongi-") as folder:
        home = home_of(Path(folder) / "home", sensor)
        async with private_bus(Path(folder)) as bus, asyncio.TaskGroup() as group:
            monkeypatch.setenv(ENVIRONMENT, bus.address)
            bluez = Bluez(bus.address, {HCI0: 0})
            serving = group.create_task(bluez.run(), name="bluez")
            await bluez.up.wait()
            talking = group.create_task(air(bluez, sensor), name="air")
            socket, state = str(home / "run" / "driver.sock"), str(home / "drivers")
            async with (
                process("gateway", "--home", str(home)),
                process("driver", "ble", "--socket", socket, "--state", state),
                asyncio.timeout(3 * DEADLINE_S),
            ):
                found = await scanned(home)
            talking.cancel()
            serving.cancel()
    ours, new, tag = found[sensor.address], found[NEW], found[TAG]
    assert (ours["device"], ours["room"], ours["source"]) == ("kettle", "room", "hci0")
    assert set(ours["said"]) == {"power_w"}
    assert (new["device"], new["name"], new["format"]) == (None, "SBDW-002C", "bthome")
    assert new["said"] == {"contact_open": True}
    assert (tag["maker"], tag["format"], tag["rssi_dbm"]) == ("Apple, Inc.", "", -85)
