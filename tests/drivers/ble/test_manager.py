"""What is used of bleak and habluetooth without being offered: here it is noticed when it goes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from bleak.backends.bluezdbus import client as bleak_client
from bleak.backends.bluezdbus import manager as bleak_manager
from bleak.backends.scanner import AdvertisementData
from dbus_fast import BusType, Message
from habluetooth import BluetoothScanningMode, HaScanner
from habluetooth import manager as habluetooth_manager
from habluetooth.scanner_bleak import PASSIVE_SCANNER_ARGS

from drivers.ble.manager import RADIO_ERRORS, Scanner, manager
from drivers.ble.scanner import LocalScanner, Tap
from sim.ble.frame import Element, Frame, element, flags, manufacturer, service_data
from tests.drivers.ble.air import HCI0, World, world
from tests.support.dbus import NEEDS_DBUS

pytestmark = NEEDS_DBUS

THEIRS = {
    "_async_detection_callback",
    "_async_setup_scanner_watchdog",
    "_async_reset_adapter",
}


def test_what_is_replaced_is_there_to_be_replaced() -> None:
    for name in THEIRS:
        assert hasattr(HaScanner, name), name
        assert name in vars(Scanner), name
    assert isinstance(PASSIVE_SCANNER_ARGS["or_patterns"], list)


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    """Put back what `manager` quietens."""
    names = ("habluetooth", "bleak", "bleak_retry_connector")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


async def test_what_is_asked_of_a_dead_bus_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it never returns: bleak asks, where the bus dies while it connects or disconnects."""
    async with world(monkeypatch, listens=False) as here, manager([0xFCD2], []):
        made = bleak_client.MessageBus  # type: ignore[attr-defined]
        bus = await made(bus_type=BusType.SYSTEM).connect()
        call = Message(
            destination="org.bluez",
            path="/",
            interface="org.freedesktop.DBus.ObjectManager",
            member="GetManagedObjects",
        )
        await bus.call(call)
        await here.bus.kill()
        await here.until(lambda: not bus.connected)
        async with asyncio.timeout(1.0):
            with pytest.raises(EOFError):
                await bus.call(call)


async def test_a_scan_that_cannot_be_made_fails_as_the_radio_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """habluetooth has an error of its own for it, which would end the driver."""
    async with world(monkeypatch, listens=False), manager([0xFCD2], []):
        PASSIVE_SCANNER_ARGS["or_patterns"].clear()
        scanner = LocalScanner("hci0", HCI0, lambda *_: (True, False), active=False)
        undo = scanner.async_setup()
        with pytest.raises(RADIO_ERRORS):
            await scanner.async_start()
        undo()


async def test_the_kernels_own_socket_is_given_up_where_it_could_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    class Socket:
        """As habluetooth has it where it may be opened."""

        def __init__(self, *_: object) -> None:
            """Open nothing yet."""

        async def setup(self) -> None:
            done.append("opened")

        def close(self) -> None:
            done.append("closed")

    monkeypatch.setattr(habluetooth_manager, "MGMTBluetoothCtl", Socket)
    async with world(monkeypatch, listens=False), manager([0xFCD2], []) as library:
        assert done == ["opened", "closed"]
        assert library.get_bluez_mgmt_ctl() is None
        assert not library.has_advertising_side_channel
    assert done == ["opened", "closed"]


async def test_all_adverts_come_by_the_bus_and_past_the_librarys_own_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[tuple[str, str, int]] = []

    def tap(source: str, address: str, advertisement: AdvertisementData) -> tuple[bool, bool]:
        heard.append((source, address, advertisement.rssi))
        return True, False

    async with world(monkeypatch, listens=False) as here, _scanning(tap, active=False) as scanner:
        # Theirs would reset silent adapters.
        assert scanner._cancel_watchdog is None  # noqa: SLF001 -- a private name is the matter
        assert scanner.current_mode is BluetoothScanningMode.PASSIVE
        await _patterns_are_ours(here, heard)
    loop = asyncio.get_running_loop()
    assert loop not in bleak_manager._global_instances  # noqa: SLF001 -- likewise


@asynccontextmanager
async def _scanning(tap: Tap, *, active: bool) -> AsyncIterator[LocalScanner]:
    async with manager([0xFCD2], [0x0969]) as library:
        assert not library.has_advertising_side_channel
        scanner = LocalScanner("hci0", HCI0, tap, active=active)
        scanner.async_setup()
        forget = library.async_register_scanner(scanner)
        await scanner.async_start()
        try:
            yield scanner
        finally:
            await scanner.async_stop()
            forget()


async def _patterns_are_ours(here: World, heard: list[tuple[str, str, int]]) -> None:
    """Passive scanning lets through what we asked for, in the place of what they ask for."""
    other_flags = element(Element.FLAGS, b"\x1a")
    wanted = [
        Frame("C0:00:00:00:00:01", service_data(0xFCD2, b"@")),
        Frame("C0:00:00:00:00:02", manufacturer(0x0969, b"some")),
        # As all devices of ours say; what bluetoothd finds in every version.
        Frame("C0:00:00:00:00:06", flags()),
    ]
    others = [
        Frame("C0:00:00:00:00:03", service_data(0x1234, b"@")),
        Frame("C0:00:00:00:00:04", other_flags + manufacturer(0x004C, b"\x02\x15")),
        Frame("C0:00:00:00:00:05", other_flags + element(Element.NAME, b"flags alone")),
    ]

    def sent() -> bool:
        for frame in (*others, *wanted):
            here.bluez.hear(HCI0, frame, -60)
        return len({address for _, address, _ in heard}) >= len(wanted)

    await here.until(sent)
    assert {address for _, address, _ in heard} == {frame.address for frame in wanted}
    assert {(source, rssi) for source, _, rssi in heard} == {(HCI0, -60)}


async def test_of_strangers_without_number_bleak_keeps_little_and_tells_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[tuple[str, AdvertisementData]] = []

    def tap(source: str, address: str, advertisement: AdvertisementData) -> tuple[bool, bool]:
        assert source == HCI0
        heard.append((address, advertisement))
        return bool(advertisement.service_data), False

    crowd = [f"7A:00:00:00:{one // 256:02X}:{one % 256:02X}" for one in range(1500)]
    last = crowd[-1]
    async with (
        world(monkeypatch, listens=False, experimental=False) as here,
        _scanning(tap, active=True) as scanner,
    ):

        async def hears(rssi_dbm: int, data: bytes, *addresses: str) -> list[AdvertisementData]:
            heard.clear()
            for address in addresses:
                here.bluez.hear(HCI0, Frame(address, data), rssi_dbm)
            await here.until(lambda: len(heard) >= len(addresses))
            assert [address for address, _ in heard] == list(addresses)
            assert {advertisement.rssi for _, advertisement in heard} == {rssi_dbm}
            return [advertisement for _, advertisement in heard]

        named = element(Element.NAME, b"one")
        await hears(-60, named + manufacturer(0x004C, b"first"), *crowd)
        told = await hears(-61, manufacturer(0x004C, b"second"), *crowd)
        assert {one.manufacturer_data[0x004C] for one in told} == {b"second"}
        assert {one.local_name for one in told} == {"one"}
        bluez = bleak_manager._global_instances[asyncio.get_running_loop()]  # noqa: SLF001
        known = bluez._properties.values()  # noqa: SLF001
        assert len(known) > len(crowd)
        assert sum(len(each.get("org.bluez.Device1", ())) > 5 for each in known) <= 600
        assert len(scanner.discovered_devices) <= 600
        # One of them turns out to be of use, and is kept from then on.
        (told_last,) = await hears(-62, service_data(0xFCD2, b"@"), last)
        assert list(told_last.service_data.values()) == [b"@"]
        assert last in {one.address for one in scanner.discovered_devices}
