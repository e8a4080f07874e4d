"""What a sensor said, when, and how far to trust it.

Ref: OGC SensorThings API Part 1 (18-088), Observation: phenomenonTime, resultTime, resultQuality.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

DeviceId = NewType("DeviceId", str)
"Name of one device within its home, as the registry has it: `kitchen-plug`."


class Phenomenon(StrEnum):
    """What is observed; the name fixes the unit."""

    POWER_W = "power_w"
    ENERGY_WH = "energy_wh"
    VOLTAGE_V = "voltage_v"
    CURRENT_A = "current_a"
    RELAY_ON = "relay_on"
    ILLUMINANCE_LX = "illuminance_lx"
    CONTACT_OPEN = "contact_open"
    MOTION = "motion"
    OCCUPANCY = "occupancy"
    LEAK = "leak"
    SMOKE = "smoke"
    GAS = "gas"
    CO = "co"
    CO_PPM = "co_ppm"
    TEMPERATURE_C = "temperature_c"
    HUMIDITY_PCT = "humidity_pct"
    BUTTON = "button"
    SOS = "sos"
    BATTERY_PCT = "battery_pct"
    BATTERY_V = "battery_v"
    TAMPER = "tamper"
    MAINS_OK = "mains_ok"
    PEOPLE_COUNT = "people_count"
    LINK_QUALITY = "link_quality"
    PICTURE_OK = "picture_ok"
    SOUND_OK = "sound_ok"
    STREAM_OK = "stream_ok"
    DISPLAY_ON = "display_on"
    SESSION_JOINED = "session_joined"
    LIFE_SIGN = "life_sign"


class Press(StrEnum):
    """How a button was pressed; the value of `Phenomenon.BUTTON`."""

    SINGLE = "single"
    DOUBLE = "double"
    TRIPLE = "triple"
    LONG = "long"


class Quality(StrEnum):
    """How far a value may be trusted (OPC UA Part 8, 6.3: good, uncertain, bad)."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


Value = bool | float | Press

BOOLEAN = frozenset(
    {
        Phenomenon.RELAY_ON,
        Phenomenon.CONTACT_OPEN,
        Phenomenon.MOTION,
        Phenomenon.OCCUPANCY,
        Phenomenon.LEAK,
        Phenomenon.SMOKE,
        Phenomenon.GAS,
        Phenomenon.CO,
        Phenomenon.SOS,
        Phenomenon.TAMPER,
        Phenomenon.MAINS_OK,
        Phenomenon.PICTURE_OK,
        Phenomenon.SOUND_OK,
        Phenomenon.STREAM_OK,
        Phenomenon.DISPLAY_ON,
        Phenomenon.SESSION_JOINED,
        Phenomenon.LIFE_SIGN,
    }
)
"Phenomena whose value is true or false; `BUTTON` has a `Press`, all others a float."

URGENT = frozenset(
    {
        Phenomenon.SOS,
        Phenomenon.BUTTON,
        Phenomenon.LEAK,
        Phenomenon.SMOKE,
        Phenomenon.GAS,
        Phenomenon.CO,
        Phenomenon.CO_PPM,
        Phenomenon.TAMPER,
    }
)
"Hazards, calls for help and answers: never dropped, whatever is full."


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of one phenomenon at one device."""

    device: DeviceId
    phenomenon: Phenomenon
    value: Value
    phenomenon_time: datetime
    "UTC instant at which the value was true of the world."
    result_time: datetime
    "UTC instant at which the gateway learnt it."
    quality: Quality = Quality.GOOD
