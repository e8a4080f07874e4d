"""Known products: how their adverts are written, what they say, and how often.

Adding a product is one row here, if its format is spoken already. What is no row is no worse off:
`ongi devices add` then wants its phenomena and its reporting contract by hand.

Ref: Shelly BLU, https://shelly-api-docs.shelly.cloud/docs-ble/, the page of each device. Xiaomi:
the objects and rates that https://github.com/custom-components/ble_monitor lists by model.
SwitchBot: https://github.com/OpenWonderLabs/SwitchBotAPI-BLE, the page of each device.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from rules.device import Output
from rules.observation import Phenomenon


class Format(StrEnum):
    """How adverts are written."""

    BTHOME = "bthome"
    MIBEACON = "mibeacon"
    SWITCHBOT = "switchbot"


FORGEABLE: Final = frozenset({Format.SWITCHBOT})
"Neither encrypted nor authenticated: whoever is near can send them, and record and repeat them."


@dataclass(frozen=True, slots=True)
class Model:
    """One product."""

    name: str
    "As the registry has it; upper and lower case do not matter."
    format: Format
    phenomena: frozenset[Phenomenon]
    "What it can tell."
    report_every: timedelta
    "The longest time between two frames of a healthy one, by what its maker or its users say."
    library_name: str = ""
    "What its format's library calls it, where that cannot be read from the adverts."
    outputs: frozenset[Output] = frozenset()
    "What it can be told to do, by commands that it proves and that prove themselves."


_P = Phenomenon
_MINUTES_10 = timedelta(minutes=10)
_HOUR = timedelta(hours=1)
# The battery is told about once a day; everything else only when it happens.
_DAILY = timedelta(hours=26)

_CALL_BUTTON = frozenset({_P.SOS, _P.BUTTON, _P.BATTERY_PCT})
_DOOR_AND_LIGHT = frozenset({_P.CONTACT_OPEN, _P.ILLUMINANCE_LX, _P.BATTERY_PCT})
_MOTION_AND_LIGHT = frozenset({_P.MOTION, _P.ILLUMINANCE_LX, _P.BATTERY_PCT})
_CLIMATE = frozenset({_P.TEMPERATURE_C, _P.HUMIDITY_PCT, _P.BATTERY_PCT})
_DOOR = frozenset({_P.CONTACT_OPEN, _P.BATTERY_PCT})
_MOTION = frozenset({_P.MOTION, _P.BATTERY_PCT})
_LEAK = frozenset({_P.LEAK, _P.BATTERY_PCT})
_SMOKE = frozenset({_P.SMOKE, _P.BATTERY_PCT})
_DOOR_AND_MOTION = frozenset({_P.CONTACT_OPEN, _P.MOTION, _P.BATTERY_PCT})
_PLUG = frozenset({_P.RELAY_ON, _P.POWER_W})
_NODE = frozenset({_P.RELAY_ON, _P.POWER_W, _P.BUTTON})
_NODE_DOES = frozenset({Output.LIGHT, Output.BUZZER, Output.RELAY})

MODELS: Final = (
    # Our own, docs/protocol/node.md; it says something each second.
    Model("Ongi plug node", Format.BTHOME, _NODE, _MINUTES_10, outputs=_NODE_DOES),
    # The first three keep an hour only in beacon mode, which is switched on in the maker's app.
    Model("Shelly BLU Button", Format.BTHOME, _CALL_BUTTON, _HOUR),
    Model("Shelly BLU Door/Window", Format.BTHOME, _DOOR_AND_LIGHT, _HOUR),
    Model("Shelly BLU Motion", Format.BTHOME, _MOTION_AND_LIGHT, _HOUR),
    Model("Shelly BLU H&T", Format.BTHOME, _CLIMATE, _MINUTES_10),
    Model("Xiaomi MCCGQ02HL", Format.MIBEACON, _DOOR, _DAILY),
    Model("Xiaomi RTCGQ02LM", Format.MIBEACON, _MOTION, _DAILY),
    Model("Xiaomi SJWS01LM", Format.MIBEACON, _LEAK, _DAILY),
    Model("Xiaomi JTYJGD03MI", Format.MIBEACON, _SMOKE, _DAILY),
    Model("SwitchBot Contact Sensor", Format.SWITCHBOT, _DOOR_AND_MOTION, _HOUR, "WoContact"),
    Model("SwitchBot Motion Sensor", Format.SWITCHBOT, _MOTION, _HOUR, "WoPresence"),
    Model("SwitchBot Plug Mini (US)", Format.SWITCHBOT, _PLUG, _MINUTES_10, "WoPlugUS"),
    Model("SwitchBot Plug Mini (JP)", Format.SWITCHBOT, _PLUG, _MINUTES_10, "WoPlugJP"),
    # Not the European plug: whether its power is in watts or in tenths is documented nowhere.
)

_BY_NAME: Final = {model.name.casefold(): model for model in MODELS}


def model_of(name: str) -> Model | None:
    """The product of this name; None if it is no row."""
    return _BY_NAME.get(name.casefold())
