"""Xiaomi's sensors, as they say MiBeacon version 5, encrypted.

Ref: as `drivers.ble.mibeacon`; what the objects of these products are: xiaomi-ble 1.21, parser.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rules.observation import Phenomenon, Value
from sim.air import mibeacon
from sim.ble.frame import flags, service_data
from sim.ble.peripherals.sensor import Antenna, Payload, Reading, Sensor, address_bytes

UUID16: Final = 0xFE95

_OPENING: Final = 0x1019
_IDLE: Final = 0x1017
_MOTION_LIGHT: Final = 0x000F
_LEAK: Final = 0x1014
_BATTERY: Final = 0x100A


@dataclass(slots=True)
class MiBeaconForm:
    """MiBeacon frames of one device; each object has a frame of its own."""

    mac: bytes
    key: bytes
    product: int
    counter: int = 0

    def payloads(self, readings: Sequence[Reading], *, event: bool) -> list[Payload]:
        """Events and reports look alike."""
        _ = event
        return [self._payload(*_object(what, value)) for what, value in readings]

    def idle(self) -> Payload:
        """A frame without an object, in the clear: it uses a counter value too."""
        self.counter += 1
        data = mibeacon.plain(self.product, self.counter & 0xFF, mac=self.mac)
        return Payload(flags() + service_data(UUID16, data))

    def _payload(self, kind: int, value: bytes) -> Payload:
        self.counter += 1
        plain = mibeacon.encode_object(kind, value)
        data = mibeacon.sealed(self.product, self.counter, plain, self.mac, self.key)
        return Payload(flags() + service_data(UUID16, data))


def xiaomi(
    address: str, key: bytes, product: int, antenna: Antenna, *, counter: int = 0
) -> Sensor:
    """A sensor by its product in `sim.air.mibeacon`; it says only what happens."""
    return Sensor(address, MiBeaconForm(address_bytes(address), key, product, counter), antenna)


def _object(what: Phenomenon, value: Value) -> tuple[int, bytes]:
    match what, value:
        case Phenomenon.CONTACT_OPEN, bool():
            return _OPENING, bytes([0 if value else 1])
        case Phenomenon.MOTION, True:
            return _MOTION_LIGHT, (1).to_bytes(3, "little")
        case Phenomenon.MOTION, False:
            return _IDLE, (120).to_bytes(4, "little")
        case Phenomenon.LEAK, bool():
            return _LEAK, bytes([value])
        case Phenomenon.BATTERY_PCT, int() | float():
            return _BATTERY, bytes([round(value)])
        case _:
            raise KeyError(what)
