"""The one place of what bleak and habluetooth do not offer by a public name.

Their versions are bounded in pyproject.toml, and tests/drivers/ble/test_manager.py fails when one
of these names goes or does no longer what is relied upon.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from bleak.args.bluez import OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.bluezdbus import client as bleak_client
from bleak.backends.bluezdbus import defs
from bleak.backends.bluezdbus import manager as bleak_manager
from bleak.backends.bluezdbus.manager import BlueZManager
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from bleak_retry_connector import BleakSlotManager
from bluetooth_adapters import AdapterDetails, BluetoothAdapters
from dbus_fast import Message
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError
from habluetooth import BluetoothManager, BluetoothServiceInfoBleak, HaScanner, set_manager
from habluetooth.scanner_bleak import PASSIVE_SCANNER_ARGS, ScannerStartError

RADIO_ERRORS: Final = (
    OSError,
    EOFError,
    TimeoutError,
    BleakError,
    DBusFastError,
    ScannerStartError,
)
"""Whatever a radio that is not there, or a bus that dies, makes these libraries raise; their
RuntimeError for a bus that cannot be reached is turned into one of these in `Scanner`."""

_PATTERNS_MAX: Final = 7
"With more bluetoothd 5.66 to 5.82 writes past a buffer, and dies. Ref: bluez/bluez#2398."
_DISCOVERABLE: Final = b"\x06"
"Flags of nearly every device that adverts for somebody: general discoverable, no classic radio."
_ENDS_WITHIN_S: Final = 5.0

_WHOLE_MAX: Final = 600
"Objects that bleak may hold with all of their properties; of a stranger beyond it keeps these:"
_OF_STRANGERS: Final = ("Address", "Adapter", "Alias", "Name", "RSSI")


class Scanner(HaScanner):
    """Scans on one adapter; what it hears goes to `hear` before anything is left out of it."""

    _bluez: BlueZManager | None = None
    "bleak's connection on which it was started."

    def hear(self, device: BLEDevice, advertisement: AdvertisementData) -> tuple[bool, bool]:
        """Take an advert; whether it is of use, and the library is to know it so as to connect."""
        raise NotImplementedError

    async def async_start(self) -> None:
        """Scan.

        Raises:
            RADIO_ERRORS: it cannot.

        """
        try:
            await super().async_start()
        except RuntimeError as error:  # What `create_bleak_scanner` makes of a lost bus.
            raise ScannerStartError(str(error)) from error
        self._bluez = bleak_manager._global_instances.get(asyncio.get_running_loop())  # noqa: SLF001

    async def async_stop(self) -> None:
        """Scan no more."""
        if _is_lost(self._bluez):
            # What is sent on a connection that is closed already makes dbus-fast take away the
            # reader of whichever connection has its file descriptor by now, which is deaf then.
            self.scanner = None
            _drop(self._bluez)
        await super().async_stop()

    def _async_detection_callback(
        self, device: BLEDevice, advertisement_data: AdvertisementData
    ) -> None:
        of_use, connectable = self.hear(device, advertisement_data)
        if connectable:
            super()._async_detection_callback(device, advertisement_data)
        elif not of_use:
            self._forget(advertisement_data.platform_data[0])

    def _forget(self, path: str) -> None:
        """Have bleak keep of a stranger only what it needs to tell of his next advert.

        It keeps everything twice until bluetoothd forgets him after 30 s of silence: in an active
        scan, which has no patterns, 4 to 5 KiB for each of the thousands in a large building.
        """
        bluez, scanner = self._bluez, self.scanner
        if bluez is None or scanner is None or len(bluez._properties) <= _WHOLE_MAX:  # noqa: SLF001
            return
        scanner._backend.seen_devices.pop(path, None)  # noqa: SLF001
        device = bluez._properties.get(path, {}).get(defs.DEVICE_INTERFACE)  # noqa: SLF001
        if device is not None and len(device) > len(_OF_STRANGERS):
            kept: dict[str, object] = {
                name: device[name] for name in _OF_STRANGERS if name in device
            }
            bluez._properties[path] = {defs.DEVICE_INTERFACE: kept}  # noqa: SLF001

    def _async_setup_scanner_watchdog(self) -> None:
        """Do without its own: it takes 90 s, knows nothing of silent homes, and would reset."""

    async def _async_reset_adapter(self, gone_silent: bool) -> None:  # noqa: FBT001 -- theirs
        """Leave that to the keeper: this would go past bluetoothd, with rights we do not have."""


class _Bus(MessageBus):
    """bleak's connections to the bus, of which nothing is asked when they are closed.

    dbus-fast would never answer, and would take away the reader of whichever connection has its
    file descriptor by now. bleak does ask, where a bus dies while it connects or disconnects, and
    habluetooth does before each start of a scan.
    """

    # It overrides its own base with another type.
    def send(self, msg: Message) -> "asyncio.Future[None]":  # type: ignore[override]
        if not self.connected:
            raise EOFError("the bus has gone")
        return super().send(msg)


class _Adapters(BluetoothAdapters):
    """None: `drivers.ble.bus` knows them. Theirs loads the names of all makers to list two."""

    @property
    def adapters(self) -> dict[str, AdapterDetails]:
        return {}

    @property
    def default_adapter(self) -> str:
        return "hci0"


class _Manager(BluetoothManager):
    def _discover_service_info(self, service_info: BluetoothServiceInfoBleak) -> None:
        """Nothing is discovered here: what is heard is taken by `Scanner.hear`."""

    def connectable_device(self, address: str) -> BLEDevice | None:
        """A device that an adapter or proxy of this moment has heard, so that it can connect.

        Theirs also knows what was heard by one that is gone, and an attempt by that takes 4 s.
        """
        if not self.async_scanner_devices_by_address(address, connectable=True):
            return None
        return self.async_ble_device_from_address(address, connectable=True)

    def keep_to_dbus(self) -> None:
        """Give up the kernel's own socket, if the process was allowed to open it.

        It would bring the adverts past D-Bus on machines where it can be opened, and only there:
        one path that is tested is better than two.
        """
        if self._mgmt_ctl is not None:
            self._mgmt_ctl.close()
            self._mgmt_ctl = None
        self.has_advertising_side_channel = False


@asynccontextmanager
async def manager(uuid16s: Iterable[int], companies: Iterable[int]) -> AsyncIterator[_Manager]:
    """Make ready for scanners that hear service data and makers' own data of these, passively."""
    patterns = _patterns(uuid16s, companies)
    assert len(patterns) <= _PATTERNS_MAX, f"{len(patterns)} patterns"
    # In place: the compiled module has its own reference to the dictionary, and copies that only.
    PASSIVE_SCANNER_ARGS["or_patterns"][:] = patterns
    bleak_client.MessageBus = bleak_manager.MessageBus = _Bus  # type: ignore[attr-defined]
    # They log each failure with its traceback; it is a fact to the keeper, and told by it.
    for library in ("habluetooth", "bleak", "bleak_retry_connector"):
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    slots = BleakSlotManager()
    made = _Manager(_Adapters(), slots)
    set_manager(made)
    await made.async_setup()
    made.keep_to_dbus()
    try:
        yield made
    finally:
        made.async_stop()
        await _close_bleak()


def _patterns(uuid16s: Iterable[int], companies: Iterable[int]) -> list[OrPattern]:
    service_data, manufacturer = (
        AdvertisementDataType.SERVICE_DATA_UUID16,
        AdvertisementDataType.MANUFACTURER_SPECIFIC_DATA,
    )
    return [
        *(
            OrPattern(0, kind, number.to_bytes(2, "little"))
            for kind, numbers in ((service_data, uuid16s), (manufacturer, companies))
            for number in numbers
        ),
        # From 5.69 on bluetoothd looks for those behind the number that they are, and never finds
        # them; flags are found by every version. Ref: bluez/bluez#652, #1176.
        OrPattern(0, AdvertisementDataType.FLAGS, _DISCOVERABLE),
    ]


def _is_lost(bluez: BlueZManager | None) -> bool:
    return bluez is not None and bluez._bus is not None and not bluez._bus.connected  # noqa: SLF001


def _drop(bluez: BlueZManager | None) -> None:
    """Have bleak begin anew: the callbacks of what was not stopped go with the old one."""
    loop = asyncio.get_running_loop()
    if bleak_manager._global_instances.get(loop) is bluez:  # noqa: SLF001
        bleak_manager._global_instances.pop(loop, None)  # noqa: SLF001


async def _close_bleak() -> None:
    """End the connection and the task that bleak keeps for each event loop."""
    theirs = bleak_manager._global_instances.pop(asyncio.get_running_loop(), None)  # noqa: SLF001
    if theirs is None or theirs._bus is None:  # noqa: SLF001
        return
    theirs._bus.disconnect()  # noqa: SLF001
    watcher = theirs._bus_watcher_task  # noqa: SLF001
    if watcher is not None:
        await asyncio.wait({watcher}, timeout=_ENDS_WITHIN_S)
