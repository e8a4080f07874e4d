"""The center knows which gateways are silent: those that are, soon, and no others.

- A gateway of which nothing reaches the center for `Chronicle.silent_after` is held for silent by
  then. It is counted from its last request, and from the last start of the center while it is
  silent; in between the center is up. A center that starts on what was written before it first
  heard of a gateway need not miss it.
- None is held for silent that was heard, or whose center was started, less than that (and a
  minute) before.
- One that is heard again is held no longer.
- Each time there is a case of the center's own, unless a backup has taken it away since.

When a request truly reached the center stands in `HomeChronicle.contacts`; of a run that did not
note it (the rig's) nothing is said.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from rules.alarm import AlarmKind
from rules.codec import moment_at, moment_us
from rules.errors import phrase
from sim.check.blindness import silent
from sim.check.spans import Span
from sim.check.violation import Violation, lasting
from sim.faults.fault import FaultKind
from sim.world.chronicle import Chronicle, HomeChronicle

NAME: Final = "silence-noticed"
_MARGIN: Final = timedelta(minutes=1)
_NOTED_WITHIN: Final = timedelta(hours=1)
"A center notes so often whom it has heard."
_ENDING: Final = frozenset({FaultKind.CENTER_KILLED, FaultKind.CENTER_RESTORED})


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Silent gateways that nobody was told of, and others that were told of."""
    center = _center(chronicle)
    for home in chronicle.homes:
        if home.contacts:
            held = silent(chronicle, home)
            yield from _unnoticed(chronicle, home, center, held)
            yield from _heard(home, held)
            yield from _turns(chronicle, home, center)


def _center(chronicle: Chronicle) -> list[Span]:
    """When the center did not run; it may have died a little later than its fault began."""
    return [
        (chronicle.start + fault.begin, chronicle.start + fault.begin + fault.lasting)
        for fault in chronicle.center_faults
        if fault.kind in _ENDING
    ]


def _unnoticed(
    chronicle: Chronicle, home: HomeChronicle, center: list[Span], held: list[Span]
) -> Iterator[Violation]:
    patience = chronicle.silent_after
    first = moment_at(home.contacts[0])
    ends = [moment_at(at) for at in home.contacts[1:]]
    for last, end in zip(map(moment_at, home.contacts), [*ends, chronicle.healed], strict=True):
        if end - last <= patience:
            continue
        for since in (last, *(up for _, up in center if last < up < end)):
            by = since + patience
            if by >= end or any(begin <= by and since < up for begin, up in center):
                continue
            if since > last and not _noted(chronicle, center, since, first):
                continue
            if not any(begin <= by < over for begin, over in held):
                yield Violation(
                    NAME,
                    home.number,
                    by,
                    phrase(
                        "Nothing of the gateway reached the center for {unheard},"
                        " and it was not held for silent within {patience}.",
                        unheard=lasting(end - last),
                        patience=lasting(patience),
                    ),
                    (
                        phrase("heard {at}", at=last.isoformat()),
                        phrase("counted from {at}", at=since.isoformat()),
                    ),
                )


def _noted(chronicle: Chronicle, center: list[Span], up: datetime, first: datetime) -> bool:
    """Whether a center that starts at `up` knows of one that it heard `first`."""
    known = [begin for begin, end in center if end == up]
    known += [back for restored, back in chronicle.restored if restored == up]
    return all(first + _NOTED_WITHIN <= at for at in known)


def _heard(home: HomeChronicle, held: list[Span]) -> Iterator[Violation]:
    contacts = home.contacts
    for begin, end in held:
        index = bisect_right(contacts, moment_us(begin))
        if index == len(contacts):
            continue
        again = moment_at(contacts[index])
        if again + _MARGIN < end:
            yield Violation(
                NAME,
                home.number,
                again + _MARGIN,
                phrase(
                    "The gateway was heard again, and held for silent for another {span}.",
                    span=lasting(end - again),
                ),
                (
                    phrase("held for silent {at}", at=begin.isoformat()),
                    phrase("heard {at}", at=again.isoformat()),
                ),
            )


def _turns(chronicle: Chronicle, home: HomeChronicle, center: list[Span]) -> Iterator[Violation]:
    own = [
        case.opened
        for case in chronicle.cases
        if case.own
        and case.gateway == home.gateway
        and case.alarm.kind is AlarmKind.GATEWAY_SILENT
    ]
    for turned in home.turned:
        at = turned.at
        if not turned.silent:
            continue
        index = bisect_left(home.contacts, moment_us(at))
        last = moment_at(home.contacts[index - 1]) if index else chronicle.start
        since = max([last, *(up for _, up in center if up <= at)])
        if at - since < chronicle.silent_after - _MARGIN:
            yield Violation(
                NAME,
                home.number,
                at,
                phrase(
                    "The gateway was held for silent {span} after it was heard.",
                    span=lasting(at - since),
                ),
                (
                    phrase("heard {at}", at=last.isoformat()),
                    phrase("held for silent {at}", at=at.isoformat()),
                ),
            )
        taken = any(back <= at <= restored for restored, back in chronicle.restored)
        if not taken and not any(opened <= at for opened in own):
            yield Violation(
                NAME,
                home.number,
                at,
                phrase("The gateway was held for silent, and there is no case of it."),
                (phrase("held for silent {at}", at=at.isoformat()),),
            )
