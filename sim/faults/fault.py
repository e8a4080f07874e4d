"""One thing that goes wrong: what, where, when, for how long, and how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from rules.observation import DeviceId
from sim.homes.dwelling import Installed


class FaultKind(StrEnum):
    """All faults that can be asked for; the value is the name in a fault file."""

    # --- on the air: every device of the home, or the one of `device`
    FRAME_LOSS = "frame-loss"
    "`amount`: the share of frames lost, all copies of them."
    DUPLICATES = "duplicates"
    "`amount`: the share of frames that come twice."
    REORDERING = "reordering"
    "`amount`: the share of frames that are overtaken by the next."
    DELAY = "delay"
    "`amount`: seconds at most that a frame is held back."
    BIT_ERRORS = "bit-errors"
    "`amount`: the share of frames with flipped bits."
    # --- a sensor: always with `device`
    DEAD_SENSOR = "dead-sensor"
    DYING_SENSOR = "dying-sensor"
    "Ever longer without a frame; at the end it is dead until the fault ends."
    DRIFTING_SENSOR = "drifting-sensor"
    "`amount`: what its measure is off at the end, in its unit."
    STUCK_SENSOR = "stuck-sensor"
    "Reports what it reported last."
    FALSE_ZERO = "false-zero"
    "A plug that reports 0 W every five minutes, whatever its load."
    BATTERY_SAG = "battery-sag"
    "Its battery falls to `amount` percent."
    # --- a radio
    RADIO_STUCK = "radio-stuck"
    "The driver hears nothing and does not know it."
    RADIO_LOST = "radio-lost"
    "Coordinator or adapter gone: the driver is down."
    # --- the gateway
    POWER_CUT = "power-cut"
    "At the `amount`th write after `begin`, before it or after it; up again after `lasting`."
    DISK_FULL = "disk-full"
    DISK_SLOW = "disk-slow"
    "`amount`: seconds that each write takes."
    DISK_REFUSING = "disk-refusing"
    "Every write fails."
    DISK_CORRUPTED = "disk-corrupted"
    "Bits of the journal's files flip, and the gateway restarts."
    # --- its clock
    WRONG_AT_BOOT = "wrong-at-boot"
    "A restart, after which the machine's date is off by `amount` seconds and no witness is there."
    CLOCK_JUMP = "clock-jump"
    "The machine's date jumps by `amount` seconds, and NTP vouches for it."
    CLOCK_DRIFT = "clock-drift"
    "`amount`: parts per million."
    # --- the way to the center
    UPLINK_DOWN = "uplink-down"
    UPLINK_LOSS = "uplink-loss"
    "`amount`: the share of datagrams lost, each way."
    UPLINK_DUPLICATES = "uplink-duplicates"
    "`amount`: the share of requests that arrive twice."
    NAT_REBINDING = "nat-rebinding"
    "`amount`: seconds after which an idle way is forgotten: the next reply does not come."
    # --- the center: never of one home
    CENTER_KILLED = "center-killed"
    CENTER_SLOW = "center-slow"
    "`amount`: seconds until it answers."
    CENTER_GARBAGE = "center-garbage"
    "`amount`: the share of replies that are rubbish, though the request was carried out."
    CENTER_RESTORED = "center-restored"
    "Down, then up again with a backup that is `amount` seconds old."


OF_DEVICE = frozenset(
    {
        FaultKind.DEAD_SENSOR,
        FaultKind.DYING_SENSOR,
        FaultKind.DRIFTING_SENSOR,
        FaultKind.STUCK_SENSOR,
        FaultKind.FALSE_ZERO,
        FaultKind.BATTERY_SAG,
    }
)
OF_CENTER = frozenset(
    {
        FaultKind.CENTER_KILLED,
        FaultKind.CENTER_SLOW,
        FaultKind.CENTER_GARBAGE,
        FaultKind.CENTER_RESTORED,
    }
)
OF_AIR = frozenset(
    {
        FaultKind.FRAME_LOSS,
        FaultKind.DUPLICATES,
        FaultKind.REORDERING,
        FaultKind.DELAY,
        FaultKind.BIT_ERRORS,
    }
)
"Of the home, or of one `device` of it."
OF_RADIO = OF_AIR | OF_DEVICE | {FaultKind.RADIO_STUCK, FaultKind.RADIO_LOST}
"What comes between a device and the gateway."


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a run."""

    number: int
    "From 1, in the order drawn or listed: `--keep` names it so, and it seeds its own draws."
    kind: FaultKind
    home: int | None
    "Of this home, from 1; None for a fault of the center."
    begin: timedelta
    "Since the start of the run."
    lasting: timedelta
    "It heals after this."
    amount: float = 0.0
    "What it measures is the kind's; 0 where it measures nothing."
    device: DeviceId | None = None
    "Where it is a device's."


class Furnished(Protocol):
    """A home as far as faults are about it."""

    @property
    def number(self) -> int:
        """From 1."""

    @property
    def installed(self) -> Sequence[Installed]:
        """Its devices."""
