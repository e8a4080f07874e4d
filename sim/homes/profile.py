"""How a home lives, as its sensors show it: lengths of silences, hours of the day, events a day.

The same for recorded and simulated homes: what counts is when a sensor tells of life.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import accumulate

SHORTEST = timedelta(minutes=5)
"A gap of less is part of one activity."
SHARES = (0.5, 0.75, 0.9, 0.95, 0.99)

_MINUTE = timedelta(minutes=1)
_BIN = 1.25
"Each bin of silences reaches a quarter further than the one before."
EDGES = tuple(accumulate(range(36), lambda edge, _: edge * _BIN, initial=5.0))
"Minutes; the last is nine days."
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of one home, or of several taken together."""

    days: int
    silences: tuple[float, ...]
    "Quantiles, at `SHARES`, of the gaps of five minutes and more, in minutes."
    weekly: float
    "Median over the weeks of the longest gap that ended in a week, in minutes."
    hours: tuple[float, ...]
    "Share of the events by local hour; 24 of them."
    daily: tuple[float, float, float]
    "Tenth, fiftieth and ninetieth percentile of the events of a day."
    gaps: tuple[int, ...]
    "How many gaps fall below the first of `EDGES`, the second, ..., and past the last."


class Tally:
    """Counts the events of one home after the other."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._gaps: list[float] = []
        self._longest: list[float] = []
        self._hours = [0] * 24
        self._daily: list[int] = []

    def add(self, events: Iterable[datetime], until: datetime | None = None) -> None:
        """One home's moments of life, in order of time; `until`: observed at least so far."""
        days: Counter[int] = Counter()
        weeks: defaultdict[int, float] = defaultdict(float)
        before = first = None
        for event in events:
            local = event.astimezone(self._zone)
            day = local.toordinal()
            first = day if first is None else first
            days[day] += 1
            self._hours[local.hour] += 1
            if before is not None and event - before >= SHORTEST:
                gap = (event - before) / _MINUTE
                self._gaps.append(gap)
                week = (day - first) // _WEEK
                weeks[week] = max(weeks[week], gap)
            before = event
        if first is None or before is None:
            return
        last = max(days) if until is None else until.astimezone(self._zone).toordinal() - 1
        self._daily += [days[day] for day in range(first, max(first, last) + 1)]
        self._longest += weeks.values()

    def profile(self) -> Profile:
        gaps, daily = sorted(self._gaps), sorted(self._daily)
        total = sum(self._hours) or 1
        counts = [0] * (len(EDGES) + 1)
        for gap in gaps:
            counts[bisect_right(EDGES, gap)] += 1
        return Profile(
            days=len(daily),
            silences=tuple(quantile(gaps, share) for share in SHARES),
            weekly=quantile(sorted(self._longest), 0.5),
            hours=tuple(count / total for count in self._hours),
            daily=(quantile(daily, 0.1), quantile(daily, 0.5), quantile(daily, 0.9)),
            gaps=tuple(counts),
        )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of values in order; 0 if there are none."""
    return float(ordered[int(share * (len(ordered) - 1))]) if ordered else 0.0


def silences_apart(one: Profile, other: Profile) -> float:
    """Kolmogorov and Smirnov's distance of the gaps, over their bins: 0 to 1."""
    return max((abs(a - b) for a, b in zip(_rising(one.gaps), _rising(other.gaps), strict=True)))


def hours_apart(one: Profile, other: Profile) -> float:
    """By how many hours each event would have to be moved, on a clock's dial: 0 to 12.

    Ref: Rabin, Delon, Gousseau, Circular Earth Mover's Distance, ICPR 2008: the differences of
    the cumulative shares, about their median.
    """
    apart = [a - b for a, b in zip(accumulate(one.hours), accumulate(other.hours), strict=True)]
    middle = sorted(apart)[len(apart) // 2]
    return sum(abs(each - middle) for each in apart)


def _rising(counts: Sequence[int]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in accumulate(counts)]
