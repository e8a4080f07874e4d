"""Water, smoke, gas, carbon monoxide, heat and cold: delays, hysteresis, alarm and all-clear."""

from datetime import datetime, timedelta

from rules.alarm import ACTIVE, AlarmKey, AlarmKind, AlarmState
from rules.decision import Decision
from rules.observation import Observation, Phenomenon
from rules.rulebook import Hazard, Rulebook
from rules.sentence import Explanation, Say, sentence
from rules.state import Alarm, State

_BINARY = {
    Phenomenon.LEAK: AlarmKind.LEAK,
    Phenomenon.SMOKE: AlarmKind.SMOKE,
    Phenomenon.GAS: AlarmKind.GAS,
    Phenomenon.CO: AlarmKind.CO,
}
PHENOMENA = frozenset(_BINARY) | {Phenomenon.CO_PPM, Phenomenon.TEMPERATURE_C}
KINDS = frozenset(_BINARY.values()) | {AlarmKind.HEAT, AlarmKind.COLD}

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
_LEVELS = {AlarmKind.HEAT: 1, AlarmKind.COLD: 1}
_LEVEL = 3


def observe(decision: Decision, seen: Observation) -> None:
    """Hold one value against its limits."""
    limits = decision.book.hazard
    state = decision.state
    kind = _BINARY.get(seen.phenomenon)
    if kind is not None:
        heard = state.devices.get(seen.device)
        if kind is AlarmKind.CO and heard and Phenomenon.CO_PPM in heard.device.phenomena:
            return  # Its measure decides; two voices about one gas would take turns.
        _set(decision, AlarmKey(kind, seen.device), present=bool(seen.value), value=None)
    elif seen.phenomenon is Phenomenon.CO_PPM:
        key = AlarmKey(AlarmKind.CO, seen.device)
        value = float(seen.value)
        limit = limits.co_limit * (_BACK_SHARE if state.alarm(key).present else 1.0)
        _set(decision, key, present=value >= limit, value=value)
    else:
        value = float(seen.value)
        alarms = state.alarms
        hot, cold = AlarmKey(AlarmKind.HEAT, seen.device), AlarmKey(AlarmKind.COLD, seen.device)
        was_hot, was_cold = alarms.get(hot), alarms.get(cold)
        high = limits.high - (_BACK_C if was_hot is not None and was_hot.present else 0.0)
        low = limits.low + (_BACK_C if was_cold is not None and was_cold.present else 0.0)
        if value >= high or was_hot is not None:
            _set(decision, hot, present=value >= high, value=value)
        if value <= low or was_cold is not None:
            _set(decision, cold, present=value <= low, value=value)


def due(alarm: Alarm, book: Rulebook) -> datetime | None:
    """When this alarm must be looked at again."""
    limits = book.hazard
    if alarm.present and alarm.state in {AlarmState.NORMAL, AlarmState.CLEARED}:
        at = alarm.changed_at + _hold(alarm.key.kind, limits)
        if alarm.closed_at is not None and alarm.closed_at >= alarm.changed_at:
            # A person closed the case while the water still stood: ask again, but later.
            at = max(at, alarm.closed_at + limits.repeat_after)
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
        if not any_active(decision.state):
            decision.hush()
        return
    decision.escalate(
        key,
        _explain(decision, alarm),
        room=decision.room(key.scope),
        level=_LEVELS.get(key.kind, _LEVEL),
    )
    if decision.book.hazard.siren and key.kind not in _LEVELS:
        decision.warn()


def any_active(state: State) -> bool:
    """Whether some hazard of the home is raised and not over."""
    return any(
        alarm.key.kind in KINDS and alarm.state in ACTIVE for alarm in state.alarms.values()
    )


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
