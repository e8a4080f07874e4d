"""One adapter as bluetoothd presents it: who scans on it, and the devices that it hears.

Ref: BlueZ 5.66, src/adapter.c (btd_adapter_device_found), src/device.c (device_set_rssi,
temporary devices). What a client notices of it is kept: a device is known for 30 s after it was
last heard; data that stay the same are told once; and while there is no filtered discovery, as in
passive scanning, a strength is told only when it differs by 8 dB.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from dbus_fast import Message, Variant

from sim.ble.frame import Frame, Said, read
from sim.ble.objects import ADAPTER, DEVICE, MONITORS, Failed, Objects, Properties, failed
from sim.ble.patterns import Filter, Pattern, any_fits, discovery_filter

RSSI_STEP_DB: Final = 8
_COARSE: Final = Filter()
_AGAIN: Final = frozenset({"ServiceData", "ManufacturerData"})
"Told again where duplicates are asked for; everything else only when it changes."
_ERROR: Final = "org.freedesktop.DBus.Error"
_SETTABLE: Final = {"Powered": "b", "Alias": "s", "Pairable": "b", "Discoverable": "b"}


class Until(StrEnum):
    """What ends a freeze."""

    RESCAN = "rescan"
    "Scanning is started anew, by discovery or by a monitor."
    POWER = "power"
    "It is switched off and on."
    NEVER = "never"
    "Only unplugging helps."


class _Device:
    """A device as it was last told of."""

    __slots__ = (
        *("connectable", "data", "heard_s", "manufacturer"),
        *("path", "response", "service_data", "uuids"),
    )

    def __init__(self, path: str) -> None:
        self.path = path
        # What its adverts and responses said, one beside the other.
        self.service_data: dict[str, bytes] = {}
        self.manufacturer: dict[int, bytes] = {}
        self.uuids: set[str] = set()
        self.heard_s = 0.0
        self.connectable = False
        self.data = b""
        self.response = b""


@dataclass(slots=True)
class Scans:
    """Who scans: clients by their names on the bus."""

    discoveries: dict[str, Filter] = field(default_factory=dict)
    filters: dict[str, Filter] = field(default_factory=dict)
    "Set before a discovery is started."
    monitors: dict[tuple[str, str], Sequence[Pattern]] = field(default_factory=dict)
    "By client and path; empty until the client has shown what it wants."


class Adapter:
    """An adapter that is plugged in."""

    def __init__(
        self,
        address: str,
        index: int,
        objects: Objects,
        found: Callable[[str, str, str], None],
        *,
        experimental: bool,
        numbers: bool,
    ) -> None:
        """Appear on the bus.

        Args:
            address: its own.
            index: 0 is hci0.
            objects: where it appears.
            found: is told of each advert that fits a monitor: client, its monitor, the device.
            experimental: without, there is no passive scanning.
            numbers: a pattern may name a service or a maker.

        """
        self.address = address
        self.index = index
        self.path = f"/org/bluez/hci{index}"
        self.scans = Scans()
        self.frozen: Until | None = None
        self._objects = objects
        self._found = found
        self._numbers = numbers
        self._devices: dict[str, _Device] = {}
        self._held: set[str] = set()
        interfaces: dict[str, Properties] = {
            ADAPTER: {
                "Address": address,
                "AddressType": "public",
                "Name": f"ongi-{index}",
                "Alias": f"ongi-{index}",
                "Class": 0,
                "Powered": True,
                "Discoverable": False,
                "DiscoverableTimeout": 180,
                "Pairable": False,
                "PairableTimeout": 0,
                "Discovering": False,
                "UUIDs": [],
                "Modalias": "usb:v1D6Bp0246d0542",
                "Roles": ["central", "peripheral"],
            }
        }
        if experimental:
            interfaces[MONITORS] = {
                "SupportedMonitorTypes": ["or_patterns"],
                "SupportedFeatures": [],
            }
        objects.add(self.path, interfaces)

    @property
    def powered(self) -> bool:
        return self._objects.of(self.path, ADAPTER)["Powered"] is True

    @property
    def devices(self) -> int:
        """How many are known at this moment."""
        return len(self._devices)

    def address_of(self, path: str) -> str | None:
        """The address of a device by its path, if it is known."""
        return next((name for name, one in self._devices.items() if one.path == path), None)

    def hold(self, address: str, *, connected: bool) -> None:
        """A device that is connected is not forgotten."""
        (self._held.add if connected else self._held.discard)(address)

    # ------------------------------------------------------------------------------- adverts

    def hear(self, frame: Frame, rssi_dbm: int, now_s: float) -> None:
        """Tell of an advert what bluetoothd would tell."""
        if self.frozen is not None or not self.powered:
            return
        active = bool(self.scans.discoveries)
        fitting = [
            monitor
            for monitor, wanted in self.scans.monitors.items()
            if any_fits((wanted,), frame.data, numbers=self._numbers)
        ]
        if not active and not fitting:
            return
        device = self._devices.get(frame.address)
        response = frame.response if active else b""
        if device is not None and device.data == frame.data and device.response == response:
            said = None
        else:
            said = read(frame.data + response)
        if not fitting and not self._wanted(frame, said, rssi_dbm):
            return
        if device is None:
            assert said is not None
            device = _Device(f"{self.path}/dev_{frame.address.replace(':', '_')}")
            self._devices[frame.address] = device
            known = _properties(self.path, frame, said, rssi_dbm)
            known |= _news(device, {}, said, again=False)
            self._objects.add(device.path, {DEVICE: known})
        else:
            self._tell(device, said, rssi_dbm)
        device.heard_s, device.data, device.response = now_s, frame.data, response
        device.connectable = device.connectable or frame.connectable
        for client, monitor in fitting:
            self._found(client, monitor, device.path)

    def _wanted(self, frame: Frame, said: Said | None, rssi_dbm: int) -> bool:
        """Whether a discovery lets it through."""
        said = said or read(frame.data)
        discoveries = self.scans.discoveries.values()
        return any(one.passes(frame.address, said, rssi_dbm) for one in discoveries)

    def _tell(self, device: _Device, said: Said | None, rssi_dbm: int) -> None:
        discoveries = self.scans.discoveries.values()
        known = self._objects.of(device.path, DEVICE)
        changed: Properties = {}
        before = known.get("RSSI")
        finely = any(one.own for one in discoveries)
        if finely or not isinstance(before, int) or abs(before - rssi_dbm) >= RSSI_STEP_DB:
            changed["RSSI"] = rssi_dbm
        again = any(one.duplicates for one in discoveries)
        if said is None and again:
            said = read(device.data + device.response)
        if said is not None:
            changed |= _news(device, known, said, again=again)
        self._objects.change(device.path, DEVICE, changed)

    def forget(self, before_s: float) -> None:
        """Devices disappear that were last heard before this moment and are not connected."""
        for address, device in list(self._devices.items()):
            if device.heard_s < before_s and address not in self._held:
                del self._devices[address]
                self._objects.remove(device.path)

    # --------------------------------------------------------------------------------- calls

    def call(self, call: Message) -> Message:
        """Answer a method of Adapter1.

        Raises:
            Failed: BlueZ's own error.

        """
        sender = call.sender or ""
        match call.member:
            case "SetDiscoveryFilter":
                self.scans.filters[sender] = discovery_filter(call.body[0])
            case "StartDiscovery":
                self._start(sender)
            case "StopDiscovery":
                if self.scans.discoveries.pop(sender, None) is None:
                    raise failed("No discovery started")
                self._scan_over()
            case "RemoveDevice":
                address = self.address_of(call.body[0])
                if address is None:
                    raise Failed("org.bluez.Error.DoesNotExist", "Does Not Exist")
                del self._devices[address]
                self._objects.remove(call.body[0])
            case _:
                raise Failed("org.freedesktop.DBus.Error.UnknownMethod", str(call.member))
        return Message.new_method_return(call)

    def _start(self, sender: str) -> None:
        if not self.powered:
            raise Failed("org.bluez.Error.NotReady", "Resource Not Ready")
        if sender in self.scans.discoveries:
            raise Failed("org.bluez.Error.InProgress", "Operation already in progress")
        self.scans.discoveries[sender] = self.scans.filters.get(sender, _COARSE)
        self.thaw(Until.RESCAN)
        self._objects.change(self.path, ADAPTER, {"Discovering": True})

    def register(self, sender: str, path: str) -> None:
        """A client announces a monitor; what it wants to hear follows.

        Raises:
            Failed: BlueZ's own error.

        """
        if (sender, path) in self.scans.monitors:
            raise Failed("org.bluez.Error.AlreadyExists", "Already Exists")
        self.scans.monitors[sender, path] = ()
        self.thaw(Until.RESCAN)

    def unregister(self, sender: str, path: str) -> None:
        """A client takes its monitor back.

        Raises:
            Failed: BlueZ's own error.

        """
        if self.scans.monitors.pop((sender, path), None) is None:
            raise Failed("org.bluez.Error.DoesNotExist", "Does Not Exist")

    def leave(self, sender: str) -> None:
        """A client has gone from the bus."""
        scans = self.scans
        scans.filters.pop(sender, None)
        for key in [key for key in scans.monitors if key[0] == sender]:
            del scans.monitors[key]
        if scans.discoveries.pop(sender, None) is not None:
            self._scan_over()

    def set(self, name: str, value: Variant) -> None:
        """Set a property.

        Raises:
            Failed: it is not to be set.

        """
        if name not in self._objects.of(self.path, ADAPTER):
            raise Failed(f"{_ERROR}.UnknownProperty", f"No such property '{name}'")
        if name not in _SETTABLE:
            raise Failed(f"{_ERROR}.PropertyReadOnly", f"Property '{name}' is not writable")
        if value.signature != _SETTABLE[name]:
            raise Failed(f"{_ERROR}.InvalidSignature", f"Invalid signature for '{name}'")
        changed: Properties = {name: value.value}
        if name == "Powered" and not value.value:
            self.scans.discoveries.clear()
            self._sweep()
            changed["Discovering"] = False
        elif name == "Powered" and not self.powered:
            self.thaw(Until.POWER)
        self._objects.change(self.path, ADAPTER, changed)

    def thaw(self, by: Until) -> None:
        """What was done to it ends a freeze, if it was frozen until that."""
        if self.frozen is by or (by is Until.POWER and self.frozen is Until.RESCAN):
            self.frozen = None

    def _scan_over(self) -> None:
        if self.scans.discoveries:
            return
        self._sweep(("RSSI", "TxPower"))
        self._objects.change(self.path, ADAPTER, {"Discovering": False})

    def _sweep(self, over: tuple[str, ...] = ()) -> None:
        """Forget whom nobody can connect to, for which bluetoothd does not wait.

        Of the others, too, `over` is known no more.
        """
        for address, device in list(self._devices.items()):
            self._objects.change(device.path, DEVICE, {}, over)
            if not device.connectable and address not in self._held:
                del self._devices[address]
                self._objects.remove(device.path)


def _properties(adapter: str, frame: Frame, said: Said, rssi_dbm: int) -> Properties:
    return {
        "Address": frame.address,
        "AddressType": "public" if frame.public else "random",
        "Alias": said.name or frame.address.replace(":", "-"),
        "Paired": False,
        "Bonded": False,
        "Trusted": False,
        "Blocked": False,
        "LegacyPairing": False,
        "Connected": False,
        "ServicesResolved": False,
        "UUIDs": said.uuids,
        "Adapter": adapter,
        "RSSI": rssi_dbm,
    }


def _news(device: _Device, known: Properties, said: Said, *, again: bool) -> Properties:
    """What an advert says that was not known, or everything in it if duplicates are asked for."""
    news: Properties = {}
    if said.name is not None:
        news["Name"] = news["Alias"] = said.name
    if said.flags is not None:
        news["AdvertisingFlags"] = said.flags
    if said.tx_power is not None:
        news["TxPower"] = said.tx_power
    if said.uuids:
        device.uuids.update(said.uuids)
        news["UUIDs"] = sorted(device.uuids)
    # Without duplicates what other adverts said is kept beside it, and with them each stands
    # alone.
    if said.service_data:
        old = {} if again else device.service_data
        news["ServiceData"] = device.service_data = {**old, **said.service_data}
    if said.manufacturer:
        before = {} if again else device.manufacturer
        news["ManufacturerData"] = device.manufacturer = {**before, **said.manufacturer}
    return {
        name: value
        for name, value in news.items()
        if known.get(name) != value or (again and name in _AGAIN)
    }
