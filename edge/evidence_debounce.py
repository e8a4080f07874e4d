"""Which observations are worth a line of evidence: those that say something new.

What is left out, the rules would not have decided by. A measure's step is kept with the value just
before it, since rules look at the step and not at what was logged last.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules import hazard, health
from rules.evidence import GIVING, ON_W, STRETCH
from rules.observation import DeviceId, Observation, Phenomenon, Quality, Value

_PRESSES = frozenset({Phenomenon.BUTTON, Phenomenon.SOS, Phenomenon.LIFE_SIGN})
TOLD = GIVING | hazard.PHENOMENA | health.PHENOMENA | {Phenomenon.MAINS_OK}
"What rules decide by. Of all else the log only says whether the device is live."

_REPEATED_WITHIN = timedelta(seconds=1)
"One press that reaches the gateway more than once."
_ONSETS_WITHIN = timedelta(minutes=1)
"Of motion, two in it are kept: the second makes a weak sign count, a third says nothing new."
_STILL_MOVING_EVERY = STRETCH - timedelta(minutes=1)
"A sensor that never says that a motion ended: by longer gaps the rules tell a new one."
_LOAD_STEP_W = 5.0
_LIGHT_STEP_LX = 30.0
_LIGHT_STEP_RATIO = 1.5
_LIGHT_LEVEL_RATIO = 2.0
"Of daylight, which moves slowly."
_MEASURED_EVERY = timedelta(minutes=5)
_ROOM_STEP_C = 0.5
_FIRE_STEP_C = 5.0
_CO_STEP_PPM = 10.0
_CO_STEP_SHARE = 0.2
_BATTERY_STEP_PCT = 2.0
_LINES_AN_HOUR = 120
"Of one phenomenon of one device that is no danger: a loose contact chatters."
_HOUR = timedelta(hours=1)
_NEVER_TOO_MANY = _PRESSES | hazard.PHENOMENA | {Phenomenon.TAMPER}


@dataclass(slots=True)
class _Kept:
    """What is known of one phenomenon of one device."""

    value: Value
    at: datetime
    "Of the newest line."
    skipped: Observation | None
    "The newest observation, where it was not worth a line."
    hour: datetime
    lines: int
    "Since `hour`."
    onset: datetime | None = None
    "Of motion: the first onset of the minute."
    onsets: int = 0


class Debounce:
    """Remembers what was logged last."""

    def __init__(self) -> None:
        self._kept: dict[tuple[DeviceId, Phenomenon], _Kept] = {}

    def forget(self) -> None:
        """Take the next observation of everything for new."""
        self._kept.clear()

    def worth(self, seen: Observation) -> tuple[Observation, ...]:
        """What is to be logged now: nothing, `seen`, or what came just before it and `seen`."""
        phenomenon = seen.phenomenon
        if phenomenon not in TOLD or seen.quality is Quality.BAD or not _is_value(seen.value):
            return ()
        at = seen.phenomenon_time
        kept = self._kept.get((seen.device, phenomenon))
        if kept is None:
            kept = _Kept(seen.value, at, None, hour=at, lines=1)
            self._kept[seen.device, phenomenon] = kept
            _count_onset(kept, seen)
            return (seen,)
        new = _NEW.get(phenomenon, _changed)(kept, seen)
        if new and phenomenon not in _NEVER_TOO_MANY:
            if not timedelta() <= at - kept.hour < _HOUR:
                kept.hour, kept.lines = at, 0
            kept.lines += 1
            new = kept.lines <= _LINES_AN_HOUR
        if not new:
            kept.skipped = seen
            return ()
        before, kept.skipped = kept.skipped, None
        kept.value, kept.at = seen.value, at
        return (before, seen) if before is not None and phenomenon in _STEPPED else (seen,)

    def switched(self, device: DeviceId) -> tuple[Observation, ...]:
        """The load by which a device of some use was found on or off, if it was not logged."""
        kept = self._kept.get((device, Phenomenon.POWER_W))
        if kept is None or kept.skipped is None:
            return ()
        seen, kept.skipped = kept.skipped, None
        kept.value, kept.at = seen.value, seen.phenomenon_time
        return (seen,)


def _is_value(value: Value) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _changed(kept: _Kept, seen: Observation) -> bool:
    return seen.value != kept.value


def _pressed(kept: _Kept, seen: Observation) -> bool:
    if seen.value is False or seen.value != kept.value:
        return seen.value != kept.value
    return abs(seen.phenomenon_time - kept.at) >= _REPEATED_WITHIN


def _moved(kept: _Kept, seen: Observation) -> bool:
    if not seen.value:
        return bool(kept.value)
    if kept.value:
        return seen.phenomenon_time - kept.at >= _STILL_MOVING_EVERY
    return _count_onset(kept, seen) <= 2


def _count_onset(kept: _Kept, seen: Observation) -> int:
    """The number that an onset has in its minute."""
    at = seen.phenomenon_time
    if kept.onset is None or not timedelta() <= at - kept.onset < _ONSETS_WITHIN:
        kept.onset, kept.onsets = at, 0
    kept.onsets += bool(seen.value)
    return kept.onsets


def _switched(kept: _Kept, seen: Observation) -> bool:
    before = kept.value if kept.skipped is None else kept.skipped.value
    return any(
        low < ON_W <= high and high - low >= _LOAD_STEP_W
        for low, high in (
            sorted((float(seen.value), float(before))),
            sorted((float(seen.value), float(kept.value))),
        )
    )


def _lit(kept: _Kept, seen: Observation) -> bool:
    before = kept.value if kept.skipped is None else kept.skipped.value
    return any(
        high - low >= _LIGHT_STEP_LX and high >= ratio * low
        for (low, high), ratio in (
            (sorted((float(seen.value), float(before))), _LIGHT_STEP_RATIO),
            (sorted((float(seen.value), float(kept.value))), _LIGHT_LEVEL_RATIO),
        )
    )


def _warmer_or_colder(kept: _Kept, seen: Observation) -> bool:
    step = abs(float(seen.value) - float(kept.value))
    due = abs(seen.phenomenon_time - kept.at) >= _MEASURED_EVERY
    return step >= (_ROOM_STEP_C if due else _FIRE_STEP_C)


def _more_or_less_gas(kept: _Kept, seen: Observation) -> bool:
    step = abs(float(seen.value) - float(kept.value))
    return step >= max(_CO_STEP_PPM, _CO_STEP_SHARE * float(kept.value))


def _drained(kept: _Kept, seen: Observation) -> bool:
    due = abs(seen.phenomenon_time - kept.at) >= _MEASURED_EVERY
    return due and abs(float(seen.value) - float(kept.value)) >= _BATTERY_STEP_PCT


_STEPPED = frozenset({Phenomenon.POWER_W, Phenomenon.ILLUMINANCE_LX})
_NEW: dict[Phenomenon, Callable[[_Kept, Observation], bool]] = {
    **dict.fromkeys(_PRESSES, _pressed),
    Phenomenon.MOTION: _moved,
    Phenomenon.POWER_W: _switched,
    Phenomenon.ILLUMINANCE_LX: _lit,
    Phenomenon.TEMPERATURE_C: _warmer_or_colder,
    Phenomenon.CO_PPM: _more_or_less_gas,
    Phenomenon.BATTERY_PCT: _drained,
}
"Of all others every change is new."
