"""Connections to a bumble peripheral through the virtual BlueZ, by bleak's own client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import habluetooth
import pytest
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError
from bleak_retry_connector import BleakClientWithServiceCache, establish_connection
from habluetooth import BluetoothServiceInfoBleak

from rules.errors import LinkLost
from tests.sim.ble.clients import (
    HCI0,
    SENSOR,
    Air,
    ask,
    managed,
    on_air,
    scanner,
    talking,
    until,
)
from tests.sim.ble.peripheral import RELAY, Plug
from tests.support.dbus import NEEDS_DBUS

pytestmark = [pytest.mark.wall, NEEDS_DBUS]

PATH = f"/org/bluez/hci0/dev_{SENSOR.replace(':', '_')}"
STRANGER = "7A:11:22:33:44:55"


class _Told:
    """Notifications that a client got."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def take(self, _: BleakGATTCharacteristic, value: bytearray) -> None:
        self.values.append(bytes(value))


@asynccontextmanager
async def _plugged(air: Air) -> AsyncIterator[tuple[Plug, list[BluetoothServiceInfoBleak]]]:
    """A plug that adverts, heard by habluetooth's scanner for as long as it lasts."""
    plug = Plug()
    heard: list[BluetoothServiceInfoBleak] = []
    await plug.start(air.link)
    async with scanner(heard.append, SENSOR), talking(air, connectable=True):
        await until(lambda: heard)
        yield plug, heard


async def _connect() -> BleakClientWithServiceCache:
    device = habluetooth.get_manager().async_ble_device_from_address(SENSOR, connectable=True)
    assert device is not None
    return await establish_connection(BleakClientWithServiceCache, device, "plug", max_attempts=2)


async def test_a_client_reads_writes_and_listens_while_scanning_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch) as air, _plugged(air) as (plug, heard):
        for value in (b"\1", b"\0"):
            client = await _connect()
            told = _Told()
            await client.start_notify(RELAY, told.take)
            await client.write_gatt_char(RELAY, value, response=True)
            await until(told.values.__len__)
            assert (plug.on, told.values[0]) == (value, value)
            assert bytes(await client.read_gatt_char(RELAY)) == value
            heard.clear()
            await until(heard.__len__)
            await client.disconnect()


async def test_a_refusal_of_the_peripheral_reaches_the_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch) as air, _plugged(air):
        client = await _connect()
        with pytest.raises(BleakError, match="INVALID_ATTRIBUTE_VALUE_LENGTH"):
            await client.write_gatt_char(RELAY, b"too long", response=True)
        with pytest.raises(BleakError, match="NotPermitted"):
            await client.write_gatt_char(RELAY, b"locked", response=True)
        # A flag that is not there keeps bluetoothd from nothing.
        await client.write_gatt_char(RELAY, b"\1", response=False)
        await client.disconnect()


async def test_a_connection_that_is_cut_is_noticed_and_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch) as air, _plugged(air):
        client = await _connect()
        air.link.cut(HCI0, SENSOR)
        await until(lambda: not client.is_connected)
        again = await _connect()
        assert bytes(await again.read_gatt_char(RELAY)) == b"\0"
        await again.disconnect()


async def test_a_peripheral_that_somebody_holds_takes_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch) as air, _plugged(air) as (plug, _):
        stranger = asyncio.ensure_future(air.link.connect(STRANGER, SENSOR))
        async with asyncio.timeout(5):
            while not stranger.done():
                air.link.hear(STRANGER, SENSOR)
                await asyncio.sleep(0.01)
        device = habluetooth.get_manager().async_ble_device_from_address(SENSOR, connectable=True)
        assert device is not None
        connecting = asyncio.ensure_future(BleakClient(device, timeout=0.5).connect())
        await asyncio.sleep(0.3)
        shown = (await managed())[PATH]
        assert shown["org.bluez.Device1"]["Connected"] is False
        with pytest.raises(TimeoutError):
            await connecting
        await stranger.result().disconnect()
        # Who gave up waiting does not connect all the same when the peripheral is free.
        await asyncio.sleep(0.2)
        assert plug.device is not None
        assert not plug.device.connections
        client = await _connect()
        assert bytes(await client.read_gatt_char(RELAY)) == b"\0"
        await client.disconnect()


async def test_an_adapter_that_is_pulled_out_loses_its_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch) as air, _plugged(air) as (plug, _):
        client = await _connect()
        air.bluez.unplug(HCI0)
        await until(lambda: not client.is_connected)
        assert plug.device is not None
        await until(lambda: plug.device is not None and not plug.device.connections)
        air.bluez.plug(HCI0, 0)
        await asyncio.sleep(0.05)


async def test_a_stranger_connects_without_any_bluez(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air:
        plug = Plug()
        await plug.start(air.link)
        with pytest.raises(LinkLost):
            await air.link.connect(STRANGER, SENSOR, within_s=0.1)
        connecting = asyncio.ensure_future(air.link.connect(STRANGER, SENSOR))
        await asyncio.sleep(0.05)
        air.link.hear(STRANGER, SENSOR)
        peer = await connecting
        await peer.discover()
        handle = next(
            part.handle
            for service in peer.services
            for part in service.parts
            if part.uuid == RELAY
        )
        await peer.write(handle, b"\1", response=True)
        assert plug.on == b"\1"
        air.link.remove(SENSOR)
        with pytest.raises(LinkLost):
            await peer.read(handle)


async def test_a_device_that_is_removed_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air, _plugged(air) as (plug, _):
        client = await _connect()
        await ask("/org/bluez/hci0", "org.bluez.Adapter1", "RemoveDevice", "o", PATH)
        await until(lambda: not client.is_connected)
        assert plug.device is not None
        await until(lambda: plug.device is not None and not plug.device.connections)
