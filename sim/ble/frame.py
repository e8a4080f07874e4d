"""An advert as it leaves an antenna, and the elements that it is made of.

Ref: Bluetooth Core Specification 5.4, Vol 3, Part C, section 11; Supplement to the Core
Specification 11, Part A. A legacy advert and a scan response hold at most 31 bytes each.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

ROOM: Final = 31
"Bytes of a legacy advert, and of a scan response."

_BASE_UUID: Final = "-0000-1000-8000-00805f9b34fb"


class Element(IntEnum):
    """Types of the elements that are used here."""

    FLAGS = 0x01
    UUIDS16_SOME = 0x02
    UUIDS16 = 0x03
    NAME_SHORT = 0x08
    NAME = 0x09
    TX_POWER = 0x0A
    SERVICE_DATA16 = 0x16
    MANUFACTURER = 0xFF


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a home, in metres; storeys are some 2.8 m apart."""

    x_m: float = 0.0
    y_m: float = 0.0
    z_m: float = 0.0


ORIGIN: Final = Point()


@dataclass(frozen=True, slots=True)
class Frame:
    """One advert on its way, with the response that an active scanner would be given."""

    address: str
    "Of the sender, `AA:BB:CC:DD:EE:FF`."
    data: bytes
    place: Point = ORIGIN
    power_dbm: int = -59
    "Received at one metre."
    response: bytes = b""
    connectable: bool = False
    public: bool = False
    "Its address is the manufacturer's and no random one."

    def __post_init__(self) -> None:
        assert len(self.data) <= ROOM, f"{self.address}: {len(self.data)} bytes do not fit"
        assert len(self.response) <= ROOM, f"{self.address}: {len(self.response)} bytes"


@dataclass(slots=True)
class Said:
    """What a receiver reads in an advert."""

    name: str | None = None
    uuids: list[str] = field(default_factory=list)
    service_data: dict[str, bytes] = field(default_factory=dict)
    manufacturer: dict[int, bytes] = field(default_factory=dict)
    tx_power: int | None = None
    flags: bytes | None = None


def element(kind: Element, data: bytes) -> bytes:
    """One element: its length, its type and its data."""
    return bytes([len(data) + 1, kind]) + data


def flags() -> bytes:
    """General discoverable, no classic Bluetooth."""
    return element(Element.FLAGS, b"\x06")


def service_data(uuid16: int, data: bytes) -> bytes:
    """Data of a service that has a short UUID."""
    return element(Element.SERVICE_DATA16, uuid16.to_bytes(2, "little") + data)


def manufacturer(company: int, data: bytes) -> bytes:
    """Data that only one maker understands."""
    return element(Element.MANUFACTURER, company.to_bytes(2, "little") + data)


def name(text: str) -> bytes:
    """A complete name."""
    return element(Element.NAME, text.encode())


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and data, up to the end or to the first element that is cut off."""
    at = 0
    while at + 1 < len(data) and (length := data[at]):
        end = at + 1 + length
        if end > len(data):
            return
        yield data[at + 1], data[at + 2 : end]
        at = end


def read(data: bytes) -> Said:
    """What bluetoothd takes out of an advert; other elements are passed over."""
    said = Said()
    for kind, value in elements(data):
        match kind:
            case Element.FLAGS:
                said.flags = value
            case Element.UUIDS16_SOME | Element.UUIDS16:
                said.uuids += [uuid(value[at : at + 2]) for at in range(0, len(value) - 1, 2)]
            case Element.NAME_SHORT | Element.NAME:
                said.name = value.decode(errors="replace")
            case Element.TX_POWER if value:
                said.tx_power = int.from_bytes(value[:1], signed=True)
            case Element.SERVICE_DATA16 if len(value) >= 2:
                said.service_data[uuid(value[:2])] = value[2:]
            case Element.MANUFACTURER if len(value) >= 2:
                said.manufacturer[int.from_bytes(value[:2], "little")] = value[2:]
            case _:
                pass
    return said


def uuid(short: bytes) -> str:
    """The whole UUID of a short one, which is in the order of the air."""
    return f"0000{short[::-1].hex()}{_BASE_UUID}"
