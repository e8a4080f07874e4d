"""When a fault said that a home could not be seen.

Told are: `HOME_BLIND`, `DRIVER_LOST` and `MAINS_OUTAGE` of the gateway, once the center had the
record, and a gateway that the center itself held for silent.
"""

from collections.abc import Sequence
from datetime import datetime

from rules.alarm import AlarmKind
from rules.events import Escalated
from sim.check.conditions import conditions, turn
from sim.check.sent import sent
from sim.check.spans import Span, merged
from sim.world.chronicle import Chronicle, HomeChronicle

KINDS = frozenset({AlarmKind.HOME_BLIND, AlarmKind.DRIVER_LOST, AlarmKind.MAINS_OUTAGE})


def told(chronicle: Chronicle, home: HomeChronicle) -> list[Span]:
    """When the center knew that the home could not be seen."""
    never = max(chronicle.healed, chronicle.end)
    spans = silent(chronicle, home)
    arrived = [
        (one.event.alarm, one.arrived)
        for one in sent(home)
        if isinstance(one.event, Escalated) and one.arrived is not None
    ]
    for key, present in conditions(home, never).items():
        if key.kind in KINDS:
            for begin, end in present:
                moments = [at for alarm, at in arrived if alarm == key and begin <= at]
                if moments and moments[0] <= end:
                    spans.append((moments[0], end))
    return merged(spans)


def silent(chronicle: Chronicle, home: HomeChronicle) -> list[Span]:
    """When the center held the gateway for silent; a restored one holds what it held then."""
    never = max(chronicle.healed, chronicle.end)
    spans: list[Span] = []
    restored = sorted(chronicle.restored)
    for turned in home.turned:
        while restored and restored[0][0] <= turned.at:
            _go_back(spans, *restored.pop(0), never)
        turn(spans, turned.at, turned.silent, never)
    for moment, back in restored:
        _go_back(spans, moment, back, never)
    return spans


def _go_back(spans: list[Span], moment: datetime, back: datetime, never: datetime) -> None:
    held = any(begin <= back < end for begin, end in spans)
    turn(spans, moment, held, never)


def was_told(begin: datetime, end: datetime, spans: Sequence[Span]) -> bool:
    """Whether the center knew at some moment of `begin` to `end`, both included."""
    return any(first <= end and last >= begin for first, last in spans)
