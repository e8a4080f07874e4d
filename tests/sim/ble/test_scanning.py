"""bleak and habluetooth, unmodified, scanning on the virtual BlueZ."""

import asyncio
import sys

import pytest
from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from habluetooth import BluetoothScanningMode, BluetoothServiceInfoBleak

from sim.ble.frame import Frame, flags, manufacturer, name, service_data
from sim.ble.outbox import WAITING_MAX
from tests.sim.ble.clients import (
    BTHOME,
    HCI0,
    HCI1,
    SENSOR,
    frame,
    managed,
    on_air,
    scanner,
    until,
)
from tests.support.dbus import NEEDS_DBUS

pytestmark = [pytest.mark.wall, NEEDS_DBUS]

OURS = OrPattern(0, AdvertisementDataType.SERVICE_DATA_UUID16, b"\xd2\xfc")
STRANGER = "7A:11:22:33:44:55"
BURST = 5000
"Adverts: many times what a socket holds."


class _Heard(list[tuple[str, AdvertisementData]]):
    """What a bare bleak heard."""

    def hear(self, device: BLEDevice, advert: AdvertisementData) -> None:
        self.append((device.address, advert))

    @property
    def data(self) -> list[bytes]:
        return [advert.service_data[BTHOME] for _, advert in self]


def _passive(heard: _Heard, adapter: str = "hci0") -> BleakScanner:
    bluez = BlueZScannerArgs(or_patterns=[OURS], adapter=adapter)
    return BleakScanner(heard.hear, scanning_mode="passive", bluez=bluez)


def _active(heard: _Heard) -> BleakScanner:
    return BleakScanner(heard.hear, bluez=BlueZScannerArgs(adapter="hci0"))


async def test_a_passive_scan_hears_what_fits_its_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air:
        heard = _Heard()
        async with _passive(heard):
            await until(lambda: air.bluez.scanning(HCI0))
            stranger = Frame(STRANGER, flags() + manufacturer(0x004C, b"\x10\x05"))
            for count in range(20):
                air.bluez.hear(HCI0, frame(count), -60)
                air.bluez.hear(HCI0, stranger, -60)
            await until(lambda: len(heard) == 20)
        assert {address for address, _ in heard} == {SENSOR}
        assert heard.data == [b"\x40" + count.to_bytes(4, "little") for count in range(20)]
        await until(lambda: not air.bluez.scanning(HCI0))


async def test_an_active_scan_hears_everybody_and_their_responses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch) as air:
        heard = _Heard()
        async with _active(heard):
            await until(lambda: air.bluez.scanning(HCI0))
            data = flags() + service_data(0xFCD2, b"\x40")
            named = Frame(SENSOR, data, response=name("SBBT-002C"))
            air.bluez.hear(HCI0, named, -60)
            air.bluez.hear(HCI0, Frame(STRANGER, manufacturer(0x004C, b"\x10")), -80)
            await until(lambda: len(heard) == 2)
        assert {address: advert.local_name for address, advert in heard} == {
            SENSOR: "SBBT-002C",
            STRANGER: None,
        }
        assert [advert.rssi for _, advert in heard] == [-60, -80]


async def test_what_stays_the_same_is_told_once_to_a_passive_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As bluetoothd does: no repetition, and no strength that differs by less than 8 dB."""
    async with on_air(monkeypatch) as air:
        heard = _Heard()
        async with _passive(heard):
            await until(lambda: air.bluez.scanning(HCI0))
            for rssi in (-60, -61, -67, -68):
                air.bluez.hear(HCI0, frame(1), rssi)
            air.bluez.hear(HCI0, frame(2), -70)
            await until(lambda: heard.data[-1:] == [frame(2).data[-5:]])
        assert [advert.rssi for _, advert in heard] == [-60, -68, -68]


async def test_an_active_scan_is_told_every_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air:
        heard = _Heard()
        async with _active(heard):
            await until(lambda: air.bluez.scanning(HCI0))
            for rssi in (-60, -60, -61):
                air.bluez.hear(HCI0, frame(1), rssi)
            await until(lambda: len(heard) == 3)
        assert [advert.rssi for _, advert in heard] == [-60, -60, -61]


async def test_a_device_is_forgotten_after_its_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch, temporary_s=0.3) as air:
        heard = _Heard()
        async with _passive(heard) as one:
            await until(lambda: air.bluez.scanning(HCI0))
            air.bluez.hear(HCI0, frame(1), -60)
            await until(lambda: one.discovered_devices)
            await until(lambda: not one.discovered_devices)
            air.bluez.hear(HCI0, frame(1), -60)
            await until(lambda: len(heard) == 2)


async def test_without_experimental_features_there_is_no_passive_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch, experimental=False) as air:
        heard = _Heard()
        with pytest.raises(BleakError, match="experimental"):
            await _passive(heard).start()
        async with _active(heard):
            await until(lambda: air.bluez.scanning(HCI0))


async def test_a_client_that_goes_leaves_no_scan_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import asyncio\nfrom bleak import BleakScanner\n"
        "async def main():\n"
        "    async with BleakScanner():\n        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    async with on_air(monkeypatch) as air:
        client = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
        try:
            await until(lambda: air.bluez.scanning(HCI0))
        finally:
            client.kill()
            await client.wait()
        await until(lambda: not air.bluez.scanning(HCI0))


async def test_habluetooth_hears_over_two_adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch, {HCI0: 0, HCI1: 1}) as air:
        near: list[BluetoothServiceInfoBleak] = []
        far = _Heard()
        async with scanner(near.append, SENSOR), _passive(far, "hci1"):
            await until(lambda: all(air.bluez.scanning(one) for one in (HCI0, HCI1)))
            air.bluez.hear(HCI0, frame(1), -60)
            air.bluez.hear(HCI1, frame(1), -80)
            air.bluez.hear(HCI1, frame(2), -80)
            await until(lambda: near and len(far) == 2)
        assert [(info.source, info.rssi) for info in near] == [(HCI0, -60)]


async def test_the_tenth_adapter_is_not_taken_for_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch, {HCI0: 1, HCI1: 10}) as air:
        heard = _Heard()
        async with _passive(heard, "hci10"):
            await until(lambda: air.bluez.scanning(HCI1))
            assert not air.bluez.scanning(HCI0)


async def test_habluetooth_scans_actively(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air:
        heard: list[BluetoothServiceInfoBleak] = []
        async with scanner(heard.append, SENSOR, mode=BluetoothScanningMode.ACTIVE):
            await until(lambda: air.bluez.scanning(HCI0))
            air.bluez.hear(HCI0, frame(1), -60)
            await until(lambda: heard)


@pytest.mark.once
async def test_a_thousand_adverts_a_second_arrive_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """For five seconds, from fifty devices."""
    async with on_air(monkeypatch) as air:
        heard = _Heard()
        devices = [f"C0:DE:CC:00:01:{number:02X}" for number in range(50)]
        loop = asyncio.get_running_loop()
        async with _passive(heard):
            await until(lambda: air.bluez.scanning(HCI0))
            begin, sent = loop.time(), 0
            while sent < 5000:
                while sent < min((loop.time() - begin) * 1000, 5000):
                    air.bluez.hear(HCI0, frame(sent, devices[sent % 50]), -60 - sent % 20)
                    sent += 1
                await asyncio.sleep(0.005)
            await until(lambda: len(heard) >= 5000, within_s=30)
        assert len(set(heard.data)) == len(heard) == 5000


async def test_a_burst_arrives_whole_and_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air:
        heard = _Heard()
        async with _passive(heard):
            await until(lambda: air.bluez.scanning(HCI0))
            for number in range(BURST):
                air.bluez.hear(HCI0, frame(number), -60)
            await until(lambda: len(heard) >= BURST, within_s=30)
        numbers = [int.from_bytes(data[1:], "little") for data in heard.data]
        assert numbers == list(range(BURST))
        assert air.bluez.overheard == 0


async def test_what_is_more_than_can_be_told_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air:
        heard = _Heard()
        async with _passive(heard):
            await until(lambda: air.bluez.scanning(HCI0))
            for number in range(WAITING_MAX + BURST):
                air.bluez.hear(HCI0, frame(number), -60)
            told = WAITING_MAX + BURST - air.bluez.overheard
            assert BURST <= told <= WAITING_MAX + BURST // 10
            await until(lambda: len(heard) >= told, within_s=30)
            air.bluez.hear(HCI0, frame(0), -60)
            await until(lambda: len(heard) > told)


async def test_an_answer_that_fills_the_socket_is_given_amid_a_burst(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch) as air:
        heard = _Heard()
        async with _passive(heard):
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
            await until(lambda: len(heard) >= 2 * BURST, within_s=30)
        assert len(asked.result()) > BURST
