"""How long a danger must stand before it is raised, and which alarm it makes."""

from datetime import timedelta

from rules.alarm import AlarmKey, AlarmKind
from rules.observation import Phenomenon
from rules.rulebook import Hazard
from sim.world.chronicle import Alert

_KINDS = {
    Phenomenon.LEAK: AlarmKind.LEAK,
    Phenomenon.SMOKE: AlarmKind.SMOKE,
    Phenomenon.GAS: AlarmKind.GAS,
    Phenomenon.CO: AlarmKind.CO,
    Phenomenon.SOS: AlarmKind.SOS,
}


def hold(kind: AlarmKind, limits: Hazard) -> timedelta:
    """So long a danger stands first; nothing for what is no hazard."""
    return {
        AlarmKind.LEAK: limits.leak_hold,
        AlarmKind.SMOKE: limits.smoke_hold,
        AlarmKind.GAS: limits.gas_hold,
        AlarmKind.CO: limits.co_hold,
        AlarmKind.HEAT: limits.temperature_hold,
        AlarmKind.COLD: limits.temperature_hold,
    }.get(kind, timedelta())


def alarm_of(alert: Alert, limits: Hazard) -> AlarmKey | None:
    """The alarm that it must make; None if the value is no danger by the rules."""
    kind = _KINDS.get(alert.phenomenon)
    value = alert.value
    if kind is not None:
        return AlarmKey(kind, alert.device) if value else None
    if not isinstance(value, float):
        return None
    if alert.phenomenon is Phenomenon.CO_PPM and value >= limits.co_limit:
        return AlarmKey(AlarmKind.CO, alert.device)
    if alert.phenomenon is Phenomenon.TEMPERATURE_C:
        if value >= limits.high:
            return AlarmKey(AlarmKind.HEAT, alert.device)
        if value <= limits.low:
            return AlarmKey(AlarmKind.COLD, alert.device)
    return None
