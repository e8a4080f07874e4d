"""More at once than a socket holds."""

import asyncio

import pytest
from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from tests.sim.ble.clients import HCI0, NEEDS_DBUS, frame, managed, on_air, until

pytestmark = [pytest.mark.wall, NEEDS_DBUS]

BURST = 5000
OURS = OrPattern(0, AdvertisementDataType.SERVICE_DATA_UUID16, b"\xd2\xfc")


class _Ear:
    """A bare passive scan that notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        bluez = BlueZScannerArgs(or_patterns=[OURS])
        self.scanner = BleakScanner(self._hear, scanning_mode="passive", bluez=bluez)

    def _hear(self, _: BLEDevice, advertisement: AdvertisementData) -> None:
        self.heard += advertisement.service_data.values()


async def test_a_burst_arrives_whole_and_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air:
        ear = _Ear()
        async with ear.scanner:
            await until(lambda: air.bluez.scanning(HCI0))
            for number in range(BURST):
                air.bluez.hear(HCI0, frame(number), -60)
            await until(lambda: len(ear.heard) >= BURST, within_s=30)
        numbers = [int.from_bytes(data[1:5], "little") for data in ear.heard]
        assert numbers == list(range(BURST))
        assert air.bluez.overheard == 0


async def test_an_answer_that_fills_the_socket_is_given_amid_a_burst(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch) as air:
        ear = _Ear()
        async with ear.scanner:
            await until(lambda: air.bluez.scanning(HCI0))
            for number in range(BURST):
                address = f"C0:DE:{number.to_bytes(4, 'big').hex(':').upper()}"
                air.bluez.hear(HCI0, frame(number, address), -60)
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(managed())
                for number in range(BURST):
                    if number % 50 == 0:
                        await asyncio.sleep(0)
                    air.bluez.hear(HCI0, frame(number), -60)
            await until(lambda: len(ear.heard) >= 2 * BURST, within_s=30)
        # More may have been heard of before the question was read.
        assert len(asked.result()) >= BURST + 1
