"""Builds BTHome v2 service data as firmware would: the other side of `drivers.ble.bthome`.

Ref: BTHome v2, https://bthome.io/format/ and https://bthome.io/encryption/, as of 30 April 2026.
"""

from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from drivers.ble.bthome import BUTTON, OBJECTS, PACKET_ID, Kind
from drivers.ble.decoded import ObjectValue
from rules.observation import Phenomenon, Press, Value

_INFORMATION: Final = 0x40
_WH_PER_KWH: Final = 1000

_CARRIERS: Final = {
    Phenomenon.BATTERY_PCT: 0x01,
    Phenomenon.TEMPERATURE_C: 0x02,
    Phenomenon.HUMIDITY_PCT: 0x03,
    Phenomenon.ILLUMINANCE_LX: 0x05,
    Phenomenon.POWER_W: 0x0B,
    Phenomenon.BATTERY_V: 0x0C,
    Phenomenon.RELAY_ON: 0x10,
    Phenomenon.CO: 0x17,
    Phenomenon.GAS: 0x1C,
    Phenomenon.LEAK: 0x20,
    Phenomenon.MOTION: 0x21,
    Phenomenon.OCCUPANCY: 0x23,
    Phenomenon.MAINS_OK: 0x24,
    Phenomenon.SMOKE: 0x29,
    Phenomenon.TAMPER: 0x2B,
    Phenomenon.CONTACT_OPEN: 0x11,
    Phenomenon.BUTTON: BUTTON,
    Phenomenon.SOS: BUTTON,
    Phenomenon.CURRENT_A: 0x43,
    Phenomenon.VOLTAGE_V: 0x4A,
    Phenomenon.ENERGY_WH: 0x4D,
}
_PRESSES: Final = {Press.SINGLE: 1, Press.DOUBLE: 2, Press.TRIPLE: 3, Press.LONG: 4}


def carrying(phenomenon: Phenomenon, value: Value) -> tuple[int, ObjectValue]:
    """The object that carries an observed value; SOS is a single press of its button.

    Raises:
        KeyError: BTHome has no object for this phenomenon.

    """
    if isinstance(value, Press):
        return BUTTON, _PRESSES[value]
    if phenomenon is Phenomenon.SOS:
        return BUTTON, 1
    if phenomenon is Phenomenon.ENERGY_WH:
        return _CARRIERS[phenomenon], value / _WH_PER_KWH
    return _CARRIERS[phenomenon], value


def encode(objects: Iterable[tuple[int, ObjectValue]], packet_id: int | None = None) -> bytes:
    """Objects in ascending order, as the specification wants them, behind the packet id.

    Raises:
        OverflowError: a value does not fit its object.

    """
    head = b"" if packet_id is None else bytes([PACKET_ID, packet_id])
    return head + b"".join(
        encode_object(id_, value) for id_, value in sorted(objects, key=lambda item: item[0])
    )


def encode_object(id_: int, value: ObjectValue) -> bytes:
    """One object: its id, a length byte where it has one, and the value."""
    row = OBJECTS[id_]
    match row.kind, value:
        case Kind.TEXT, str():
            raw = value.encode()
            return bytes([id_, len(raw)]) + raw
        case Kind.RAW, bytes():
            return bytes([id_, len(value)]) + value
        case Kind.COMMAND, bytes():
            return bytes([id_, len(value) - 1]) + value
        case Kind.VERSION, str():
            return bytes([id_, *reversed([int(part) for part in value.split(".")])])
        case _, bool() | int() | float():
            number = round(value / row.factor)
            return bytes([id_]) + number.to_bytes(row.size, "little", signed=row.signed)
        case _:
            raise TypeError(f"{value!r} is no value of object 0x{id_:02X}")


def plain(objects: bytes, *, trigger: bool = False, mac: bytes | None = None) -> bytes:
    """Unencrypted service data, without the UUID; with `mac` it names its sender."""
    return _head(0, trigger=trigger, mac=mac) + objects


def sealed(
    objects: bytes,
    address: bytes,
    key: bytes,
    counter: int,
    *,
    trigger: bool = False,
    include_mac: bool = False,
) -> bytes:
    """Service data encrypted for the sender `address` (6 bytes in the order written)."""
    head = _head(1, trigger=trigger, mac=address if include_mac else None)
    count = counter.to_bytes(4, "little")
    nonce = address + b"\xd2\xfc" + head[:1] + count
    encrypted = AESCCM(key, tag_length=4).encrypt(nonce, objects, None)
    return head + encrypted[:-4] + count + encrypted[-4:]


def _head(flags: int, *, trigger: bool, mac: bytes | None) -> bytes:
    information = _INFORMATION | flags | (0 if mac is None else 2) | (4 if trigger else 0)
    return bytes([information]) + (b"" if mac is None else mac[::-1])
