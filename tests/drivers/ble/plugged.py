"""A home with plug nodes: BluezRadio on a bus of its own, nodes and strangers over bumble."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from drivers.ble.keeper import Policy, RadioState
from drivers.ble.node_session import Unbelieved
from drivers.ble.radio import BluezRadio
from drivers.clock import SystemClock
from rules.command import Command, Refusal, Signal
from rules.device import Device, Link, Output
from rules.observation import DeviceId, Phenomenon
from rules.wire import KeyedDevice
from sim.ble.bluez import Bluez
from sim.ble.broadcast import Broadcast
from sim.ble.bus import ENVIRONMENT, PrivateBus, private_bus
from sim.ble.ether import Ether, Receiver
from sim.ble.frame import Point
from sim.ble.gatt import Link as Air
from sim.ble.peripherals.node import Flash, PlugNode
from sim.ble.peripherals.sensor import Antenna
from tests.drivers.ble.air import HCI0

DEADLINE_S = 20.0
CALM = Policy(retry_s=0.1, retry_s_max=0.4, settle_s=0.05)
"A scan that is started anew costs connections: as seldom as in earnest, and soon after a fault."
FAR = Point(10_000.0)


Kind = TypeVar("Kind", bound=PlugNode)


def address(number: int) -> str:
    return f"C0:DE:CC:00:00:{number:02X}"


def key(number: int) -> bytes:
    return bytes([number]) * 16


@dataclass
class Home:
    """A machine with Bluetooth, and nodes about it."""

    bus: PrivateBus
    bluez: Bluez
    radio: BluezRadio
    air: Air
    broadcast: Broadcast
    group: asyncio.TaskGroup
    clock: SystemClock
    nodes: dict[int, PlugNode] = field(default_factory=dict)
    adverts: dict[str, int] = field(default_factory=dict)
    "Heard by the driver, of each address."
    unbelieved: list[Unbelieved] = field(default_factory=list)

    async def plug(self, number: int, flash: Flash | None = None) -> PlugNode:
        """Put a node in."""
        return await self.put(number, PlugNode, key(number), flash)

    async def put(
        self, number: int, kind: type[Kind], link_key: bytes, flash: Flash | None = None
    ) -> Kind:
        """Put a node in, or somebody who says he is it."""
        node = kind(
            address(number),
            link_key,
            Antenna(),
            self.clock.now,
            random=Random(number),
            flash=flash,
        )
        await node.open(self.air)
        self.nodes[number] = node
        self.broadcast.add(node)
        self.group.create_task(node.run(), name=f"node {number}")
        return node

    def leave(self, number: int) -> None:
        """A node goes out of range."""
        sensor = self.nodes[number].sensor
        sensor.antenna = replace(sensor.antenna, place=FAR)
        self.air.remove(address(number))

    async def until(self, condition: Callable[[], object], within_s: float = DEADLINE_S) -> float:
        """Wait for a condition of the real world; how long it took."""
        begin_s = asyncio.get_running_loop().time()
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 -- the world has no event for each
                await asyncio.sleep(0.005)
        return asyncio.get_running_loop().time() - begin_s

    async def heard(self, number: int) -> None:
        """Wait until the driver hears a node, or hears it again."""
        before = self.adverts.get(address(number), 0)
        await self.until(lambda: self.adverts.get(address(number), 0) > before)

    async def perform(
        self, number: int, output: Output = Output.BUZZER, signal: Signal = Signal.PROMPT
    ) -> Refusal | None:
        """As the gateway's command would be carried out."""
        device = keyed(number).device
        expires = self.clock.now() + timedelta(seconds=10)
        return await self.radio.perform(Command(1, device.id, output, signal, expires), device)


def keyed(number: int) -> KeyedDevice:
    """A node as the registry has it."""
    device = Device(
        DeviceId(f"node-{number}"),
        Link.BLE,
        address(number),
        "Ongi plug node",
        "room",
        frozenset({Phenomenon.POWER_W, Phenomenon.RELAY_ON, Phenomenon.BUTTON}),
        timedelta(minutes=10),
        outputs=frozenset({Output.LIGHT, Output.BUZZER, Output.RELAY}),
        keyed=True,
    )
    return KeyedDevice(device, key(number))


@asynccontextmanager
async def home(
    monkeypatch: pytest.MonkeyPatch,
    state: Path,
    *numbers: int,
    plugged: bool = True,
    listens: bool = True,
) -> AsyncIterator[Home]:
    """A radio under way that knows nodes of these numbers; they are there if `plugged`.

    Without `listens` what it hears is left to somebody else.
    """
    # Short, as a socket's path must be; pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="ongi-") as folder:
        async with private_bus(Path(folder)) as bus, asyncio.timeout(100):
            monkeypatch.setenv(ENVIRONMENT, bus.address)
            clock, air = SystemClock(), Air()
            bluez = Bluez(bus.address, {HCI0: 0}, air)
            radio = BluezRadio(clock.boottime_us, CALM, state=state)
            radio.set_devices([keyed(number) for number in numbers])
            ether = Ether(Random(1), {HCI0: Receiver()})
            broadcast = Broadcast(ether, clock, {HCI0: bluez.hear})
            async with asyncio.TaskGroup() as group:
                here = Home(bus, bluez, radio, air, broadcast, group, clock)
                serving = group.create_task(bluez.run(), name="bluez")
                await bluez.up.wait()
                tasks = [
                    group.create_task(radio.run(), name="radio"),
                    group.create_task(broadcast.run(), name="broadcast"),
                    *([group.create_task(_listen(here), name="listen")] if listens else []),
                ]
                for number in numbers if plugged else ():
                    await here.plug(number)
                if plugged and listens:
                    await asyncio.gather(*(here.heard(number) for number in numbers))
                try:
                    yield here
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.wait(tasks, timeout=DEADLINE_S)
                    serving.cancel()
                    for other in asyncio.all_tasks():
                        if other.get_name().startswith("node "):
                            other.cancel()


async def _listen(here: Home) -> None:
    async for one in here.radio.adverts():
        if isinstance(one, Unbelieved):
            here.unbelieved.append(one)
        elif not isinstance(one, RadioState):
            here.adverts[one.address] = here.adverts.get(one.address, 0) + 1
