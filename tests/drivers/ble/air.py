"""BluezRadio on a bus of its own with the virtual BlueZ, and sensors that send to it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers.ble import RawAdvert
from drivers.ble.bthome import UUID16
from drivers.ble.keeper import Policy, RadioState, Trouble
from drivers.ble.radio import BluezRadio
from drivers.clock import SystemClock
from sim.ble.bluez import Bluez
from sim.ble.bus import ENVIRONMENT, PrivateBus, private_bus
from sim.ble.frame import Frame, flags, service_data
from tests.drivers.home import Sensor

HCI0 = "00:1A:7D:DA:71:11"
HCI1 = "00:1A:7D:DA:71:22"
POWER = 0x0B
DEADLINE_S = 20.0

QUICK = Policy(
    silence_s=0.6,
    patience_s_max=2.0,
    probe_s=0.5,
    chatter_s=0.8,
    tell_s=1.2,
    retry_s=0.1,
    retry_s_max=0.4,
    cycle_s=0.5,
    cycle_s_max=1.0,
    start_s=1.5,
    settle_s=0.05,
)
"The real policy's shape, twenty-five times as fast."


@dataclass
class World:
    """A machine with Bluetooth."""

    bus: PrivateBus
    bluez: Bluez
    radio: BluezRadio
    heard: list[RawAdvert] = field(default_factory=list)
    told: list[RadioState] = field(default_factory=list)

    @property
    def troubles(self) -> list[Trouble | None]:
        """Of hci0, as they were told; what was never wrong is not said to be over."""
        said = [state.trouble for state in self.told if state.radio == "hci0"]
        return said[1:] if said[:1] == [None] else said

    async def until(self, condition: Callable[[], object], within_s: float = DEADLINE_S) -> float:
        """Wait for a condition of the real world; how long it took."""
        begin_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 -- the world has no event for each
                await asyncio.sleep(0.005)
        return asyncio.get_running_loop().time() - begin_s

    async def hears(self, adverts: int = 3, source: str | None = None) -> float:
        """Wait for further adverts; how long it took."""

        def number() -> int:
            return sum(source in {None, advert.source} for advert in self.heard)

        before = number()
        return await self.until(lambda: number() >= before + adverts)


@asynccontextmanager
async def world(  # noqa: PLR0913 -- whatever a test may want otherwise
    monkeypatch: pytest.MonkeyPatch,
    *sensors: Sensor,
    adapters: Mapping[str, int] | None = None,
    policy: Policy = QUICK,
    experimental: bool = True,
    numbers: bool = True,
    present: bool = True,
    listens: bool = True,
    every_s: float = 0.02,
    pace: int = 1,
) -> AsyncIterator[World]:
    """A radio under way; the sensors talk to all adapters.

    Without `present` the bus is made, and not running; without `listens` the radio is not.
    `pace` is that of the radio's clock.
    """
    # Short, as a socket's path must be; pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="ongi-") as folder:
        async with private_bus(Path(folder)) as bus:
            monkeypatch.setenv(ENVIRONMENT, bus.address)
            if not present:
                await bus.kill()
            addresses = adapters if adapters is not None else {HCI0: 0}
            bluez = Bluez(bus.address, addresses, experimental=experimental, numbers=numbers)
            clock = SystemClock()
            radio = BluezRadio(lambda: pace * clock.boottime_us(), policy)
            radio.set_devices([sensor.keyed for sensor in sensors])
            here = World(bus, bluez, radio)
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(bluez.run(), name="bluez")
                if present:
                    await bluez.up.wait()
                tasks = [
                    *([group.create_task(radio.run(), name="radio")] if listens else []),
                    group.create_task(_listen(here), name="listen"),
                    group.create_task(_talk(bluez, sensors, every_s), name="sensors"),
                ]
                try:
                    yield here
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.wait(tasks, timeout=DEADLINE_S)
                    serving.cancel()


async def _listen(here: World) -> None:
    async for one in here.radio.adverts():
        if isinstance(one, RadioState):
            here.told.append(one)
        elif isinstance(one, RawAdvert):
            here.heard.append(one)


async def _talk(bluez: Bluez, sensors: tuple[Sensor, ...], every_s: float) -> None:
    value = 0
    while True:
        value += 1
        for sensor in sensors:
            sent = frame(sensor, sensor.frame((POWER, float(value % 1000))))
            for adapter in (HCI0, HCI1):
                bluez.hear(adapter, sent, -60)
        await asyncio.sleep(every_s)


def frame(sensor: Sensor, data: bytes) -> Frame:
    return Frame(sensor.address, flags() + service_data(UUID16, data))
