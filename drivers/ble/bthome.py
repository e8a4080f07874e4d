"""Decodes BTHome v2 service data, plain or encrypted; what it does not know it keeps apart.

Ref: BTHome v2 format, https://bthome.io/format/, and encryption, https://bthome.io/encryption/, as
of 30 April 2026 (objects up to 0x65 and 0xF2). Encryption is AES-CCM (RFC 3610) with a tag of 4
bytes and no associated data; the nonce is MAC (6), D2 FC, device information (1), counter (4).

All numbers are little-endian. Object ids should ascend; a frame that breaks this rule is decoded
all the same, since a hazard in the wrong place is still a hazard.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import partial
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from drivers.ble.advert import RawAdvert
from drivers.ble.decoded import Decoded, ObjectValue, Opener
from drivers.refused import Refused, Why
from rules.device import Device
from rules.observation import Phenomenon

_ADDRESS: Final = re.compile("[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")

UUID16: Final = 0xFCD2
UUID16_V1: Final = frozenset({0x181C, 0x181E})
"Service data of the withdrawn version 1, plain and encrypted; refused."

KEY_BYTES: Final = 16
MAC_BYTES: Final = 6

_ENCRYPTED: Final = 0x01
_MAC_INCLUDED: Final = 0x02  # Gone from today's text (reserved), still sent by older firmware.
_TRIGGER: Final = 0x04
_VERSION: Final = 2
_COUNTER_AND_TAG: Final = 8


class Kind(Enum):
    """How the bytes of an object are read."""

    NUMBER = "number"
    FLAG = "flag"
    CODE = "code"
    "An event: 0 is none."
    VERSION = "version"
    TEXT = "text"
    RAW = "raw"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One row of the specification's tables, with the phenomenon that it means to us, if any."""

    id: int
    name: str
    size: int
    "Bytes of the value; 0 where a length byte follows the id."
    signed: bool
    factor: Fraction
    kind: Kind
    phenomenon: Phenomenon | None


def _number(
    id_: int,
    name: str,
    size: int,
    factor: str = "1",
    phenomenon: Phenomenon | None = None,
    *,
    signed: bool = False,
) -> ObjectType:
    return ObjectType(id_, name, size, signed, Fraction(factor), Kind.NUMBER, phenomenon)


def _flag(id_: int, name: str, phenomenon: Phenomenon | None = None) -> ObjectType:
    return ObjectType(
        id_, name, 1, signed=False, factor=_ONE, kind=Kind.FLAG, phenomenon=phenomenon
    )


def _other(
    id_: int, name: str, size: int, kind: Kind, phenomenon: Phenomenon | None = None
) -> ObjectType:
    return ObjectType(id_, name, size, signed=False, factor=_ONE, kind=kind, phenomenon=phenomenon)


_ONE: Final = Fraction(1)
_P: Final = Phenomenon

PACKET_ID: Final = 0x00
BATTERY_LOW: Final = 0x15
BUTTON: Final = 0x3A

_TABLE: Final = (
    _number(0x00, "packet id", 1),
    _number(0x01, "battery", 1, "1", _P.BATTERY_PCT),
    _number(0x02, "temperature", 2, "0.01", _P.TEMPERATURE_C, signed=True),
    _number(0x03, "humidity", 2, "0.01", _P.HUMIDITY_PCT),
    _number(0x04, "pressure", 3, "0.01"),
    _number(0x05, "illuminance", 3, "0.01", _P.ILLUMINANCE_LX),
    _number(0x06, "mass (kg)", 2, "0.01"),
    _number(0x07, "mass (lb)", 2, "0.01"),
    _number(0x08, "dewpoint", 2, "0.01", signed=True),
    _number(0x09, "count", 1, "1", _P.PEOPLE_COUNT),
    _number(0x0A, "energy (kWh)", 3, "0.001", _P.ENERGY_WH),
    _number(0x0B, "power", 3, "0.01", _P.POWER_W),
    _number(0x0C, "voltage", 2, "0.001", _P.VOLTAGE_V),
    _number(0x0D, "pm2.5", 2),
    _number(0x0E, "pm10", 2),
    _flag(0x0F, "generic boolean"),
    _flag(0x10, "power", _P.RELAY_ON),
    _flag(0x11, "opening", _P.CONTACT_OPEN),
    _number(0x12, "co2", 2),
    _number(0x13, "tvoc", 2),
    _number(0x14, "moisture", 2, "0.01"),
    _flag(0x15, "battery", _P.BATTERY_PCT),  # Low or not: meaning.py makes a level of it.
    _flag(0x16, "battery charging"),
    _flag(0x17, "carbon monoxide", _P.CO),
    _flag(0x18, "cold"),
    _flag(0x19, "connectivity"),
    _flag(0x1A, "door", _P.CONTACT_OPEN),
    _flag(0x1B, "garage door", _P.CONTACT_OPEN),
    _flag(0x1C, "gas", _P.GAS),
    _flag(0x1D, "heat"),
    _flag(0x1E, "light"),
    _flag(0x1F, "lock"),
    _flag(0x20, "moisture", _P.LEAK),
    _flag(0x21, "motion", _P.MOTION),
    _flag(0x22, "moving"),
    _flag(0x23, "occupancy", _P.OCCUPANCY),
    _flag(0x24, "plug", _P.MAINS_OK),
    _flag(0x25, "presence"),  # A phone's or a tag's: no proof that a person is there.
    _flag(0x26, "problem"),
    _flag(0x27, "running"),
    _flag(0x28, "safety"),
    _flag(0x29, "smoke", _P.SMOKE),
    _flag(0x2A, "sound"),
    _flag(0x2B, "tamper", _P.TAMPER),
    _flag(0x2C, "vibration"),
    _flag(0x2D, "window", _P.CONTACT_OPEN),
    _number(0x2E, "humidity", 1, "1", _P.HUMIDITY_PCT),
    _number(0x2F, "moisture", 1),
    _other(0x3A, "button", 1, Kind.CODE, _P.BUTTON),
    _other(0x3B, "command", 0, Kind.COMMAND),
    _other(0x3C, "dimmer", 2, Kind.CODE),
    _number(0x3D, "count", 2, "1", _P.PEOPLE_COUNT),
    _number(0x3E, "count", 4, "1", _P.PEOPLE_COUNT),
    _number(0x3F, "rotation", 2, "0.1", signed=True),
    _number(0x40, "distance (mm)", 2),
    _number(0x41, "distance (m)", 2, "0.1"),
    _number(0x42, "duration", 3, "0.001"),
    _number(0x43, "current", 2, "0.001", _P.CURRENT_A),
    _number(0x44, "speed", 2, "0.01"),
    _number(0x45, "temperature", 2, "0.1", _P.TEMPERATURE_C, signed=True),
    _number(0x46, "UV index", 1, "0.1"),
    _number(0x47, "volume (L)", 2, "0.1"),
    _number(0x48, "volume (mL)", 2),
    _number(0x49, "volume flow rate", 2, "0.001"),
    _number(0x4A, "voltage", 2, "0.1", _P.VOLTAGE_V),
    _number(0x4B, "gas (m3)", 3, "0.001"),
    _number(0x4C, "gas (m3)", 4, "0.001"),
    _number(0x4D, "energy (kWh)", 4, "0.001", _P.ENERGY_WH),
    _number(0x4E, "volume (L)", 4, "0.001"),
    _number(0x4F, "water", 4, "0.001"),
    _number(0x50, "timestamp", 4),
    _number(0x51, "acceleration", 2, "0.001"),
    _number(0x52, "gyroscope", 2, "0.001"),
    _other(0x53, "text", 0, Kind.TEXT),
    _other(0x54, "raw", 0, Kind.RAW),
    _number(0x55, "volume storage", 4, "0.001"),
    _number(0x56, "conductivity", 2),
    _number(0x57, "temperature", 1, "1", _P.TEMPERATURE_C, signed=True),
    _number(0x58, "temperature", 1, "0.35", _P.TEMPERATURE_C, signed=True),
    _number(0x59, "count", 1, "1", _P.PEOPLE_COUNT, signed=True),
    _number(0x5A, "count", 2, "1", _P.PEOPLE_COUNT, signed=True),
    _number(0x5B, "count", 4, "1", _P.PEOPLE_COUNT, signed=True),
    _number(0x5C, "power", 4, "0.01", _P.POWER_W, signed=True),
    _number(0x5D, "current", 2, "0.001", _P.CURRENT_A, signed=True),
    _number(0x5E, "direction", 2, "0.01"),
    _number(0x5F, "precipitation", 2, "0.1"),
    _number(0x60, "channel", 1),
    _number(0x61, "rotational speed", 2),
    _number(0x62, "speed", 4, "0.000001", signed=True),
    _number(0x63, "acceleration", 4, "0.000001", signed=True),
    _number(0x64, "light level", 1),
    _number(0x65, "settings revision", 1),
    _number(0xF0, "device type id", 2),
    _other(0xF1, "firmware version", 4, Kind.VERSION),
    _other(0xF2, "firmware version", 3, Kind.VERSION),
)

OBJECTS: Final = {row.id: row for row in _TABLE}
"Every object of BTHome v2 by its id."


class LinkKey:
    """The key of one device, ready to open its frames."""

    __slots__ = ("_decrypt", "_prefix")

    def __init__(self, mac: bytes, key: bytes) -> None:
        """Take the device's 6 MAC bytes in the order written and its 16 key bytes."""
        assert len(mac) == MAC_BYTES
        assert len(key) == KEY_BYTES
        # The object is kept: making one costs more than a decryption with it.
        self._decrypt = AESCCM(key, tag_length=4).decrypt
        self._prefix = mac + b"\xd2\xfc"

    def open(self, service_data: bytes, start: int) -> bytes:
        """The objects of encrypted service data whose ciphertext begins at `start`.

        Raises:
            Refused: the tag does not fit.

        """
        try:
            return self._decrypt(
                self._prefix + service_data[:1] + service_data[-8:-4],
                service_data[start:-8] + service_data[-4:],
                None,
            )
        except InvalidTag as error:
            raise Refused(Why.WRONG_KEY, "the tag does not fit") from error


def decode(service_data: bytes, key: LinkKey | None = None) -> Decoded:
    """Parse the service data of UUID 0xFCD2 (without the UUID itself).

    With a `key` the frame must be encrypted with it, without one it must be plain. Counters and
    packet ids are reported here and judged by the caller.

    Raises:
        Refused: a `FrameError`: empty, another version, cut short, encryption that does not fit.

    """
    if not service_data:
        raise Refused(Why.MALFORMED, "no bytes")
    information = service_data[0]
    if information >> 5 != _VERSION:
        raise Refused(Why.VERSION, f"BTHome version {information >> 5}, only 2 is spoken here")
    start = 1
    mac = None
    if information & _MAC_INCLUDED:
        start += MAC_BYTES
        mac = service_data[1:start][::-1]
    if information & _ENCRYPTED:
        if len(service_data) < start + _COUNTER_AND_TAG:
            raise Refused(Why.MALFORMED, f"{len(service_data)} bytes cannot be an encrypted frame")
        if key is None:
            raise Refused(Why.NO_KEY, "encrypted, and no key is known")
        counter = int.from_bytes(service_data[-8:-4], "little")
        objects, packet_id, undecoded = _parse(key.open(service_data, start))
    else:
        if len(service_data) < start:
            raise Refused(Why.MALFORMED, f"{len(service_data)} bytes, the address is cut short")
        if key is not None:
            raise Refused(Why.PLAINTEXT, "plain, though the device has a key")
        counter = None
        objects, packet_id, undecoded = _parse(service_data[start:])
    return Decoded(objects, packet_id, counter, (information & _TRIGGER) != 0, mac, undecoded)


def opener(_device: Device, mac: bytes, key: bytes | None) -> Opener:
    """What decodes the adverts of one device, those of version 1 as well: it refuses them."""
    link_key = None if key is None else LinkKey(mac, key)

    def open_(advert: RawAdvert) -> Decoded:
        if advert.uuid16 != UUID16:
            raise Refused(Why.VERSION, "BTHome version 1, only 2 is spoken here")
        return decode(advert.service_data, link_key)

    return open_


class _Row(NamedTuple):
    """An object type in the form that the loop below reads fastest."""

    size: int
    signed: bool
    numerator: int
    denominator: int
    convert: Callable[[int], ObjectValue] | None


def _row(object_type: ObjectType) -> _Row:
    convert: Callable[[int], ObjectValue] | None = None
    if object_type.kind is Kind.FLAG:
        # The specification allows 0 and 1; a device that says 0xFF of smoke means it.
        convert = bool
    elif object_type.kind is Kind.VERSION:
        convert = partial(_version, object_type.size)
    factor = object_type.factor
    return _Row(
        object_type.size, object_type.signed, factor.numerator, factor.denominator, convert
    )


def _version(size: int, number: int) -> str:
    """Firmware version, most significant part first: `4.2.1.0`."""
    return ".".join(map(str, number.to_bytes(size, "big")))


_ROWS: Final = [_row(OBJECTS[id_]) if id_ in OBJECTS else None for id_ in range(256)]


def _parse(data: bytes) -> tuple[tuple[tuple[int, ObjectValue], ...], int | None, bytes]:
    """Objects, packet id, and what could not be decoded."""
    objects: list[tuple[int, ObjectValue]] = []
    packet_id: int | None = None
    at = 0
    end = len(data)
    while at < end:
        id_ = data[at]
        row = _ROWS[id_]
        if row is None:
            return tuple(objects), packet_id, data[at:]
        size, signed, numerator, denominator, convert = row
        at += 1
        if size == 0:
            value, at = _variable(OBJECTS[id_].kind, data, at)
            objects.append((id_, value))
            continue
        stop = at + size
        if stop > end:
            raise Refused(Why.MALFORMED, f"object 0x{id_:02X} is cut short")
        number = int.from_bytes(data[at:stop], "little", signed=signed)
        at = stop
        if id_ == PACKET_ID:
            packet_id = number
        elif denominator != 1:
            # Dividing rounds once; times 0.01 would turn 50.55 into 50.550000000000004.
            objects.append((id_, number * numerator / denominator))
        else:
            objects.append((id_, number if convert is None else convert(number)))
    return tuple(objects), packet_id, b""


def _variable(kind: Kind, data: bytes, at: int) -> tuple[ObjectValue, int]:
    """An object with a length byte at `at`: its value and where the next one begins."""
    if at >= len(data):
        raise Refused(Why.MALFORMED, "the length byte is missing")
    # A command: 5 bits count its arguments, the opcode comes on top.
    size = (data[at] & 0x1F) + 1 if kind is Kind.COMMAND else data[at]
    stop = at + 1 + size
    if stop > len(data):
        raise Refused(Why.MALFORMED, f"a {kind.value} object is cut short")
    raw = data[at + 1 : stop]
    # Bad UTF-8 does not cost the objects beside it.
    return (raw.decode("utf-8", "replace") if kind is Kind.TEXT else raw), stop


def mac_of(address: str) -> bytes | None:
    """The 6 bytes of `AA:BB:CC:DD:EE:FF` in the order written; None if it is no such address."""
    return bytes.fromhex(address.replace(":", "")) if _ADDRESS.fullmatch(address) else None
