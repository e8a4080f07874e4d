"""When the way to the center, or the center itself, was not well."""

from datetime import datetime, timedelta

from sim.check.spans import Span, merged
from sim.faults.fault import OF_CENTER, FaultKind
from sim.world.chronicle import Chronicle, HomeChronicle

OF_UPLINK = frozenset(
    {
        FaultKind.UPLINK_DOWN,
        FaultKind.UPLINK_LOSS,
        FaultKind.UPLINK_DUPLICATES,
        FaultKind.NAT_REBINDING,
    }
)
AFTERWARDS = timedelta(minutes=3)
"An exchange that hangs is given up, and the pause after many in vain is over."


def outages(chronicle: Chronicle, home: HomeChronicle) -> list[Span]:
    """When a record may not have reached the center.

    Faults of the way and of the center, each until it is got over, and no gateway running.
    """
    never = max(chronicle.healed, chronicle.end)
    spans: list[Span] = []
    for fault in (*home.faults, *chronicle.center_faults):
        if fault.kind in OF_UPLINK or fault.kind in OF_CENTER:
            begin = chronicle.start + fault.begin
            spans.append((begin, begin + fault.lasting + AFTERWARDS))
    for run, following in zip(home.runs, [*home.runs[1:], None], strict=True):
        if run.ended is not None:
            spans.append((run.ended, never if following is None else following.began))
    return merged(spans)


def well(begin: datetime, end: datetime, bad: list[Span]) -> bool:
    """Whether no outage has a moment in common with `begin` to `end`."""
    return all(last < begin or first > end for first, last in bad)
