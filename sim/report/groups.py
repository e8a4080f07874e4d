"""Faults by what they befall, so that a picture has seven rows and not thirty."""

from enum import StrEnum
from typing import Final

from rules.alarm import AlarmKind
from sim.faults.fault import OF_CENTER, OF_DEVICE, FaultKind


class FaultGroup(StrEnum):
    """What is ill."""

    AIR = "air"
    SENSOR = "sensor"
    RADIO = "radio"
    GATEWAY = "gateway"
    CLOCK = "clock"
    UPLINK = "uplink"
    CENTER = "center"


_BY_NAME: Final = {
    FaultKind.RADIO_STUCK: FaultGroup.RADIO,
    FaultKind.RADIO_LOST: FaultGroup.RADIO,
    FaultKind.POWER_CUT: FaultGroup.GATEWAY,
    FaultKind.DISK_FULL: FaultGroup.GATEWAY,
    FaultKind.DISK_SLOW: FaultGroup.GATEWAY,
    FaultKind.DISK_REFUSING: FaultGroup.GATEWAY,
    FaultKind.DISK_CORRUPTED: FaultGroup.GATEWAY,
    FaultKind.WRONG_AT_BOOT: FaultGroup.CLOCK,
    FaultKind.CLOCK_JUMP: FaultGroup.CLOCK,
    FaultKind.CLOCK_DRIFT: FaultGroup.CLOCK,
    FaultKind.UPLINK_DOWN: FaultGroup.UPLINK,
    FaultKind.UPLINK_LOSS: FaultGroup.UPLINK,
    FaultKind.UPLINK_DUPLICATES: FaultGroup.UPLINK,
    FaultKind.NAT_REBINDING: FaultGroup.UPLINK,
}

_UNHEARD: Final = frozenset(
    {AlarmKind.DEVICE, AlarmKind.HOME_BLIND, AlarmKind.COMMAND_FAILED, AlarmKind.MAINS_OUTAGE}
)

TOLD_BY: Final = {
    FaultGroup.AIR: _UNHEARD | {AlarmKind.FRAMES_REFUSED},
    FaultGroup.SENSOR: _UNHEARD | {AlarmKind.BATTERY_LOW, AlarmKind.FRAMES_REFUSED},
    FaultGroup.RADIO: _UNHEARD | {AlarmKind.DRIVER_LOST, AlarmKind.RADIO_LOST},
    FaultGroup.GATEWAY: frozenset(
        {AlarmKind.DISK_FAILING, AlarmKind.JOURNAL_RESTORED, AlarmKind.REGISTRY_RESTORED}
    ),
    FaultGroup.CLOCK: frozenset({AlarmKind.TIME_UNTRUSTED}),
    FaultGroup.UPLINK: frozenset[AlarmKind](),
    FaultGroup.CENTER: frozenset[AlarmKind](),
}
"By which alarms a gateway tells of a fault of that group; the center tells of a silent gateway."

UNITS: Final = {
    FaultKind.FRAME_LOSS: "%",
    FaultKind.DUPLICATES: "%",
    FaultKind.REORDERING: "%",
    FaultKind.DELAY: "s",
    FaultKind.BIT_ERRORS: "%",
    FaultKind.BATTERY_SAG: "",
    FaultKind.DISK_SLOW: "s",
    FaultKind.WRONG_AT_BOOT: "s",
    FaultKind.CLOCK_JUMP: "s",
    FaultKind.CLOCK_DRIFT: "ppm",
    FaultKind.UPLINK_LOSS: "%",
    FaultKind.UPLINK_DUPLICATES: "%",
    FaultKind.NAT_REBINDING: "s",
    FaultKind.CENTER_SLOW: "s",
    FaultKind.CENTER_GARBAGE: "%",
    FaultKind.CENTER_RESTORED: "s",
}
"What a fault's amount measures: a share, seconds, parts per million."


def group_of(kind: FaultKind) -> FaultGroup:
    """What a fault of that kind befalls."""
    if kind in OF_DEVICE:
        return FaultGroup.SENSOR
    if kind in OF_CENTER:
        return FaultGroup.CENTER
    return _BY_NAME.get(kind, FaultGroup.AIR)
