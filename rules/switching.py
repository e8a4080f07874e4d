"""When a device of some use is switched on and off, told from its load or its relay."""

from rules.decision import Decision
from rules.device import Device, Use
from rules.events import Switched
from rules.observation import Observation, Phenomenon, Quality
from rules.rulebook import Rulebook

_LAMP_W = 3.0
"A lamp of light-emitting diodes takes more, what waits for a remote control less."


def observe(decision: Decision, device: Device, seen: Observation) -> bool:
    """Note whether a device is on. True if it was switched on to cook just now."""
    on = _on(device, seen, decision.book)
    if on is None:
        return False
    runs = decision.state.runs
    run = runs.now.get(device.id)
    known = run is not None and run.paused is None
    if on == known:
        return False
    if on or run is not None:
        decision.emit(Switched(seen.phenomenon_time, device.id, on))
    return on and device.use is Use.COOKING and runs.cooked == seen.phenomenon_time


def _on(device: Device, seen: Observation, book: Rulebook) -> bool | None:
    """None where an observation says nothing of it."""
    if seen.quality is not Quality.GOOD:
        return None
    if seen.phenomenon is Phenomenon.POWER_W:
        least = _LAMP_W if device.use is Use.LIGHT else book.left_on.heating_load
        return float(seen.value) >= least
    if seen.phenomenon is Phenomenon.RELAY_ON and Phenomenon.POWER_W not in device.phenomena:
        return bool(seen.value)
    return None
