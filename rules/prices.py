"""What a call in vain may cost, so that a home keeps to its budget of them.

The price of a silence is that of a call in vain at which it would just not have been called. They
are counted by numbers, from 2 to the -10th on, four to an octave; the budget sets the lowest at
which the silences of the past would have been called seldom enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log2

from rules.habits_prior_data import PRICES

_PER_OCTAVE = 4
_LOWEST = -10 * _PER_OCTAVE
_MAY_COME = 0.5
"Calls that no past has shown yet, in a home known for `_KNOWN_D`."
_KNOWN_D = 60.0
"""Of the days before them other homes tell, and those are many. Wherever there are prompts, few of
them end in a call: such a home counts from its own days how seldom that is."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How often a silence of a home may be taken for danger in vain, in times a day."""

    calls: float
    prompts: float | None
    "None where nobody is asked."


def number_of(price: float) -> int:
    """The first number whose price is at least this one."""
    if price <= 0:
        return 0
    octaves = min(log2(price), 64.0)
    return min(max(ceil(_PER_OCTAVE * octaves) - _LOWEST, 0), PRICES - 1)


def above(*counts: Sequence[float]) -> list[float]:
    """How many silences had a higher price than each number, of all `counts` by number."""
    found, total = [0.0] * PRICES, 0.0
    for number in range(PRICES - 1, -1, -1):
        found[number] = total
        total += sum(each[number] for each in counts)
    return found


def within(
    budget: Budget,
    dearer: Sequence[Sequence[float]],
    unanswered: Sequence[float],
    days: float,
    own_days: float,
) -> tuple[float, ...]:
    """By context, what a call in vain may cost so that the budget is kept.

    Args:
        budget: what may be in vain.
        dearer: by context, `above` of the silences of so many days.
        unanswered: by context, which share of prompts nobody answers; 1 where nobody is asked.
        days: in which those silences were.
        own_days: how many of them were this home's.

    """
    may_come = _MAY_COME * max(unanswered[0], min(own_days / _KNOWN_D, 1.0))
    # A prompt that is answered costs nothing: the fewer are, the more a prompt costs.
    shifts = [round(_PER_OCTAVE * log2(share)) for share in unanswered]
    for number in range(PRICES - 1):
        at = [min(max(number + shift, 0), PRICES - 1) for shift in shifts]
        asked = [times[place] for times, place in zip(dearer, at, strict=True)]
        calls = sum(share * times for share, times in zip(unanswered, asked, strict=True))
        if (calls + may_come) / days > budget.calls:
            continue
        if budget.prompts is None or sum(asked) / days <= budget.prompts:
            return tuple(_price_of(each) for each in at)
    return (_price_of(PRICES - 1),) * len(dearer)


def _price_of(number: int) -> float:
    return float(2.0 ** ((number + _LOWEST) / _PER_OCTAVE))
