"""The course of the months: which days are ordinary, which are spent ill, in hospital or away."""

from dataclasses import dataclass, replace
from enum import Enum, auto
from random import Random

from rules.events import AwayReason
from sim.homes.character import Character
from sim.homes.draw import exponential, normal

_YEAR = 365.25
_WEEK = 7
_FAILS_D, _WEAK_D, _MENDS_D = 28, 84, 105
"A decline: so many days until it is at its worst, until it turns, and until all is well."
_WEAKER, _LATER = 0.55, 75.0
"At its worst, of the liveliness and in minutes."


class Manner(Enum):
    """How a day is spent."""

    AT_HOME = auto()
    ILL = auto()
    "In bed for much of it, fewer meals, nobody goes out."
    LEAVES = auto()
    "As ordinary, until the leaving."
    AWAY = auto()
    RETURNS = auto()
    "Away until some hour, then as ordinary."


@dataclass(frozen=True, slots=True)
class Mood:
    """What is special about a day."""

    manner: Manner
    reason: AwayReason
    "Of being away; without meaning at home."
    days_left: int
    "Until the return."
    announced: bool
    later: float
    "Minutes by which habits have moved: wakes, meals and bed."
    lively: float
    "1: as always; less moves less."
    eats: bool = True
    weak: bool = False
    "In a decline."


class Course:
    """One person's days, one after the other."""

    def __init__(self, random: Random, character: Character) -> None:
        self._random = random
        self._character = character
        self._ill_left = 0
        self._away_left = 0
        self._reason = AwayReason.TRIP
        self._announced = False
        self._later = 0.0
        self._lively = 1.0
        self._trend = normal(random, -0.03, 0.05) * character.drift / _YEAR
        "Most people slow down, over years."
        self._day = 0
        self._next_ill = self._in(character.ills)
        self._next_hospital = self._in(character.hospitals)
        self._next_trip = self._in(character.trips)
        self._next_fast = self._in(character.fasts)
        self._fast_left = 0
        self._next_decline = self._in(character.declines)
        self._weak_for = 0

    def mood(self) -> Mood:
        """Of the next day."""
        self._day += 1
        self._drift()
        self._weaken()
        if self._away_left:
            self._away_left -= 1
            return self._mood(Manner.AWAY if self._away_left else Manner.RETURNS)
        if self._day >= self._next_hospital:
            self._next_hospital = self._day + 20 + self._in(self._character.hospitals)
            return self._leave(AwayReason.HOSPITAL, 3 + int(exponential(self._random, 5)))
        if self._day >= self._next_trip:
            self._next_trip = self._day + 5 + self._in(self._character.trips)
            # Now and then a holiday of more than a week.
            days = 1 + int(exponential(self._random, 1.6))
            return self._leave(AwayReason.TRIP, days + 7 if self._random.random() < 0.08 else days)
        if self._day >= self._next_ill:
            self._next_ill = self._day + 7 + self._in(self._character.ills)
            self._ill_left = 1 + int(exponential(self._random, 2.5))
        if self._ill_left:
            self._ill_left -= 1
            return self._mood(Manner.ILL)
        return replace(self._mood(Manner.AT_HOME), eats=not self._fasts())

    def _fasts(self) -> bool:
        """Whether this is a day without a meal, of those at home."""
        if self._day >= self._next_fast:
            self._next_fast = self._day + 20 + self._in(self._character.fasts)
            self._fast_left = 5 + int(exponential(self._random, 2))
        self._fast_left = max(self._fast_left - 1, 0)
        return self._fast_left > 0

    def _weaken(self) -> None:
        if self._day >= self._next_decline:
            self._next_decline = self._day + 2 * _MENDS_D + self._in(self._character.declines)
            self._weak_for = 1
        elif self._weak_for:
            self._weak_for = (self._weak_for + 1) % _MENDS_D

    @property
    def _weakness(self) -> float:
        """0: as always, 1: at the worst of a decline."""
        days = self._weak_for
        if days <= _WEAK_D:
            return min(days / _FAILS_D, 1.0)
        return (_MENDS_D - days) / (_MENDS_D - _WEAK_D)

    def _leave(self, reason: AwayReason, days: int) -> Mood:
        self._ill_left = 0
        self._away_left = min(days, 40)
        self._reason = reason
        self._announced = self._random.random() < self._character.announces
        return self._mood(Manner.LEAVES)

    def _mood(self, manner: Manner) -> Mood:
        ill = manner is Manner.ILL
        return Mood(
            manner,
            self._reason,
            self._away_left,
            self._announced,
            self._later + (60 if ill else 0) + _LATER * self._weakness,
            self._lively * (0.45 if ill else 1.0) * (1 - _WEAKER * self._weakness),
            weak=self._weak_for > 0,
        )

    def _drift(self) -> None:
        """Habits wander, and are drawn back to what they were."""
        if self._day % _WEEK:
            return
        drift = self._character.drift
        self._later += normal(self._random, -0.05 * self._later, 6 * drift)
        self._lively += self._trend * _WEEK + normal(
            self._random, 0.05 * (1 - self._lively), 0.025 * drift
        )
        self._lively = min(1.3, max(0.5, self._lively))

    def _in(self, per_year: float) -> float:
        """Days until what happens so often."""
        return exponential(self._random, _YEAR / per_year) if per_year else float("inf")
