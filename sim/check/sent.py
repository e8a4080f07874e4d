"""Records on their way: decided, queued, arrived."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rules.errors import Phrase, phrase
from rules.events import Escalated, Updated
from sim.world.chronicle import Decided, HomeChronicle, Queued


@dataclass(frozen=True, slots=True)
class Sent:
    """One decision that leaves the house."""

    decided: Decided
    event: Escalated | Updated
    queued: Queued | None
    arrived: datetime | None
    "When the center had it first."


def sent(home: HomeChronicle) -> Iterator[Sent]:
    """All of them, in the order in which they were decided."""
    queued = {(one.boot, one.seq): one for one in reversed(home.queued)}
    first = arrivals(home)
    for decided in home.decided:
        event = decided.event
        if isinstance(event, Escalated | Updated):
            row = queued.get((decided.boot, event.serial))
            yield Sent(decided, event, row, None if row is None else first.get(row.id))


def arrivals(home: HomeChronicle) -> dict[bytes, datetime]:
    """When the center had each record first."""
    first: dict[bytes, datetime] = {}
    for one in home.arrived:
        first.setdefault(one.record.id, one.at)
    return first


def called(event: Escalated | Updated) -> Phrase:
    """What was decided, in a sentence."""
    if isinstance(event, Escalated):
        return phrase("{alarm} escalated", alarm=event.alarm)
    return phrase("{alarm} updated, {stage}", alarm=event.alarm, stage=event.stage)


def named(event: Escalated | Updated) -> Phrase:
    """A decision in a line of evidence."""
    return phrase(
        "{decision}, serial {serial}, by its clock at {at}",
        decision=called(event),
        serial=event.serial,
        at=event.at.isoformat(),
    )
