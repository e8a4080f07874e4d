"""Nothing lost: what was queued for the center is there at the end, with its case.

Every record that a gateway put into its outbox is among the rows of the center at the end of the
run, and one that opens a case has its case there. There are two ways to be excused, each told to
the technicians by the gateway itself:

- The record was queued in memory while the disk failed, the gateway went down while it still
  failed, and `DISK_FAILING` had been decided before it went down. Had the disk been well again in
  between, the record would have been written then.
- The files of the journal were damaged (`FaultKind.DISK_CORRUPTED`) after the record was queued,
  and the gateway said `JOURNAL_RESTORED` at its next start.

And in both cases the center did not have the record before the gateway forgot it, or was itself
set back to a time at which it had not.

What was decided is queued: each escalation, and each update of a case that damaged files have not
taken from the gateway. Where it arrived it says what was decided.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from protocol.records import Record, RecordKind
from rules.errors import Phrase, phrase
from rules.events import Escalated, Updated
from sim.check.forgetting import Forgetting, forgettings
from sim.check.sent import arrivals, named
from sim.check.violation import Violation
from sim.world.chronicle import Chronicle, Decided, HomeChronicle, Queued

NAME: Final = "nothing-lost"


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Records that were queued and are not at the center at the end."""
    stored = {(gateway, id_) for gateway, _, id_ in chronicle.stored}
    cases = {(case.gateway, case.id) for case in chronicle.cases if not case.own}
    for home in chronicle.homes:
        found = forgettings(chronicle, home)
        first = arrivals(home)
        opens = {one.record.id for one in home.arrived if one.record.kind is not RecordKind.UPDATE}
        for queued in home.queued:
            name = (home.gateway, queued.id)
            if name not in stored:
                if not _excused(chronicle, queued, found, first.get(queued.id)):
                    yield _lost(home, queued, phrase("it is not at the center"), first)
            elif queued.id in opens and name not in cases:
                yield _lost(home, queued, phrase("it has no case at the center"), first)
        yield from _unsaid(home, found)


def _excused(
    chronicle: Chronicle,
    queued: Queued,
    found: list[Forgetting],
    arrived: datetime | None,
) -> bool:
    for each in found:
        if each.may_forget(queued):
            there = arrived is not None and arrived <= each.cut
            if not there or any(
                back <= arrived <= restored
                for restored, back in chronicle.restored
                if arrived is not None
            ):
                return True
    return False


def _unsaid(home: HomeChronicle, found: Sequence[Forgetting]) -> Iterator[Violation]:
    """Decisions that were never queued, or that the center was told otherwise."""
    queued: dict[int, list[bytes]] = defaultdict(list)
    for row in home.queued:
        queued[row.seq].append(row.id)
    records = {one.record.id: one.record for one in home.arrived}
    damaged = min((each.cut for each in found if each.damaged), default=None)
    for decided in home.decided:
        event = decided.event
        if not isinstance(event, Escalated | Updated):
            continue
        ids = queued.get(event.serial, [])
        orphan = damaged is not None and damaged <= decided.at and isinstance(event, Updated)
        if not ids and not orphan:
            yield _never(home, decided, event, phrase("it was never queued"))
        elif ids and all(id_ in records and not _says(records[id_], event) for id_ in ids):
            yield _never(home, decided, event, phrase("the center was told otherwise"))


def _says(record: Record, event: Escalated | Updated) -> bool:
    return (
        (record.alarm, record.scope, record.level)
        == (event.alarm.kind, event.alarm.scope, event.level)
        and record.stage is (event.stage if isinstance(event, Updated) else None)
        and record.drill == (isinstance(event, Escalated) and event.drill)
    )


def _never(
    home: HomeChronicle, decided: Decided, event: Escalated | Updated, what: Phrase
) -> Violation:
    return Violation(
        NAME,
        home.number,
        decided.at,
        phrase(
            "Decision {number} of boot {boot}: {what}.",
            number=event.serial,
            boot=decided.boot,
            what=what,
        ),
        (phrase("decided {at} {what}", at=decided.at.isoformat(), what=named(event)),),
    )


def _lost(
    home: HomeChronicle, queued: Queued, what: Phrase, first: dict[bytes, datetime]
) -> Violation:
    how = phrase("durably") if queued.durable else phrase("in memory")
    arrived = first.get(queued.id)
    return Violation(
        NAME,
        home.number,
        queued.at,
        phrase(
            "Record {number} of boot {boot} was queued {how}, and at the end {what}.",
            number=queued.seq,
            boot=queued.boot,
            how=how,
            what=what,
        ),
        (
            phrase("queued {at} {id}", at=queued.at.isoformat(), id=queued.id.hex()),
            phrase("never arrived")
            if arrived is None
            else phrase("arrived {at}", at=arrived.isoformat()),
        ),
    )
