"""Where the virtual BlueZ differs from the real one, and which of that is meant so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sim.ble.vm.record import Seen

MISSING: Final = "-"
_TIMES: Final = 1.5
_SECONDS: Final = 3.0
"What takes longer or shorter by more than both is another behaviour."

_UNUSED: Final = "Nobody here asks for it."
_POWER_STATE: Final = "An experimental property of the adapter, which nobody here reads."
_NO_CONTROLLER: Final = "The virtual BlueZ has no controller that could be asked."
_UNFILTERED: Final = (
    "A controller leaves out what it has told; here each advert opens a new round."
)
_AWAITED: Final = (
    "While it asks for responses the kernel keeps an advert until one comes, or another."
)
_MADE_DEAD: Final = "A bluetoothd that writes past its buffer dies then, or later, or not."
_DESCRIPTORS: Final = "Descriptors are not shown, and what comes first differs."

_OF_CONNECTIONS: Final = ("connected: ", "connect: ")
_NEWER: Final = "Connections are those of bluetoothd 5.66; later ones show more of a device."

MEANT: Final[Mapping[str, str]] = {
    "objects": _UNUSED,
    "adapter: interfaces": _UNUSED,
    "adapter: Adapter1": _POWER_STATE,
    "off: Powered false": _POWER_STATE,
    "off: Powered true": _POWER_STATE,
    "scan, RegisterMonitor": _NO_CONTROLLER,
    **{
        f"{title}: {what}": _UNFILTERED
        for title in ("coarse", "fine", "duplicates")
        for what in (
            *("the same again", "the same, 3 dB weaker", "the same, 11 dB weaker"),
            "other data",
        )
    },
    **{f"scan, {title}": _NO_CONTROLLER for title in ("coarse", "fine", "duplicates")},
    "end: connectable": _AWAITED,
    "end: not connectable": _AWAITED,
    "end: StopDiscovery": "The last device first, or the first.",
    "connect: told": _DESCRIPTORS,
    "disconnect": "The same by one signal or by two.",
    "connect: out of range": "The driver gives up after 8 s, long before either.",
    "UnregisterMonitor, 8 patterns": _MADE_DEAD,
    "RegisterMonitor, 17 patterns": _MADE_DEAD,
    "UnregisterMonitor, 17 patterns": _MADE_DEAD,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same."""

    what: str
    real: str
    virtual: str
    meant: str | None
    "Why it is left so; None: nobody has said so."


def differences(
    real: Iterable[Seen], virtual: Iterable[Seen], *, later: bool = False
) -> list[Difference]:
    """All of them, in the order in which they were seen, but for proofs.

    `later`: the real one is newer than what the virtual one follows.
    """
    simulated = {one.what: one for one in virtual if one.right is None}
    there = {one.what: one for one in real if one.right is None}
    found = []
    for what in {**there, **simulated}:
        one, other = there.get(what), simulated.get(what)
        if one is None or other is None or not _same(one, other):
            newer = _NEWER if later and what.startswith(_OF_CONNECTIONS) else None
            meant = MEANT.get(what, newer)
            found.append(Difference(what, _said(one), _said(other), meant))
    return found


def _same(real: Seen, virtual: Seen) -> bool:
    if _name(real.seen) != _name(virtual.seen):
        return False
    if real.seconds is None or virtual.seconds is None:
        return real.seconds is virtual.seconds
    low, high = sorted((real.seconds, virtual.seconds))
    return high <= low * _TIMES or high - low <= _SECONDS


def _name(seen: str) -> str:
    """Without what an error of D-Bus itself says in its own words."""
    name, separated, _ = seen.partition(": ")
    return name if separated and name.startswith("org.freedesktop.DBus.Error.") else seen


def _said(seen: Seen | None) -> str:
    if seen is None:
        return MISSING
    return seen.seen if seen.seconds is None else f"{seen.seen} ({seen.seconds:.1f} s)"
