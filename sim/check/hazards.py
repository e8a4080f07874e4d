"""Hazards and calls for help go out at once, whatever the clock says.

For each danger that the gateway was truly handed while it ran: within two seconds, and the hold of
its rule, and what a slow disk takes, there is a case of it, or one stood open already; a second
press of an open call makes it more urgent. A danger that ended before its hold was over is none.
Where the power went in between, the same holds from the next start on, for a condition that was
decided, and that the gateway had not to forget.

So it is for each condition of a hazard that was decided, also one of a mere measure, like heat:
where it stands for its hold it is a case by then, or two seconds after the next start.

And each such case is at the center within ten seconds, and what a slow disk takes, if the way and
the center were well from five minutes before until then, and the gateway ran.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from rules.alarm import AlarmKey, AlarmKind, Move
from rules.errors import phrase
from rules.events import AlarmMoved, Escalated, Stage, Updated
from rules.hazard import KINDS as HAZARDS
from sim.check.conditions import active, conditions
from sim.check.forgetting import Forgetting, forgettings
from sim.check.hazard_holds import alarm_of, hold
from sim.check.listening import clock_error
from sim.check.outages import outages, well
from sim.check.sent import named, sent
from sim.check.spans import Span, touched
from sim.check.violation import Violation, lasting
from sim.faults.fault import FaultKind
from sim.world.chronicle import Alert, Chronicle, Decided, HomeChronicle

NAME: Final = "hazard-at-once"
WITHIN: Final = timedelta(seconds=2)
_DELIVERED_WITHIN: Final = timedelta(seconds=10)
_WELL_SINCE: Final = timedelta(minutes=5)
_SAME_PRESS: Final = timedelta(seconds=2)
_SET_US: Final = 60_000_000
"A clock that is set by less is off by its crystal."
_WRITES: Final = 4
"Of one decision, with its snapshot."
_OVERTAKING = frozenset({FaultKind.DELAY, FaultKind.REORDERING})


def check(chronicle: Chronicle) -> Iterator[Violation]:
    """Hazards and calls that were decided on or told too late."""
    for home in chronicle.homes:
        if home.alerts:
            known = _Known(chronicle, home)
            for alert in home.alerts:
                key = alarm_of(alert, home.book.hazard)
                if alert.heard is not None and key is not None:
                    yield from known.decided_at_once(alert, key, alert.heard)
        yield from _raised_in_time(chronicle, home)
        yield from _told_at_once(chronicle, home)


def slow(chronicle: Chronicle, home: HomeChronicle, at: datetime) -> timedelta:
    """What a slow disk may add to a decision at `at`."""
    start = chronicle.start
    return sum(
        (
            _WRITES * timedelta(seconds=fault.amount)
            for fault in home.faults
            if fault.kind is FaultKind.DISK_SLOW
            and start + fault.begin <= at <= start + fault.begin + fault.lasting
        ),
        timedelta(),
    )


class _Known:
    """What one gateway decided about its dangers."""

    def __init__(self, chronicle: Chronicle, home: HomeChronicle) -> None:
        self._chronicle = chronicle
        self._home = home
        self._never = max(chronicle.healed, chronicle.end)
        self._forgettings = forgettings(chronicle, home)
        self._conditions = conditions(home, self._never)
        self._of: dict[AlarmKey, list[Decided]] = {}
        for decided in home.decided:
            event = decided.event
            if isinstance(event, Escalated | Updated | AlarmMoved):
                self._of.setdefault(event.alarm, []).append(decided)

    def decided_at_once(self, alert: Alert, key: AlarmKey, heard: datetime) -> Iterator[Violation]:
        """Whether what was heard became a case in time."""
        decided = self._of.get(key, [])
        by = self._by(key, heard)
        if by is None or any(
            isinstance(each.event, AlarmMoved) and each.event.move is Move.SHELVE
            for each in decided
        ):
            return
        if key.kind is AlarmKind.SOS:
            fine = self._called(decided, key, heard, by)
        else:
            fine = self._raised(alert, decided, key, heard, by)
        if not fine:
            first = min((each.at for each in decided if each.at > by), default=None)
            words = {"alarm": key, "within": lasting(by - heard)}
            what = (
                phrase(
                    "{alarm} was heard, must be a case within {within}, and never was.", **words
                )
                if first is None
                else phrase(
                    "{alarm} was heard, must be a case within {within}, and was so after {span}.",
                    **words,
                    span=lasting(first - heard),
                )
            )
            yield Violation(
                NAME,
                self._home.number,
                by,
                what,
                (
                    phrase(
                        "truly {at} {phenomenon} {value}",
                        at=alert.at.isoformat(),
                        phenomenon=alert.phenomenon,
                        value=alert.value,
                    ),
                    phrase("heard {at}", at=heard.isoformat()),
                    phrase("due {at}", at=by.isoformat()),
                ),
            )

    def _by(self, key: AlarmKey, heard: datetime) -> datetime | None:
        """Until when it must be a case; None if it need not."""
        runs = self._home.runs
        wait = WITHIN + hold(key.kind, self._home.book.hazard)
        wait += slow(self._chronicle, self._home, heard)
        for run, following in zip(runs, [*runs[1:], None], strict=True):
            if run.began <= heard and (run.ended is None or heard < run.ended):
                by = heard + wait
                if run.ended is None or by <= run.ended:
                    return by
                span = self._present(key, heard, run.ended)
                if following is None or span is None or self._forgot(span[0], run.ended):
                    return None
                by = following.began + wait
                return by if following.ended is None or by <= following.ended else None
        return None

    def _forgot(self, decided: datetime, cut: datetime) -> bool:
        return any(
            each.cut == cut and (each.damaged or each.since <= decided)
            for each in self._forgettings
        )

    def _present(self, key: AlarmKey, begin: datetime, end: datetime) -> Span | None:
        """The first span of the condition within the two, both included."""
        spans = self._conditions.get(key, [])
        return next((span for span in spans if span[0] <= end and span[1] >= begin), None)

    def _called(
        self, decided: list[Decided], key: AlarmKey, heard: datetime, by: datetime
    ) -> bool:
        most = 9
        level = 0
        for each in decided:
            event = each.event
            if isinstance(event, Escalated) or (
                isinstance(event, Updated) and event.stage is Stage.LEVEL
            ):
                if heard - _SAME_PRESS <= each.at <= by:
                    return True
                level = event.level if each.at < heard else level
        stands = active(decided, key, self._never)
        return level >= most and any(begin <= heard < end for begin, end in stands)

    def _raised(
        self, alert: Alert, decided: list[Decided], key: AlarmKey, heard: datetime, by: datetime
    ) -> bool:
        if any(begin <= by and end >= heard for begin, end in active(decided, key, self._never)):
            return True
        span = self._present(key, heard, by)
        if span is None:
            return self._overtaken(alert)
        begin, end = span
        if end - begin < hold(key.kind, self._home.book.hazard) and end <= by:
            return True
        # A person closed its case while it stood: it is repeated later.
        return any(
            isinstance(each.event, Escalated) and begin <= each.at <= by for each in decided
        )

    def _overtaken(self, alert: Alert) -> bool:
        """Whether the end of it may have come in before its beginning."""
        start = self._chronicle.start
        return any(
            fault.kind in _OVERTAKING
            and fault.device in {None, alert.device}
            and start + fault.begin <= alert.at <= start + fault.begin + fault.lasting
            for fault in self._home.faults
        )


def _raised_in_time(chronicle: Chronicle, home: HomeChronicle) -> Iterator[Violation]:
    never = max(chronicle.healed, chronicle.end)
    found = forgettings(chronicle, home)
    for key, spans in conditions(home, never).items():
        if key.kind not in HAZARDS:
            continue
        cases = active(home.decided, key, never)
        wait = WITHIN + hold(key.kind, home.book.hazard)
        for begin, end in spans:
            by = _counted_on(chronicle, home, found, begin, wait)
            if by is None or by >= end or touched(begin, by, cases):
                continue
            yield Violation(
                NAME,
                home.number,
                by,
                phrase(
                    "{alarm} stands, must be a case within {within}, and was none.",
                    alarm=key,
                    within=lasting(by - begin),
                ),
                (
                    phrase(
                        "condition {begin} to {end}",
                        begin=begin.isoformat(),
                        end=end.isoformat(),
                    ),
                ),
            )


def _counted_on(
    chronicle: Chronicle,
    home: HomeChronicle,
    found: list[Forgetting],
    begin: datetime,
    wait: timedelta,
) -> datetime | None:
    """When a hold that began at `begin` is over; None where it was forgotten, or has no end."""
    by = begin + wait + slow(chronicle, home, begin) + clock_error(chronicle, home, begin)
    for each in found:
        if begin <= each.cut <= by:
            if each.damaged or each.failing:
                return None
            by += each.up - each.cut + WITHIN + slow(chronicle, home, each.up)
    for moved in home.moved:
        if begin <= moved.at <= by and abs(moved.shift_us) > _SET_US:
            # What it takes for a moment of another date's is held anew.
            by = max(by, moved.at + wait)
    return None if by > chronicle.healed else by


def _told_at_once(chronicle: Chronicle, home: HomeChronicle) -> Iterator[Violation]:
    bad = outages(chronicle, home)
    for one in sent(home):
        event, at = one.event, one.decided.at
        urgent = event.alarm.kind in HAZARDS or event.alarm.kind is AlarmKind.SOS
        if not urgent or not isinstance(event, Escalated) or event.drill:
            continue
        by = at + _DELIVERED_WITHIN + slow(chronicle, home, at)
        if by > chronicle.healed or not well(at - _WELL_SINCE, by, bad):
            continue
        if one.arrived is None or one.arrived > by:
            words = {"alarm": event.alarm, "within": lasting(by - at)}
            what = (
                phrase(
                    "{alarm} was decided, must be at the center within {within}, and never was.",
                    **words,
                )
                if one.arrived is None
                else phrase(
                    "{alarm} was decided, must be at the center within {within},"
                    " and was there after {span}.",
                    **words,
                    span=lasting(one.arrived - at),
                )
            )
            yield Violation(
                NAME,
                home.number,
                by,
                what,
                (phrase("decided {at} {what}", at=at.isoformat(), what=named(event)),),
            )
