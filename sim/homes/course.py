"""The course of the months: which days are ordinary, which are spent ill, in hospital or away."""

from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from rules.events import AwayReason
from sim.homes.character import Character
from sim.homes.draw import exponential, normal

_YEAR = 365.25
_WEEK = 7


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

    def mood(self) -> Mood:
        """Of the next day."""
        self._day += 1
        self._drift()
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
        return self._mood(Manner.AT_HOME)

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
            self._later + (60 if ill else 0),
            self._lively * (0.45 if ill else 1.0),
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
