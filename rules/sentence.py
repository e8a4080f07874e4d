"""What an alarm says to a person: a key and its numbers, put into words in `texts`.

The key travels, not the wording, so that gateway and center each speak the reader's language.
Every key has a Korean and an English sentence in `texts/locale`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rules.observation import Phenomenon


class Say(StrEnum):
    """Keys of all sentences, with the names of their arguments."""

    SILENT_SINCE = "silent_since"  # since: datetime, silence: timedelta, room, phenomenon
    SILENT_FROM_START = "silent_from_start"  # since: datetime, silence: timedelta
    WENT_OUT = "went_out"  # at: datetime
    SILENCE_LIMIT = "silence_limit"  # limit: timedelta, level: int, levels: int
    SILENCE_USUAL = "silence_usual"  # since: datetime, usual: timedelta
    LONE_SIGN = "lone_sign"  # at: datetime, since: datetime
    PROMPT_UNANSWERED = "prompt_unanswered"  # at: datetime
    PROMPT_IMPOSSIBLE = "prompt_impossible"
    GATEWAY_WAS_DOWN = "gateway_was_down"  # down: timedelta
    SOS_PRESSED = "sos_pressed"  # at: datetime, room
    SOS_CANCELLED = "sos_cancelled"  # at: datetime, room
    LIFE_AGAIN = "life_again"  # at: datetime, room, phenomenon
    LEAK = "leak"  # at: datetime, room
    SMOKE = "smoke"  # at: datetime, room
    GAS = "gas"  # at: datetime, room
    CO = "co"  # at: datetime, room
    CO_PPM = "co_ppm"  # at: datetime, room, value: float, limit: float
    HEAT = "heat"  # at: datetime, room, value: float, limit: float
    COLD = "cold"  # at: datetime, room, value: float, limit: float
    NO_MORNING = "no_morning"  # usual: datetime, signs: int
    MORNING_CAME = "morning_came"  # at: datetime
    NIGHT_DOOR = "night_door"  # at: datetime, room, silence: timedelta
    CAME_BACK = "came_back"  # at: datetime, room
    LEFT_ON = "left_on"  # since: datetime, room, device, usual: timedelta, limit: timedelta
    LEFT_ON_POWER = "left_on_power"  # value: float
    NO_LIFE_SINCE = "no_life_since"  # since: datetime, silence: timedelta
    SWITCHED_OFF = "switched_off"  # at: datetime, room, device
    NO_MEAL = "no_meal"  # since: datetime, silence: timedelta, usual: timedelta, limit: timedelta
    COOKED_AGAIN = "cooked_again"  # at: datetime, room, device
    LESS_LIFE = "less_life"  # value: float, before: float, weeks: int
    LATER_MORNINGS = "later_mornings"  # later: timedelta, weeks: int
    MORE_NIGHT_LIFE = "more_night_life"  # value: float, before: float, weeks: int
    LESS_COOKING = "less_cooking"  # value: float, before: float, weeks: int
    HAZARD_OVER = "hazard_over"  # at: datetime, room
    STILL_ACTIVE = "still_active"  # since: datetime
    DEVICE_STALE = "device_stale"  # last: datetime, room, device, every: timedelta
    DEVICE_DEAD = "device_dead"  # last: datetime, room, device, every: timedelta
    DEVICE_NEVER_HEARD = "device_never_heard"  # room, device, since: datetime
    DEVICE_BACK = "device_back"  # at: datetime, room, device
    HOME_BLIND = "home_blind"  # since: datetime, dead: int, devices: int
    HOME_BLIND_BESIDE_PET = "home_blind_beside_pet"  # since: datetime
    HOME_BLIND_BY_MACHINES = "home_blind_by_machines"  # since: datetime
    HOME_SEES_AGAIN = "home_sees_again"  # at: datetime
    MAINS_OUTAGE = "mains_outage"  # at: datetime, lost: int, devices: int
    MAINS_BACK = "mains_back"  # at: datetime
    BATTERY_LOW = "battery_low"  # at: datetime, room, device, value: float
    TAMPERED = "tampered"  # at: datetime, room, device
    COMMAND_FAILED = "command_failed"  # at: datetime, room, device
    DRIVER_LOST = "driver_lost"  # at: datetime, driver
    RADIO_GONE = "radio_gone"  # since: datetime, radio
    RADIO_SILENT = "radio_silent"  # since: datetime, radio
    PROXY_LOST = "proxy_lost"  # since: datetime, radio
    PROXY_REFUSED = "proxy_refused"  # at: datetime, radio
    FRAMES_REFUSED = "frames_refused"  # at: datetime, device, reason
    JOURNAL_RESTORED = "journal_restored"  # at: datetime, detail
    DISK_FAILING = "disk_failing"  # at: datetime, detail
    REGISTRY_RESTORED = "registry_restored"  # at: datetime, detail
    TIME_UNTRUSTED = "time_untrusted"  # at: datetime
    FAULT_OVER = "fault_over"  # at: datetime
    GATEWAY_SILENT = "gateway_silent"  # last: datetime, missed: int
    GATEWAY_BACK = "gateway_back"  # at: datetime
    DRILL = "drill"
    CLOSED_BY_CENTER = "closed_by_center"


Argument = str | int | float | datetime | timedelta | Phenomenon


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its key and its arguments by name."""

    say: Say
    arguments: tuple[tuple[str, Argument], ...] = ()


Explanation = tuple[Sentence, ...]


def sentence(say: Say, **arguments: Argument) -> Sentence:
    """Make a sentence from keyword arguments."""
    return Sentence(say, tuple(arguments.items()))
