"""What the objects of a frame mean for a device, by the phenomena its registry entry has.

Ref: BTHome v2, https://bthome.io/format/, sensor, binary sensor and event tables; Shelly BLU,
https://shelly-api-docs.shelly.cloud/docs-ble/Devices/ht, button press events.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from drivers.ble.bthome import BUTTON, OBJECTS
from drivers.ble.decoded import ObjectValue
from rules.observation import BOOLEAN, Phenomenon, Press, Quality, Value

_BATTERY_LOW: Final = 0x15
_VOLTAGE_FINE: Final = 0x0C
_WH_PER_KWH: Final = 1000.0
_FULL_PCT: Final = 100

# A flag tells on which side of the device's own limit its battery is, not where.
_LOW: Final = (5.0, Quality.UNCERTAIN)
_NOT_LOW: Final = (50.0, Quality.UNCERTAIN)

_LONG: Final = frozenset({4, 5, 6})
_SILENT: Final = frozenset({0x00, 0x81})  # None, and the release of a held button.
_PRESSES: Final = {
    1: Press.SINGLE,
    2: Press.DOUBLE,
    3: Press.TRIPLE,
    4: Press.LONG,
    5: Press.LONG,
    6: Press.LONG,
    0x80: Press.LONG,
    0xFE: Press.LONG,  # Held, as Shelly's firmware before 1.0.20 says it.
}
_PHENOMENA: Final = {id_: row.phenomenon for id_, row in OBJECTS.items()}


class Meaning(NamedTuple):
    """A frame in the vocabulary."""

    states: dict[Phenomenon, tuple[Value, Quality]]
    presses: tuple[tuple[Phenomenon, Value], ...]
    "What its buttons did, if anything: `SOS` or `BUTTON`."
    codes: tuple[int, ...]
    "The event codes that `presses` came of, one for each button."
    unused: int
    "Objects that mean nothing here, or nothing at this device."


def read(objects: Iterable[tuple[int, ObjectValue]], phenomena: frozenset[Phenomenon]) -> Meaning:
    """Turn objects into values of `phenomena`.

    Of two flags for one phenomenon (a door and a window) either being set counts; of two
    measurements the first.
    """
    states: dict[Phenomenon, tuple[Value, Quality]] = {}
    codes: list[int] = []
    unused = 0
    battery_low: bool | None = None
    for id_, value in objects:
        phenomenon = _PHENOMENA[id_]
        if id_ == BUTTON and isinstance(value, int):
            codes.append(value)
            continue
        if phenomenon is Phenomenon.VOLTAGE_V:
            phenomenon = _voltage(id_, phenomena)
        if phenomenon is None or phenomenon not in phenomena or isinstance(value, str | bytes):
            unused += 1
        elif id_ == _BATTERY_LOW:
            battery_low = bool(value)
        elif phenomenon in BOOLEAN:
            before = states.get(phenomenon, (False, Quality.GOOD))[0]
            states[phenomenon] = (bool(value or before), Quality.GOOD)
        elif phenomenon is Phenomenon.BATTERY_PCT and value > _FULL_PCT:
            unused += 1  # 255 and the like stand for "not measured", and would look like new.
        elif phenomenon not in states:
            scale = _WH_PER_KWH if phenomenon is Phenomenon.ENERGY_WH else 1.0
            states[phenomenon] = (value * scale, Quality.GOOD)
        else:
            unused += 1
    if battery_low is not None:
        states.setdefault(Phenomenon.BATTERY_PCT, _LOW if battery_low else _NOT_LOW)
    presses = _presses(codes, phenomena)
    return Meaning(states, presses, tuple(codes), unused)


def _voltage(id_: int, phenomena: frozenset[Phenomenon]) -> Phenomenon:
    """Of the mains or of the battery; a device with both sends the battery's in millivolts."""
    if Phenomenon.BATTERY_V not in phenomena:
        return Phenomenon.VOLTAGE_V
    if Phenomenon.VOLTAGE_V not in phenomena or id_ == _VOLTAGE_FINE:
        return Phenomenon.BATTERY_V
    return Phenomenon.VOLTAGE_V


def _presses(
    codes: Iterable[int], phenomena: frozenset[Phenomenon]
) -> tuple[tuple[Phenomenon, Value], ...]:
    found: dict[tuple[Phenomenon, Value], None] = {}
    for code in codes:
        if code in _SILENT:
            continue
        if Phenomenon.SOS in phenomena:
            # Whatever else is done to a button that calls for help calls for help.
            if code in _LONG:
                found[Phenomenon.BUTTON, Press.LONG] = None
            else:
                found[Phenomenon.SOS, True] = None
        elif Phenomenon.BUTTON in phenomena and code in _PRESSES:
            found[Phenomenon.BUTTON, _PRESSES[code]] = None
    return tuple(found)
