"""What the gateway's alarms were about, and how they stood, by the true time of its decisions."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from rules.alarm import AlarmKey, AlarmKind, Move
from rules.events import (
    AlarmMoved,
    AwayBegan,
    AwayEnded,
    AwayReason,
    ConditionChanged,
    Escalated,
)
from sim.check.spans import Span
from sim.world.chronicle import Decided, HomeChronicle

_SET_US = 60_000_000
"A clock that is set by less is off by its crystal."
_LATE = timedelta(minutes=15)
"A slow disk keeps what is due waiting."
_AT_ONCE = timedelta(minutes=1)
"What people say is taken in by then, but where a slow disk keeps it waiting."
_DONE = frozenset({Move.CLEAR, Move.CLOSE})


def conditions(home: HomeChronicle, never: datetime) -> dict[AlarmKey, list[Span]]:
    """By alarm, when its condition was there; one that lasts to the end ends `never`."""
    found: dict[AlarmKey, list[Span]] = {}
    for decided in home.decided:
        event = decided.event
        if isinstance(event, ConditionChanged):
            turn(found.setdefault(event.alarm, []), decided.at, event.present, never)
    return found


def present(home: HomeChronicle, kind: AlarmKind, never: datetime) -> list[Span]:
    """When a condition of this kind was there, whatever its scope."""
    return [
        span
        for key, spans in conditions(home, never).items()
        if key.kind is kind
        for span in spans
    ]


def active(decided: Iterable[Decided], key: AlarmKey, never: datetime) -> list[Span]:
    """When an alarm had a case that was neither cleared nor closed."""
    spans: list[Span] = []
    for each in decided:
        event = each.event
        if isinstance(event, Escalated) and event.alarm == key:
            turn(spans, each.at, True, never)  # noqa: FBT003 -- what it turned to
        elif isinstance(event, AlarmMoved) and event.alarm == key and event.move in _DONE:
            turn(spans, each.at, False, never)  # noqa: FBT003 -- what it turned to
    return spans


def absences(home: HomeChronicle, never: datetime) -> tuple[list[Span], list[Span]]:
    """When the gateway believed in an outing, and in an absence on a person's word.

    The latter no longer than the person said, whether the gateway remembers it or not, but for
    the time that it did not run, and if its clock was not set meanwhile.
    """
    outings: list[Span] = []
    announced: list[Span] = []
    for decided in home.decided:
        event = decided.event
        if isinstance(event, AwayBegan):
            outing = event.reason is AwayReason.OUTING
            turn(outings, decided.at, outing, never)
            turn(announced, decided.at, not outing, never)
        elif isinstance(event, AwayEnded):
            turn(outings, decided.at, False, never)  # noqa: FBT003 -- what it turned to
            turn(announced, decided.at, False, never)  # noqa: FBT003 -- what it turned to
    return outings, [(begin, _at_most(home, begin, end)) for begin, end in announced]


def _at_most(home: HomeChronicle, begin: datetime, end: datetime) -> datetime:
    """When the last absence announced from `begin` to `end` is over by what was said of it."""
    said = [
        _until(home, one.at, one.event)
        for one in home.decided
        if isinstance(one.event, AwayBegan)
        and one.event.reason is not AwayReason.OUTING
        and begin <= one.at < end
    ]
    over = said[-1] if said else None
    if over is None or any(
        begin <= moved.at <= over and abs(moved.shift_us) > _SET_US for moved in home.moved
    ):
        return end
    for run, following in pairwise(home.runs):
        if run.ended is not None and begin <= run.ended <= over:
            # Who does not run does not know how long; at the latest it counts on from there.
            over += following.began - run.ended
    return min(end, over + _LATE)


def _until(home: HomeChronicle, at: datetime, event: AwayBegan) -> datetime | None:
    """When an absence that began at `at` is over by what was said of it; None: nothing was."""
    if event.until is not None:
        return at + (event.until - event.at)
    said = [
        one.at + (one.away.until - one.at)
        for one in home.announced
        if one.away.until is not None
        and one.away.reason is event.reason
        and at - _AT_ONCE <= one.at <= at
    ]
    return said[-1] if said else None


def turn(spans: list[Span], at: datetime, there: bool, never: datetime) -> None:  # noqa: FBT001
    """Begin a span or end the last one; what is so already stays so."""
    lasts = bool(spans) and spans[-1][1] == never
    if there and not lasts:
        spans.append((at, never))
    elif lasts and not there:
        spans[-1] = (spans[-1][0], at)
