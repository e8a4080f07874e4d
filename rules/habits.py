"""What this home's silences are like, learnt day by day, and for how long one may last today.

Each silence is held, at its end, against what was known before it: the price of a call in vain at
which it would just not have been called (see `rules.prices`). The budget of calls in vain then
sets the price: the lowest that the home's own past, and two months of other homes, would have kept
within it. So a home in which people often go out without a word waits longer, and one that lives
by the clock is called soon.

Kept small, since it is saved with the state: half floats and 16 bit counts, 7 KB in all.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rules import habits_prior, prices
from rules.doubt import SAME_EVENT, Doubt, doubted
from rules.habits_prior_data import PRICES
from rules.night import minute_of_day
from rules.prices import Budget, number_of
from rules.silences import CONTEXTS, Context, Ended, Silence, added
from rules.survival import (
    CELLS,
    FIRST_STEP,
    GRID_MIN,
    NOTHING,
    Counts,
    Line,
    hazard,
    line,
    survival,
)

LEARNS_EVERY = timedelta(days=1)
KNOWN_AFTER_D = 7.0
"Days of listening before what was learnt is used."
SOONEST = timedelta(minutes=FIRST_STEP * GRID_MIN)
"No wait is shorter."
SHORTEST = timedelta(minutes=5)
"Shorter gaps between signs of life are no silence."
AFTER_DOOR = timedelta(minutes=15)
"A silence so soon after an outside door moved may be an outing."
_SEEN_LATE = timedelta(minutes=1)
"So long after the door a sensor of another room may still tell of who went out by it."

_DOUBTED_FROM = timedelta(minutes=30)
"A sign that ends a shorter silence leaves no new doubt."
_STIRS_A_DAY = 2.0
"So often a silent house shows a sign that counts, at most,"
_STIRS_OF_ENDS = 1 / 5
"""and for each silence that ends there: where few signs come the devices are few or dull, for
nobody's signs as for the resident's, and most of the resident's come alone."""

_HALF_LIFE_D = 60.0
_MINUTE = timedelta(minutes=1)
_HOUR_MIN = 60
_DAY_MIN = 1440
_SLOTS = _DAY_MIN // GRID_MIN
_TODAY_MAX = 400
"More than a day has of them."

_PRIOR_D = 60.0
"So many days of other homes' prices stand beside the own ones."
_PRIOR_TABLE_D = 30.0
_COUNT_MAX = 65535
_CALLED_ANYWAY_MIN = _DAY_MIN
"""After a day the fixed limits of a city call in any home: no price of ours prevents that call,
and were it counted, whoever is away for a day now and then would be waited for every day."""


_ASKED_BEFORE = (10.0, 10.0)
_IN_VAIN_BEFORE = (1.0, 7.0)
"Of ten prompts before the first own one: nobody answers who is out."


@dataclass(slots=True)
class _Reckoned:
    """What follows from a day's habits; never saved."""

    hazards: dict[Context, list[float]] = field(default_factory=dict)
    lines: dict[tuple[Context, int], Line] = field(default_factory=dict)
    prices: dict[Budget, tuple[float, ...]] = field(default_factory=dict)
    per_day: float | None = None
    chances: tuple[Context, int, Sequence[float]] | None = None
    "Those that were asked for last: a silence in doubt asks when it begins and when it ends."
    doubted: tuple[Doubt, datetime, Line] | None = None
    "The last line of a silence that began in doubt, and when that was."


@dataclass(slots=True)
class Habits:
    """One home's. Read by the rules; changed by `rules.state` alone."""

    tables: bytes = b""
    "Half floats: for each context the ends, then the minutes; empty before the first day."
    scores: bytes = b""
    "16 bit counts of prices, for each context."
    days: float = 0.0
    "Listened to so far."
    weight: float = 0.0
    "The same, older days counting less."
    asked: tuple[float, float] = (0.0, 0.0)
    "Prompts by context, in silences that life ended."
    vain: tuple[float, float] = (0.0, 0.0)
    "Those of them that nobody answered."
    today: list[Silence] = field(default_factory=list)
    learnt: datetime | None = None
    "Up to when."
    down: timedelta = timedelta()
    "For how long nobody listened since then, before this run and the downtime that led to it."
    door: datetime | None = None
    "When an outside door moved last."
    began: Context = Context.INSIDE
    "How the silence since the last sign of life began."
    doubt: Doubt | None = None
    "Whether somebody lies there since before the last sign of life."
    rooms: bool = False
    "Whether some sensor sees people move; without one a home is known by its plugs."
    _reckoned: _Reckoned = field(default_factory=_Reckoned, init=False, repr=False, compare=False)

    @property
    def known(self) -> bool:
        """Whether enough was learnt to go by."""
        return self.days >= KNOWN_AFTER_D

    def context(self, begin: datetime, *, inside: bool = False) -> Context:
        """How a silence that begins at that moment begins.

        Args:
            begin: of the silence.
            inside: whether the sign of life before it came from a room without an outside door.

        """
        door = self.door
        if door is None or not timedelta() <= begin - door <= AFTER_DOOR:
            return Context.INSIDE
        return Context.INSIDE if inside and begin - door > _SEEN_LATE else Context.AFTER_DOOR

    # ------------------------------------------------------------------------------ asked by rules

    def wait(
        self,
        begin: datetime | None,
        context: Context,
        budget: Budget,
        doubt: Doubt | None = None,
    ) -> timedelta:
        """How long a silence may last before somebody is asked, or where nobody is, called.

        Args:
            begin: of the silence; None where the date is not known: then the longest of the day.
            context: how it began.
            budget: what may be in vain.
            doubt: in which it began.

        """
        price = self._prices(budget)[context]
        if begin is not None and doubt is not None:
            return self._line_in(doubt, begin, context).wait_min(price) * _MINUTE
        slots = range(_SLOTS) if begin is None else (_slot(begin),)
        return max(self._line(context, slot).wait_min(price) for slot in slots) * _MINUTE

    def usual(self, begin: datetime, context: Context) -> timedelta:
        """How long silences that begin so usually last at most."""
        return self._line(context, _slot(begin)).usual_min * _MINUTE

    # ------------------------------------------------------------------------ changed by the state

    def end(
        self,
        begin: datetime,
        end: datetime,
        ended: Ended,
        *,
        again: bool = False,
        sure: bool = False,
        alone: bool = False,
    ) -> None:
        """Note a silence that life has ended.

        Args:
            begin: the sign of life before.
            end: the sign of life after it.
            ended: how.
            again: whether both are of one device.
            sure: whether the latter is a person's beyond doubt.
            alone: whether signs come alone now that used not to, which is no reason to doubt.

        """
        if end - begin >= SHORTEST and len(self.today) < _TODAY_MAX:
            silence = Silence(begin, (end - begin) // _MINUTE, self.began, ended)
            if _HOUR_MIN <= silence.minutes <= _CALLED_ANYWAY_MIN:
                silence = replace(silence, number=self._number(silence, self.doubt))
            self.today.append(silence)
        self.doubt = None if sure else self._doubted(begin, end, again=again, more=not alone)

    def begin(self, at: datetime, *, inside: bool = False) -> None:
        """Note a sign of life, after which there may be silence; `inside` as for `context`."""
        self.began = self.context(at, inside=inside)

    def see_rooms(self, *, rooms: bool) -> None:
        """Note what kind of home it is."""
        if rooms != self.rooms:
            self.rooms = rooms
            self._reckoned = _Reckoned()

    def forget(self, called: datetime | None) -> None:
        """Leave out the silence in which a person in need was called for: it was no habit."""
        self.today = [each for each in self.today if not each.covers(called)]

    def learn(self, at: datetime, listened_d: float, unjudged: Sequence[datetime] = ()) -> None:
        """Take in the silences since the last time.

        Args:
            at: now.
            listened_d: for how many days the home was listened to since then.
            unjudged: of calls of which nobody knows yet how they turned out; their silences wait.

        """
        waiting = [each for each in self.today if any(map(each.covers, unjudged))]
        silences = [each for each in self.today if each not in waiting]
        scores = [list(each) for each in self.price_counts()]
        asked, vain = list(self.asked), list(self.vain)
        for silence in silences:
            if _HOUR_MIN <= silence.minutes <= _CALLED_ANYWAY_MIN:
                number = silence.number
                if number is None:
                    number = self._number(silence, None)
                scores[silence.context][number] = min(
                    scores[silence.context][number] + 1, _COUNT_MAX
                )
            asked[silence.context] += silence.ended is not Ended.LIFE
            vain[silence.context] += silence.ended is Ended.CALL
        keep = 0.5 ** (listened_d / _HALF_LIFE_D)
        tables = [
            added(own, keep, silences, context)
            for context, own in zip(Context, self.own(), strict=True)
        ]
        self.tables = _packed(tables)
        flat = [number for each in scores for number in each]
        self.scores = struct.pack(f"<{len(flat)}H", *flat)
        self.days += listened_d
        self.weight = self.weight * keep + listened_d
        self.asked, self.vain = (asked[0], asked[1]), (vain[0], vain[1])
        self.today, self.learnt, self.down = waiting, at, timedelta()
        self._reckoned = _Reckoned()

    def move(self, moved: Callable[[datetime], datetime]) -> None:
        """Let the dates of what was noted move with the clock."""
        self.today = [replace(each, begin=moved(each.begin)) for each in self.today]
        self.learnt = None if self.learnt is None else moved(self.learnt)
        self.door = None if self.door is None else moved(self.door)
        if self.doubt is not None:
            doubt = self.doubt
            self.doubt = replace(doubt, at=moved(doubt.at), since=moved(doubt.since))

    # -------------------------------------------------------------------------------------- inside

    def own(self) -> list[Counts]:
        """The tables by context."""
        if not self.tables:
            return [NOTHING] * CONTEXTS
        values = struct.unpack(f"<{2 * CONTEXTS * CELLS}e", self.tables)
        parts = [values[at : at + CELLS] for at in range(0, len(values), CELLS)]
        return [Counts(parts[2 * at], parts[2 * at + 1]) for at in range(CONTEXTS)]

    def price_counts(self) -> list[Sequence[int]]:
        """How many silences had each number of price, by context."""
        if not self.scores:
            return [(0,) * PRICES] * CONTEXTS
        values = struct.unpack(f"<{CONTEXTS * PRICES}H", self.scores)
        return [values[at * PRICES : (at + 1) * PRICES] for at in range(CONTEXTS)]

    def _number(self, silence: Silence, doubt: Doubt | None) -> int:
        if doubt is None:
            line = self._line(silence.context, _slot(silence.begin))
        else:
            line = self._line_in(doubt, silence.begin, silence.context)
        return number_of(line.price(silence.minutes))

    def _doubted(self, begin: datetime, end: datetime, *, again: bool, more: bool) -> Doubt | None:
        """The doubt after the sign that ended a silence."""
        before = self.doubt
        if before is not None and again and end - before.at < SAME_EVENT:
            return before
        fresh = more and end - begin >= _DOUBTED_FROM
        if not self.known or (before is None and not fresh):
            return None
        chances = self._chances(self.began, _slot(begin))
        stirs = min(_STIRS_OF_ENDS * self._per_day(), _STIRS_A_DAY) / 24
        return doubted(chances, begin, end, before, stirs_per_h=stirs, more=more)

    def _line_in(self, doubt: Doubt, begin: datetime, context: Context) -> Line:
        known = self._reckoned.doubted
        if known is None or known[:2] != (doubt, begin):
            since_h = (begin - doubt.at) / _HOUR_MIN / _MINUTE
            of_it = line(self._chances(context, _slot(begin)), doubt.costs(since_h))
            known = self._reckoned.doubted = (doubt, begin, of_it)
        return known[2]

    def _chances(self, context: Context, slot: int) -> Sequence[float]:
        known = self._reckoned.chances
        if known is None or known[:2] != (context, slot):
            hazards = self._reckoned.hazards
            if context not in hazards:
                hazards[context] = hazard(self.own()[context].plus(self.prior(context)))
            found = survival(hazards[context], slot * GRID_MIN, self._per_day())
            known = self._reckoned.chances = (context, slot, found)
        return known[2]

    def _line(self, context: Context, slot: int) -> Line:
        reckoned = self._reckoned
        known = reckoned.lines.get((context, slot))
        if known is None:
            known = reckoned.lines[context, slot] = line(self._chances(context, slot))
        return known

    def prior(self, context: Context) -> Counts:
        """What other homes say of a month, for as long as this one says little."""
        door = context is Context.AFTER_DOOR
        return habits_prior.table(rooms=self.rooms, after_door=door, days=_PRIOR_TABLE_D)

    def _per_day(self) -> float:
        per_day = self._reckoned.per_day
        if per_day is None:
            prior = self.prior(Context.INSIDE)
            ends = sum(self.own()[Context.INSIDE].ends) + sum(prior.ends)
            per_day = self._reckoned.per_day = ends / (self.weight + _PRIOR_TABLE_D)
        return per_day

    def _prices(self, budget: Budget) -> tuple[float, ...]:
        """By context, what a call in vain may cost so that the budget is kept."""
        reckoned = self._reckoned
        known = reckoned.prices.get(budget)
        if known is None:
            known = reckoned.prices[budget] = self._reckon_prices(budget)
        return known

    def _reckon_prices(self, budget: Budget) -> tuple[float, ...]:
        unanswered = (1.0,) * CONTEXTS
        if budget.prompts is not None:
            unanswered = tuple(
                (self.vain[c] + _IN_VAIN_BEFORE[c]) / (self.asked[c] + _ASKED_BEFORE[c])
                for c in Context
            )
        own = self.price_counts()
        dearer = [prices.above(own[context], self._others(context)) for context in Context]
        return prices.within(budget, dearer, unanswered, self.days + _PRIOR_D, self.days)

    def _others(self, context: Context) -> Sequence[float]:
        """How many silences of other homes had each number of price."""
        door = context is Context.AFTER_DOOR
        return habits_prior.prices(rooms=self.rooms, after_door=door, days=_PRIOR_D)


def _packed(tables: Sequence[Counts]) -> bytes:
    values = [value for each in tables for part in (each.ends, each.minutes) for value in part]
    return struct.pack(f"<{len(values)}e", *values)


def _slot(moment: datetime) -> int:
    return minute_of_day(moment) // GRID_MIN
