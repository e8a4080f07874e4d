"""A silence between two signs of life: how it began, how it ended, and counts of many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from rules.night import minute_of_day
from rules.survival import Counts, count, watch

_MINUTE = timedelta(minutes=1)


class Context(IntEnum):
    """How a silence began."""

    INSIDE = 0
    AFTER_DOOR = 1


CONTEXTS = len(Context)


class Ended(IntEnum):
    """What ended a silence."""

    LIFE = 0
    ANSWER = 1
    "Life, while the resident was asked: for how long it would have lasted nobody knows."
    CALL = 2
    "Life, after nobody answered and help was called."


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence that is over."""

    begin: datetime
    minutes: int
    context: Context
    ended: Ended = Ended.LIFE
    number: int | None = None
    "Of the price at which it would just not have been called; None where it was not reckoned."

    def covers(self, moment: datetime | None) -> bool:
        """Whether that moment lies within it."""
        if moment is None:
            return False
        return self.begin <= moment <= self.begin + (self.minutes + 1) * _MINUTE


def added(counts: Counts, keep: float, silences: Sequence[Silence], context: Context) -> Counts:
    """The counts of silences that begin so, with more of them and the older ones weighing less."""
    ends = [keep * each for each in counts.ends]
    minutes = [keep * each for each in counts.minutes]
    for silence in silences:
        if silence.context is context:
            begin = minute_of_day(silence.begin)
            if silence.ended is Ended.ANSWER:
                watch(minutes, begin, silence.minutes)
            else:
                count(ends, minutes, begin, silence.minutes)
    return Counts(ends, minutes)
