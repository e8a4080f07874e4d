"""Devices come, go and are swapped, whatever was going on with them."""

from rules import health, mains, signals
from rules.alarm import Category
from rules.decision import Decision
from rules.device import Device
from rules.events import DevicesChanged


def changed(decision: Decision, devices: tuple[Device, ...]) -> None:
    """The registry holds `devices` now.

    The faults of a device that is gone are over. A danger or a call for help is not: its case
    stays until the center closes it.
    """
    state = decision.state
    if devices == tuple(heard.device for heard in state.devices.values()):
        return
    gone = state.gone(devices)
    for key in list(state.alarms):
        if key.scope in gone and key.kind.category is Category.FAULT:
            health.over(decision, key)
    signals.forget_commands(decision, gone)
    decision.emit(DevicesChanged(decision.now, devices))
    health.check_sight(decision)
    mains.check(decision)
    health.report_dead(decision)
