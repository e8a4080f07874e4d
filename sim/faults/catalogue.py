"""All kinds of faults: what each does, and what its amount measures."""

from dataclasses import dataclass
from typing import Final

from rules.observation import Phenomenon
from sim.faults.fault import FaultKind
from sim.faults.sensing import drifts
from sim.homes.dwelling import Installed
from texts import N_

_K = FaultKind
_YEARS_S: Final = 10 * 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Amount:
    """What the amount of a fault measures."""

    what: str
    "A message id."
    low: float
    high: float
    default: float | None = None
    "None: it has to be said."
    whole: bool = False
    seconds: bool = False
    "A span may be written for it."

    def fits(self, value: float) -> bool:
        """Whether the value lies within the limits, and does anything."""
        return (
            self.low <= value <= self.high
            and (value != 0 or self.low == 0)
            and (not self.whole or float(value).is_integer())
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One kind."""

    kind: FaultKind
    about: str
    "A message id."
    amount: Amount | None = None


def _share(what: str) -> Amount:
    return Amount(what, 0.001, 1.0)


def _seconds(what: str, low: float, high: float, default: float | None = None) -> Amount:
    return Amount(what, low, high, default, seconds=True)


_SHARE_OF_FRAMES: Final = N_("the share of the frames")

_ROWS: Final = (
    Row(
        _K.FRAME_LOSS,
        N_("Frames do not arrive, in none of their copies."),
        _share(_SHARE_OF_FRAMES),
    ),
    Row(_K.DUPLICATES, N_("Frames arrive twice, up to 3 s apart."), _share(_SHARE_OF_FRAMES)),
    Row(
        _K.REORDERING,
        N_("Frames are held back for 5 to 30 s, and later ones overtake them."),
        _share(_SHARE_OF_FRAMES),
    ),
    Row(_K.DELAY, N_("Every frame is held back."), _seconds(N_("the seconds at most"), 0.1, 600)),
    Row(
        _K.BIT_ERRORS,
        N_("Bits of frames flip; the decoder refuses them."),
        _share(N_("the share of the frames, each copy by itself")),
    ),
    Row(_K.DEAD_SENSOR, N_("A device says nothing.")),
    Row(
        _K.DYING_SENSOR,
        N_("A device falls silent for ever longer spells, and is dead for the last quarter."),
    ),
    Row(
        _K.DRIFTING_SENSOR,
        N_("A measure is ever further off."),
        Amount(N_("how far off at the end, in its unit"), -1_000, 1_000),
    ),
    Row(_K.STUCK_SENSOR, N_("A device notices nothing and repeats what it reported last.")),
    Row(_K.FALSE_ZERO, N_("A plug reports 0 W every five minutes, whatever its load.")),
    Row(
        _K.BATTERY_SAG,
        N_("A battery sinks until half of the time is over, and stays there."),
        Amount(N_("the percent that are left"), 0, 100, 3),
    ),
    Row(_K.RADIO_STUCK, N_("The driver hears nothing and does not know it.")),
    Row(_K.RADIO_LOST, N_("The adapter is gone, and the driver is down.")),
    Row(
        _K.POWER_CUT,
        N_("The gateway has no power, from one of its writes on."),
        Amount(N_("the number of that write"), 1, 10_000, 1, whole=True),
    ),
    Row(_K.DISK_FULL, N_("The card takes nothing more.")),
    Row(
        _K.DISK_SLOW,
        N_("Every write takes long."),
        _seconds(N_("the seconds of a write"), 0.01, 60),
    ),
    Row(_K.DISK_REFUSING, N_("Every write fails.")),
    Row(_K.DISK_CORRUPTED, N_("Bits of the journal flip, and the gateway restarts.")),
    Row(
        _K.WRONG_AT_BOOT,
        N_("The gateway restarts with a wrong date, and nobody tells it the right one."),
        _seconds(N_("the seconds fast (slow below 0)"), -_YEARS_S, _YEARS_S),
    ),
    Row(
        _K.CLOCK_JUMP,
        N_("The date jumps, and a time server vouches for it."),
        _seconds(N_("the seconds forward (back below 0)"), -_YEARS_S, _YEARS_S),
    ),
    Row(
        _K.CLOCK_DRIFT,
        N_("The clock runs fast or slow."),
        Amount(N_("the parts per million fast (slow below 0)"), -1_000, 1_000),
    ),
    Row(_K.UPLINK_DOWN, N_("Nothing gets to the center or back.")),
    Row(
        _K.UPLINK_LOSS,
        N_("Datagrams are lost, each way."),
        _share(N_("the share of the datagrams")),
    ),
    Row(
        _K.UPLINK_DUPLICATES, N_("Requests arrive twice."), _share(N_("the share of the requests"))
    ),
    Row(
        _K.NAT_REBINDING,
        N_("An idle way is forgotten: the next reply does not come."),
        _seconds(N_("the seconds until it is forgotten"), 10, 3_600, 60),
    ),
    Row(_K.CENTER_KILLED, N_("The center is down.")),
    Row(
        _K.CENTER_SLOW,
        N_("The center takes long to answer."),
        _seconds(N_("the seconds to an answer"), 0.1, 600),
    ),
    Row(
        _K.CENTER_GARBAGE,
        N_("The center does what it is asked, and answers rubbish."),
        _share(N_("the share of the replies")),
    ),
    Row(
        _K.CENTER_RESTORED,
        N_("The center is down, and comes back with a backup."),
        _seconds(N_("the age of the backup in seconds"), 60, 30 * 86_400, 3_600),
    ),
)

CATALOGUE: Final = {row.kind: row for row in _ROWS}
"Every kind, in the order in which people look for them."


def may_have(kind: FaultKind, installed: Installed) -> bool:
    """Whether a device can have this fault."""
    readings = dict(installed.readings)
    match kind:
        case FaultKind.BATTERY_SAG:
            return Phenomenon.BATTERY_PCT in readings
        case FaultKind.FALSE_ZERO:
            return Phenomenon.POWER_W in readings
        case FaultKind.DRIFTING_SENSOR:
            return drifts(readings) is not None
        case _:
            return True


def number(value: float) -> str:
    """Without a point where it has no use for one."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))
