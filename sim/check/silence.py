"""By when a silence must have been escalated, reckoned by true time.

Production promises (`rules.inactivity`, `rules.away`): the silence counts from the latest of

- the last sign of life that the gateway was handed,
- the end of an absence, the closing of an inactivity case,
- the moment since which one single device proves it: for a device that was not heard for
  `stale_after` periods of listening time the proof begins anew,
- the setting back of a clock over a restart, when nobody can say how long it was silent before.

It is escalated at the first limit, put off by `away.extra` while an outing is believed, by the
prompt's wait where the gateway was down when it was to ask, and by the time that it was down.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules import evidence
from rules.alarm import AlarmKey, AlarmKind, Move
from rules.codec import moment_at, moment_us
from rules.events import AlarmMoved, AwayEnded
from rules.observation import DeviceId
from sim.check.conditions import absences, active
from sim.check.forgetting import down, forgettings, unknown
from sim.check.listening import (
    ROUGHLY,
    Listening,
    Stretch,
    late_at_most,
    stale_after,
    stretches,
    watching,
)
from sim.check.spans import Span, merged, past, touched
from sim.world.chronicle import Chronicle, HomeChronicle

INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
_SET_BACK_US = -2_000_000
_STEPS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Blind:
    """When nothing was seen of a home."""

    begin: datetime
    end: datetime
    down: bool
    "The gateway did not run; else no device that watches the resident was live."


@dataclass(frozen=True, slots=True)
class Due:
    """When the silence after some moment is due."""

    at: datetime | None
    "None: nothing need be raised, since a case stood open, or the home was said to be empty."
    since: datetime
    "What the silence counts from."


class Silences:
    """One home's silences."""

    def __init__(self, chronicle: Chronicle, home: HomeChronicle) -> None:
        self._never = max(chronicle.healed, chronicle.end)
        self._book = home.book
        found = forgettings(chronicle, home)
        self._restarts = found
        self._down = down(found)
        self._outings, self._announced = absences(home, self._never)
        self._open = active(home.decided, INACTIVITY, self._never)
        self._marks = sorted(_marks(home))
        self._signs = sorted(home.signs or home.life)
        self._life = sorted(home.life)
        self._lives = _lives(home, Listening(self._down), home.heard, surely=True)
        self._perhaps = _lives(home, Listening(self._down), home.heard, surely=False)
        self._misled = _misled(home)
        self._lives_known = self._lives
        if any(each.since < each.cut for each in found):
            # What a gateway may make of it that has forgotten some of what it heard.
            gaps = unknown(found)
            known = {
                id_: [at for at in heard if not _within(at, gaps)]
                for id_, heard in home.heard.items()
            }
            self._lives_known = _lives(home, Listening(gaps), known, surely=True)

    def due(self, moment: datetime) -> Due:
        """When the silence that a plight at `moment` begins is due at the latest.

        What only noise of the sensors puts off is bounded: by twice the longest limit.
        """
        counted = self._due(moment, self._signs)
        truly = self._due(moment, self._life)
        if counted.at is None or truly.at is None:
            return counted
        most = truly.at + 2 * (self._book.inactivity.limits[0] + self._book.away.extra)
        if most < counted.at:
            return Due(most, truly.since)
        return counted

    def blind(self, begin: datetime, end: datetime) -> list[Blind]:
        """When surely nothing could be seen between the two, each whole."""
        seen = merged(
            (moment_at(first), moment_at(last)) for lives in self._perhaps for first, last in lives
        )
        ends = [*(first for first, _ in seen[1:]), self._never]
        # Before the first of them nobody can say that it should be heard.
        unseen = [(last, then) for (_, last), then in zip(seen, ends, strict=False)]
        if self._misled is not None:
            unseen = [(self._misled, self._never)]
        return [
            *(Blind(first, last, down=False) for first, last in touched(begin, end, unseen)),
            *(Blind(first, last, down=True) for first, last in touched(begin, end, self._down)),
        ]

    def _due(self, moment: datetime, signs: Sequence[int]) -> Due:
        limits = self._book.inactivity
        need = limits.limits[0] + (limits.prompt_wait if limits.prompt else timedelta())
        since = self._last(moment, signs)
        for _ in range(_STEPS_MAX):
            at = self._put_off(since, self._with_outing(since + need, need))
            if at >= self._never:
                return Due(at, since)
            later = self._begins_anew(since, at, signs)
            if later is None:
                return Due(at, since)
            if later >= self._never:
                return Due(None, since)
            since = later
        raise AssertionError("a silence without an end")

    def _put_off(self, since: datetime, at: datetime) -> datetime:
        """Later by what a gateway without a clock does not know to have passed.

        And by the whole wait of a prompt that could only be given after a start.
        """
        base = at
        for each in self._restarts:
            if each.cut <= at and each.up > since:
                base += each.up - max(each.since, since)
                at = max(base, each.up + self._book.inactivity.prompt_wait)
        return at

    def _begins_anew(self, since: datetime, at: datetime, signs: Sequence[int]) -> datetime | None:
        """What comes between `since` and `at` so that the silence counts from it."""
        for moments in (signs, self._marks):
            index = bisect_right(moments, moment_us(at)) - 1
            if index >= 0 and moments[index] > moment_us(since):
                return moment_at(moments[index])
        for begin, end in self._announced:
            if begin <= at and end > since:
                return end
        for begin, end in self._open:
            if begin <= at < end:
                return end
        sight = _sight(self._lives, moment_us(at))
        if sight is None:
            return self._next_sight(moment_us(at))
        if any(since < each.up <= at and each.since < each.cut for each in self._restarts):
            sight = max(sight, _sight(self._lives_known, moment_us(at)) or sight)
        return moment_at(sight) if sight > moment_us(since) else None

    def _last(self, moment: datetime, signs: Sequence[int]) -> datetime:
        index = bisect_right(signs, moment_us(moment)) - 1
        # Before the first sign the silence counts from the installation, which was earlier.
        return moment_at(signs[index]) if index >= 0 else moment

    def _with_outing(self, at: datetime, need: timedelta) -> datetime:
        if touched(at - need, at, self._outings):
            return at + self._book.away.extra
        return at

    def _next_sight(self, at: int) -> datetime:
        later = [
            lives[index + 1][0]
            for lives in self._lives
            if (index := _first(lives, at)) + 1 < len(lives) and lives[index + 1][0] > at
        ]
        firsts = [lives[0][0] for lives in self._lives if lives and lives[0][0] > at]
        return min((moment_at(begin) for begin in (*later, *firsts)), default=self._never)


def _lives(
    home: HomeChronicle,
    listening: Listening,
    heard: Mapping[DeviceId, Sequence[int]],
    *,
    surely: bool,
) -> list[list[Stretch]]:
    """When each watching device was live, whatever is not sure; or else may have been."""
    lives = []
    for device in watching(home):
        doubt = late_at_most(home, device) + ROUGHLY
        limit = stale_after(home, device) + (-doubt if surely else doubt)
        lives.append(stretches(heard.get(device.id, ()), listening, _us(limit)))
    return lives


def _misled(home: HomeChronicle) -> datetime | None:
    """Since when a home is blind since all that could watch notices an animal as well."""
    first = [
        home.heard[device.id][0]
        for device in home.devices
        if evidence.watches(device, pet=False) and home.heard.get(device.id)
    ]
    return moment_at(min(first)) if first and not watching(home) else None


def _sight(lives: Sequence[Sequence[Stretch]], at: int) -> int | None:
    """Since when one device that is live at `at` proves a silence."""
    return min(
        (
            each[place][0]
            for each in lives
            if each and each[place := _first(each, at)][0] <= at < each[place][1]
        ),
        default=None,
    )


def _within(at: int, spans: Sequence[Span]) -> bool:
    moment = moment_at(at)
    return past(moment, spans) > moment


def _first(lives: Sequence[Stretch], at: int) -> int:
    """The last stretch that begins at `at` or before; 0 if there is none."""
    return max(bisect_left(lives, (at + 1, 0)) - 1, 0)


def _marks(home: HomeChronicle) -> list[int]:
    marks = [
        moment_us(decided.at)
        for decided in home.decided
        if isinstance(decided.event, AwayEnded)
        or (
            isinstance(decided.event, AlarmMoved)
            and decided.event.alarm == INACTIVITY
            and decided.event.move is Move.CLOSE
        )
    ]
    starts = [moment_us(run.began) for run in home.runs]
    signs = sorted(home.signs or home.life)
    for moved in home.moved:
        if moved.shift_us < _SET_BACK_US:
            at = moment_us(moved.at)
            index = bisect_right(starts, at) - 1
            start = starts[index] if index > 0 else None
            if start is not None and bisect_right(signs, at) == bisect_left(signs, start):
                marks.append(at)
    return marks


def _us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
