"""The untouched record of one home: its silences, who was at home, and the moments of collapse.

Times are seconds since the home's first local midnight.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random

from benchmarks.detection.asked import ABSENCE_S, DAY_S, SHORTEST, WARM_UP

_LEAVES_WITHIN_S = 15 * 60.0
_RETURNS_WITHIN_S = 3 * 60.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Alarms for nothing."""

    all: int = 0
    "Outside absences."
    at_home: int = 0
    in_absences: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.all + other.all,
            self.at_home + other.at_home,
            self.in_absences + other.in_absences,
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One home."""

    name: str
    begin_s: float
    end_s: float
    signs: Sequence[float]
    "Counted signs of life, rising."
    doors: Sequence[float]
    "Movements of outside doors, rising."
    has_door: bool
    has_motion: bool
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def days(self) -> float:
        """How long the recording is."""
        return (self.end_s - self.begin_s) / DAY_S

    @property
    def is_scored(self) -> bool:
        return self.days >= SHORTEST.days and self.scored_until > self.scored_from

    @property
    def unscored(self) -> str:
        """Why it is not scored; empty where it is."""
        if self.is_scored:
            return ""
        return "too short" if self.days < SHORTEST.days else "no life seen"

    @property
    def scored_from(self) -> float:
        return self.begin_s + WARM_UP.total_seconds()

    @property
    def scored_until(self) -> float:
        return self.signs[-1] if self.signs else self.begin_s

    @property
    def scored_days(self) -> float:
        return max(self.scored_until - self.scored_from, 0.0) / DAY_S

    def silences(self) -> list[tuple[float, float]]:
        """Begin and end of each."""
        return list(pairwise(self.signs))

    def absences(self) -> list[tuple[float, float]]:
        """The scored part of each silence that is too long to be one at home."""
        start = self.scored_from
        return [(max(a, start), b) for a, b in self.silences() if b - a > ABSENCE_S and b > start]

    @property
    def present_days(self) -> float:
        """Scored days outside absences."""
        return self.scored_days - sum(b - a for a, b in self.absences()) / DAY_S

    def is_home(self, begin: float, end: float) -> bool:
        """Whether somebody is at home in this silence, in hindsight."""
        if end - begin > ABSENCE_S:
            return False
        if not self.has_door:
            return True
        place = bisect_right(self.doors, begin)
        if place == 0 or begin - self.doors[place - 1] > _LEAVES_WITHIN_S:
            return True
        return place == len(self.doors) or abs(end - self.doors[place]) > _RETURNS_WITHIN_S

    def silence_at(self, moment: float) -> tuple[float, float] | None:
        """The silence that a moment lies in; None before the first sign and after the last."""
        place = bisect_right(self.signs, moment)
        return (self.signs[place - 1], self.signs[place]) if 0 < place < len(self.signs) else None

    def for_nothing(self, alarms: Iterable[float]) -> Counts:
        """How many of the alarms are false ones, at most one a silence."""
        found = Counts()
        told = set()
        for alarm in alarms:
            silence = self.silence_at(alarm)
            if silence is None or alarm < self.scored_from or silence in told:
                continue
            told.add(silence)
            begin, end = silence
            if end - begin > ABSENCE_S:
                found += Counts(in_absences=1)
            else:
                found += Counts(all=1, at_home=int(self.is_home(begin, end)))
        return found

    def moments(self, count: int, random: Random) -> list[float]:
        """So many instants, uniform over scored time at home, rising."""
        spans = [
            (max(a, self.scored_from), b)
            for a, b in self.silences()
            if b > self.scored_from and self.is_home(a, b)
        ]
        ends = list(accumulate(b - a for a, b in spans))
        if not ends:
            return []
        drawn = []
        for _ in range(count):
            at = random.random() * ends[-1]
            place = min(bisect_left(ends, at), len(ends) - 1)
            drawn.append(spans[place][1] - (ends[place] - at))
        return sorted(drawn)
