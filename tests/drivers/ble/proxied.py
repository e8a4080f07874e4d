"""BluezRadio with ESPHome proxies, on a machine that has no Bluetooth of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers.ble import RawAdvert
from drivers.ble.keeper import Policy, RadioState, Trouble
from drivers.ble.node_session import Unbelieved
from drivers.ble.proxies import ProxyPolicy
from drivers.ble.radio import BluezRadio
from drivers.clock import SystemClock
from rules.air import Proxy
from sim.ble.bus import ENVIRONMENT
from sim.ble.esphome import FakeProxy
from sim.ble.gatt import Link
from tests.drivers.ble.air import POWER, frame
from tests.drivers.home import Sensor

KEY = bytes(range(32))
DEADLINE_S = 20.0
BRISK = ProxyPolicy(
    tell_s=0.8,
    retry_s=0.02,
    retry_s_max=0.16,
    refused_s=0.1,
    connect_s=1.0,
    keepalive_s=0.1,
    subscribe_s=0.1,
)
"The real policy's shape, some fifty times as fast."
NOTICED_S = 5.5 * BRISK.keepalive_s


@dataclass
class Hall:
    """A house with proxies."""

    radio: BluezRadio
    group: asyncio.TaskGroup
    link: Link
    proxies: dict[str, FakeProxy] = field(default_factory=dict)
    heard: list[RawAdvert] = field(default_factory=list)
    told: list[RadioState] = field(default_factory=list)
    serving: list[asyncio.Task[None]] = field(default_factory=list)

    async def proxy(self, name: str, key: bytes | None = KEY, reaped_s: float = 0.1) -> FakeProxy:
        """Put one up, which the radio does not know yet."""
        address = f"AA:BB:CC:00:00:{len(self.proxies) + 1:02X}"
        one = FakeProxy(name, address, key, self.link, reaped_s=reaped_s)
        self.serving.append(self.group.create_task(one.run(), name=name))
        await one.up.wait()
        self.proxies[name] = one
        return one

    def known(self, *names: str, key: bytes = KEY) -> list[Proxy]:
        """As the gateway tells the driver."""
        return [Proxy(name, "127.0.0.1", self.proxies[name].port, key) for name in names]

    def troubles(self, name: str) -> list[Trouble | None]:
        return [state.trouble for state in self.told if state.radio == name]

    def say(self, sensor: Sensor, value: float, names: Iterable[str] = ()) -> None:
        """Have all proxies hear a sensor, or those named."""
        sent = frame(sensor, sensor.frame((POWER, value)))
        for name in names or self.proxies:
            self.proxies[name].hear(sent, -60)

    async def until(self, condition: Callable[[], object], within_s: float = DEADLINE_S) -> float:
        """Wait for a condition of the real world; how long it took."""
        begin_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 -- the world has no event for each
                await asyncio.sleep(0.005)
        return asyncio.get_running_loop().time() - begin_s

    async def hears(self, sensor: Sensor, *names: str) -> float:
        """Say something new until it was heard by each of these; how long it took."""
        begin_s = asyncio.get_running_loop().time()
        before = len(self.heard)
        async with asyncio.timeout(DEADLINE_S):
            while not {*names} <= {advert.source for advert in self.heard[before:]}:
                self.say(sensor, 1.0)
                await asyncio.sleep(0.02)
        return asyncio.get_running_loop().time() - begin_s


@asynccontextmanager
async def hall(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *sensors: Sensor,
    policy: ProxyPolicy = BRISK,
) -> AsyncIterator[Hall]:
    """A radio under way that knows these sensors, and no proxy yet."""
    monkeypatch.setenv(ENVIRONMENT, f"unix:path={folder}/none")
    radio = BluezRadio(SystemClock().boottime_us, Policy(), policy, state=folder)
    radio.set_devices([sensor.keyed for sensor in sensors])
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        here = Hall(radio, group, Link())
        tasks = [
            group.create_task(radio.run(), name="radio"),
            group.create_task(_listen(here), name="listen"),
        ]
        try:
            yield here
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=DEADLINE_S)
            for task in here.serving:
                task.cancel()


async def _listen(here: Hall) -> None:
    async for one in here.radio.adverts():
        if isinstance(one, RadioState):
            here.told.append(one)
        elif not isinstance(one, Unbelieved):
            here.heard.append(one)
