"""The objects of a D-Bus service: their properties, and the signals that tell of their changes.

Ref: D-Bus Specification 0.41, "Standard Interfaces"; BlueZ 5.66, doc/*-api.txt, for the types.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from dbus_fast import Message, MessageType, Variant

OBJECT_MANAGER: Final = "org.freedesktop.DBus.ObjectManager"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
UNKNOWN_OBJECT: Final = "org.freedesktop.DBus.Error.UnknownObject"
UNKNOWN_METHOD: Final = "org.freedesktop.DBus.Error.UnknownMethod"
INVALID_ARGUMENTS: Final = "org.freedesktop.DBus.Error.InvalidArgs"

ADAPTER: Final = "org.bluez.Adapter1"
MONITORS: Final = "org.bluez.AdvertisementMonitorManager1"
MONITOR: Final = "org.bluez.AdvertisementMonitor1"
DEVICE: Final = "org.bluez.Device1"
SERVICE: Final = "org.bluez.GattService1"
CHARACTERISTIC: Final = "org.bluez.GattCharacteristic1"

_SIGNATURES: Final = {
    "Adapter": "o",
    "Address": "s",
    "AddressType": "s",
    "AdvertisingFlags": "ay",
    "Alias": "s",
    "Blocked": "b",
    "Bonded": "b",
    "Class": "u",
    "Connected": "b",
    "Device": "o",
    "Discoverable": "b",
    "DiscoverableTimeout": "u",
    "Discovering": "b",
    "Flags": "as",
    "Handle": "q",
    "Includes": "ao",
    "LegacyPairing": "b",
    "MTU": "q",
    "ManufacturerData": "a{qv}",
    "Modalias": "s",
    "Name": "s",
    "NotifyAcquired": "b",
    "Notifying": "b",
    "Pairable": "b",
    "PairableTimeout": "u",
    "Paired": "b",
    "Powered": "b",
    "Primary": "b",
    "RSSI": "n",
    "Roles": "as",
    "Service": "o",
    "ServiceData": "a{sv}",
    "ServicesResolved": "b",
    "SupportedFeatures": "as",
    "SupportedMonitorTypes": "as",
    "Trusted": "b",
    "TxPower": "n",
    "UUID": "s",
    "UUIDs": "as",
    "Value": "ay",
    "WriteAcquired": "b",
}

Property = bool | int | str | bytes | list[str] | dict[str, bytes] | dict[int, bytes]
Properties = dict[str, Property]


class Failed(Exception):  # noqa: N818 -- an answer of the service, as D-Bus names it
    """A call that is answered with an error."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(name, text)
        self.name = name
        self.text = text


def failed(text: str) -> Failed:
    """BlueZ's error for everything that has no name of its own."""
    return Failed("org.bluez.Error.Failed", text)


class Objects:
    """All objects of the service by their paths, each with its interfaces' properties."""

    def __init__(self, tell: Callable[[Message], None]) -> None:
        """Every change is told by a signal."""
        self._tell = tell
        self._objects: dict[str, dict[str, Properties]] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._objects

    def add(self, path: str, interfaces: dict[str, Properties]) -> None:
        """An object appears."""
        self._objects[path] = interfaces
        body = [path, _variants_of(interfaces)]
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", body)

    def remove(self, path: str) -> None:
        """An object disappears, and what lies below it before it."""
        below = f"{path}/"
        paths = [other for other in self._objects if other.startswith(below)]
        for gone in (*sorted(paths, reverse=True), path):
            interfaces = self._objects.pop(gone, None)
            if interfaces is not None:
                body = [gone, list(interfaces)]
                self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", body)

    def forget(self) -> None:
        """Everything disappears with the service itself, in silence."""
        self._objects.clear()

    def of(self, path: str, interface: str) -> Properties:
        """Properties of one interface.

        Raises:
            Failed: there is no such object, or it has no such interface.

        """
        interfaces = self._objects.get(path)
        if interfaces is None:
            raise Failed(UNKNOWN_OBJECT, f"there is no object {path}")
        if interface not in interfaces:
            raise Failed(UNKNOWN_METHOD, f"{path} has no interface {interface}")
        return interfaces[interface]

    def change(
        self,
        path: str,
        interface: str,
        changed: Mapping[str, Property],
        gone: tuple[str, ...] = (),
    ) -> None:
        """Properties change; those of `gone` have no value any more."""
        properties = self._objects[path][interface]
        properties.update(changed)
        gone = tuple(name for name in gone if properties.pop(name, None) is not None)
        if changed or gone:
            body = [interface, variants(changed), list(gone)]
            self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def managed(self, call: Message) -> Message:
        """The answer to GetManagedObjects."""
        body = {path: _variants_of(interfaces) for path, interfaces in self._objects.items()}
        return Message.new_method_return(call, "a{oa{sa{sv}}}", [body])

    def got(self, call: Message) -> Message:
        """The answer to Get and GetAll of Properties.

        Raises:
            Failed: there is no such object, interface or property.

        """
        properties = self.of(call.path or "", call.body[0])
        if call.member == "GetAll":
            return Message.new_method_return(call, "a{sv}", [variants(properties)])
        name = call.body[1]
        if name not in properties:
            raise Failed(INVALID_ARGUMENTS, f"No such property '{name}'")
        return Message.new_method_return(call, "v", [_variant(name, properties[name])])

    def _signal(
        self, path: str, interface: str, member: str, signature: str, body: Sequence[object]
    ) -> None:
        self._tell(
            Message(
                message_type=MessageType.SIGNAL,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )


def variants(properties: Mapping[str, Property]) -> dict[str, Variant]:
    """Properties with their types, as they cross the bus."""
    return {name: _variant(name, value) for name, value in properties.items()}


def _variants_of(interfaces: Mapping[str, Properties]) -> dict[str, dict[str, Variant]]:
    return {interface: variants(properties) for interface, properties in interfaces.items()}


def _variant(name: str, value: Property) -> Variant:
    if isinstance(value, dict):
        value_of = {key: Variant("ay", data) for key, data in value.items()}
        return Variant(_SIGNATURES[name], value_of)
    return Variant(_SIGNATURES[name], value)
