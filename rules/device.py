"""A device of a home as the rules see it: what it tells, how often, and what it can do."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from rules.observation import DeviceId, Phenomenon


class Link(StrEnum):
    """The radio or wire that a device is reached by; one driver process each."""

    BLE = "ble"
    ZIGBEE = "zigbee"
    VIDEO = "video"
    SERIAL = "serial"


class Output(StrEnum):
    """What a device can do for us."""

    LIGHT = "light"
    BUZZER = "buzzer"
    VOICE = "voice"
    SIREN = "siren"
    RELAY = "relay"


ASKING = (Output.VOICE, Output.BUZZER, Output.LIGHT)
"Outputs that can ask a resident something."
WARNING = (Output.SIREN, Output.VOICE, Output.LIGHT)
"Outputs that can warn of a danger."


class EvidenceRole(StrEnum):
    """Whose doing a device's changes are."""

    HAND = "hand"
    "Only a living person causes them: a kettle, a door, a lamp; motion where no animal lives."
    PERSON = "person"
    "Only a living person, where an animal lives as well: a sensor that overlooks it."
    WEAK = "weak"
    "A person or something else: counts only beside another sign within the hour."
    NONE = "none"
    "It changes by itself: a fridge, a boiler, a timer."


class Use(StrEnum):
    """What a plug or a switch is for, where that matters to a rule."""

    COOKING = "cooking"
    "A rice cooker, a kettle, a microwave oven: somebody eats or drinks."
    HEATING = "heating"
    "A heater, an electric blanket, an iron: dangerous when left on."
    LIGHT = "light"
    "A lamp."


class Liveness(StrEnum):
    """A device held against its own reporting contract. `UNKNOWN`: not heard since enrolment."""

    UNKNOWN = "unknown"
    LIVE = "live"
    STALE = "stale"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Device:
    """One row of the registry, without its key."""

    id: DeviceId
    link: Link
    address: str
    "MAC or EUI-64 in upper case hex with colons; unique within a home."
    model: str
    room: str
    "As the installer named it, shown to staff as it stands."
    phenomena: frozenset[Phenomenon]
    report_every: timedelta
    "The reporting contract: the longest time between two frames of a healthy device."
    evidence: EvidenceRole = EvidenceRole.HAND
    outputs: frozenset[Output] = frozenset()
    outside_door: bool = False
    mains_powered: bool = False
    use: Use | None = None
    keyed: bool = False
    "Its frames are encrypted; a plain one is refused."
