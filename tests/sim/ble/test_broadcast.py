"""Devices on the air of a home: each frame at its moment, to whoever hears it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random

from rules.observation import Phenomenon, Press
from sim.ble.broadcast import Broadcast
from sim.ble.ether import Ether, Receiver
from sim.ble.frame import Frame, Point
from sim.ble.peripherals.bthome import plug_node, shelly_button
from sim.ble.peripherals.crowd import Crowd
from sim.ble.peripherals.sensor import Antenna

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = bytes(range(16))
HCI0 = "00:1A:7D:DA:71:11"
PROXY = "A0:B7:65:00:00:01"
NODE = "C0:DE:CC:00:00:01"
BUTTON = "C0:DE:CC:00:00:02"


class _Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    async def sleep_until(self, moment: datetime) -> None:
        await asyncio.sleep(0)
        self.at = max(self.at, moment)


class _Ears:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str, int]] = []

    def hear(self, receiver: str, frame: Frame, rssi_dbm: int) -> None:
        self.heard.append((receiver, frame.address, rssi_dbm))


@asynccontextmanager
async def _running(air: Broadcast) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(air.run())
        yield
        task.cancel()


async def test_each_receiver_hears_what_reaches_it() -> None:
    clock, ears = _Clock(), _Ears()
    antennas = {HCI0: Receiver(), PROXY: Receiver(Point(200.0))}
    ether = Ether(Random(1), antennas)
    air = Broadcast(ether, clock, {HCI0: ears.hear, PROXY: ears.hear})
    readings = ((Phenomenon.POWER_W, 4.0),)
    air.add(plug_node(NODE, KEY, Antenna(Point(1.0)), NOW, readings=readings))
    far = shelly_button(BUTTON, KEY, Antenna(Point(201.0), copies=2))
    far.say(NOW, (Phenomenon.BUTTON, Press.SINGLE))
    air.add(far)
    async with _running(air):
        while clock.now() < NOW + timedelta(seconds=3):  # noqa: ASYNC110 -- virtual time
            await asyncio.sleep(0)
    assert set(ears.heard) == {(HCI0, NODE, -59), (PROXY, BUTTON, -59)}
    assert ears.heard.count((PROXY, BUTTON, -59)) == 2
    assert (air.sent, air.heard) == (len(ears.heard), len(ears.heard))


async def test_a_silent_device_that_speaks_is_heard_at_once() -> None:
    clock, ears = _Clock(), _Ears()
    air = Broadcast(Ether(Random(1), {HCI0: Receiver()}), clock, {HCI0: ears.hear})
    button = shelly_button(BUTTON, KEY, Antenna(Point(1.0), copies=1))
    air.add(button)
    async with _running(air), asyncio.timeout(5):
        await asyncio.sleep(0)
        button.say(clock.now(), (Phenomenon.BUTTON, Press.SINGLE))
        air.add(button)
        while not ears.heard:  # noqa: ASYNC110 -- virtual time
            await asyncio.sleep(0)
    assert clock.now() == NOW


def test_a_crowd_of_thousands_is_on_the_air() -> None:
    clock, ears = _Clock(), _Ears()
    air = Broadcast(Ether(Random(1), {HCI0: Receiver()}), clock, {HCI0: ears.hear})
    air.add(Crowd(Random(2), 3000, NOW, interval_s=(2.0, 4.0)))
    clock.at = NOW + timedelta(seconds=4)
    air.step()
    assert len({address for _, address, _ in ears.heard}) == 3000
