"""Draws that are the same on every machine: sums and comparisons of uniforms, no libm.

`random.gauss`, `random.expovariate` and their like call a logarithm or a cosine, whose last bit
differs between C libraries; one such bit is another life.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

_SPREAD = 1.7320508075688772
"Four uniforms have a variance of a third: this makes it one."


def normal(random: Random, mean: float, sd: float) -> float:
    """About normal, and never further than 3.46 `sd` from `mean`."""
    draw = random.random
    return mean + sd * _SPREAD * (draw() + draw() + draw() + draw() - 2.0)


def within(random: Random, mean: float, sd: float, low: float, high: float) -> float:
    """As `normal`, held between `low` and `high`."""
    return min(high, max(low, normal(random, mean, sd)))


def exponential(random: Random, mean: float) -> float:
    """Waiting time until something that happens every `mean` on the average.

    Ref: J. von Neumann, Various techniques used in connection with random digits, 1951: the
    first of a falling run of uniforms is exponential where the run has an even place of its end.
    """
    draw = random.random
    whole = 0
    while True:
        first = last = draw()
        while True:
            following = draw()
            if following >= last:
                return mean * (whole + first)
            last = draw()
            if last >= following:
                break
        whole += 1


def triangular(random: Random, low: float, mode: float, high: float) -> float:
    """From `low` to `high`, most often near `mode`; the larger or smaller of two uniforms."""
    draw = random.random
    side, far = draw() * (high - low), max(draw(), draw())
    return low + (mode - low) * far if side < mode - low else high - (high - mode) * far


def weighted(random: Random, choices: Sequence[tuple[float, T]]) -> T:
    """One of `choices`, each with its weight; the order of the sequence decides, not its hash."""
    # Not `sum`: since Python 3.12 it rounds floats otherwise.
    total = 0.0
    for weight, _ in choices:
        total += weight
    left = random.random() * total
    for weight, choice in choices:
        left -= weight
        if left < 0:
            return choice
    return choices[-1][1]
