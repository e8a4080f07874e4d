"""Whether the resident may have come to harm before the last sign of life.

A silent house stirs by itself, twice a day at most. So a lone sign in an unusual silence leaves a
doubt: whoever collapsed in that silence lies there still. The doubt is a measure over the age of
such a collapse, beside the chance that the resident lives and moves. A sign weighs by how much
likelier life is at that moment of the silence to make one than a silent house: much within the
hour after another, little after a night and a morning without any. Two signs soon after each other
leave next to nothing of it.

Ref: posterior odds of a change that lies in the past, kept by recursion (Shiryaev, Theory Probab.
Appl. 8(1), 1963); of the measure only the moments that its cost asks for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import comb, factorial

from rules.survival import GRID_MIN, POWER, STEPS

SAME_EVENT = timedelta(minutes=5)
"What one device says within this is one sign, on and off, be it of a hand or of nobody's."
_LEAST = 0.01
"What weighs less than this, in hours to the power of the cost, is no doubt."
_MOST_H = 1e6
"Past this no doubt grows."
_RARE_PER_H = 1e-9
_HOUR = timedelta(hours=1)
_STEP_H = GRID_MIN / 60
_SHARES = tuple(comb(POWER, power) / factorial(POWER) for power in range(POWER + 1))
"Of each moment in the cost of a delay."


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is left of earlier silences after signs that may have been none."""

    moments: tuple[float, ...]
    "Integrals of the measure times its age, in hours, to the power of 0 up to `POWER`."
    at: datetime
    "When the sign came that it was reckoned at."
    since: datetime
    "The last sign before that, of those that did not come soon before it."

    def costs(self, since_h: float) -> list[float]:
        """What a call costs those who lie there since before, every `GRID_MIN`.

        Args:
            since_h: from `at` to the first of these calls.

        """
        first, *others = (
            share * moment for share, moment in zip(_SHARES, self.moments, strict=True)
        )
        found = []
        for step in range(STEPS + 1):
            waited_h, cost = since_h + step * _STEP_H, first
            for other in others:
                cost = cost * waited_h + other
            found.append(cost)
        return found


def doubted(
    chances: Sequence[float],
    begin: datetime,
    at: datetime,
    before: Doubt | None,
    *,
    stirs_per_h: float,
    more: bool,
) -> Doubt | None:
    """The doubt after a sign of life that ends a silence.

    Args:
        chances: that the silence lasts, every `GRID_MIN`.
        begin: of the silence.
        at: when the sign came.
        before: the doubt during the silence.
        stirs_per_h: how often this house would show a sign that counts while nobody moves.
        more: whether this silence and this sign may add to it.

    """
    lasted_h = max((at - begin) / _HOUR, _STEP_H / 100)
    at_step = min(int(lasted_h / _STEP_H), STEPS - 1)
    per_h = (chances[at_step] - chances[at_step + 1]) / _STEP_H
    moments, since = _within(chances, lasted_h), begin
    weight = stirs_per_h / max(per_h, _RARE_PER_H)
    if before is not None:
        earlier = _aged(before.moments, (at - before.at) / _HOUR)
        since = before.since if lasted_h <= 1 else begin
        moments = [now * more + was for now, was in zip(moments, earlier, strict=True)]
    weight = min(weight if more else min(weight, 1.0), _MOST_H / moments[0])
    found = tuple(weight * moment for moment in moments)
    return Doubt(found, at, since) if found[0] + found[-1] > _LEAST else None


def _within(chances: Sequence[float], lasted_h: float) -> list[float]:
    """Moments of a collapse at any time of a silence that has lasted so long."""
    moments = [0.0] * (POWER + 1)
    for step in range(min(int(lasted_h / _STEP_H) + 1, STEPS)):
        width_h = min(lasted_h - step * _STEP_H, _STEP_H)
        age_h = lasted_h - step * _STEP_H - width_h / 2
        mass = (chances[step] + chances[step + 1]) / 2 * width_h
        for power in range(POWER + 1):
            moments[power] += mass * age_h**power
    return moments


def _aged(moments: Sequence[float], by_h: float) -> tuple[float, ...]:
    return tuple(
        sum(
            comb(power, less) * moments[less] * by_h ** (power - less) for less in range(power + 1)
        )
        for power in range(POWER + 1)
    )
