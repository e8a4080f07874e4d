"""Slow harms are told in their time, where the home could see them.

Of what somebody suffers while life goes on, where the rulebook watches for it, no fault is at work
and nobody looks after the resident for something else (see `_claimable`):

- who goes out at night and stays out: `back_within` of the rule after the door, once the home's
  nights are known and where no sensor tells of somebody inside; a wandering that is over by then
  need not be told;
- a heater that is left on: after twice the limit of the rulebook without a sign of life, since a
  home in which it often runs for long waits longer;
- who eats nothing: after the limit, and the hours until that person is up and about.

A decline is slower than most runs: that it is told is a figure, not a promise.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain, pairwise
from typing import Final

from rules.alarm import AlarmKey, AlarmKind, Move
from rules.codec import moment_at, moment_us
from rules.errors import phrase
from rules.events import AlarmMoved, Escalated
from sim.check.conditions import absences, active
from sim.check.silence import INACTIVITY
from sim.check.spans import Span, touched
from sim.check.violation import Violation, lasting
from sim.homes.act import SlowKind
from sim.world.chronicle import SLOW, Chronicle, HomeChronicle, Suffered

NAME: Final = "slow-harm-told"
_ALARMS: Final = {kind: alarm for alarm, kind in SLOW.items()}
_DAY: Final = timedelta(days=1)
_DECIDED_WITHIN: Final = timedelta(minutes=3)
_NIGHT_KNOWN_AFTER: Final = timedelta(days=14)
_AT_DOOR: Final = timedelta(seconds=10)
_UNTIL_UP: Final = timedelta(hours=18)
"From the middle of the night until somebody has been up for hours."
_OUT: Final = timedelta(hours=16)
"Who is out for so long may have eaten there."
_TOLD_BEFORE: Final = {
    SlowKind.WANDERING: timedelta(),
    # It may have been raised before anybody forgot it.
    SlowKind.LEFT_ON: timedelta(hours=12),
    SlowKind.NOT_EATING: _DAY,
}


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Slow harms of which nobody was told in time."""
    for home in chronicle.homes:
        for harm in home.suffered:
            by = _by(chronicle, home, harm)
            if by is None or by > chronicle.end or (harm.end is not None and harm.end <= by):
                continue
            if _claimable(chronicle, home, harm, by) and not _told(home, harm, by):
                yield _untold(home, harm, by)


def _by(chronicle: Chronicle, home: HomeChronicle, harm: Suffered) -> datetime | None:
    """When it must have been raised at the latest; None if it need not be."""
    book = home.book
    match harm.kind:
        case SlowKind.WANDERING if book.wandering.enabled:
            if harm.begin < chronicle.start + _NIGHT_KNOWN_AFTER:
                return None
            by = harm.begin + book.wandering.back_within + _DECIDED_WITHIN
            return None if _seen_between(home, harm.begin + _AT_DOOR, by) else by
        case SlowKind.LEFT_ON if book.left_on.enabled:
            return _quiet_for(home, harm, 2 * book.left_on.heating + _DECIDED_WITHIN)
        case SlowKind.NOT_EATING if book.eating.enabled:
            by = harm.begin + book.eating.limit + _UNTIL_UP
            out = any(end - begin >= _OUT for begin, end in touched(harm.begin, by, home.absences))
            return None if out else by
        case _:
            return None


def _seen_between(home: HomeChronicle, begin: datetime, end: datetime) -> bool:
    """Whether a sign of life was counted, be it of somebody or of a sensor alone."""
    signs = home.signs or home.life
    place = bisect_right(signs, moment_us(begin))
    return place < len(signs) and moment_at(signs[place]) <= end


def _quiet_for(home: HomeChronicle, harm: Suffered, span: timedelta) -> datetime | None:
    """When first nobody was seen for so long."""
    signs = home.signs or home.life
    place = bisect_right(signs, moment_us(harm.begin))
    later = (moment_at(at) for at in signs[place:])
    never = [] if harm.end is None else [harm.end]
    for before, after in pairwise(chain([harm.begin], later, never)):
        if harm.end is not None and before >= harm.end:
            return None
        if after - before > span:
            return before + span
    return None


def _claimable(chronicle: Chronicle, home: HomeChronicle, harm: Suffered, by: datetime) -> bool:
    """Whether nothing was broken, and nothing weightier was asked or told of the resident."""
    begin, start = harm.begin - _DAY, chronicle.start
    never = max(chronicle.healed, chronicle.end)
    faults = (
        (start + fault.begin, start + fault.begin + fault.lasting)
        for fault in (*home.faults, *chronicle.center_faults)
    )
    lying = ((one.at, one.helped or never) for one in home.troubles)
    outings, announced = absences(home, never)
    # Of what runs in an empty home the rules say nothing.
    away = [*outings, *announced] if harm.kind is SlowKind.LEFT_ON else announced
    # Days without a meal are longer than any question.
    asked = () if harm.kind is SlowKind.NOT_EATING else _asked(home)
    spans = (*faults, *lying, *away, *active(home.decided, INACTIVITY, never), *asked)
    return not touched(begin, by, spans)


def _asked(home: HomeChronicle) -> Iterator[Span]:
    """When the resident was asked whether all is well."""
    moves = [
        (one.at, one.event.move)
        for one in home.decided
        if isinstance(one.event, AlarmMoved) and one.event.alarm == INACTIVITY
    ]
    for (at, move), (until, _) in pairwise(moves):
        if move is Move.PROMPT:
            yield at, until


def _told(home: HomeChronicle, harm: Suffered, by: datetime) -> bool:
    key = AlarmKey(_ALARMS[harm.kind], harm.device)
    since = harm.begin - _TOLD_BEFORE[harm.kind]
    return any(
        isinstance(one.event, Escalated) and one.event.alarm == key and since <= one.at <= by
        for one in home.decided
    )


def _untold(home: HomeChronicle, harm: Suffered, by: datetime) -> Violation:
    alarm: AlarmKind = _ALARMS[harm.kind]
    return Violation(
        NAME,
        home.number,
        by,
        phrase(
            "{alarm} was there, and was not told within {within}.",
            alarm=AlarmKey(alarm, harm.device),
            within=lasting(by - harm.begin),
        ),
        (
            phrase(
                "from {begin} to {end}",
                begin=harm.begin.isoformat(),
                end="-" if harm.end is None else harm.end.isoformat(),
            ),
        ),
    )
