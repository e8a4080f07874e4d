"""Nothing doubled: one record for one decision, one row and one case for one record.

- No id stands twice among the center's rows or cases, and none that no gateway queued.
- Nothing is new to the center twice, unless it was set back to before the first time.
- No number of a gateway stands for two records: two of one boot never; two of different boots
  only where the gateway forgot the first one as `nothing-lost` allows (memory while the disk
  failed, damaged files), and said so. With damaged files both are of the same decision: a record
  that is made anew keeps its number, and whatever is decided later has one far beyond.
- No alarm is raised while it stands raised, unless that was so forgotten.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from protocol.records import Record
from rules.alarm import AlarmKey, Move
from rules.errors import Phrase, phrase
from rules.events import AlarmMoved
from sim.check.forgetting import Forgetting, forgettings
from sim.check.violation import Violation, lasting
from sim.world.chronicle import Chronicle, HomeChronicle, Queued

NAME: Final = "nothing-doubled"


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Records and cases that are there twice, or of nobody."""
    numbers = {home.gateway: home.number for home in chronicle.homes}
    queued = {(home.gateway, one.id) for home in chronicle.homes for one in home.queued}
    rows = [(gateway, id_) for gateway, _, id_ in chronicle.stored]
    cases = [(case.gateway, case.id) for case in chronicle.cases if not case.own]
    for names, strange, second in (
        (rows, phrase("a row that no gateway queued"), phrase("a second row")),
        (cases, phrase("a case that no gateway queued"), phrase("a second case")),
    ):
        seen: set[tuple[str, bytes]] = set()
        for gateway, id_ in names:
            name = (gateway, id_)
            if name not in queued:
                yield _at_center(chronicle, numbers, name, strange)
            elif name in seen:
                yield _at_center(chronicle, numbers, name, second)
            seen.add(name)
    for home in chronicle.homes:
        found = forgettings(chronicle, home)
        yield from _new_again(chronicle, home)
        yield from _numbers(home, found, rows)
        yield from _raised_again(home, found)


def _at_center(
    chronicle: Chronicle, numbers: dict[str, int], name: tuple[str, bytes], what: Phrase
) -> Violation:
    gateway, id_ = name
    return Violation(
        NAME,
        numbers.get(gateway),
        chronicle.healed,
        phrase(
            "At the end the center has {what}: {id} of {gateway}.",
            what=what,
            id=id_.hex(),
            gateway=gateway,
        ),
    )


def _new_again(chronicle: Chronicle, home: HomeChronicle) -> Iterator[Violation]:
    new: dict[bytes, datetime] = {}
    for one in home.arrived:
        if not one.new:
            continue
        before = new.get(one.record.id)
        if before is not None and not any(
            back <= before <= restored <= one.at for restored, back in chronicle.restored
        ):
            yield Violation(
                NAME,
                home.number,
                one.at,
                phrase(
                    "Record {number} was new to the center a second time.",
                    number=one.record.seq,
                ),
                (
                    phrase("first {at}", at=before.isoformat()),
                    phrase("again {at}", at=one.at.isoformat()),
                ),
            )
        new[one.record.id] = one.at


def _numbers(
    home: HomeChronicle, found: Sequence[Forgetting], rows: Iterable[tuple[str, bytes]]
) -> Iterator[Violation]:
    """Two records of one number, both at the center."""
    stored = {id_ for gateway, id_ in rows if gateway == home.gateway}
    records = {one.record.id: one.record for one in home.arrived}
    by_number: dict[int, list[Queued]] = defaultdict(list)
    for one in home.queued:
        if one.id in stored:
            by_number[one.seq].append(one)
    for number, several in by_number.items():
        for first, second in pairwise(several):
            anew = _decision(records.get(first.id)) == _decision(records.get(second.id))
            forgotten = any(
                each.may_forget(first) and each.cut <= second.at and (anew or not each.damaged)
                for each in found
            )
            if first.id != second.id and (first.boot == second.boot or not forgotten):
                yield Violation(
                    NAME,
                    home.number,
                    second.at,
                    phrase(
                        "Number {number} stands for two records,"
                        " of boot {first} and of boot {second}.",
                        number=number,
                        first=first.boot,
                        second=second.boot,
                    ),
                    tuple(
                        phrase("queued {at} {id}", at=one.at.isoformat(), id=one.id.hex())
                        for one in (first, second)
                    ),
                )


def _decision(record: Record | None) -> object:
    """What a record was made of: equal for one that is made anew."""
    if record is None:
        return None
    return record.wall, record.alarm, record.scope, record.stage, record.level


def _forgotten(found: Sequence[Forgetting], before: datetime, at: datetime) -> bool:
    """Whether what was decided at `before` may be unknown at `at`."""
    return any(
        before <= each.cut <= at and (each.damaged or before >= each.since) for each in found
    )


def _raised_again(home: HomeChronicle, found: Sequence[Forgetting]) -> Iterator[Violation]:
    raised: dict[AlarmKey, datetime] = {}
    for decided in home.decided:
        event = decided.event
        if not isinstance(event, AlarmMoved):
            continue
        if event.move in {Move.CLEAR, Move.CLOSE}:
            raised.pop(event.alarm, None)
        elif event.move is Move.RAISE:
            before = raised.get(event.alarm)
            if before is not None and not _forgotten(found, before, decided.at):
                yield Violation(
                    NAME,
                    home.number,
                    decided.at,
                    phrase(
                        "{alarm} was raised while it stood raised for {span}.",
                        alarm=event.alarm,
                        span=lasting(decided.at - before),
                    ),
                    (
                        phrase("raised {at}", at=before.isoformat()),
                        phrase("again {at}", at=decided.at.isoformat()),
                    ),
                )
            raised[event.alarm] = decided.at
