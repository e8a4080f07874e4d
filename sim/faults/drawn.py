"""Faults drawn from a seed: what a healthy fleet sees, or everything at once.

All are drawn before the run. Each home and the center have a `Random` of their own, so that one
home more changes no fault of the others; the center's come first, then the homes' by number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from math import floor
from random import Random
from typing import Final

from rules.observation import DeviceId, Phenomenon
from sim.faults.catalogue import may_have
from sim.faults.fault import OF_AIR, OF_CENTER, OF_DEVICE, Fault, FaultKind, Furnished
from sim.faults.sensing import drifts
from sim.homes.dwelling import Installed


class Profile(StrEnum):
    """How much goes wrong."""

    NONE = "none"
    CALM = "calm"
    "What a healthy fleet sees."
    STORM = "storm"
    "Every kind several times a month, one over the other."


_S: Final = timedelta(seconds=1)
_MIN: Final = timedelta(minutes=1)
_H: Final = timedelta(hours=1)
_D: Final = timedelta(days=1)
_MONTH: Final = 30 * _D
_K = FaultKind

FIRST: Final = _D
"Nothing is wrong before: a home is set up and learns to know its devices."
LAST: Final = _D / 4
"All is well for so long before the end."
_WINDOW_LEAST: Final = _H
_LONGEST: Final = 0.6
"Of the time in which there are faults at all."
_FORTNIGHT_S: Final = 14 * 86_400.0
_ONE_DEVICE: Final = 1 / 3
"Chance that a fault of the air is about one device: it stands badly."
_NATURAL_LOSS: Final = 0.02


@dataclass(frozen=True, slots=True)
class _Habit:
    """How often a kind comes, for how long, and how bad it is."""

    kind: FaultKind
    a_month: float
    lasting: tuple[timedelta, timedelta] | None
    "From and to; most are short. None: as long as there are faults at all."
    amount: tuple[float, float] = (0.0, 0.0)
    signed: bool = False
    steep: int = 1
    "How seldom the long ones are: so often is a draw from 0 to 1 squared."


_AIR: Final = _Habit(_K.FRAME_LOSS, 0, None, (_NATURAL_LOSS, _NATURAL_LOSS))

_CALM: Final = (
    _Habit(_K.CLOCK_DRIFT, 0, None, (5, 30), signed=True),
    _Habit(_K.DUPLICATES, 1, (_H, 3 * _D), (0.01, 0.05)),
    _Habit(_K.REORDERING, 0.5, (_H, _D), (0.01, 0.05)),
    _Habit(_K.BIT_ERRORS, 0.5, (_H, _D), (0.01, 0.05)),
    _Habit(_K.RADIO_STUCK, 0.3, (_MIN, 30 * _MIN)),
    _Habit(_K.RADIO_LOST, 0.2, (10 * _S, 10 * _MIN)),
    _Habit(_K.FALSE_ZERO, 0.1, (_H, 3 * _D)),
    _Habit(_K.POWER_CUT, 1, (20 * _S, 2 * _H), (1, 30)),
    _Habit(_K.DISK_SLOW, 0.3, (10 * _MIN, 4 * _H), (0.05, 0.5)),
    _Habit(_K.WRONG_AT_BOOT, 0.2, (5 * _MIN, 30 * _MIN), (60, 86_400), signed=True),
    _Habit(_K.UPLINK_DOWN, 1, (20 * _MIN, 10 * _H)),
    _Habit(_K.UPLINK_LOSS, 2, (10 * _MIN, _D), (0.02, 0.2)),
    _Habit(_K.UPLINK_DUPLICATES, 1, (10 * _MIN, _D), (0.01, 0.05)),
    _Habit(_K.NAT_REBINDING, 1, (_H, 3 * _D), (30, 300)),
    _Habit(_K.CENTER_KILLED, 0.5, (30 * _S, 10 * _MIN)),
    _Habit(_K.CENTER_SLOW, 0.5, (10 * _MIN, 2 * _H), (0.5, 3)),
)
_DEAD_BATTERY_A_MONTH: Final = 1 / 12

_STORM: Final = (
    _Habit(_K.FRAME_LOSS, 4, (10 * _MIN, 5 * _D), (0.05, 0.6)),
    _Habit(_K.DUPLICATES, 4, (10 * _MIN, 5 * _D), (0.05, 0.5)),
    _Habit(_K.REORDERING, 4, (10 * _MIN, 5 * _D), (0.05, 0.5)),
    _Habit(_K.DELAY, 4, (10 * _MIN, 2 * _D), (1, 30)),
    _Habit(_K.BIT_ERRORS, 4, (10 * _MIN, 2 * _D), (0.02, 0.5)),
    _Habit(_K.DEAD_SENSOR, 4, (_H, 20 * _D)),
    _Habit(_K.DYING_SENSOR, 3, (_D, 20 * _D)),
    _Habit(_K.DRIFTING_SENSOR, 4, (12 * _H, 20 * _D)),
    _Habit(_K.STUCK_SENSOR, 4, (_H, 20 * _D)),
    _Habit(_K.FALSE_ZERO, 4, (_H, 10 * _D)),
    _Habit(_K.BATTERY_SAG, 4, (2 * _D, 30 * _D), (0, 12)),
    _Habit(_K.RADIO_STUCK, 3, (5 * _MIN, 12 * _H)),
    _Habit(_K.RADIO_LOST, 3, (10 * _S, _D)),
    _Habit(_K.POWER_CUT, 6, (10 * _S, 6 * _H), (1, 60)),
    _Habit(_K.DISK_FULL, 3, (10 * _MIN, 2 * _D)),
    _Habit(_K.DISK_SLOW, 3, (10 * _MIN, _D), (0.1, 5)),
    _Habit(_K.DISK_REFUSING, 3, (_MIN, 12 * _H)),
    _Habit(_K.DISK_CORRUPTED, 3, (20 * _S, 10 * _MIN)),
    _Habit(_K.WRONG_AT_BOOT, 3, (5 * _MIN, 12 * _H), (60, _FORTNIGHT_S), signed=True),
    _Habit(_K.CLOCK_JUMP, 3, (_H, 2 * _D), (60, _FORTNIGHT_S), signed=True),
    _Habit(_K.CLOCK_DRIFT, 3, (_D, 10 * _D), (20, 200), signed=True),
    _Habit(_K.UPLINK_DOWN, 4, (10 * _MIN, 30 * _D), steep=3),
    _Habit(_K.UPLINK_LOSS, 4, (10 * _MIN, 5 * _D), (0.1, 0.9)),
    _Habit(_K.UPLINK_DUPLICATES, 4, (10 * _MIN, 5 * _D), (0.05, 0.5)),
    _Habit(_K.NAT_REBINDING, 3, (_H, 5 * _D), (20, 300)),
    _Habit(_K.CENTER_KILLED, 4, (10 * _S, 6 * _H)),
    _Habit(_K.CENTER_SLOW, 4, (10 * _MIN, 12 * _H), (1, 30)),
    _Habit(_K.CENTER_GARBAGE, 4, (_MIN, 6 * _H), (0.05, 1)),
    _Habit(_K.CENTER_RESTORED, 3, (_MIN, _H), (600, 3_600)),
)

_IN_WHOLE: Final = frozenset(
    {
        _K.POWER_CUT,
        _K.BATTERY_SAG,
        _K.WRONG_AT_BOOT,
        _K.CLOCK_JUMP,
        _K.CENTER_RESTORED,
    }
)
_DRIFT: Final = {
    Phenomenon.TEMPERATURE_C: (1.0, 8.0),
    Phenomenon.HUMIDITY_PCT: (5.0, 40.0),
    Phenomenon.CO_PPM: (5.0, 100.0),
    Phenomenon.POWER_W: (1.0, 60.0),
    Phenomenon.ILLUMINANCE_LX: (10.0, 300.0),
}


def drawn(
    profile: Profile, seed: int, homes: Sequence[Furnished], days: float
) -> tuple[Fault, ...]:
    """The faults of a run, numbered from 1.

    Args:
        profile: how much goes wrong.
        seed: of the run.
        homes: all of the run, also where only some of them are looked at: their faults are
            numbered on and on.
        days: of the run; faults begin after the first and end before the last quarter of one.

    """
    window = timedelta(days=days) - FIRST - LAST
    if profile is Profile.NONE or window < _WINDOW_LEAST:
        return ()
    faults = _sorted(_center(profile, Random(f"{seed}/center/faults"), window))
    for home in sorted(homes, key=lambda one: one.number):
        random = Random(f"{seed}/{home.number}/faults")
        faults += _sorted(_home(profile, random, window, home))
    return tuple(replace(fault, number=number) for number, fault in enumerate(faults, 1))


def _sorted(faults: Iterator[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda one: (one.begin, one.kind, one.device or ""))


def _center(profile: Profile, random: Random, window: timedelta) -> Iterator[Fault]:
    for habit in _habits(profile):
        if habit.kind in OF_CENTER:
            for _ in range(_count(random, profile, habit.a_month, window)):
                yield _one(random, habit, window, None, None)


def _home(profile: Profile, random: Random, window: timedelta, home: Furnished) -> Iterator[Fault]:
    yield _one(random, _AIR, window, home.number, None)
    for habit in _habits(profile):
        devices = [one for one in home.installed if may_have(habit.kind, one)]
        if habit.kind in OF_CENTER or not devices:
            continue
        always = habit.lasting is None
        count = 1 if always else _count(random, profile, habit.a_month, window)
        for _ in range(count):
            device = devices[int(random.random() * len(devices))]
            alone = random.random() < _ONE_DEVICE
            fault = _one(random, habit, window, home.number, device)
            if habit.kind not in OF_DEVICE and not (habit.kind in OF_AIR and alone):
                fault = replace(fault, device=None)
            yield fault
    if profile is Profile.CALM:
        yield from _dead_batteries(random, window, home)


def _dead_batteries(random: Random, window: timedelta, home: Furnished) -> Iterator[Fault]:
    """A battery sinks for weeks, the device is dead, and somebody changes it some days later."""
    devices = [one.device.id for one in home.installed if may_have(_K.BATTERY_SAG, one)]
    if not devices:
        return
    for _ in range(_count(random, Profile.CALM, _DEAD_BATTERY_A_MONTH, window)):
        device = devices[int(random.random() * len(devices))]
        sinking = _whole(min(_D * (14 + 14 * random.random()), window * 0.5))
        dead = _whole(min(_D * (1 + 5 * random.random()), window * 0.2))
        begin = FIRST + _whole((window - sinking - dead) * random.random())
        left = float(int(random.random() * 4))
        yield Fault(0, _K.BATTERY_SAG, home.number, begin, sinking + dead, left, device)
        yield Fault(0, _K.DEAD_SENSOR, home.number, begin + sinking, dead, 0.0, device)


def _habits(profile: Profile) -> tuple[_Habit, ...]:
    return _CALM if profile is Profile.CALM else _STORM


def _count(random: Random, profile: Profile, a_month: float, window: timedelta) -> int:
    mean = a_month * (window / _MONTH)
    count = floor(mean) + (random.random() < mean - floor(mean))
    return max(1, count) if profile is Profile.STORM else count


def _one(
    random: Random,
    habit: _Habit,
    window: timedelta,
    home: int | None,
    installed: Installed | None,
) -> Fault:
    """A fault without its number yet; always the same count of draws."""
    long, place, bad, side = (random.random() for _ in range(4))
    for _ in range(habit.steep):
        long *= long
    if habit.lasting is None:
        begin, lasting = FIRST, _whole(window)
    else:
        low, high = habit.lasting
        lasting = max(_whole(min(low + (high - low) * long, window * _LONGEST)), _S)
        begin = FIRST + _whole((window - lasting) * place)
    device: DeviceId | None = None
    limits, signed = habit.amount, habit.signed
    if installed is not None:
        device = installed.device.id
        if habit.kind is _K.DRIFTING_SENSOR:
            measure = drifts(dict(installed.readings))
            assert measure is not None
            limits, signed = _DRIFT[measure], True
    amount = limits[0] + (limits[1] - limits[0]) * bad * bad
    amount = float(round(amount)) if habit.kind in _IN_WHOLE else round(amount, 3)
    if signed and side < 0.5:
        amount = -amount
    return Fault(0, habit.kind, home, begin, lasting, amount, device)


def _whole(span: timedelta) -> timedelta:
    return span // _S * _S
