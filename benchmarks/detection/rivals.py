"""What others do: fixed hours, a calibrated constant, the alert line of Cuddihy et al.

All see the signs of life that our engine counts, as seconds since the first local midnight. A rule
gives the limit of a silence from where it begins, with what was known on some day.

Ref: P. Cuddihy et al., Algorithm to automatically detect abnormally long periods of inactivity in
a home, HealthNet 2007; in the form that the package's docstring states.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

from benchmarks.detection.asked import ABSENCE_S, DAY_S, FIXED_H, HOUR_S, Budget, Method
from benchmarks.detection.record import Record

_PRIOR_DAYS: Final = 60.0
_SLOTS: Final = 48
_SLOT_S: Final = DAY_S / _SLOTS
_RECORDS: Final = 60
_SHARE: Final = 0.97
_EITHER_SIDE: Final = 2
_UNIFORM: Final = 0.3
_WEIGHTED: Final = 0.4
_UNTAUGHT_S: Final = 24 * HOUR_S
"Before anything is known."


class Rival(Protocol):
    """A rule that says how long a silence may be."""

    def limit(self, begin: float, day: int) -> float:
        """Seconds that a silence may last that begins at `begin`, by what `day` began with."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same at all times."""

    limit_s: float

    def limit(self, begin: float, day: int) -> float:  # noqa: ARG002 -- as rivals are asked
        return self.limit_s


@dataclass(frozen=True, slots=True)
class Daily:
    """Worked out anew each midnight."""

    by_day: Sequence[float]

    def limit(self, begin: float, day: int) -> float:  # noqa: ARG002 -- as rivals are asked
        return self.by_day[min(day, len(self.by_day) - 1)]


@dataclass(frozen=True, slots=True)
class Line:
    """Worked out anew each midnight, for every half hour."""

    by_day: Sequence[tuple[float, ...]]

    def limit(self, begin: float, day: int) -> float:
        return self.by_day[min(day, len(self.by_day) - 1)][int(begin % DAY_S // _SLOT_S)]


@dataclass(frozen=True, slots=True)
class Prior:
    """Silences of other homes."""

    lengths: tuple[float, ...] = ()
    "Falling."
    days: float = 0.0


def prior(others: Iterable[Record]) -> Prior:
    """All silences of these homes that are no absences."""
    homes = list(others)
    lengths = [b - a for home in homes for a, b in home.silences() if b - a <= ABSENCE_S]
    return Prior(tuple(sorted(lengths, reverse=True)), sum(home.days for home in homes))


def rival(method: Method, record: Record, budget: Budget, others: Prior) -> Rival:
    """A method that is not ours, on a home."""
    match method:
        case Method.CONSTANT:
            return constant(record, budget, others)
        case Method.CUDDIHY:
            return cuddihy(record)
        case _:
            return Fixed(FIXED_H[method] * HOUR_S)


def constant(record: Record, budget: Budget, others: Prior) -> Daily:
    """The shortest limit whose past rate meets the budget, day by day."""
    coming = deque(_by_end(record))
    own: list[float] = []
    by_day = []
    for day in range(int(record.end_s // DAY_S) + 1):
        midnight = day * DAY_S
        while coming and coming[0][1] <= midnight:
            begin, end = coming.popleft()
            insort(own, end - begin)
        past_days = max(midnight - record.begin_s, 0.0) / DAY_S
        allowed = (past_days + _PRIOR_DAYS) / budget.days
        by_day.append(_shortest(own, others, allowed))
    return Daily(by_day)


def _shortest(own: list[float], others: Prior, allowed: float) -> float:
    """The least length that so many silences at most exceed, the prior's weighted down."""
    weight = _PRIOR_DAYS / others.days if others.days else 0.0
    longer, mine, theirs = 0.0, len(own) - 1, 0
    while mine >= 0 or theirs < len(others.lengths):
        of_mine = own[mine] if mine >= 0 else -1.0
        of_theirs = others.lengths[theirs] if theirs < len(others.lengths) else -1.0
        if of_mine >= of_theirs:
            mine, longer = mine - 1, longer + 1.0
        else:
            theirs, longer = theirs + 1, longer + weight
        if longer > allowed + 1e-9:
            return max(of_mine, of_theirs)
    return _UNTAUGHT_S


def cuddihy(record: Record) -> Line:
    """The alert line, day by day."""
    coming = deque(_by_end(record))
    kept: list[deque[tuple[int, float]]] = [deque(maxlen=_RECORDS) for _ in range(_SLOTS)]
    by_day = []
    for day in range(int(record.end_s // DAY_S) + 1):
        while coming and coming[0][1] <= day * DAY_S:
            begin, end = coming.popleft()
            records, began = kept[int(begin % DAY_S // _SLOT_S)], int(begin // DAY_S)
            if records and records[-1][0] == began:
                records[-1] = (began, max(records[-1][1], end - begin))
            else:
                records.append((began, end - begin))
        by_day.append(line([[length for _, length in records] for records in kept]))
    return Line(by_day)


def line(records: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The alert line of the records of each half hour, newest last."""
    peaks = [_percentile(of_slot) for of_slot in records]
    widest = [
        max(
            (
                peak
                for step in range(-_EITHER_SIDE, _EITHER_SIDE + 1)
                if (peak := peaks[(slot + step) % _SLOTS]) is not None
            ),
            default=None,
        )
        for slot in range(_SLOTS)
    ]
    known = [each for each in widest if each is not None]
    if not known:
        return (_UNTAUGHT_S,) * _SLOTS
    # Where no silence ever began nearby, the longest line of the day says least.
    filled = [max(known) if each is None else each for each in widest]
    uniform = _UNIFORM * sum(filled) / _SLOTS
    return tuple(each + _WEIGHTED * each + uniform for each in filled)


def _percentile(lengths: Sequence[float]) -> float | None:
    """The 97th, between ranks by the straight line."""
    if not lengths:
        return None
    ordered = sorted(lengths)
    place = _SHARE * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _by_end(record: Record) -> list[tuple[float, float]]:
    return [(a, b) for a, b in pairwise(record.signs) if b - a <= ABSENCE_S]


def alarms(rule: Rival, signs: Sequence[float]) -> list[float]:
    """When the rule raises its alarm, in each silence that outlasts its limit."""
    raised = []
    for begin, end in pairwise(signs):
        at = begin + rule.limit(begin, int(begin // DAY_S))
        if at < end:
            raised.append(at)
    return raised


def alarm_after(rule: Rival, begin: float, counted: Iterable[float], moment: float) -> float:
    """When the alarm of a silence goes out that only `counted` events interrupt after `moment`.

    Nothing is learned from them.
    """
    known = int(moment // DAY_S)
    at = begin + rule.limit(begin, min(int(begin // DAY_S), known))
    for sign in counted:
        if sign >= at:
            break
        at = sign + rule.limit(sign, known)
    return at
