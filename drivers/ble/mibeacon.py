"""Decodes Xiaomi's MiBeacon: header, tag and counter here, the values through xiaomi-ble.

The library is not asked whether to believe a frame. It takes a recorded one again, a plain one of
a device with a key, and after a wrong tag it repeats what it read before; it is handed only what
was found authentic here, and a new one each time.

Ref: MiBeacon protocol, https://iot.mi.com/new/doc/accesses/direct-access/embedded-development/ble/,
"Mibeacon protocol" v5. Service data of 0xFE95, little-endian:

    frame control 2 | product 2 | counter 1 | [MAC 6, reversed] | [capability 1, [I/O 1]] | objects

Objects are type 2, length 1, value. Encrypted (AES-CCM, RFC 3610, tag of 4 bytes, associated data
0x11) they are followed by the upper 3 bytes of the counter and the tag; the nonce is MAC (6,
reversed), product (2), counter (1), upper counter (3). Versions 2 and 3 encrypt without a tag.
"""

import logging
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from drivers.ble.decoded import Decoded, ObjectValue, Opener
from drivers.refused import Refused, Why
from rules.device import Device

if TYPE_CHECKING:
    from sensor_state_data import SensorUpdate

UUID16: Final = 0xFE95
_UUID: Final = "0000fe95-0000-1000-8000-00805f9b34fb"

_ENCRYPTED: Final = 0x0008
_MAC_INCLUDED: Final = 0x0010
_CAPABILITY: Final = 0x0020
_OBJECTS: Final = 0x0040
_MESH: Final = 0x0080
_IO_CAPABILITY: Final = 0x20

_HEADER: Final = 5
_MAC_BYTES: Final = 6
_OBJECT_HEADER: Final = 3
_COUNTER_AND_TAG: Final = 7
_ASSOCIATED: Final = b"\x11"
_FIRST_PLAIN: Final = 2
_FIRST_TAGGED: Final = 4
"Versions; before, encryption has no tag."

_FLAGS: Final = {
    "battery": 0x15,
    "light": 0x1E,
    "moisture": 0x20,
    "motion": 0x21,
    "occupancy": 0x23,
    "opening": 0x11,
    "smoke": 0x29,
}
_NUMBERS: Final = {"battery": 0x01, "humidity": 0x03, "illuminance": 0x05, "temperature": 0x02}
_EVENTS: Final[dict[tuple[str, str], tuple[int, ObjectValue]]] = {
    ("button", "press"): (0x3A, 1),
    ("button", "double_press"): (0x3A, 2),
    ("button", "long_press"): (0x3A, 4),
    ("motion", "motion_detected"): (0x21, True),
}
"What the library calls it, and the BTHome object that it is."
_NOT_SENT: Final = frozenset({"signal_strength", "voltage"})
"The library adds the one to every frame and makes the other up from the battery's percentage."
_LARGEST: Final = 1e9
"Some products send floating point; what is larger, infinite or no number was not measured."

# It has a line for every frame that it does not know, and anybody may send those.
logging.getLogger("xiaomi_ble").setLevel(logging.CRITICAL)


class BindKey:
    """The key of one device, ready to open its frames."""

    __slots__ = ("_decrypt", "_mac_reversed")

    def __init__(self, mac: bytes, key: bytes) -> None:
        """Take the device's 6 MAC bytes in the order written and its 16 key bytes."""
        self._decrypt = AESCCM(key, tag_length=4).decrypt
        self._mac_reversed = mac[::-1]

    def open(self, service_data: bytes, start: int) -> bytes:
        """The objects of encrypted service data whose ciphertext begins at `start`.

        Raises:
            Refused: the tag does not fit.

        """
        try:
            return self._decrypt(
                self._mac_reversed + service_data[2:5] + service_data[-7:-4],
                service_data[start:-7] + service_data[-4:],
                _ASSOCIATED,
            )
        except InvalidTag as error:
            raise Refused(Why.WRONG_KEY, "the tag does not fit") from error


def decode(service_data: bytes, key: BindKey | None = None) -> Decoded | None:
    """Parse the service data of UUID 0xFE95 (without the UUID itself).

    None for a frame without objects: devices with a key send such in the clear between others.
    With a `key` a frame with objects must be encrypted with it, without one it must be plain.

    Raises:
        Refused: a `FrameError`: another version, cut short, encryption that does not fit, or the
            library is not installed.

    """
    if len(service_data) < _HEADER:
        raise Refused(Why.MALFORMED, f"{len(service_data)} bytes cannot be a frame")
    control = int.from_bytes(service_data[:2], "little")
    if not control & _OBJECTS or control & _MESH:
        return None
    version = control >> 12
    if version < (_FIRST_TAGGED if control & _ENCRYPTED else _FIRST_PLAIN):
        raise Refused(Why.VERSION, f"MiBeacon version {version}, whose encryption has no tag")
    start, mac = _start(service_data, control)
    if control & _ENCRYPTED:
        if len(service_data) < start + _OBJECT_HEADER + _COUNTER_AND_TAG:
            raise Refused(Why.MALFORMED, f"{len(service_data)} bytes cannot be an encrypted frame")
        if key is None:
            raise Refused(Why.NO_KEY, "encrypted, and no key is known")
        objects = key.open(service_data, start)
        counter = service_data[4] | int.from_bytes(service_data[-7:-4], "little") << 8
        # It is that of the event: the repetitions of a frame do not count on.
        frame = _read(service_data[2:4], objects, mac)
        return frame._replace(packet_id=counter, counter=counter)
    if key is not None:
        raise Refused(Why.PLAINTEXT, "plain, though the device has a key")
    frame = _read(service_data[2:4], service_data[start:], mac)
    # Of a plain frame the counter proves nothing; it tells repetitions from news.
    return frame._replace(packet_id=service_data[4])


def is_encrypted(service_data: bytes) -> bool:
    """Whether a frame says so of itself; nothing of it is read here."""
    return bool(int.from_bytes(service_data[:2], "little") & _ENCRYPTED)


def opener(_device: Device, mac: bytes, key: bytes | None) -> Opener:
    """What decodes the adverts of one device."""
    bind_key = None if key is None else BindKey(mac, key)
    return lambda advert: decode(advert.service_data, bind_key)


def _start(service_data: bytes, control: int) -> tuple[int, bytes | None]:
    """Where the objects begin, perhaps past the end, and the MAC in the order written, if any."""
    start, mac = _HEADER, None
    if control & _MAC_INCLUDED:
        start += _MAC_BYTES
        mac = service_data[_HEADER:start][::-1]
    if control & _CAPABILITY:
        start += 1
        if len(service_data) >= start and service_data[start - 1] & _IO_CAPABILITY:
            start += 1
    return start, mac


def _read(product: bytes, payload: bytes, mac: bytes | None) -> Decoded:
    """What the library makes of objects that may be believed."""
    _whole(payload)
    try:
        # Tens of megabytes, and most homes have no such device.
        from habluetooth import BluetoothServiceInfo  # noqa: PLC0415
        from xiaomi_ble.parser import XiaomiBluetoothDeviceData  # noqa: PLC0415
    except ImportError as error:
        raise Refused(Why.NEEDS_XIAOMI, "xiaomi-ble is not installed: ongi[xiaomi]") from error
    # Laid out anew as a plain frame of version 5 without an address: the key stays here.
    frame = (_OBJECTS | 5 << 12).to_bytes(2, "little") + product + b"\0" + payload
    info = BluetoothServiceInfo(
        name="",
        address="00:00:00:00:00:00",
        rssi=0,
        manufacturer_data={},
        service_data={_UUID: frame},
        service_uuids=[_UUID],
        source="",
    )
    try:
        update = XiaomiBluetoothDeviceData().update(info)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Its readers of single objects raise what they like at values that they do not expect.
        raise Refused(Why.MALFORMED, f"xiaomi-ble cannot read it: {error!r:.60}") from error
    objects, dropped = _objects(update)
    unknown = b"" if objects or dropped else payload
    return Decoded(objects, mac=mac, undecoded=unknown, dropped=dropped)


def _whole(payload: bytes) -> None:
    """See that the payload is one object or several, each whole.

    Raises:
        Refused: it is not.

    """
    at = 0
    while at + _OBJECT_HEADER <= len(payload):
        at += _OBJECT_HEADER + payload[at + 2]
    if at != len(payload) or not payload:
        raise Refused(Why.MALFORMED, "an object is cut short")


def _objects(update: "SensorUpdate") -> tuple[tuple[tuple[int, ObjectValue], ...], int]:
    """The library's values as BTHome objects, and how many have no such object."""
    objects: list[tuple[int, ObjectValue]] = []
    dropped = 0
    for flag, state in update.binary_entity_values.items():
        if flag.key in _FLAGS and state.native_value is not None:
            objects.append((_FLAGS[flag.key], bool(state.native_value)))
        else:
            dropped += 1
    for name, measured in update.entity_values.items():
        value = measured.native_value
        known = _NUMBERS.get(name.key)
        # No number at all is not smaller, either.
        if known is not None and isinstance(value, int | float) and abs(value) < _LARGEST:
            objects.append((known, value))
        else:
            dropped += name.key not in _NOT_SENT
    for event, happened in update.events.items():
        told = _EVENTS.get((event.key, happened.event_type))
        if told is None:
            dropped += 1
        else:
            objects.append(told)
    return tuple(objects), dropped
