"""Evidence of life: which changes only a living person at home can cause."""

from datetime import timedelta
from enum import IntEnum

from rules.device import Device, EvidenceRole
from rules.observation import Observation, Phenomenon, Quality, Value

COMPANION = timedelta(hours=1)
"A weak sign counts when another sign of life lies no further back than this."

ON_W = 10.0
"A plug whose load rises past this was switched on; standby of Korean appliances lies below."
_LIGHT_STEP_LX = 30.0
_LIGHT_RATIO = 1.5
_LIGHT_WITHIN = timedelta(minutes=5)
"Daylight moves slower than this; a lamp does not."

_MOTION_AGAIN = timedelta(minutes=1)


class Strength(IntEnum):
    """What one observation says about life in the home."""

    NONE = 0
    WEAK = 1
    STRONG = 2


_BY_CHANGE = frozenset(
    {
        Phenomenon.CONTACT_OPEN,
        Phenomenon.OCCUPANCY,
        Phenomenon.RELAY_ON,
        Phenomenon.SESSION_JOINED,
    }
)
_BY_ITSELF = frozenset({Phenomenon.BUTTON, Phenomenon.SOS, Phenomenon.LIFE_SIGN})

GIVING = (
    _BY_CHANGE
    | _BY_ITSELF
    | {
        Phenomenon.MOTION,
        Phenomenon.POWER_W,
        Phenomenon.ILLUMINANCE_LX,
    }
)
"Phenomena that can be evidence of life at all."

WATCHING = GIVING - _BY_ITSELF
"Phenomena whose absence says something: a button that nobody presses proves nothing."


def watches(device: Device) -> bool:
    """Whether silence of this device, while it is live, is silence of the person."""
    return device.evidence is not EvidenceRole.NONE and not WATCHING.isdisjoint(device.phenomena)


def weigh(
    device: Device, observation: Observation, before: Value | None, since: timedelta | None
) -> Strength:
    """How strongly an observation speaks for a living person.

    Args:
        device: whose observation it is.
        observation: the new value.
        before: the last value of the same phenomenon, None if there was none.
        since: how long before the new one the last value was seen.

    """
    phenomenon = observation.phenomenon
    if phenomenon not in GIVING or observation.quality is not Quality.GOOD:
        return Strength.NONE
    if phenomenon in _BY_ITSELF:
        return Strength.STRONG if observation.value else Strength.NONE
    if device.evidence is EvidenceRole.NONE:
        return Strength.NONE
    strength = _of_change(phenomenon, observation.value, before, since)
    return min(strength, Strength.WEAK) if device.evidence is EvidenceRole.WEAK else strength


def _of_change(
    phenomenon: Phenomenon, value: Value, before: Value | None, since: timedelta | None
) -> Strength:
    if phenomenon is Phenomenon.MOTION:
        # Weak, since an empty house really produces about one spurious pair a day. Some sensors
        # never say that a motion ended, so a later report of motion is a new one.
        again = since is None or since >= _MOTION_AGAIN
        return Strength.WEAK if value and (not before or again) else Strength.NONE
    if before is None:
        return Strength.NONE
    if phenomenon in _BY_CHANGE:
        return Strength.STRONG if value != before else Strength.NONE
    assert isinstance(value, int | float)
    assert isinstance(before, int | float)
    if phenomenon is Phenomenon.POWER_W:
        if before < ON_W <= value:
            return Strength.STRONG
        # Machines end by themselves.
        return Strength.WEAK if value < ON_W <= before else Strength.NONE
    assert since is not None
    low, high = sorted((value, before))
    stepped = high - low >= _LIGHT_STEP_LX and high >= _LIGHT_RATIO * low
    return Strength.WEAK if stepped and since <= _LIGHT_WITHIN else Strength.NONE
