"""What machines do by themselves on a plug whose changes count as a hand's.

An installer may mark a fridge so, and a rice cooker that a person starts keeps its rice warm
alone. Two things give a machine away: it comes again and again after about the same time, as
compressors and thermostats do, or at the same minute of one day after another, as timers do.

Each kind of switching of a device (one phenomenon, one direction, about one load) is remembered by
its last moment, the interval before it, how often intervals were alike of late, and its latest
times of the day. What else goes on in the home does not matter: where others show that somebody
lives, a hand that is taken for a machine costs nothing; where nobody does, it costs the silence
since the last of the two that did count, and a person does not act so evenly for long.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rules.evidence import ON_W, Strength
from rules.observation import Observation, Phenomenon, Value

PHENOMENA = frozenset({Phenomenon.POWER_W, Phenomenon.RELAY_ON})
"What a machine switches."

LONGEST = timedelta(hours=3)
"No cycle of a household machine lasts longer; meals are farther apart."
_ALIKE = timedelta(minutes=6)
"""Two intervals are alike if they differ by less. What a person does every day, or every hour,
varies by ten minutes and more; a compressor's cycle of an hour, in a silent home, by three."""
_SHORT = timedelta(minutes=30)
"""Cycles of thermostats and of keep-warm are shorter, and less even."""
_ALIKE_SHORT = timedelta(minutes=9)
"Two of these are alike if they differ by less, and by less than half; a mistake costs no hour."
_ENDED = 3.5
"After so many intervals without one the cycle is over: reports of two may be lost on the air."
_DOUBTFUL = 2
"""Intervals like the one before from which a switching counts beside other signs only. So the
third repeat of a cycle says nothing in a silent home; nor do four of a hundred cups of tea that
somebody drinks every hour, a quarter of an hour early or late."""
_SURE = 3
_STEADY = 4
"The interval of a machine known so well stays what it was when one is longer: it was defrosting."
_MOST = 12
_UNLIKE = 3
"One interval unlike the others weighs as much as three alike: a person's are seldom alike."

_NEVER_RESTS = timedelta(days=2)
"A person sleeps, and goes out: nobody uses one thing for so long without a pause."
_PAUSE = 3.0
"Mean intervals that are a pause, and `LONGEST` in any case."
_UNEVEN = 0.3
"""Of the mean interval, by which intervals differ from it: a compressor's whose door is opened now
and then by 0.25 at most; who is up every two hours at night and every hour by day by 0.4."""
_UNEVEN_AT_FIRST = 0.5
_UNEVEN_OVER = 16

_DAY = timedelta(days=1)
_SAME_MINUTE = timedelta(minutes=1)
"A timer is off by less from day to day, as its report is late; a person's habits are off by more."
_SKIPS_DAYS = 3
"A timer that rests over the weekend is back after so many."
_TIMED = 4
"""Days, after the first, at the same minute. It makes a switching weak and never more: somebody
who lives by the clock shows other signs within the hour."""
_TIMED_MOST = 6

_KINDS = 4
"Of one device: the cooking and the keep-warm of one plug, the two directions of its relay."
_TIMES = 12
"More than this a day is no timer's."
_OTHER_LOAD = 2.0
"Loads of one appliance, as first reported, differ by less: its motor is starting up."


@dataclass(slots=True)
class Switching:
    """One kind of switching of a device, as it was of late; changed by `rules.state` alone."""

    phenomenon: Phenomenon
    load_w: float
    "Of a relay: 1 for on, 0 for off."
    at: datetime
    since: datetime
    "Since when it never paused."
    every: timedelta = timedelta()
    "The interval before, and the usual one once it is steady; 0 before the second."
    alike: int = 0
    "How many intervals were like the one before, less those that were not."
    intervals: int = 0
    "So many between `since` and `at`."
    uneven: float = _UNEVEN_AT_FIRST
    "By how much of their mean they differ from it."
    times: list[tuple[datetime, int]] = field(default_factory=list)
    "The last moment of each time of the day, oldest first, and on how many days it came again."

    @property
    def never_rests(self) -> bool:
        """Whether it goes on by day and by night, as only a machine does."""
        return self.at - self.since >= _NEVER_RESTS and self.uneven <= _UNEVEN

    def strength(self) -> Strength:
        """How strongly its last one speaks for a person."""
        if self.alike >= _SURE or self.never_rests:
            return Strength.NONE
        timed = bool(self.times) and self.times[-1][1] >= _TIMED
        return Strength.WEAK if timed or self.alike >= _DOUBTFUL else Strength.STRONG

    def again(self, at: datetime, load_w: float, *, timed: bool) -> None:
        """Note one more; if not `timed`, nobody knows since when it was so."""
        interval, self.at = at - self.at, at
        self.load_w += (load_w - self.load_w) / 4
        if timed:
            self._compare(interval)
            self._go_on(interval)
            self._note_time(at)
        else:
            self.since += interval

    def move(self, moved: Callable[[datetime], datetime]) -> None:
        """Let its dates move with the clock."""
        self.at, self.since = moved(self.at), moved(self.since)
        self.times = [(moved(at), days) for at, days in self.times]

    def _compare(self, interval: timedelta) -> None:
        every, steady = self.every, self.alike >= _STEADY
        if interval <= timedelta():
            return
        if not every:
            self.every = interval
        elif _near(interval, every) and interval < LONGEST:
            self.alike = min(self.alike + 1, _MOST)
            self.every = every + (interval - every) / 4 if steady else interval
        elif interval > max(_ENDED * every, _ALIKE):
            # Somebody began anew; what a steady machine does then is most likely what it did.
            self.alike = int(steady)
            self.every = every if steady else interval
        else:
            self.alike = max(self.alike - _UNLIKE, 0)
            self.every = every if steady else interval

    def _go_on(self, interval: timedelta) -> None:
        mean = (self.at - self.since) / (self.intervals + 1)
        if interval > min(LONGEST, _PAUSE * mean):
            self.since, self.intervals, self.uneven = self.at, 0, _UNEVEN_AT_FIRST
        elif mean > timedelta():
            self.intervals += 1
            self.uneven += (abs(interval / mean - 1) - self.uneven) / _UNEVEN_OVER

    def _note_time(self, at: datetime) -> None:
        oldest = at - _SKIPS_DAYS * _DAY - _SAME_MINUTE
        self.times = [each for each in self.times if oldest <= each[0]]
        found, again = None, 0
        for each in self.times:
            days = round((at - each[0]) / _DAY)
            off = abs(at - each[0] - days * _DAY)
            if days and off <= _SAME_MINUTE and (found is None or each[1] >= found[1]):
                found, again = each, max(each[1] + (1 if days == 1 else -1), 0)
        if found is None and len(self.times) >= _TIMES:
            found = min(self.times, key=lambda each: (each[1], each[0]))
        if found is not None:
            self.times.remove(found)
        self.times.append((at, min(again, _TIMED_MOST)))


def _near(interval: timedelta, other: timedelta) -> bool:
    most = min(_ALIKE_SHORT, other / 2) if other <= _SHORT else _ALIKE
    return abs(interval - other) < most


def note(
    switchings: list[Switching], phenomenon: Phenomenon, value: Value, at: datetime, *, timed: bool
) -> None:
    """Remember that a device switched.

    Args:
        switchings: what is remembered of it, in the order of use.
        phenomenon: one of `PHENOMENA`.
        value: what it says now: a load past `ON_W`, or the relay's state.
        at: when.
        timed: whether it was listened to ever since it said otherwise.

    """
    load_w = float(value)
    for number, each in enumerate(switchings):
        if each.phenomenon is phenomenon and _one_load(each.load_w, load_w):
            each.again(at, load_w, timed=timed)
            switchings.append(switchings.pop(number))
            return
    if len(switchings) >= _KINDS:
        del switchings[0]
    switchings.append(Switching(phenomenon, load_w, at, at, times=[(at, 0)] if timed else []))


def _one_load(load_w: float, other_w: float) -> bool:
    low, high = sorted((load_w, other_w))
    return high <= _OTHER_LOAD * low


def alone(switchings: list[Switching]) -> bool:
    """Whether all that a device shows is a machine's."""
    return bool(switchings) and all(each.never_rests for each in switchings)


def ends(seen: Observation) -> bool:
    """Whether a plug tells that what it fed has ended, which machines do by themselves."""
    return seen.phenomenon is Phenomenon.POWER_W and float(seen.value) < ON_W


def weigh(switchings: list[Switching], seen: Observation) -> Strength:
    """How strongly a switching that was noted, or the end of one, can speak for a person."""
    last = next(
        (each for each in reversed(switchings) if each.phenomenon is seen.phenomenon), None
    )
    if last is None:
        return Strength.STRONG
    if ends(seen):
        # What began by itself ends by itself.
        return Strength.STRONG if last.strength() is Strength.STRONG else Strength.NONE
    return last.strength()
