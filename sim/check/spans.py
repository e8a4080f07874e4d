"""Spans of true time: begin included, end not."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

Span = tuple[datetime, datetime]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same moments in as few spans as it takes, in order."""
    whole: list[Span] = []
    for begin, end in sorted(spans):
        if whole and begin <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((begin, end))
    return whole


def past(moment: datetime, spans: Sequence[Span]) -> datetime:
    """`moment`, or the end of the span it lies in. Of `merged` spans."""
    index = bisect_right(spans, moment, key=lambda span: span[0]) - 1
    return max(moment, spans[index][1]) if index >= 0 else moment


def touched(begin: datetime, end: datetime, spans: Iterable[Span]) -> list[Span]:
    """The spans that have a moment in common with `begin` to `end`, both included."""
    return [span for span in spans if span[0] <= end and span[1] >= begin]


def covered(begin: datetime, end: datetime, spans: Iterable[Span]) -> timedelta:
    """How much of `begin` to `end` lies in `merged` spans."""
    return sum(
        (min(end, last) - max(begin, first) for first, last in touched(begin, end, spans)),
        timedelta(),
    )
