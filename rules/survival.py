"""How long a silence of a home may last: the chance that it ends, and when not to wait longer.

A table counts, by how long a silence has lasted and by the hour of the day, how many silences
ended and for how many minutes they were watched. From it follow the chance that life resumes in
the next minutes, the chance that a silence which begins now lasts for so long, and the moment at
which waiting longer costs more than a call in vain.

Ref: discrete hazard with a multiplicative baseline, fitted by iterative proportional scaling
(Darroch & Ratcliff, Ann. Math. Statist. 43(5), 1972); lower convex hull by monotone chain
(Andrew, Inf. Process. Lett. 9(5), 1979).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import exp, inf

HOURS = 24
EDGES_MIN = (
    *(5, 15, 30, 45, 60, 75, 90, 105, 120, 150, 180, 210, 240, 270, 300, 330, 360, 390, 420),
    *(450, 480, 540, 600, 660, 720, 840, 960, 1080, 1260, 1440, 1800),
)
"Where the spans of elapsed silence begin, in minutes; shorter gaps are no silence."
CELLS = len(EDGES_MIN) * HOURS
LONGEST_MIN = 36 * 60
"Whoever is silent for longer is away, or nobody learns from it."
GRID_MIN = 15
"Limits are multiples of it."
POWER = 3
"A delay costs its hours to this power, so that long ones weigh most."
STEPS = 48 * 60 // GRID_MIN
FIRST_STEP = 4
"Nobody is asked within the first hour."
_HOUR_MIN = 60
_DAY_MIN = 24 * _HOUR_MIN
_WATCH_MIN = 5

_NEIGHBOUR = 0.36
"Weight of each neighbouring hour beside 1 for the hour itself: a Gaussian of 0.7 hours."
_PSEUDO = 0.3
"Ends of silences that the multiplicative fit is worth, in each cell."
_FLOOR = 0.05
_ROUNDS = 6

_ODD = 0.1
"Silences a day that follow no habit."
_ODD_MIN = 360.0
"Mean length of those."


@dataclass(frozen=True, slots=True)
class Counts:
    """Silences of one kind; both tuples are by elapsed span, then by hour of day (UTC)."""

    ends: Sequence[float]
    "How many ended."
    minutes: Sequence[float]
    "For how long they were watched."

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            tuple(map(sum, zip(self.ends, other.ends, strict=True))),
            tuple(map(sum, zip(self.minutes, other.minutes, strict=True))),
        )


NOTHING = Counts((0.0,) * CELLS, (0.0,) * CELLS)


def count(ends: list[float], minutes: list[float], begin_min: int, lasted_min: int) -> None:
    """Add one silence to a table that is being made.

    Args:
        ends: by cell; changed.
        minutes: by cell; changed.
        begin_min: minute of the day (UTC) at which it began.
        lasted_min: until it ended by itself.

    """
    watch(minutes, begin_min, lasted_min)
    if lasted_min <= LONGEST_MIN:
        ends[_cell(begin_min, lasted_min)] += 1


def watch(minutes: list[float], begin_min: int, lasted_min: int) -> None:
    """Add the time of a silence whose own end nobody knows: somebody asked."""
    for elapsed in range(_WATCH_MIN, min(lasted_min, LONGEST_MIN), _WATCH_MIN):
        left = min(_WATCH_MIN, lasted_min - elapsed)
        minutes[_cell(begin_min, elapsed)] += left


def _cell(begin_min: int, elapsed_min: int) -> int:
    return _row(elapsed_min) + (begin_min + elapsed_min) % _DAY_MIN // _HOUR_MIN


def _row(elapsed_min: int) -> int:
    """Where the hours of that span begin."""
    return max(bisect_right(EDGES_MIN, elapsed_min) - 1, 0) * HOURS


_GRID = tuple(
    (_row(middle), middle, exp(-(step + 1) * GRID_MIN / _ODD_MIN))
    for step, middle in ((at, at * GRID_MIN + GRID_MIN // 2) for at in range(STEPS))
)
"""Of each step: the row of its middle, its middle in minutes, and the chance that what follows no
habit lasts to its end."""


def hazard(counts: Counts) -> list[float]:
    """Chance per minute that a silence ends, by cell.

    Where little was seen it is the product of an effect of the elapsed time and one of the hour:
    what the night says of long silences tells of long ones by day, too.
    """
    ends, minutes = counts.ends, counts.minutes
    rows = range(len(EDGES_MIN))
    by_row = [sum(ends[row * HOURS : (row + 1) * HOURS]) for row in rows]
    by_hour = [sum(ends[hour::HOURS]) for hour in range(HOURS)]
    elapsed = [
        (by_row[row] + _FLOOR) / (sum(minutes[row * HOURS : (row + 1) * HOURS]) + 60 * _FLOOR)
        for row in rows
    ]
    hourly = [1.0] * HOURS
    for _ in range(_ROUNDS):
        hourly = [
            (by_hour[hour] + 0.5)
            / (0.5 + sum(minutes[row * HOURS + hour] * elapsed[row] for row in rows))
            for hour in range(HOURS)
        ]
        elapsed = [
            (by_row[row] + _FLOOR)
            / (
                60 * _FLOOR
                + sum(minutes[row * HOURS + hour] * hourly[hour] for hour in range(HOURS))
            )
            for row in rows
        ]
    smooth_ends, smooth_minutes = _smoothed(ends), _smoothed(minutes)
    return [
        (smooth_ends[cell] + _PSEUDO)
        / (smooth_minutes[cell] + _PSEUDO / (elapsed[cell // HOURS] * hourly[cell % HOURS]))
        for cell in range(CELLS)
    ]


def _smoothed(values: Sequence[float]) -> list[float]:
    whole = 1 + 2 * _NEIGHBOUR
    return [
        (
            values[cell]
            + _NEIGHBOUR
            * (
                values[cell - cell % HOURS + (cell - 1) % HOURS]
                + values[cell - cell % HOURS + (cell + 1) % HOURS]
            )
        )
        / whole
        for cell in range(CELLS)
    ]


def survival(ends_per_min: Sequence[float], begin_min: int, per_day: float) -> list[float]:
    """Chance that a silence which begins at that minute of the day lasts, every `GRID_MIN`.

    Args:
        ends_per_min: as `hazard` gives them.
        begin_min: minute of the day (UTC).
        per_day: silences of the home in a day; a few of them follow no habit.

    """
    odd = min(_ODD / max(per_day, 1.0), 1.0)
    lasts, chances = 1.0, [1.0]
    for row, middle_min, odd_lasts in _GRID:
        hour = (begin_min + middle_min) % _DAY_MIN // _HOUR_MIN
        lasts *= exp(-GRID_MIN * ends_per_min[row + hour])
        chances.append((1 - odd) * lasts + odd * odd_lasts)
    return chances


@dataclass(frozen=True, slots=True)
class Line:
    """For silences that begin alike: how long to wait, by the price of a call in vain."""

    prices: tuple[float, ...]
    "From each of these on it pays to wait as long as `steps` says, rising."
    steps: tuple[int, ...]
    "In `GRID_MIN`, rising, one more than prices."
    usual_min: int
    "All but one in fifty of them are over by then."

    def wait_min(self, price: float) -> int:
        """Minutes of silence after which to call, if a call in vain has this price."""
        return self.steps[bisect_right(self.prices, price)] * GRID_MIN

    def price(self, lasted_min: float) -> float:
        """The lowest price at which a silence that lasted so long would not have been called."""
        for at, step in enumerate(self.steps):
            if step * GRID_MIN >= lasted_min:
                return self.prices[at - 1] if at else 0.0
        return inf


_USUAL = 0.02
_NEVER = 1e-300


def line(chances: Sequence[float], before: Sequence[float] = ()) -> Line:
    """The waits that pay, of silences that last with these chances.

    A collapse may happen at any moment of a silence and costs a power of the hours until the call;
    a call in vain costs its price.

    Args:
        chances: every `GRID_MIN`.
        before: what waiting costs those who collapsed before the silence, as often; nothing where
            nobody can have.

    """
    cost = _delay_cost(chances)
    if before:
        cost = [now + then for now, then in zip(cost, before, strict=True)]
    hull: list[int] = []
    prices: list[float] = []
    for step in range(FIRST_STEP, len(chances)):
        while hull:
            last = hull[-1]
            price = (cost[step] - cost[last]) / max(chances[last] - chances[step], _NEVER)
            if not prices or price > prices[-1]:
                prices.append(price)
                break
            hull.pop()
            prices.pop()
        hull.append(step)
    usual = next((at for at, lasts in enumerate(chances) if lasts <= _USUAL), len(chances) - 1)
    return Line(tuple(prices), tuple(hull), usual * GRID_MIN)


def _delay_cost(chances: Sequence[float]) -> list[float]:
    """Integral over u < t of chance(u) (t - u) ** POWER, in hours, by the factorial of it."""
    values = list(chances)
    half_h = GRID_MIN / _HOUR_MIN / 2
    for _ in range(POWER + 1):
        parts = ((before + after) * half_h for before, after in pairwise(values))
        values = list(accumulate(parts, initial=0.0))
    return values
