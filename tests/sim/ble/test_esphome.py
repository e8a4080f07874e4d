"""The fake proxy, with aioesphomeapi and bleak-esphome as they are."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioesphomeapi.api_pb2 import BluetoothLERawAdvertisementsResponse
from aioesphomeapi.client import APIClient
from aioesphomeapi.core import (
    EncryptionPlaintextAPIError,
    InvalidEncryptionKeyAPIError,
    RequiresEncryptionAPIError,
)
from bleak.exc import BleakError
from bleak_esphome import connect_scanner
from bleak_retry_connector import establish_connection
from habluetooth import BluetoothServiceInfoBleak, HaBleakClientWrapper, get_manager

from drivers.ble.formats import patterns
from drivers.ble.manager import manager
from sim.ble.esphome import FakeProxy
from sim.ble.gatt import Link
from tests.sim.ble.clients import SENSOR, frame, until
from tests.sim.ble.peripheral import RELAY, Plug

pytestmark = pytest.mark.wall

HALL = "AA:BB:CC:00:00:01"
KEY = bytes(range(32))


@asynccontextmanager
async def proxy(
    key: bytes | None = KEY, link: Link | None = None, reaped_s: float = 60.0
) -> AsyncIterator[FakeProxy]:
    one = FakeProxy("hall", HALL, key, link, reaped_s=reaped_s)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        serving = group.create_task(one.run(), name="proxy")
        await one.up.wait()
        try:
            yield one
        finally:
            serving.cancel()


def client_of(one: FakeProxy, key: bytes | None, keepalive_s: float = 20.0) -> APIClient:
    written = None if key is None else base64.b64encode(key).decode()
    return APIClient("127.0.0.1", one.port, noise_psk=written, keepalive=keepalive_s)


@asynccontextmanager
async def connected(one: FakeProxy, key: bytes | None = KEY) -> AsyncIterator[APIClient]:
    client = client_of(one, key)
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()


@pytest.mark.parametrize("key", [KEY, None], ids=["encrypted", "plain"])
async def test_adverts_come_in_order_and_whole(key: bytes | None) -> None:
    async with proxy(key) as one, connected(one, key) as client:
        heard: list[bytes] = []

        def take(message: BluetoothLERawAdvertisementsResponse) -> None:
            heard.extend(advert.data for advert in message.advertisements)

        info = await client.device_info()
        assert (info.name, info.bluetooth_mac_address) == ("hall", HALL)
        client.subscribe_bluetooth_le_raw_advertisements(take)
        await until(lambda: one.subscribed)
        sent = [frame(count) for count in range(100)]
        for each in sent:
            one.hear(each, -70)
        await until(lambda: len(heard) == len(sent))
        assert heard == [each.data for each in sent]


async def test_another_key_and_none_are_refused_and_a_plain_proxy_says_so() -> None:
    async with proxy() as one:
        with pytest.raises(InvalidEncryptionKeyAPIError):
            await client_of(one, os.urandom(32)).connect()
        with pytest.raises(RequiresEncryptionAPIError):
            await client_of(one, None).connect()
        await until(lambda: one.refused == 2)
    async with proxy(None) as one:
        with pytest.raises(EncryptionPlaintextAPIError):
            await client_of(one, KEY).connect()


async def test_a_second_client_gets_no_adverts_until_the_first_has_gone() -> None:
    async with proxy() as one, connected(one) as second:
        states: list[object] = []
        second.subscribe_bluetooth_scanner_state(states.append)
        async with connected(one) as first:
            first.subscribe_bluetooth_le_raw_advertisements(lambda _: None)
            await until(lambda: one.subscribed)
            second.subscribe_bluetooth_le_raw_advertisements(lambda _: None)
            await second.device_info()
            assert not states
        await until(lambda: not one.subscribed)
        second.subscribe_bluetooth_le_raw_advertisements(lambda _: None)
        await until(lambda: states)


async def test_killed_it_is_gone_and_half_open_it_is_silent() -> None:
    async with proxy(reaped_s=0.5) as one:
        client = client_of(one, KEY, keepalive_s=0.1)
        lost: list[object] = []
        client.add_connection_closed_callback(lost.append)
        for fault in (one.kill, one.half_open):
            await client.connect()
            fault()
            await until(lambda: len(lost) == 1)
            lost.clear()
            await one.revive()


@asynccontextmanager
async def through(one: FakeProxy, link: Link) -> AsyncIterator[tuple[Plug, APIClient]]:
    """A plug that is heard by the proxy alone, and habluetooth as bleak-esphome makes it."""
    plug = Plug()
    await plug.start(link)
    async with (
        manager(*patterns()) as library,
        connected(one) as client,
        asyncio.TaskGroup() as group,
    ):
        data = connect_scanner(client, await client.device_info(), available=True)
        assert data.scanner is not None
        heard: list[BluetoothServiceInfoBleak] = []
        undo = [
            library.async_register_advertisement_callback(heard.append, SENSOR),
            data.scanner.async_setup(),
            library.async_register_scanner(data.scanner),
        ]
        talking = group.create_task(_talk(one), name="plug")
        await until(lambda: heard)
        try:
            yield plug, client
        finally:
            talking.cancel()
            for step in undo:
                step()


async def _talk(one: FakeProxy) -> None:
    count = 0
    while True:
        count += 1
        one.hear(frame(count, connectable=True), -60)
        await asyncio.sleep(0.02)


async def _connect() -> HaBleakClientWrapper:
    device = get_manager().async_ble_device_from_address(SENSOR, connectable=True)
    assert device is not None
    return await establish_connection(HaBleakClientWrapper, device, "plug", max_attempts=2)


async def test_a_device_is_read_written_and_listened_to_through_the_proxy() -> None:
    link = Link()
    async with proxy(link=link) as one, through(one, link) as (plug, _):
        for value in (b"\1", b"\0"):
            client = await _connect()
            told: list[bytes] = []
            await client.start_notify(RELAY, lambda _, data, told=told: told.append(bytes(data)))  # type: ignore[misc]
            await client.write_gatt_char(RELAY, value, response=True)
            await until(lambda told=told: told)  # type: ignore[misc]
            assert (plug.on, told[0]) == (value, value)
            assert bytes(await client.read_gatt_char(RELAY)) == value
            with pytest.raises(BleakError):
                await client.write_gatt_char(RELAY, b"locked", response=True)
            await client.disconnect()


async def test_a_connection_that_is_cut_is_noticed_and_made_anew() -> None:
    link = Link()
    async with proxy(link=link) as one, through(one, link):
        client = await _connect()
        link.cut(HALL, SENSOR)
        await until(lambda: not client.is_connected)
        again = await _connect()
        assert bytes(await again.read_gatt_char(RELAY)) == b"\0"
        await again.disconnect()
