"""Every collapse is found in its bound, or a fault said that the home was blind.

For each plight, in a home whose rules watch over inactivity: somebody came, or an escalation of a
person in danger that was raised after it reached the center, no later than

    since + first limit + prompt's wait (+ away.extra while an outing is believed)
          + the time that the gateway was down in between
          + a minute to decide + two minutes to deliver, outages of the way and the center apart

where `since` is what `sim.check.silence` says: the last sign of life handed to the gateway (a
fall's own acts are such), or whatever later makes the silence count anew. What only noise of
sensors puts off is bounded by twice the longest limit. Nothing is asked for while the home was
announced empty, while a case of inactivity stood open at the center, and of what is due after the
end of the run.

The silence counts anew, or is not counted, while nothing can be seen. So each such span must be
known to the center within its own bound, whether somebody lies there or not:

- No watching device is heard within its contract: `HOME_BLIND`, `DRIVER_LOST` or `MAINS_OUTAGE`
  persisted at the center within ten minutes; where the way or the center was not well, that or a
  gateway held for silent within what the next line says. A gateway that runs has decided on
  `HOME_BLIND` by then in any case.
- The gateway does not run: held for silent by the center within `Chronicle.silent_after` of the
  last word, and of the last start of the center itself.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from rules.alarm import AlarmKind
from rules.errors import phrase
from sim.check.blindness import told, was_told
from sim.check.conditions import present
from sim.check.forgetting import forgettings
from sim.check.outages import AFTERWARDS, outages, well
from sim.check.silence import Blind, Due, Silences
from sim.check.spans import Span, merged, past, touched
from sim.check.violation import Violation, lasting
from sim.homes.act import PlightKind
from sim.world.chronicle import Chronicle, HomeChronicle, Trouble

NAME: Final = "collapse-found"
_DECIDED_WITHIN = timedelta(minutes=1)
_DELIVERED_WITHIN = timedelta(minutes=2)
_TOLD_WITHIN = timedelta(minutes=10)
_LEARNT_WITHIN = timedelta(days=1)
"What a gateway forgot of its devices it knows again by then, or holds them for dead."
_KINDS: Final = {PlightKind.COLLAPSE: phrase("collapse"), PlightKind.FALL: phrase("fall")}


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Collapses that nobody was told of in time."""
    for home in chronicle.homes:
        if home.book.inactivity.enabled:
            yield from _check(chronicle, home)


def _check(chronicle: Chronicle, home: HomeChronicle) -> Iterator[Violation]:
    silences = Silences(chronicle, home)
    known = told(chronicle, home)
    bad = outages(chronicle, home)
    center = merged(
        (chronicle.start + fault.begin, chronicle.start + fault.begin + fault.lasting + AFTERWARDS)
        for fault in chronicle.center_faults
    )
    for trouble in home.troubles:
        due = silences.due(trouble.at)
        by = _by(due, bad)
        came = min((at for at in (trouble.found, trouble.helped) if at is not None), default=None)
        if by is not None and by <= chronicle.end and (came is None or came > by):
            yield _late(home, trouble, due, by, came)
    for blind in silences.blind(chronicle.start, chronicle.end):
        known_by = _known_by(chronicle, blind, bad, center)
        end = min(blind.end, chronicle.end)
        if end > known_by and not was_told(blind.begin, known_by, known):
            yield _untold(home, blind, known_by)
    yield from _undecided(chronicle, home, silences)


def not_due(chronicle: Chronicle, home: HomeChronicle) -> list[Trouble]:
    """Plights of which the center need not have been told yet when the run ended."""
    waiting = [one for one in home.troubles if one.found is None and one.helped is None]
    if not waiting or not home.book.inactivity.enabled:
        return []
    silences, bad = Silences(chronicle, home), outages(chronicle, home)
    by = [_by(silences.due(one.at), bad) for one in waiting]
    return [
        one
        for one, until in zip(waiting, by, strict=True)
        if until is not None and until > chronicle.end
    ]


def _by(due: Due, bad: list[Span]) -> datetime | None:
    """When the center must have been told at the latest."""
    if due.at is None:
        return None
    return past(past(due.at + _DECIDED_WITHIN, bad) + _DELIVERED_WITHIN, bad)


def _undecided(
    chronicle: Chronicle, home: HomeChronicle, silences: Silences
) -> Iterator[Violation]:
    """Whether the gateway itself knew of each time in which it could see nothing."""
    decided = present(home, AlarmKind.HOME_BLIND, max(chronicle.healed, chronicle.end))
    for blind in silences.blind(chronicle.start, chronicle.end):
        by = blind.begin + _TOLD_WITHIN
        runs = any(
            run.began <= blind.begin and (run.ended is None or by <= run.ended)
            for run in home.runs
        )
        forgot = any(
            (each.damaged or each.failing) and blind.begin - _LEARNT_WITHIN <= each.up <= by
            for each in forgettings(chronicle, home)
        )
        if blind.down or not runs or forgot or by >= min(blind.end, chronicle.end):
            continue
        if not touched(blind.begin, by, decided):
            yield Violation(
                NAME,
                home.number,
                by,
                phrase(
                    "No watching device was heard for {span}, and the gateway did not decide that"
                    " the home was blind within {within}.",
                    span=lasting(blind.end - blind.begin),
                    within=lasting(_TOLD_WITHIN),
                ),
                (_seen(blind),),
            )


def _known_by(chronicle: Chronicle, blind: Blind, bad: list[Span], center: list[Span]) -> datetime:
    """By when the center must know that nothing could be seen of a home."""
    at_once = blind.begin + _TOLD_WITHIN
    if not blind.down and well(blind.begin, at_once, bad):
        return at_once
    by = blind.begin + chronicle.silent_after
    for begin, end in center:
        if begin <= by and end >= blind.begin:
            by = end + chronicle.silent_after
    return by + _DELIVERED_WITHIN


def _late(
    home: HomeChronicle, trouble: Trouble, due: Due, by: datetime, came: datetime | None
) -> Violation:
    kind = _KINDS[trouble.kind]
    within = lasting(by - trouble.at)
    if came is None:
        what = phrase(
            "A {kind} was never found, and must be within {within}.", kind=kind, within=within
        )
    else:
        what = phrase(
            "A {kind} was found after {span}, and must be within {within}.",
            kind=kind,
            span=lasting(came - trouble.at),
            within=within,
        )
    return Violation(
        NAME,
        home.number,
        by,
        what,
        (
            phrase("{kind} at {at}", kind=kind, at=trouble.at.isoformat()),
            phrase("silence counts from {at}", at=due.since.isoformat()),
            phrase("due {at}", at="-" if due.at is None else due.at.isoformat()),
            phrase("at the center by {at}", at=by.isoformat()),
        ),
    )


def _seen(blind: Blind) -> str:
    return phrase(
        "blind {begin} to {end}", begin=blind.begin.isoformat(), end=blind.end.isoformat()
    )


def _untold(home: HomeChronicle, blind: Blind, by: datetime) -> Violation:
    spans = {"span": lasting(blind.end - blind.begin), "within": lasting(by - blind.begin)}
    if blind.down:
        what = phrase(
            "The gateway did not run for {span}, and the center did not know within {within}.",
            **spans,
        )
    else:
        what = phrase(
            "No watching device was heard for {span},"
            " and the center did not know within {within}.",
            **spans,
        )
    return Violation(NAME, home.number, by, what, (_seen(blind),))
