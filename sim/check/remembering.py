"""What somebody has on a disk is not forgotten.

- What the center acknowledged it still has when it starts again, unless it starts on a backup
  (`Chronicle.forgotten`). That its gateway would send it again is no excuse: a center that dies
  for good after such an answer takes the record with it.
- An escalation that a gateway finds in its journal at a start is at the center at the end, though
  a damaged file may have lost its record: it is made anew. Excused where it was still not there
  when the files were damaged again, or when the power went while the disk failed.

Of a run that did not note them (the rig's) nothing is said.
"""

from collections.abc import Iterator
from typing import Final

from rules.errors import phrase
from sim.check.forgetting import forgettings
from sim.check.sent import arrivals
from sim.check.violation import Violation
from sim.world.chronicle import Chronicle, HomeChronicle

NAME: Final = "nothing-forgotten"


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """What was on a disk and is forgotten all the same."""
    first = {home.number: arrivals(home) for home in chronicle.homes}
    for at, id_ in chronicle.forgotten:
        number = next((number for number, ids in first.items() if id_ in ids), None)
        yield Violation(
            NAME,
            number,
            at,
            phrase(
                "The center had acknowledged a record, and did not have it when it started again."
            ),
            tuple(
                phrase("acknowledged {at} {id}", at=ids[id_].isoformat(), id=id_.hex())
                for ids in first.values()
                if id_ in ids
            ),
        )
    for home in chronicle.homes:
        yield from _untold(chronicle, home)


def _untold(chronicle: Chronicle, home: HomeChronicle) -> Iterator[Violation]:
    if not home.known:
        return
    there = {seq for gateway, seq, _ in chronicle.stored if gateway == home.gateway}
    found = forgettings(chronicle, home)
    for known in home.known:
        if any((each.damaged or each.failing) and each.cut > known.at for each in found):
            continue
        for serial in known.serials:
            if serial not in there:
                yield Violation(
                    NAME,
                    home.number,
                    known.at,
                    phrase(
                        "A start found escalation {serial} in its journal,"
                        " and the center does not have it at the end.",
                        serial=serial,
                    ),
                    (phrase("started {at}", at=known.at.isoformat()),),
                )
