"""Where on a picture a moment or a span stands, and what is written there."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from texts import Translator

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_WEEK_FROM = timedelta(days=21)
_MONTH_FROM = timedelta(days=120)
_QUARTER_FROM = timedelta(days=1000)
_LABEL_PX = 44.0
"What a label of an hour needs to itself."

_SPANS = (
    (timedelta(seconds=1), True),
    (timedelta(seconds=10), False),
    (timedelta(minutes=1), True),
    (timedelta(minutes=10), True),
    (timedelta(hours=1), True),
    (timedelta(hours=3), True),
    (timedelta(hours=6), True),
    (timedelta(hours=12), True),
    (timedelta(days=1), True),
    (timedelta(days=2), True),
    (timedelta(days=4), True),
    (timedelta(days=8), True),
    (timedelta(days=16), True),
    (timedelta(days=32), True),
)
"What may stand under an axis of spans, and whether it is labelled."
_STEPS_H = (1, 2, 3, 6, 12, 24, 48, 96, 192)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across a picture, and its words."""

    at: float
    label: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """True time, linear over `width` pixels."""

    begin: datetime
    end: datetime
    width: float

    def x(self, moment: datetime) -> float:
        """Its place; what is outside stands at the edge."""
        share = (moment - self.begin) / (self.end - self.begin)
        return round(self.width * min(max(share, 0.0), 1.0), 1)

    def has(self, begin: datetime, end: datetime) -> bool:
        """Whether a span is in the picture at all."""
        return begin <= self.end and end >= self.begin

    def days(self, zone: tzinfo, words: Translator) -> list[Tick]:
        """Days, weeks, months or quarters of the calendar, by how long the axis is."""
        whole = self.end - self.begin
        ticks = []
        for day in _midnights(self.begin, self.end, zone):
            if whole < _WEEK_FROM:
                wanted = whole < _WEEK_FROM / 2 or day.toordinal() % 2 == 0
            elif whole < _MONTH_FROM:
                wanted = day.weekday() == 0
            else:
                wanted = day.day == 1 and (whole < _QUARTER_FROM or day.month % 3 == 1)
            if wanted:
                monthly = whole >= _MONTH_FROM
                label = month(day, words) if monthly else f"{day:%m-%d}"
                if monthly and day.month == 1:
                    label = f"{day.year}"
                ticks.append(Tick(self.x(day), label, strong=day.day == 1))
        return ticks

    def hours(self, zone: tzinfo) -> list[Tick]:
        """Hours of the clock, as close as labels allow; midnight has the date."""
        whole_h = (self.end - self.begin) / _HOUR
        room = max(self.width / _LABEL_PX, 1.0)
        step = next((step for step in _STEPS_H if whole_h / step <= room), _STEPS_H[-1])
        ticks = []
        hour = self.begin.astimezone(zone).replace(minute=0, second=0, microsecond=0)
        while hour <= self.end:
            since_day_one = hour.toordinal() * 24 + hour.hour
            if hour >= self.begin and since_day_one % step == 0:
                midnight = hour.hour == 0
                label = f"{hour:%m-%d}" if midnight else f"{hour:%H}"
                ticks.append(Tick(self.x(hour), label, strong=midnight))
            hour += _HOUR
        return ticks


@dataclass(frozen=True, slots=True)
class SpanAxis:
    """Lengths of time from `least` to `most`, logarithmic over `width` pixels."""

    least: timedelta
    most: timedelta
    width: float

    def x(self, span: timedelta) -> float:
        """Its place; what is shorter or longer stands at the edge."""
        shown = min(max(span, self.least), self.most)
        share = math.log(shown / self.least) / math.log(self.most / self.least)
        return round(self.width * share, 1)

    def ticks(self, words: Translator) -> list[Tick]:
        """Round spans."""
        return [
            Tick(self.x(span), words.span(span) if labelled else "")
            for span, labelled in _SPANS
            if self.least <= span <= self.most
        ]

    @classmethod
    def around(cls, least: timedelta, most: timedelta, width: float) -> "SpanAxis":
        """An axis whose ends are round spans, with `least` and `most` within."""
        low = max((span for span, _ in _SPANS if span <= least), default=_SPANS[0][0])
        high = min((span for span, _ in _SPANS if span >= most), default=_SPANS[-1][0])
        if low >= high:
            places = [span for span, _ in _SPANS]
            low, high = next(pair for pair in pairwise(places) if pair[1] > low)
        return cls(low, high, width)


def _midnights(begin: datetime, end: datetime, zone: tzinfo) -> Iterator[datetime]:
    day = begin.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    while day <= end:
        if day >= begin:
            yield day
        day += _DAY


def month(day: datetime, words: Translator) -> str:
    """The month's short name: `3월`, `Mar`."""
    name = words.text(f"month.{day.month}")
    return name if name[:1].isdecimal() else name[:3]


def ceiling(most: float) -> float:
    """The next round number: 1, 2 or 5 and zeros; 1 at least."""
    if most <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= most)
