"""What befalls bluetoothd, its adapters and the bus, as a client sees it."""

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError, BleakError
from dbus_fast import Variant

from rules.errors import ConfigError
from sim.ble.bluez import Until
from sim.ble.bus import PrivateBus
from tests.sim.ble.clients import (
    HCI0,
    HCI1,
    SENSOR,
    Air,
    ask,
    close_bleak,
    frame,
    managed,
    on_air,
    scanner,
    talking,
    until,
)
from tests.support.dbus import NEEDS_DBUS

if TYPE_CHECKING:
    from habluetooth import BluetoothServiceInfoBleak

pytestmark = [pytest.mark.wall, NEEDS_DBUS]

OURS = OrPattern(0, AdvertisementDataType.SERVICE_DATA_UUID16, b"\xd2\xfc")


class _Ear:
    """A bare passive scan that counts."""

    def __init__(self, adapter: str = "hci0") -> None:
        self.count = 0
        bluez = BlueZScannerArgs(or_patterns=[OURS], adapter=adapter)
        self.scanner = BleakScanner(self._hear, scanning_mode="passive", bluez=bluez)

    def _hear(self, _: BLEDevice, __: AdvertisementData) -> None:
        self.count += 1

    async def hears(self) -> None:
        before = self.count
        await until(lambda: self.count > before)

    async def is_deaf(self, for_s: float = 0.2) -> None:
        """Nothing comes, after what was on its way over the bus."""
        async with asyncio.timeout(5):
            before = -1
            while before != self.count:
                before = self.count
                await asyncio.sleep(for_s)


async def _power(adapter: str, *, on: bool) -> None:
    value = ("org.bluez.Adapter1", "Powered", Variant("b", on))
    await ask(f"/org/bluez/{adapter}", "org.freedesktop.DBus.Properties", "Set", "ssv", *value)


async def _start_failing(air: Air) -> BleakDBusError:
    with pytest.raises(BleakDBusError) as failure:
        await _Ear().scanner.start()
    assert not air.bluez.scanning(HCI0)
    return failure.value


async def test_a_restarted_bluetoothd_knows_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air, talking(air):
        ear, again = _Ear(), _Ear()
        await ear.scanner.start()
        await ear.hears()
        assert len(await managed()) == 2
        await air.bluez.restart(0.2)
        await ear.is_deaf()
        assert [*await managed()] == ["/org/bluez/hci0"]
        assert not air.bluez.scanning(HCI0)
        with pytest.raises(BleakDBusError, match="DoesNotExist"):
            await ear.scanner.stop()
        async with again.scanner:
            await again.hears()


async def test_habluetooth_lives_through_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air, talking(air):
        heard: list[BluetoothServiceInfoBleak] = []
        async with scanner(heard.append, SENSOR) as one:
            await until(lambda: heard)
            await air.bluez.restart(0.2)
            await one.async_stop()
            await one.async_start()
            heard.clear()
            await until(lambda: heard)


async def test_an_adapter_is_pulled_out_and_put_in_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with on_air(monkeypatch) as air, talking(air):
        ear, elsewhere = _Ear(), _Ear("hci1")
        await ear.scanner.start()
        await ear.hears()
        air.bluez.unplug(HCI0)
        await ear.is_deaf()
        with pytest.raises(BleakError):
            await ear.scanner.stop()
        with pytest.raises(BleakError, match="not found"):
            await _Ear().scanner.start()
        air.bluez.plug(HCI0, 1)
        await asyncio.sleep(0.05)
        async with elsewhere.scanner:
            await elsewhere.hears()


async def test_one_of_two_adapters_freezes(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {HCI0: 0, HCI1: 1}
    async with on_air(monkeypatch, both) as air, talking(air, adapters=(*both,)):
        ear, other = _Ear(), _Ear("hci1")
        async with ear.scanner, other.scanner:
            await ear.hears()
            air.bluez.freeze(HCI0, Until.RESCAN)
            await other.hears()
            await ear.is_deaf()
            await other.hears()


async def test_a_freeze_ends_by_scanning_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air, talking(air):
        ear = _Ear()
        await ear.scanner.start()
        await ear.hears()
        air.bluez.freeze(HCI0, Until.RESCAN)
        await ear.is_deaf()
        await ear.scanner.stop()
        async with ear.scanner:
            await ear.hears()


async def test_a_freeze_ends_by_switching_off_and_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air, talking(air):
        ear = _Ear()
        await ear.scanner.start()
        air.bluez.freeze(HCI0, Until.POWER)
        await ear.scanner.stop()
        async with ear.scanner:
            await ear.is_deaf()
            await _power("hci0", on=False)
            await _power("hci0", on=True)
            await ear.hears()


async def test_a_freeze_for_good_ends_by_unplugging_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air, talking(air):
        ear, again = _Ear(), _Ear()
        air.bluez.freeze(HCI0, Until.NEVER)
        async with ear.scanner:
            await _power("hci0", on=False)
            await _power("hci0", on=True)
            await ear.is_deaf()
        air.bluez.unplug(HCI0)
        air.bluez.plug(HCI0, 0)
        await asyncio.sleep(0.05)
        async with again.scanner:
            await again.hears()


async def test_a_scan_in_progress_is_refused_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air, talking(air):
        air.bluez.in_progress(2)
        for _ in range(2):
            assert (await _start_failing(air)).dbus_error == "org.bluez.Error.InProgress"
        ear = _Ear()
        async with ear.scanner:
            await ear.hears()


async def test_habluetooth_tries_again_while_in_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air, talking(air):
        heard: list[BluetoothServiceInfoBleak] = []
        air.bluez.in_progress(1)
        async with scanner(heard.append, SENSOR):
            await until(lambda: heard)


async def test_a_monitor_gets_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air, talking(air):
        air.bluez.hang()
        ear = _Ear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await ear.scanner.start()
        async with ear.scanner:
            await ear.hears()


async def test_an_adapter_that_is_off_starts_no_discovery(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch):
        await _power("hci0", on=False)
        with pytest.raises(BleakDBusError, match="NotReady"):
            await BleakScanner(bluez=BlueZScannerArgs(adapter="hci0")).start()


async def test_the_bus_dies_and_a_new_one_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air, talking(air):
        ear, again = _Ear(), _Ear()
        await ear.scanner.start()
        await ear.hears()
        await air.bus.kill()
        await until(lambda: not air.bluez.up.is_set())
        await ear.is_deaf()
        await close_bleak()
        await air.bus.start()
        await air.bluez.up.wait()
        async with again.scanner:
            await again.hears()


async def test_a_launcher_that_is_killed_leaves_no_bus_behind() -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom sim.ble.bus import private_bus\n"
        "async def main():\n    async with private_bus(Path(sys.argv[1])):\n"
        "        print('up', flush=True)\n        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with tempfile.TemporaryDirectory(prefix="ongi-") as folder:
        launcher = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, folder, stdout=asyncio.subprocess.PIPE
        )
        assert launcher.stdout is not None
        assert await launcher.stdout.readline() == b"up\n"
        reader, writer = await asyncio.open_unix_connection(str(Path(folder, "bus")))
        launcher.kill()
        await launcher.wait()
        async with asyncio.timeout(10):
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()


async def test_a_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / ("f" * 100)
    folder.mkdir()
    with pytest.raises(ConfigError, match="107"):
        PrivateBus(folder)


async def test_where_there_is_no_daemon_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"apt-get install .*dbus-daemon"):
        await PrivateBus(Path("/tmp")).start()


async def test_a_frame_is_lost_that_no_adapter_receives(monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_air(monkeypatch) as air:
        air.bluez.hear(HCI1, frame(1), -60)
        assert not air.bluez.scanning(HCI1)
