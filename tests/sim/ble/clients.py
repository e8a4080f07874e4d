"""A virtual Bluetooth with clients of the real stack on it, and nothing left of either.

The one place of what bleak leaves behind: per event loop a manager of its own with a connection
to the bus and a task that waits for its end.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from bleak.backends.bluezdbus import manager as bleak_manager
from bleak_retry_connector import BleakSlotManager
from bluetooth_adapters import get_adapters
from dbus_fast import BusType, Message, MessageType, unpack_variants
from dbus_fast.aio import MessageBus
from habluetooth import (
    BluetoothManager,
    BluetoothScanningMode,
    BluetoothServiceInfoBleak,
    HaScanner,
    set_manager,
)

from sim.ble.bluez import Bluez
from sim.ble.bus import ENVIRONMENT, PrivateBus, private_bus
from sim.ble.frame import Frame, flags, service_data
from sim.ble.gatt import Link

HCI0 = "00:1A:7D:DA:71:11"
HCI1 = "00:1A:7D:DA:71:22"
SENSOR = "C0:DE:CC:00:00:01"
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"


@dataclass(frozen=True, slots=True)
class Air:
    """A bus with a BlueZ on it."""

    bus: PrivateBus
    bluez: Bluez
    link: Link


@asynccontextmanager
async def on_air(
    monkeypatch: pytest.MonkeyPatch,
    adapters: Mapping[str, int] | None = None,
    *,
    experimental: bool = True,
    temporary_s: float = 30.0,
) -> AsyncIterator[Air]:
    """Run a BlueZ on a bus of its own, which every client in this process finds."""
    # Short, as a socket's path must be; pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="ongi-") as folder:
        async with private_bus(Path(folder)) as bus, asyncio.timeout(90):
            monkeypatch.setenv(ENVIRONMENT, bus.address)
            link = Link()
            bluez = Bluez(
                bus.address,
                adapters or {HCI0: 0},
                link,
                experimental=experimental,
                temporary_s=temporary_s,
            )
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(bluez.run(), name="bluez")
                await bluez.up.wait()
                try:
                    yield Air(bus, bluez, link)
                finally:
                    await close_bleak()
                    serving.cancel()


async def close_bleak() -> None:
    """End what bleak keeps of this event loop; it has no public way."""
    instances = bleak_manager._global_instances  # noqa: SLF001
    manager = instances.pop(asyncio.get_running_loop(), None)
    if manager is None or manager._bus is None:  # noqa: SLF001
        return
    watching = manager._bus_watcher_task  # noqa: SLF001
    manager._bus.disconnect()  # noqa: SLF001
    if watching is not None:
        await asyncio.wait({watching})


class _Manager(BluetoothManager):
    def _discover_service_info(self, service_info: BluetoothServiceInfoBleak) -> None:
        """Nothing is discovered here."""


@asynccontextmanager
async def scanner(
    heard: Callable[[BluetoothServiceInfoBleak], None],
    *addresses: str,
    mode: BluetoothScanningMode = BluetoothScanningMode.PASSIVE,
    adapter: tuple[str, str] = ("hci0", HCI0),
) -> AsyncIterator[HaScanner]:
    """Run habluetooth's own scanner on an adapter, with a manager of its own."""
    slots = BleakSlotManager()
    await slots.async_setup()
    manager = _Manager(get_adapters(), slots)
    set_manager(manager)
    await manager.async_setup()
    slots.register_adapter(adapter[0], 5)
    cancels = [manager.async_register_advertisement_callback(heard, one) for one in addresses]
    one = HaScanner(mode, *adapter)
    cancels += [one.async_setup(), manager.async_register_scanner(one, connection_slots=5)]
    try:
        await one.async_start()
        yield one
    finally:
        await one.async_stop()
        for cancel in cancels:
            cancel()
        manager.async_stop()


async def managed() -> dict[str, dict[str, dict[str, object]]]:
    """All objects that BlueZ shows, with their properties."""
    answer = await ask("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    objects: dict[str, dict[str, dict[str, object]]] = unpack_variants(answer.body[0])
    return objects


async def ask(
    path: str, interface: str, member: str, signature: str = "", *body: object
) -> Message:
    """Call BlueZ over a connection of its own."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    call = Message(
        destination="org.bluez",
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        body=list(body),
    )
    answer = await bus.call(call)
    bus.disconnect()
    assert answer.message_type is MessageType.METHOD_RETURN, answer.error_name
    return answer


def frame(count: int, address: str = SENSOR, *, connectable: bool = False) -> Frame:
    """A frame of a sensor; each count is another."""
    data = service_data(0xFCD2, b"\x40" + count.to_bytes(4, "little"))
    return Frame(address, flags() + data, connectable=connectable)


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait for a condition of the real world."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 -- of other processes too
            await asyncio.sleep(0.01)


@asynccontextmanager
async def talking(
    air: Air, adapters: tuple[str, ...] = (HCI0,), *, connectable: bool = False
) -> AsyncIterator[None]:
    """Let a sensor send one new frame after the other, fifty a second."""

    async def talk() -> None:
        count = 0
        while True:
            count += 1
            for adapter in adapters:
                air.bluez.hear(adapter, frame(count, connectable=connectable), -60)
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(talk(), name="sensor")
        try:
            yield
        finally:
            task.cancel()
