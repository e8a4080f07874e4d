"""What a caller needs of a case at a glance: a few numbers in words, and the day as a picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from central.cases import Case, CaseState, Condition
from central.console.day import Day, day_of
from central.console.picture import Picture, picture_of
from central.console.told import Look, Mark, Stretch, told
from rules.sentence import Explanation
from texts import N_, Translator

_AFTER: Final = timedelta(minutes=10)
"A silence that is told so much later than the alarm was raised is a further level's."
_SAME: Final = timedelta(minutes=5)
"Until then the alarm's number is as good as the one of now."


@dataclass(frozen=True, slots=True)
class Fact:
    """One number to be read out on the telephone."""

    word: str
    value: str
    room: str = ""
    since: datetime | None = None
    "It goes on, and is counted from then on."
    then: str = ""
    "What the alarm said, where that is shorter by now."


@dataclass(frozen=True, slots=True)
class Glance:
    """The numbers; and the day with its picture, None where the record carried no day."""

    facts: tuple[Fact, ...]
    day: Day | None
    picture: Picture | None


def glance(
    case: Case, over: Explanation, words: Translator, zone: tzinfo, now: datetime
) -> Glance:
    """The case at a glance; `over` says why its alarm is over, if it is."""
    items = told(case.explanation, case.wall)
    ended = told(over, case.wall)
    day = day_of(case.activity, case.wall, zone, words.name)
    goes_on = (
        case.condition is Condition.ACTIVE
        and case.state is not CaseState.CLOSED
        # What a false clock dates is no more than a length.
        and case.time_trusted
    )
    facts = tuple(_fact(item, words, zone, now, goes_on=goes_on) for item in (*items, *ended))
    if day is None:
        return Glance(facts, None, None)
    drawn = [*items, *_raised(case, items), *ended]
    return Glance(facts, day, picture_of(day, drawn, words, zone, now))


def _fact(
    item: Mark | Stretch, words: Translator, zone: tzinfo, now: datetime, *, goes_on: bool
) -> Fact:
    word = words.text(item.word)
    if isinstance(item, Mark):
        # What is usual is so on any day.
        day = item.at if item.look is Look.DUE else now
        return Fact(word, words.moment(item.at, zone, day), item.room)
    length = words.span(item.length)
    if not goes_on or item.look is not Look.LONG or item.end is None or item.end > now:
        return Fact(word, length)
    return Fact(word, length, since=item.begin, then=length if now - item.end > _SAME else "")


def _raised(case: Case, items: Sequence[Mark | Stretch]) -> Iterable[Mark]:
    yield Mark(N_("Alarm raised"), case.wall, Look.RAISED)
    for item in items:
        end = item.end if isinstance(item, Stretch) and item.look is Look.LONG else None
        if end is not None and end - case.wall > _AFTER:
            yield Mark(N_("More urgent"), end, Look.RAISED)
            return
