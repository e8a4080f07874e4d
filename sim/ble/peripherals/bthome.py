"""Devices that speak BTHome version 2: Shelly BLU and our own plug node.

Ref: BTHome v2, https://bthome.io/format/; Shelly BLU button, door/window, motion and H&T,
https://shelly-api-docs.shelly.cloud/docs-ble/Devices/. Button: 0x01 to 0x04 as the specification
has them, and a hold 0x80 (0xFE before firmware 1.0.20).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from rules.observation import Phenomenon, Press
from sim.air import bthome
from sim.ble.frame import ROOM, Element, element, flags, manufacturer, name, service_data
from sim.ble.peripherals.sensor import Antenna, Payload, Reading, Sensor, address_bytes

UUID16: Final = 0xFCD2
ALLTERCO: Final = 0x0BA9
HOLD: Final = 0x80
HOLD_OLD: Final = 0xFE

_SEALED_BYTES: Final = 8
_PACKET_BYTES: Final = 2
_ROOM: Final = ROOM - len(flags()) - len(element(Element.SERVICE_DATA16, b"\0\0")) - 1
"Of objects with their packet id, if they are not sealed."

_P: Final = Phenomenon
_WINDOW: Final = 0x2D
_HUMIDITY_BYTE: Final = 0x2E
_TEMPERATURE_TENTH: Final = 0x45

_Carriers = Mapping[Phenomenon, int]


@dataclass(slots=True)
class BthomeForm:
    """BTHome frames of one device."""

    mac: bytes
    key: bytes | None
    "None: it sends in the clear, as a device does that nobody has given a key."
    counter: int = 0
    packet_id: int = 0
    response: bytes = b""
    carriers: _Carriers = field(default_factory=dict)
    "Objects that this model uses in place of the usual ones."
    hold: int | None = None
    "What this model sends for a long press; None: as specified."

    def payloads(self, readings: Sequence[Reading], *, event: bool) -> list[Payload]:
        """Each with a counter and a packet id of its own."""
        room = _ROOM - _PACKET_BYTES - (_SEALED_BYTES if self.key else 0)
        packed: list[list[bytes]] = [[]]
        objects = sorted(self._object(reading) for reading in readings)
        for one in objects:
            if sum(map(len, packed[-1])) + len(one) > room:
                packed.append([])
            packed[-1].append(one)
        return [self._payload(b"".join(objects), event=event) for objects in packed]

    def _object(self, reading: Reading) -> bytes:
        phenomenon, value = reading
        if value is Press.LONG and self.hold is not None:
            return bytes([bthome.carrying(phenomenon, value)[0], self.hold])
        id_, carried = bthome.carrying(phenomenon, value)
        return bthome.encode_object(self.carriers.get(phenomenon, id_), carried)

    def _payload(self, objects: bytes, *, event: bool) -> Payload:
        self.packet_id = (self.packet_id + 1) % 256
        body = bytes([0, self.packet_id]) + objects
        if self.key is None:
            data = bthome.plain(body, trigger=event)
        else:
            self.counter += 1
            data = bthome.sealed(body, self.mac, self.key, self.counter, trigger=event)
        return Payload(flags() + service_data(UUID16, data), self.response)


def plug_node(
    address: str,
    key: bytes,
    antenna: Antenna,
    start: datetime,
    *,
    counter: int = 0,
    readings: Sequence[Reading] = (),
) -> Sensor:
    """Our own: says what it measures once a second, and takes connections."""
    form = BthomeForm(address_bytes(address), key, counter, response=name("Ongi plug"))
    every = timedelta(seconds=1)
    return Sensor(address, form, antenna, readings=readings, report_every=every, report_from=start)


def shelly_button(
    address: str, key: bytes | None, antenna: Antenna, *, counter: int = 0, hold: int = HOLD
) -> Sensor:
    """SBBT-002C: says nothing until it is pressed, unless its beacon mode is on."""
    form = BthomeForm(
        address_bytes(address), key, counter, response=_shelly("SBBT-002C", 0x01), hold=hold
    )
    return Sensor(address, form, antenna, readings=((_P.BATTERY_PCT, 100.0),))


@dataclass(frozen=True, slots=True)
class ShellyModel:
    """One of the series that reports by itself while its beacon mode is on."""

    name: str
    number: int
    "In the maker's block of its response."
    readings: tuple[Reading, ...]
    "As it comes out of its box."
    carriers: _Carriers = field(default_factory=dict)

    def __call__(
        self,
        address: str,
        key: bytes | None,
        antenna: Antenna,
        *,
        counter: int = 0,
        beacon: tuple[datetime, timedelta] | None = None,
    ) -> Sensor:
        """A new device; with a beacon it reports, from a moment on and so often."""
        form = BthomeForm(
            address_bytes(address),
            key,
            counter,
            response=_shelly(self.name, self.number),
            carriers=self.carriers,
        )
        first, every = beacon or (None, None)
        return Sensor(
            address, form, antenna, readings=self.readings, report_every=every, report_from=first
        )


shelly_door: Final = ShellyModel(
    "SBDW-002C",
    0x02,
    ((_P.BATTERY_PCT, 100.0), (_P.ILLUMINANCE_LX, 120.0), (_P.CONTACT_OPEN, False)),
    {_P.CONTACT_OPEN: _WINDOW},
)
"Window or door, with light."

shelly_motion: Final = ShellyModel(
    "SBMO-003Z",
    0x05,
    ((_P.BATTERY_PCT, 100.0), (_P.ILLUMINANCE_LX, 80.0), (_P.MOTION, False)),
)
"Motion, with light."

shelly_climate: Final = ShellyModel(
    "SBHT-003C",
    0x03,
    ((_P.BATTERY_PCT, 100.0), (_P.HUMIDITY_PCT, 45.0), (_P.TEMPERATURE_C, 21.5)),
    {_P.HUMIDITY_PCT: _HUMIDITY_BYTE, _P.TEMPERATURE_C: _TEMPERATURE_TENTH},
)
"Humidity by whole percents, temperature by tenths, and a button."


def _shelly(model: str, number: int) -> bytes:
    """The response: a name, and the maker's block with the model's number."""
    block = bytes([0x0B]) + number.to_bytes(2, "little")
    return name(model) + manufacturer(ALLTERCO, block)
