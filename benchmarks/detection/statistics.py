"""Quantiles, and how sure a rate is."""

import math
from collections.abc import Sequence
from typing import Final

_SIDE: Final = 0.025
_STEPS: Final = 200


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Of rising values, between ranks by the straight line; None of no value."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def poisson_interval(count: int) -> tuple[float, float]:
    """The exact 95 % interval of the mean of which `count` was seen.

    Ref: F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28, 1936.
    """
    most = count + 10 * math.sqrt(count + 1) + 10
    # More than `count - 1` with a chance of 2.5 %, and at most `count` with as much.
    low = 0.0 if count == 0 else _mean_at(count - 1, 1 - _SIDE, most)
    return low, _mean_at(count, _SIDE, most)


def _mean_at(count: int, chance: float, most: float) -> float:
    """The mean at which `count` at most has that chance: the larger the mean, the smaller."""
    low, high = 0.0, most
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _at_most(count, middle) > chance:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_most(count: int, mean: float) -> float:
    """The chance of `count` or fewer."""
    if mean == 0:
        return 1.0
    logs = [n * math.log(mean) - mean - math.lgamma(n + 1) for n in range(count + 1)]
    return math.fsum(math.exp(each) for each in logs)
