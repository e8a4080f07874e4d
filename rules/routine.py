"""The home's own day: when it is quiet, when it begins, and who goes out by night.

No zone is known here: minutes of the day are UTC, and the night is the stretch in which this home
is quiet, so that it is right for whoever works by night, too. Bounded: half floats by half hour,
and the last mornings as 16 bit minutes, 0.7 KB in all.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil, log

from rules.activity import SLOTS, Tally, slot_of
from rules.night import DAY_MIN, SLOT_MIN, Night, minute_of_day, quietest
from rules.observation import DeviceId
from rules.weeks import Weeks, late

DAY = timedelta(days=1)
KNOWN_AFTER_D = 7.0
"Days of listening before a night is known, and mornings before they are."
OUT_FOR = timedelta(minutes=15)
"Whoever shows no sign for so long after an outside door moved went out, or to bed."

_MINUTE = timedelta(minutes=1)
_HALF_LIFE_D = 28.0
_NOBODY_SLOTS = 36
"Nobody is at home and silent for longer than 18 hours: not a day to learn from."
_STEP = timedelta(minutes=5)
_STEPS_MAX = 36
_MORNING_IN_ROOMS = (3, (1 << 12) - 1)
_MORNING_BY_PLUGS = (2, (1 << _STEPS_MAX) - 1)
"""Signs of life, five minutes apart, that make a morning: three within an hour where sensors see
people move, so that one way to the bathroom is none; where a home is known by its plugs, two
within three hours. What a sensor in an empty home says once a day is none."""
_AFTERWARDS = timedelta(hours=6)
"A day that began so shortly before it is awaited has begun."
_DEAF = timedelta(minutes=30)
_OTHER_NIGHT_MIN = 120

_MORNINGS_MAX = 180
_NEVER = 0xFFFF
"Of a day that never began."
_LATE = 0.1
"The tail of late mornings: the latest tenth."
_TAIL_MIN, _TAIL_WORTH = 45.0, 3
"How far beyond the others those lie in other homes, and how many own ones that is worth."
_TAIL_MAX_MIN = 240
_AFTER_LATEST_MIN = 15
_EARLIEST_MIN = 60
"Nobody is called within the night."
_LATEST_MIN = 14 * 60
"A day that may begin later than this has no hour by which it does."
_HABIT_A_DAY = 0.1
"Who goes out at an hour three times a month does so habitually."
_ABOUT_SLOTS = range(-2, 3)


@dataclass(slots=True)
class _Reckoned:
    """What follows from a day's register; never saved."""

    night: Night | None = None
    hours: dict[timedelta, tuple[timedelta, timedelta] | None] = field(default_factory=dict)


@dataclass(slots=True)
class Routine:
    """One home's. Read by the rules; changed by `rules.state` alone."""

    life: bytes = b""
    "Half floats by half hour of the day: on how many days there was life in it, older ones less."
    heard: bytes = b""
    "The same: on how many somebody listened, and nobody was known to be away."
    outings: bytes = b""
    "The same: on how many somebody went out by the door."
    days: float = 0.0
    "Listened to so far."
    folded: datetime | None = None
    "Up to when."
    mornings: bytes = b""
    "16 bit minutes of the day at which the last days began, oldest first."
    watch: datetime | None = None
    "From when on the day that has not begun yet is awaited."
    stirred: datetime | None = None
    "The last step of life since then, and by bits those of three hours before it."
    steps: int = 0
    began: datetime | None = None
    "When a day began last."
    noted: bool = False
    "Whether that one is the last of `mornings`."
    opened: datetime | None = None
    "When an outside door was opened by night; None once it is known that nobody is out."
    door: DeviceId | None = None
    weeks: Weeks = field(default_factory=Weeks)
    _reckoned: _Reckoned | None = field(default=None, init=False, repr=False, compare=False)

    # ------------------------------------------------------------------------------ asked by rules

    @property
    def night(self) -> Night | None:
        """When the home is quiet; None until that is known, or if it never is."""
        return self._known().night

    def latest(self, every: timedelta) -> timedelta | None:
        """How long after `watch` a day begins at the latest; None if nobody can tell.

        Args:
            every: so often it may be later.

        """
        hours = self._hours(every)
        return None if hours is None else hours[0]

    def usually(self, every: timedelta) -> timedelta:
        """How long after `watch` nine days in ten have begun."""
        hours = self._hours(every)
        return timedelta() if hours is None else hours[1]

    def awaited_after(self, moment: datetime) -> datetime | None:
        """From when on a day is awaited that does not begin before that moment."""
        if self.watch is None or moment < self.watch:
            return self.watch
        return self.watch + ((moment - self.watch) // DAY + 1) * DAY

    def goes_out_at(self, moment: datetime) -> bool:
        """Whether going out about that hour is a habit of this home."""
        slot, outings = minute_of_day(moment) // SLOT_MIN, _halves(self.outings)
        about = sum(outings[(slot + by) % SLOTS] for by in _ABOUT_SLOTS)
        return about >= _HABIT_A_DAY * sum(_halves(self.heard)) / SLOTS

    # ------------------------------------------------------------------------ changed by the state

    def stir(self, at: datetime, *, pressed: bool, rooms: bool) -> bool:
        """Take in a sign of life since `watch`. True: with it the day has begun.

        Args:
            at: of the sign.
            pressed: a button was: no sensor does that by itself.
            rooms: whether some sensor sees people move.

        """
        gap = _STEPS_MAX if self.stirred is None else (at - self.stirred) // _STEP
        if gap > 0:
            within = (self.steps << min(gap, _STEPS_MAX)) % (1 << _STEPS_MAX)
            self.steps, self.stirred = within | 1, at
        enough, lately = _MORNING_IN_ROOMS if rooms else _MORNING_BY_PLUGS
        return pressed or (self.steps & lately).bit_count() >= enough

    def begin(self, at: datetime, *, learn: bool) -> None:
        """Let the day begin.

        Args:
            at: when it did.
            learn: whether it is one to learn from.

        """
        assert self.watch is not None
        self.began, self.noted = at, learn
        if learn:
            never = (_NEVER,) * (at - self.watch >= DAY)
            self._set_mornings((*self._mornings(), *never, minute_of_day(at)))
        self._await(at + _AFTERWARDS)

    def skip(self, at: datetime) -> None:
        """Await the day in hand no longer: somebody came home, or nobody listened."""
        if self.watch is not None and at >= self.watch:
            self._await(at)

    def deaf(self, at: datetime, span: timedelta) -> None:
        """Note that nobody listened for that long."""
        if span >= _DEAF:
            self.skip(at)

    def forget(self, called: datetime | None) -> None:
        """Leave out the morning of a person in need who was called for at that moment."""
        if called is not None and self.began is not None and self.began >= called and self.noted:
            self._set_mornings(self._mornings()[:-1])
            self.weeks.forget_morning()
            self.noted = False

    def went_out(self, at: datetime) -> None:
        """Note an outing by the door."""
        outings = _halves(self.outings)
        slot = minute_of_day(at) // SLOT_MIN
        outings[slot] = min(outings[slot] + 1, DAY / _MINUTE)
        self.outings = _packed(outings)

    def learn(
        self,
        at: datetime,
        tally: Tally,
        seen_from: datetime | None,
        away_since: datetime | None,
        *,
        whole: bool,
    ) -> None:
        """Take in the half hours since the last time, with a sign of life.

        Args:
            at: now.
            tally: what they showed.
            seen_from: since when the home is watched without a break.
            away_since: since when nobody is at home, None if somebody may be.
            whole: whether all devices that tell of life are live.

        """
        last = slot_of(at)
        first = last - SLOTS if self.folded is None else slot_of(self.folded)
        first = max(first, last - 2 * SLOTS)
        showed = tally.shown(first, last, seen_from, away_since)
        _leave_out_absence(showed)
        known = {slot: count for slot, count in showed.items() if count is not None}
        keep = 0.5 ** (len(known) / SLOTS / _HALF_LIFE_D)
        life, heard, outings = (
            [keep * each for each in _halves(packed)]
            for packed in (self.life, self.heard, self.outings)
        )
        for slot, count in known.items():
            life[slot % SLOTS] += count > 0
            heard[slot % SLOTS] += 1
        self.life, self.heard, self.outings = _packed(life), _packed(heard), _packed(outings)
        self._sum(at, known, whole=whole)
        self.days += len(known) / SLOTS
        self.folded = at
        self._reckoned = None
        self._realign(at)

    def move(self, moved: Callable[[datetime], datetime], shift: timedelta, now: datetime) -> None:
        """Let the dates move with the clock; a day over which it was set by much is not judged."""
        self.folded = None if self.folded is None else moved(self.folded)
        self.stirred = None if self.stirred is None else moved(self.stirred)
        self.began = None if self.began is None else moved(self.began)
        self.opened = None if self.opened is None else moved(self.opened)
        self.weeks.move(moved)
        if self.watch is not None and abs(shift) >= _DEAF:
            self._await(now)

    # -------------------------------------------------------------------------------------- inside

    def _await(self, moment: datetime) -> None:
        """Await the first day that may begin after that moment."""
        night = self.night
        self.steps, self.stirred = 0, None
        if night is None:
            self.watch = None
            return
        wait_min = (night.wakes_min - minute_of_day(moment)) % DAY_MIN or DAY_MIN
        self.watch = moment.replace(second=0, microsecond=0) + wait_min * _MINUTE
        self._known().hours = {}

    def _realign(self, at: datetime) -> None:
        """Let the next day be awaited by what is known of the night now."""
        night, watch = self.night, self.watch
        if night is None or watch is None:
            self._await(at)
        elif watch > at:
            apart = (night.wakes_min - minute_of_day(watch)) % DAY_MIN
            if min(apart, DAY_MIN - apart) > _OTHER_NIGHT_MIN:
                # It sleeps at other hours now: what its mornings were says nothing any more.
                self.mornings, self.noted = b"", False
            self._await(watch - DAY / 2)

    def _sum(self, at: datetime, known: dict[int, int], *, whole: bool) -> None:
        began, since = self.began, self.folded
        new = began is not None and self.noted and (since is None or began > since)
        if whole:
            morning = minute_of_day(began) if began is not None and new else None
            self.weeks.day(known, morning)
        night = self.night
        self.weeks.close(at, 0 if night is None else night.wakes_min)

    def _known(self) -> _Reckoned:
        if self._reckoned is None:
            self._reckoned = _Reckoned(self._night() if self.days >= KNOWN_AFTER_D else None)
        return self._reckoned

    def _night(self) -> Night | None:
        life, heard = _halves(self.life), _halves(self.heard)
        mean = sum(life) / (sum(heard) or 1.0)
        # A half hour of which little is known is like the others.
        return quietest(
            [(a + mean) / (listened + 1.0) for a, listened in zip(life, heard, strict=True)]
        )

    def _hours(self, every: timedelta) -> tuple[timedelta, timedelta] | None:
        """After `watch`: by when a day has begun at the latest, and nine days in ten."""
        known = self._known()
        if every not in known.hours:
            wakes = None if self.watch is None else minute_of_day(self.watch)
            late_min = [] if wakes is None else [_late(each, wakes) for each in self._mornings()]
            known.hours[every] = _latest(sorted(late_min), every / DAY)
        return known.hours[every]

    def _mornings(self) -> tuple[int, ...]:
        return struct.unpack(f"<{len(self.mornings) // 2}H", self.mornings)

    def _set_mornings(self, minutes: Sequence[int]) -> None:
        kept = minutes[-_MORNINGS_MAX:]
        self.mornings = struct.pack(f"<{len(kept)}H", *kept)
        self._known().hours = {}


def _late(minute: int, wakes_min: int) -> int:
    return DAY_MIN if minute == _NEVER else late(minute, wakes_min)


def _latest(late_min: Sequence[int], every_d: float) -> tuple[timedelta, timedelta] | None:
    """By when a day has begun at the latest, and nine days in ten, from its past mornings.

    The latest tenth is taken for an exponential tail, and no more of the own past may lie beyond
    the hour than the budget allows.

    Args:
        late_min: minutes, rising.
        every_d: one in so many days may begin later.

    """
    count = len(late_min)
    if count < KNOWN_AFTER_D:
        return None
    tenth = ceil((1 - _LATE) * count) - 1
    usual_min = late_min[tenth]
    beyond = [min(each - usual_min, _TAIL_MAX_MIN) for each in late_min[tenth + 1 :]]
    mean_min = (sum(beyond) + _TAIL_WORTH * _TAIL_MIN) / (len(beyond) + _TAIL_WORTH)
    by_tail = usual_min + mean_min * log(max(_LATE * every_d, 1.0))
    # One in count + 1 is later than the latest: the budget may lie beyond what was seen.
    rank = int((count + 1) / every_d)
    by_count = late_min[count - max(rank, 1)] + (_AFTER_LATEST_MIN if rank else _TAIL_MIN)
    latest_min = ceil(max(by_tail, by_count, _EARLIEST_MIN))
    if latest_min > _LATEST_MIN:
        return None
    return latest_min * _MINUTE, usual_min * _MINUTE


def _leave_out_absence(showed: dict[int, int | None]) -> None:
    """Forget the quiet half hours of which there are more on end than anybody is silent for."""
    quiet: list[int] = []
    for slot in (*showed, None):
        if slot is not None and showed[slot] == 0:
            quiet.append(slot)
            continue
        if len(quiet) > _NOBODY_SLOTS:
            showed.update(dict.fromkeys(quiet))
        quiet.clear()


def _halves(packed: bytes) -> list[float]:
    return list(struct.unpack(f"<{SLOTS}e", packed)) if packed else [0.0] * SLOTS


def _packed(values: Sequence[float]) -> bytes:
    return struct.pack(f"<{SLOTS}e", *values)
