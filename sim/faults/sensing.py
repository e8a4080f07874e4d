"""What a faulty sensor says instead of what it should."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from rules.observation import Phenomenon, Value
from sim.faults.fault import Fault, FaultKind

Values = tuple[tuple[Phenomenon, Value], ...]

MEASURES: Final = {
    Phenomenon.TEMPERATURE_C: (-40.0, 125.0),
    Phenomenon.HUMIDITY_PCT: (0.0, 100.0),
    Phenomenon.CO_PPM: (0.0, 10_000.0),
    Phenomenon.POWER_W: (0.0, 16_000.0),
    Phenomenon.ILLUMINANCE_LX: (0.0, 100_000.0),
}
"What can drift, and what the sensor can say at most; the first of these that a device has does."

ZERO_EVERY: Final = timedelta(minutes=5)

_GOING: Final = 0.75
"A dying sensor is dead after this part of its fault."
_SPELLS: Final = 6
_SPELL_UNITS: Final = (1 << _SPELLS) - 1


def drifts(phenomena: Collection[Phenomenon]) -> Phenomenon | None:
    """The measure of a device that can drift."""
    return next((measure for measure in MEASURES if measure in phenomena), None)


def part(fault: Fault, since: timedelta) -> float:
    """How much of a fault is over, 0 to 1, `since` its begin."""
    return min(max(since / fault.lasting, 0.0), 1.0) if fault.lasting else 1.0


def silent(fault: Fault, since: timedelta) -> bool:
    """Whether a dying sensor says nothing just then.

    It speaks for half of each spell and is silent for the other; each spell is twice as long as
    the one before.
    """
    left = part(fault, since) / _GOING * _SPELL_UNITS
    spell = 1.0
    while left >= spell:
        left -= spell
        spell *= 2
        if spell > _SPELL_UNITS:
            return True
    return left >= spell / 2


def told(values: Values, at: datetime, acting: Sequence[tuple[Fault, datetime]]) -> Values:
    """The values of a frame as drift and a weak battery leave them.

    Args:
        values: what the frame would say.
        at: when.
        acting: the device's faults of the moment and when each began.

    """
    said = dict(values)
    for fault, began in acting:
        done = part(fault, at - began)
        if fault.kind is FaultKind.DRIFTING_SENSOR:
            measure = drifts(said)
            if measure is not None:
                low, high = MEASURES[measure]
                off = round(float(said[measure]) + fault.amount * done, 2)
                said[measure] = min(max(off, low), high)
        elif fault.kind is FaultKind.BATTERY_SAG and Phenomenon.BATTERY_PCT in said:
            full = float(said[Phenomenon.BATTERY_PCT])
            sunk = full - (full - fault.amount) * min(2 * done, 1.0)
            # Whole percent, as BTHome has them.
            said[Phenomenon.BATTERY_PCT] = min(full, float(round(sunk)))
    return tuple(said.items())
