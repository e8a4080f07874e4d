"""Water, smoke, gas, carbon monoxide, heat and cold: delays, hysteresis, alarm and all-clear."""

from datetime import datetime, timedelta

from rules.alarm import ACTIVE, SOUNDED, AlarmKey, AlarmKind, AlarmState
from rules.decision import Decision
from rules.observation import DeviceId, Observation, Phenomenon, Value
from rules.registers import Alarm
from rules.rulebook import Hazard, Rulebook
from rules.sentence import Explanation, Say, sentence

_BINARY = {
    Phenomenon.LEAK: AlarmKind.LEAK,
    Phenomenon.SMOKE: AlarmKind.SMOKE,
    Phenomenon.GAS: AlarmKind.GAS,
    Phenomenon.CO: AlarmKind.CO,
}
PHENOMENA = frozenset(_BINARY) | {Phenomenon.CO_PPM, Phenomenon.TEMPERATURE_C}
KINDS = SOUNDED | {AlarmKind.HEAT, AlarmKind.COLD}

_BACK_C = 1.0
"A room counts as normal again only this far inside its limit (hysteresis)."
_BACK_SHARE = 0.8
"CO counts as gone below this share of the limit."
_SAY = {
    AlarmKind.LEAK: Say.LEAK,
    AlarmKind.SMOKE: Say.SMOKE,
    AlarmKind.GAS: Say.GAS,
    AlarmKind.CO: Say.CO,
    AlarmKind.HEAT: Say.HEAT,
    AlarmKind.COLD: Say.COLD,
}


def observe(decision: Decision, seen: Observation) -> None:
    """Hold one value against its limits."""
    if seen.phenomenon is Phenomenon.TEMPERATURE_C:
        _observe_temperature(decision, seen.device, float(seen.value))
    elif seen.phenomenon in {Phenomenon.CO, Phenomenon.CO_PPM}:
        _observe_co(decision, seen)
    else:
        key = AlarmKey(_BINARY[seen.phenomenon], seen.device)
        _set(decision, key, present=bool(seen.value), value=None)


def due(alarm: Alarm, book: Rulebook) -> datetime | None:
    """When this alarm must be looked at again."""
    limits = book.hazard
    if alarm.present and alarm.state in {AlarmState.NORMAL, AlarmState.CLEARED}:
        at = alarm.changed_at + _hold(alarm.key.kind, limits)
        if alarm.closed_at is not None and alarm.closed_at >= alarm.changed_at:
            # A person closed the case while the water still stood: ask again, but later.
            at = max(at, alarm.closed_at + _repeat_after(alarm.key.kind, limits))
        return at
    if not alarm.present and alarm.state in ACTIVE and not alarm.drill:
        return alarm.changed_at + limits.clear_after
    return None


def settle(decision: Decision, alarm: Alarm) -> None:
    """Do what has fallen due for one hazard."""
    at = due(alarm, decision.book)
    if at is None or decision.now < at:
        return
    key = alarm.key
    if not alarm.present:
        room = decision.room(key.scope)
        decision.clear(key, (sentence(Say.HAZARD_OVER, at=alarm.changed_at, room=room),))
    else:
        decision.escalate(key, _explain(decision, alarm), room=decision.room(key.scope))


def _observe_temperature(decision: Decision, device: DeviceId, value: float) -> None:
    limits, alarms = decision.book.hazard, decision.state.alarms
    hot, cold = AlarmKey(AlarmKind.HEAT, device), AlarmKey(AlarmKind.COLD, device)
    was_hot, was_cold = alarms.get(hot), alarms.get(cold)
    high = limits.high - (_BACK_C if was_hot is not None and was_hot.present else 0.0)
    low = limits.low + (_BACK_C if was_cold is not None and was_cold.present else 0.0)
    if value >= high or was_hot is not None:
        _set(decision, hot, present=value >= high, value=value)
    if value <= low or was_cold is not None:
        _set(decision, cold, present=value <= low, value=value)


def _observe_co(decision: Decision, seen: Observation) -> None:
    """Either the sensor's own alarm or its measure is enough: its standard knows time, too.

    Ref: EN 50291-1:2018, alarm conditions: within 60 to 90 min at 50 ppm, 3 min at 300 ppm.
    """
    key = AlarmKey(AlarmKind.CO, seen.device)
    says = _now(decision, seen, Phenomenon.CO)
    ppm = float(_now(decision, seen, Phenomenon.CO_PPM) or 0.0)
    limit = decision.book.hazard.co_limit
    back = _BACK_SHARE if decision.state.alarm(key).present else 1.0
    above = ppm >= limit * back
    _set(decision, key, present=bool(says) or above, value=ppm if above else None)


def _now(decision: Decision, seen: Observation, phenomenon: Phenomenon) -> Value | None:
    """What a device says of `phenomenon`, in `seen` or last."""
    if seen.phenomenon is phenomenon:
        return seen.value
    reading = decision.state.devices[seen.device].readings.get(phenomenon)
    return None if reading is None else reading.value


def _set(decision: Decision, key: AlarmKey, *, present: bool, value: float | None) -> None:
    decision.change(key, present=present, value=value)
    alarm = decision.state.alarms.get(key)
    if alarm is not None:
        settle(decision, alarm)


def _explain(decision: Decision, alarm: Alarm) -> Explanation:
    kind, limits = alarm.key.kind, decision.book.hazard
    room = decision.room(alarm.key.scope)
    if alarm.value is None:
        said = sentence(_SAY[kind], at=alarm.changed_at, room=room)
    else:
        limit = {AlarmKind.HEAT: limits.high, AlarmKind.COLD: limits.low}.get(
            kind, limits.co_limit
        )
        say = Say.CO_PPM if kind is AlarmKind.CO else _SAY[kind]
        said = sentence(say, at=alarm.changed_at, room=room, value=alarm.value, limit=limit)
    if alarm.closed_at is not None and alarm.closed_at >= alarm.changed_at:
        return said, sentence(Say.STILL_ACTIVE, since=alarm.changed_at)
    return (said,)


def _repeat_after(kind: AlarmKind, limits: Hazard) -> timedelta:
    measured = kind in {AlarmKind.HEAT, AlarmKind.COLD}
    return limits.temperature_repeat_after if measured else limits.repeat_after


def _hold(kind: AlarmKind, limits: Hazard) -> timedelta:
    match kind:
        case AlarmKind.LEAK:
            return limits.leak_hold
        case AlarmKind.SMOKE:
            return limits.smoke_hold
        case AlarmKind.GAS:
            return limits.gas_hold
        case AlarmKind.CO:
            return limits.co_hold
        case _:
            return limits.temperature_hold
