"""What is used of bleak and habluetooth without being offered: here it is noticed when it goes."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from bleak.backends.bluezdbus import manager as bleak_manager
from bleak.backends.scanner import AdvertisementData
from habluetooth import BluetoothScanningMode, HaScanner
from habluetooth.scanner_bleak import PASSIVE_SCANNER_ARGS

from drivers.ble.manager import Scanner, manager
from drivers.ble.scanner import LocalScanner
from sim.ble.frame import Element, Frame, element, flags, manufacturer, service_data
from tests.drivers.ble.air import HCI0, NEEDS_DBUS, World, world

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


async def test_all_adverts_come_by_the_bus_and_past_the_librarys_own_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[tuple[str, str, int]] = []

    def tap(source: str, address: str, advertisement: AdvertisementData) -> bool:
        heard.append((source, address, advertisement.rssi))
        return False

    async with (
        world(monkeypatch, listens=False) as here,
        manager([0xFCD2], [0x0969]) as library,
    ):
        assert not library.has_advertising_side_channel
        scanner = LocalScanner("hci0", HCI0, tap, active=False)
        scanner.async_setup()
        forget = library.async_register_scanner(scanner)
        await scanner.async_start()
        try:
            # Theirs would reset silent adapters.
            assert scanner._cancel_watchdog is None  # noqa: SLF001 -- a private name is the matter
            assert scanner.current_mode is BluetoothScanningMode.PASSIVE
            await _patterns_are_ours(here, heard)
        finally:
            await scanner.async_stop()
            forget()
    loop = asyncio.get_running_loop()
    assert loop not in bleak_manager._global_instances  # noqa: SLF001 -- likewise


async def _patterns_are_ours(here: World, heard: list[tuple[str, str, int]]) -> None:
    """Passive scanning lets through what we asked for, in the place of what they ask for."""
    wanted = [
        Frame("C0:00:00:00:00:01", service_data(0xFCD2, b"@")),
        Frame("C0:00:00:00:00:02", manufacturer(0x0969, b"some")),
    ]
    others = [
        Frame("C0:00:00:00:00:03", flags() + service_data(0x1234, b"@")),
        Frame("C0:00:00:00:00:04", flags() + manufacturer(0x004C, b"\x02\x15")),
        Frame("C0:00:00:00:00:05", flags() + element(Element.NAME, b"flags alone")),
    ]

    def sent() -> bool:
        for frame in (*others, *wanted):
            here.bluez.hear(HCI0, frame, -60)
        return len({address for _, address, _ in heard}) >= len(wanted)

    await here.until(sent)
    assert {address for _, address, _ in heard} == {frame.address for frame in wanted}
    assert {(source, rssi) for source, _, rssi in heard} == {(HCI0, -60)}
