"""Which faults processes can have on this machine, and why not the others."""

from collections.abc import Iterable

from sim.faults.fault import Fault, FaultKind
from sim.rig import disk, tracer
from texts import N_, Translator

_BY_STRACE = (FaultKind.DISK_REFUSING, FaultKind.DISK_SLOW)


def left_out(say: Translator, faults: Iterable[Fault]) -> list[str]:
    """What of these faults is not done at this level, or not as it is said; a sentence each."""
    kinds = {fault.kind for fault in faults}
    told = []
    if not tracer.possible():
        told += [
            say.text(
                N_("Not at this level: {kind}: strace cannot trace here."),
                kind=kind.value,
            )
            for kind in _BY_STRACE
            if kind in kinds
        ]
        if FaultKind.POWER_CUT in kinds:
            told.append(
                say.text(
                    N_("{kind} comes at once, not at a write: strace cannot trace here."),
                    kind=FaultKind.POWER_CUT.value,
                )
            )
    if FaultKind.DISK_FULL in kinds and not disk.may_mount():
        told.append(
            say.text(
                N_("{kind} is a limit on the size of files; a small card takes root."),
                kind=FaultKind.DISK_FULL.value,
            )
        )
    return told
