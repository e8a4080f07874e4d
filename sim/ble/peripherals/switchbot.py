"""SwitchBot's contact and motion sensors and plug: in the clear, and anybody may say the same.

The maker's data of an advert hold the states; the battery is only in the response, which a passive
scanner does not get.
Ref: https://github.com/OpenWonderLabs/SwitchBotAPI-BLE, devicetypes/contactsensor.md,
motionsensor.md and plugmini.md; PySwitchbot 3.1, adv_parsers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rules.observation import Phenomenon, Value
from sim.ble.frame import flags, manufacturer, service_data
from sim.ble.peripherals.sensor import Antenna, Payload, Reading, Sensor, address_bytes

COMPANY: Final = 0x0969
UUID16: Final = 0xFD3D

_P: Final = Phenomenon
_States = dict[Phenomenon, Value]


@dataclass(slots=True)
class SwitchBotForm:
    """Frames of one device: always all of its states."""

    mac: bytes
    state: Callable[[_States], bytes]
    "What stands in the maker's data behind the address and the sequence."
    model: bytes
    sequence: int = 0
    battery_pct: int = 100
    presses: int = 0
    _states: _States = field(default_factory=dict)

    def payloads(self, readings: Sequence[Reading], *, event: bool) -> list[Payload]:
        """One payload, whatever is new in it."""
        _ = event
        self._states.update(readings)
        battery = self._states.get(_P.BATTERY_PCT)
        if isinstance(battery, int | float):
            self.battery_pct = round(battery)
        self.sequence = (self.sequence + 1) % 256
        data = self.mac + bytes([self.sequence]) + self.state(self._states)
        response = service_data(UUID16, self.model + bytes([0, self.battery_pct]))
        return [Payload(flags() + manufacturer(COMPANY, data), response)]


def switchbot_contact(address: str, antenna: Antenna) -> Sensor:
    """W1201500: door or window, motion and light."""
    return Sensor(address, SwitchBotForm(address_bytes(address), _contact, b"d"), antenna)


def switchbot_motion(address: str, antenna: Antenna) -> Sensor:
    """W1101500: motion and light."""
    return Sensor(address, SwitchBotForm(address_bytes(address), _motion, b"s"), antenna)


def switchbot_plug(address: str, antenna: Antenna) -> Sensor:
    """W1901400: a plug that says whether it is on, and its power."""
    return Sensor(address, SwitchBotForm(address_bytes(address), _plug, b"g"), antenna)


def _contact(states: _States) -> bytes:
    state = 0x10 * bool(states.get(_P.CONTACT_OPEN)) | 0x80 * bool(states.get(_P.MOTION))
    return bytes([state | 0x40 * _light(states), 0, 0, 0, 0, 1])


def _motion(states: _States) -> bytes:
    return bytes([0x40 * bool(states.get(_P.MOTION)) | 0x20 * _light(states), 0, 0, 0])


def _plug(states: _States) -> bytes:
    power = states.get(_P.POWER_W, 0.0)
    assert isinstance(power, int | float)
    on = 0x80 if states.get(_P.RELAY_ON, True) else 0
    return bytes([on, 0x10, 50]) + round(power * 10).to_bytes(2, "big")


def _light(states: _States) -> bool:
    lux = states.get(_P.ILLUMINANCE_LX, 0.0)
    return isinstance(lux, int | float) and lux > 20
