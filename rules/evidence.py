"""Evidence of life: which changes only a living person at home can cause."""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from rules.device import Device, EvidenceRole
from rules.events import LifeSeen
from rules.observation import Observation, Phenomenon, Quality, Value

COMPANION = timedelta(hours=1)
"A weak sign counts when another sign of life lies no further back than this."

ON_W = 10.0
"A plug whose load rises past this was switched on; standby of Korean appliances lies below."
_STEP_W = 5.0
"A load that hovers about the threshold moves less than this."
_LOAD_SHARE = 0.2
BACK_WITHIN = timedelta(minutes=12)
"A plug reports every ten minutes: by then a false 0 W has been put right."
_FLICKERS_FOR = timedelta(hours=3)
"After one that was, since the reports that would put the next ones right may be lost on the air."
_LIGHT_STEP_LX = 30.0
_LIGHT_RATIO = 1.5
_LIGHT_WITHIN = timedelta(minutes=5)
"Daylight moves slower than this; a lamp does not."

STRETCH = timedelta(minutes=5)
"Sensors hold one motion for less than this; what they go on saying for longer goes on."
_STUCK = timedelta(hours=1)
"Nobody moves for so long without a pause: the sensor is stuck."


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
BY_ITSELF = frozenset({Phenomenon.BUTTON, Phenomenon.SOS, Phenomenon.LIFE_SIGN})
"What only a person's hand or word brings about."

GIVING = (
    _BY_CHANGE
    | BY_ITSELF
    | {
        Phenomenon.MOTION,
        Phenomenon.POWER_W,
        Phenomenon.ILLUMINANCE_LX,
    }
)
"Phenomena that can be evidence of life at all."

OF_PEOPLE = frozenset({Phenomenon.MOTION, Phenomenon.OCCUPANCY})
"What tells of people who move; a dog or a cat brings it about as well, and nothing else."

_WATCHING = GIVING - BY_ITSELF - {Phenomenon.ILLUMINANCE_LX}
"""Phenomena whose absence says something: a button that nobody presses proves nothing, nor does a
lamp, since its light counts beside other signs only."""


def shows(device: Device, *, pet: bool) -> frozenset[Phenomenon]:
    """The phenomena of a device whose absence, while it is live, is silence of the person.

    Args:
        device: any.
        pet: whether an animal lives there.

    """
    if device.evidence is EvidenceRole.NONE:
        return frozenset()
    shown = device.phenomena & _WATCHING
    return shown - OF_PEOPLE if pet and device.evidence is not EvidenceRole.PERSON else shown


def watches(device: Device, *, pet: bool) -> bool:
    """Whether silence of this device, while it is live, is silence of the person."""
    return bool(shows(device, pet=pet))


def sees_people(device: Device, *, pet: bool = False) -> bool:
    """Whether it sees people move, and tells them from an animal where one lives."""
    return not OF_PEOPLE.isdisjoint(shows(device, pet=pet))


@dataclass(frozen=True, slots=True)
class Before:
    """What a device said last of the same phenomenon."""

    value: Value
    ago: timedelta
    held: timedelta
    "How long it has said so: `rules.registers.Reading.since`."
    ends: bool
    "Whether it is known to say when something ends."
    unbroken: bool
    "Whether the device was listened to ever since: a power cut, too, switches things."
    load: float = 0.0
    fallen: timedelta = timedelta.max
    "From what load a plug last fell to 0 W, and how long ago: `rules.registers.Reading.load`."
    flickered: timedelta = timedelta.max
    "How long ago it was last back at that load too soon for a person."


def weigh(
    device: Device, observation: Observation, before: Before | None, *, pet: bool
) -> Strength:
    """How strongly an observation speaks for a living person.

    Args:
        device: whose observation it is.
        observation: the new value.
        before: what it said before, None if nothing.
        pet: whether an animal lives there: what it may have caused says nothing.

    """
    phenomenon = observation.phenomenon
    if phenomenon not in GIVING or observation.quality is not Quality.GOOD:
        return Strength.NONE
    if phenomenon in BY_ITSELF:
        return Strength.STRONG if observation.value else Strength.NONE
    if device.evidence is EvidenceRole.NONE:
        return Strength.NONE
    if pet and phenomenon in OF_PEOPLE and device.evidence is not EvidenceRole.PERSON:
        return Strength.NONE
    strength = _of_change(phenomenon, observation.value, before)
    doubtful = device.evidence is EvidenceRole.WEAK or (before is not None and not before.unbroken)
    return min(strength, Strength.WEAK) if doubtful else strength


def _of_change(phenomenon: Phenomenon, value: Value, before: Before | None) -> Strength:
    if phenomenon is Phenomenon.MOTION:
        # Weak, since an empty house really produces about one spurious pair a day.
        return Strength.WEAK if value and _moves(before) else Strength.NONE
    if before is None:
        return Strength.NONE
    if phenomenon in _BY_CHANGE:
        return Strength.STRONG if value != before.value else Strength.NONE
    low, high = sorted((float(value), float(before.value)))
    if phenomenon is Phenomenon.POWER_W:
        if not switches_on(low, high) or _flickers(low, high, value, before):
            return Strength.NONE
        # Machines end by themselves.
        return Strength.STRONG if value == high else Strength.WEAK
    stepped = high - low >= _LIGHT_STEP_LX and high >= _LIGHT_RATIO * low
    return Strength.WEAK if stepped and before.ago <= _LIGHT_WITHIN else Strength.NONE


def switches_on(before_w: float, power_w: float) -> bool:
    """Whether a load that rose so was switched on."""
    return before_w < ON_W <= power_w and power_w - before_w >= _STEP_W


def alike(power_w: float, load: float) -> bool:
    """Whether two loads may be the same appliance running on."""
    return abs(power_w - load) <= max(_STEP_W, _LOAD_SHARE * load)


def _flickers(low: float, high: float, value: Value, before: Before) -> bool:
    """Whether a plug says 0 W under a load, or is back at it: some do, every five minutes.

    The first time it cannot be told; from then on neither its falls nor its returns say anything,
    unless it stays at 0 W for longer and is not known to flicker.
    """
    if low != 0 or not alike(high, before.load):
        return False
    soon = before.fallen <= BACK_WITHIN or before.flickered <= _FLICKERS_FOR
    return value != high or soon


def _moves(before: Before | None) -> bool:
    """Whether a report of motion tells of more than the one before."""
    if before is None or not before.value:
        return True
    if STRETCH <= before.held <= _STUCK:
        return True
    # Some sensors never say that a motion ended: after a while their next report is a new one.
    return not before.ends and before.ago >= STRETCH


def beside(sign: LifeSeen, last: LifeSeen | None) -> bool:
    """Whether a weak sign has another one shortly before it, so that it counts."""
    if last is None:
        return False
    # The sun comes and goes behind clouds; and the far end of the same movement is no second sign.
    light = Phenomenon.ILLUMINANCE_LX
    sunlight = sign.phenomenon is light and last.phenomenon is light
    return not sunlight and timedelta() < sign.at - last.at <= COMPANION


def beside_another(sign: LifeSeen, *lasts: LifeSeen | None) -> bool:
    """Whether what a machine may have done has a sign of another device shortly before it.

    The end of what a plug began is no second sign; nor is light, which machines make, too.
    """
    return any(
        last is not None
        and last.device != sign.device
        and last.phenomenon is not Phenomenon.ILLUMINANCE_LX
        and beside(sign, last)
        for last in lasts
    )
