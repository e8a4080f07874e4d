"""What the gateway asks of a device: a light, a buzzer, a voice, a siren, a relay."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rules.device import Output
from rules.observation import DeviceId


class Signal(StrEnum):
    """What an output shall express; the device knows how."""

    PROMPT = "prompt"
    "Ask the resident whether all is well."
    SOS_SENT = "sos_sent"
    "Help has been called; a long press takes a mistaken call back."
    HAZARD = "hazard"
    "Danger in this home: leave, or look."
    TAKEN = "taken"
    "A person at the center has taken the call."
    IDENTIFY = "identify"
    "Show a technician which device it is, for a few seconds, and go on as before."
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Command:
    """One order to one output. A driver answers it with a result or lets it expire."""

    id: int
    "Unique within a gateway's journal."
    device: DeviceId
    output: Output
    signal: Signal
    expires: datetime


class Refusal(StrEnum):
    """Why a command was not carried out."""

    UNREACHABLE = "unreachable"
    UNSUPPORTED = "unsupported"
    EXPIRED = "expired"
    REFUSED = "refused"
