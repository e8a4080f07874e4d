"""The quiet stretch of a home's day: its own night, whatever the clock of the country says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rules.activity import SLOTS

SLOT_MIN = 30
DAY_MIN = 1440
_QUIET = 0.5
"A half hour is quiet where there is less life than this share of the day's mean."
_LENGTHS = range(6, 29)
"Three to fourteen hours."
_EDGE_MIN = 60
_BEFORE_MIN = 60
"So long before the night's end a day may begin."


@dataclass(frozen=True, slots=True)
class Night:
    """From one minute of the day (UTC) to another."""

    begin_min: int
    end_min: int

    @property
    def wakes_min(self) -> int:
        """The minute of the day from which on a day may begin."""
        return (self.end_min - _BEFORE_MIN) % DAY_MIN

    def covers(self, minute: int) -> bool:
        """Whether that minute of the day lies within it."""
        length = (self.end_min - self.begin_min) % DAY_MIN
        return (minute - self.begin_min) % DAY_MIN < length

    def core(self, values: Sequence[float]) -> float:
        """The sum of those of 48 values by half hour that lie well within it."""
        # Who goes to bed an hour later is not up by night.
        inner = Night((self.begin_min + _EDGE_MIN) % DAY_MIN, (self.end_min - _EDGE_MIN) % DAY_MIN)
        return sum(value for slot, value in enumerate(values) if inner.covers(slot * SLOT_MIN))


def quietest(life: Sequence[float]) -> Night | None:
    """The stretch in which there is least life for longest, None if there is none.

    Args:
        life: how much of it there is in each half hour of the day (UTC).

    """
    mean = sum(life) / SLOTS
    best, night = 0.0, None
    for begin in range(SLOTS):
        calm = 0.0
        for length in range(1, max(_LENGTHS) + 1):
            calm += _QUIET * mean - life[(begin + length - 1) % SLOTS]
            if length in _LENGTHS and calm > best:
                end = (begin + length) % SLOTS
                best, night = calm, Night(begin * SLOT_MIN, end * SLOT_MIN)
    return night


def minute_of_day(moment: datetime) -> int:
    """Of an aware moment, in UTC."""
    utc = moment.astimezone(UTC)
    return utc.hour * 60 + utc.minute
