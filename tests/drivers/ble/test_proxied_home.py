"""The driver with an adapter and proxies: what the gateway gets, and what it reaches."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from drivers.ble.radio import BluezRadio
from drivers.clock import SystemClock
from drivers.process import run
from rules.air import Proxy, Settings
from rules.alarm import AlarmKind
from rules.command import Command, Signal
from rules.device import Link, Output
from rules.observation import Phenomenon
from rules.sentence import Say
from rules.wire import DriverFault, Message, Observed
from sim.ble.bluez import Bluez
from sim.ble.broadcast import Broadcast
from sim.ble.bus import ENVIRONMENT, private_bus
from sim.ble.esphome import FakeProxy
from sim.ble.ether import Ether, Receiver
from sim.ble.frame import Frame
from sim.ble.peripherals.node import PlugNode
from sim.ble.peripherals.sensor import Antenna
from tests.drivers.ble.air import HCI0, POWER, QUICK, frame
from tests.drivers.ble.plugged import keyed
from tests.drivers.ble.proxied import BRISK, KEY, Hall, hall
from tests.drivers.gateway import DEADLINE_S, GatewayEnd
from tests.drivers.home import Sensor
from tests.support.dbus import NEEDS_DBUS

pytestmark = pytest.mark.wall

HEARD_TOGETHER_S = 0.3
"A proxy sends what it hears every tenth of a second."


def plug() -> Sensor:
    return Sensor("plug", frozenset({Phenomenon.POWER_W}))


@dataclass
class Home:
    """A gateway's end, with whatever hears for it."""

    gateway: GatewayEnd
    told: list[Message]
    bluez: Bluez
    proxies: dict[str, FakeProxy]

    def say(self, sent: Frame, *ears: str) -> None:
        """Have an advert heard."""
        for ear in ears:
            if ear == "hci0":
                self.bluez.hear(HCI0, sent, -60)
            else:
                self.proxies[ear].hear(sent, -60)

    @property
    def watts(self) -> list[object]:
        return [
            one.value
            for one in self.told
            if isinstance(one, Observed) and one.phenomenon is Phenomenon.POWER_W
        ]

    def faults(self, kind: AlarmKind) -> list[tuple[str, bool, Say]]:
        return [
            (str(one.scope), one.present, one.sentence.say)
            for one in self.told
            if isinstance(one, DriverFault) and one.kind is kind
        ]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 -- the world has no event for each
                await asyncio.sleep(0.005)


@asynccontextmanager
async def home(monkeypatch: pytest.MonkeyPatch, folder: Path, *names: str) -> AsyncIterator[Home]:
    """An adapter and proxies of these names; `driven` runs the driver."""
    with tempfile.TemporaryDirectory(prefix="ongi-") as short:
        async with (
            private_bus(Path(short)) as bus,
            asyncio.timeout(60),
            asyncio.TaskGroup() as group,
        ):
            monkeypatch.setenv(ENVIRONMENT, bus.address)
            bluez = Bluez(bus.address, {HCI0: 0})
            serving = [group.create_task(bluez.run(), name="bluez")]
            await bluez.up.wait()
            proxies = {}
            for number, name in enumerate(names):
                proxies[name] = FakeProxy(name, f"AA:BB:CC:00:00:{number:02X}", KEY)
                serving.append(group.create_task(proxies[name].run(), name=name))
                await proxies[name].up.wait()
            gateway = GatewayEnd(folder / "driver.sock")
            try:
                yield Home(gateway, [], bluez, proxies)
            finally:
                gateway.die()
                for task in serving:
                    task.cancel()


@asynccontextmanager
async def driven(here: Home, folder: Path, *sensors: Sensor) -> AsyncIterator[None]:
    """The driver's process under way, with its proxies connected."""
    clock, state = SystemClock(), folder / "drivers"
    radio = BluezRadio(clock.boottime_us, QUICK, BRISK, state=state)
    proxies = [Proxy(name, "127.0.0.1", one.port, KEY) for name, one in here.proxies.items()]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(radio.run(), name="radio"),
            group.create_task(run(Link.BLE, folder / "driver.sock", state, radio, clock)),
        ]
        devices = [sensor.keyed for sensor in sensors]
        await here.gateway.accept(*devices, settings=Settings(tuple(proxies)))
        tasks.append(group.create_task(_read(here), name="gateway"))
        await here.until(lambda: all(one.subscribed for one in here.proxies.values()))
        await here.until(lambda: here.bluez.scanning(HCI0))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            here.gateway.hang_up()


async def _read(here: Home) -> None:
    while True:
        try:
            here.told.append(await here.gateway.next())
        except TimeoutError:
            continue


# ------------------------------------------------------------------------------ one home, once


@NEEDS_DBUS
async def test_what_all_hear_is_told_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sensor, ears = plug(), ("hall", "kitchen", "hci0")
    async with (
        home(monkeypatch, tmp_path, "hall", "kitchen") as here,
        driven(here, tmp_path, sensor),
    ):
        for watts in range(1, 21):
            sent = frame(sensor, sensor.frame((POWER, float(watts))))
            for ear in ears:
                here.say(sent, ear, ear)
                await asyncio.sleep(0)
            if watts % 5 == 0:
                await here.until(lambda w=watts: here.watts[-1:] == [float(w)])  # type: ignore[misc]
        await asyncio.sleep(HEARD_TOGETHER_S)
        assert here.watts == [float(watts) for watts in range(1, 21)]


@NEEDS_DBUS
async def test_a_recording_played_to_another_proxy_or_after_a_restart_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = plug()
    async with home(monkeypatch, tmp_path, "hall", "kitchen") as here:
        sent = [frame(sensor, sensor.frame((POWER, float(watts)))) for watts in range(1, 41)]
        async with driven(here, tmp_path, sensor):
            for each in sent:
                here.say(each, "hall")
            await here.until(lambda: here.watts[-1:] == [40.0])
            before = len(here.watts)
            for ear in ("kitchen", "hci0"):
                here.say(sent[0], ear)
            await here.until(lambda: here.faults(AlarmKind.FRAMES_REFUSED))
            await asyncio.sleep(HEARD_TOGETHER_S)
            assert len(here.watts) == before
        here.told.clear()
        async with driven(here, tmp_path, sensor):
            for each in sent:
                here.say(each, "kitchen", "hci0")
            await here.until(lambda: here.faults(AlarmKind.FRAMES_REFUSED))
            await asyncio.sleep(HEARD_TOGETHER_S)
            assert not here.watts
            # The counters that a run may have used, and did not, are skipped.
            sensor.counter += 1000
            here.say(frame(sensor, sensor.frame((POWER, 99.0))), "kitchen")
            await here.until(lambda: here.watts == [99.0])


@NEEDS_DBUS
async def test_the_gateway_is_told_which_proxy_is_lost_or_refuses_and_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with (
        home(monkeypatch, tmp_path, "hall", "kitchen") as here,
        driven(here, tmp_path, plug()),
    ):
        hall_, kitchen = here.proxies.values()
        hall_.kill()
        kitchen.kill()
        kitchen.key = bytes(32)
        await kitchen.revive()

        def of(name: str) -> list[tuple[bool, Say]]:
            told = here.faults(AlarmKind.RADIO_LOST)
            return [(*rest,) for scope, *rest in told if scope == f"driver:ble:{name}"]  # type: ignore[misc]

        await here.until(lambda: of("kitchen")[-1:] == [(True, Say.PROXY_REFUSED)])
        await here.until(lambda: of("hall")[-1:] == [(True, Say.PROXY_LOST)])
        await hall_.revive()
        kitchen.key = KEY
        await here.until(
            lambda: of("hall")[-1:] == of("kitchen")[-1:] == [(False, Say.FAULT_OVER)]
        )


# ------------------------------------------------------------------------ commands by a proxy


@asynccontextmanager
async def node_at(here: Hall, *names: str) -> AsyncIterator[PlugNode]:
    """A plug node that these proxies hear, and no adapter."""
    clock = SystemClock()
    device = keyed(1)
    assert device.key is not None
    node = PlugNode(device.device.address, device.key, Antenna(), clock.now, random=Random(1))
    await node.open(here.link)
    here.radio.set_devices([device])
    ears = {here.proxies[name].address: here.proxies[name] for name in names}
    ether = Ether(Random(1), {address: Receiver() for address in ears})
    broadcast = Broadcast(
        ether,
        clock,
        {address: lambda _, *heard, e=ear: e.hear(*heard) for address, ear in ears.items()},
    )
    broadcast.add(node)
    tasks = [
        here.group.create_task(broadcast.run(), name="broadcast"),
        here.group.create_task(node.run(), name="node"),
    ]
    here.heard.clear()
    await here.until(lambda: {*names} <= {advert.source for advert in here.heard})
    try:
        yield node
    finally:
        for task in tasks:
            task.cancel()


def prompt() -> Command:
    expires = SystemClock().now() + timedelta(seconds=10)
    return Command(1, keyed(1).device.id, Output.BUZZER, Signal.PROMPT, expires)


async def test_a_command_reaches_a_node_that_only_a_proxy_hears(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with hall(monkeypatch, tmp_path) as here:
        await here.proxy("hall")
        here.radio.set_proxies(here.known("hall"))
        async with node_at(here, "hall") as node:
            assert await here.radio.perform(prompt(), keyed(1).device) is None
            assert node.done == [(3, 1)]
            await here.until(lambda: not node.rules.connected)


async def test_a_node_is_reached_again_when_the_proxy_is_back_and_by_another_meanwhile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with hall(monkeypatch, tmp_path) as here:
        proxy = await here.proxy("hall")
        await here.proxy("kitchen")
        here.radio.set_proxies(here.known("hall", "kitchen"))
        async with node_at(here, "hall", "kitchen") as node:
            proxy.kill()
            await here.until(lambda: not proxy.subscribed)
            assert await here.radio.perform(prompt(), keyed(1).device) is None
            here.proxies["kitchen"].kill()
            await here.until(lambda: not here.proxies["kitchen"].subscribed)
            asked = here.group.create_task(here.radio.perform(prompt(), keyed(1).device))
            await asyncio.sleep(HEARD_TOGETHER_S)
            assert not asked.done()
            await proxy.revive()
            assert await asked is None
            assert node.centrals == 2
