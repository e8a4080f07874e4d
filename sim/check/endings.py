"""Cases end with what they were about.

- Whatever clears an alarm tells the center so, in the same decision.
- The alarm of a condition that is over is cleared: a hazard's after `hazard.clear_after`, any
  other at once; that of inactivity with the next sign of life. By the true time, and five
  minutes for slow disks and clocks that are set. Who had to forget that it is over may decide so
  once more (`sim.check.forgetting`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta

from edge.driver_faults import REFUSED_EVERY
from rules.alarm import AlarmKey, AlarmKind, Move
from rules.codec import moment_at, moment_us
from rules.errors import Phrase, phrase
from rules.events import AlarmMoved, ConditionChanged, Escalated, Event, Updated
from rules.hazard import KINDS as HAZARDS
from sim.check.conditions import active, conditions
from sim.check.forgetting import Forgetting, forgettings
from sim.check.silence import INACTIVITY
from sim.check.spans import Span
from sim.check.violation import lasting
from sim.world.chronicle import Chronicle, HomeChronicle

_MARGIN = timedelta(minutes=5)
_MOVED_US = 60_000_000


def unended(
    chronicle: Chronicle, home: HomeChronicle
) -> Iterator[tuple[datetime, Phrase, Phrase]]:
    """What stands though its cause is over: when it was due, a sentence, a line of evidence."""
    yield from _unsaid(home)
    never = max(chronicle.healed, chronicle.end)
    found = forgettings(chronicle, home)
    for key, spans in conditions(home, never).items():
        if not spans:
            continue
        patience = _MARGIN
        if key.kind in HAZARDS:
            patience += home.book.hazard.clear_after
        ends = [*(begin for begin, _ in spans[1:]), never]
        without = [
            span
            for (_, over), again in zip(spans, ends, strict=True)
            for span in _known_over(home, key, (over, again), found)
        ]
        for case in active(home.decided, key, never):
            yield from _stood(home, key, case, without, patience, found)
    for case in active(home.decided, INACTIVITY, never):
        signs = home.signs
        index = bisect_right(signs, moment_us(case[0] + _MARGIN))
        if index < len(signs):
            alive = moment_at(signs[index])
            yield from _stood(home, INACTIVITY, case, [(alive, never)], _MARGIN, found)


def _known_over(
    home: HomeChronicle, key: AlarmKey, without: Span, found: list[Forgetting]
) -> Iterator[Span]:
    """A time without the condition, but for what follows a start that forgot that it had ended.

    To such a gateway it is there still, until it decides again that it is not. It has to, once
    whoever knows has told it so again.
    """
    over, again = without
    for each in found:
        if (each.damaged or each.failing) and each.since <= over <= each.cut < again:
            yield over, each.cut
            events = [one for one in home.decided if each.up <= one.at < again]
            said = [one.at for one in events if _is_of(one.event, ConditionChanged, key)]
            raised = [one.at for one in events if _is_of(one.event, Escalated, key)]
            known = said[0] if said else _told_by(home, key, max([each.up, *raised]))
            if known is not None and known < again:
                yield known, again
            return
    yield without


def _is_of(event: Event, kind: type[ConditionChanged | Escalated], key: AlarmKey) -> bool:
    return isinstance(event, kind) and event.alarm == key


def _told_by(home: HomeChronicle, key: AlarmKey, since: datetime) -> datetime | None:
    """When a gateway was told again of what was over at `since`; None: nobody could tell it."""
    if key.kind is AlarmKind.COMMAND_FAILED:
        # Nobody knows before there is another command.
        return None
    # A driver says so when all was well for so long, a device with its next report.
    patience = REFUSED_EVERY
    device = next((one for one in home.devices if one.id == key.scope), None)
    if device is None:
        return since + patience
    patience = max(patience, device.report_every)
    heard = home.heard.get(device.id, ())
    index = bisect_left(heard, moment_us(since + patience))
    return moment_at(heard[index]) if index < len(heard) else None


def _unsaid(home: HomeChronicle) -> Iterator[tuple[datetime, Phrase, Phrase]]:
    # By the gateway's own moment, which all of one decision share: processes of the rig tell one
    # thing after the other.
    told = {
        (one.event.at, one.boot, one.event.alarm)
        for one in home.decided
        if isinstance(one.event, Updated)
    }
    for one in home.decided:
        event = one.event
        if (
            isinstance(event, AlarmMoved)
            and event.move is Move.CLEAR
            and (event.at, one.boot, event.alarm) not in told
        ):
            what = phrase("{alarm} was cleared, and no update says so.", alarm=event.alarm)
            yield one.at, what, phrase("cleared {at}", at=one.at.isoformat())


def _stood(
    home: HomeChronicle,
    key: AlarmKey,
    case: Span,
    without: list[Span],
    patience: timedelta,
    found: list[Forgetting],
) -> Iterator[tuple[datetime, Phrase, Phrase]]:
    """Whether a case stood for longer than it may in one of the spans without its cause."""
    for over, again in without:
        begin, end = max(over, case[0]), min(again, case[1])
        for each in found:
            if begin <= each.cut <= end:
                # It goes on at its start, or was forgotten there.
                begin = end if each.damaged or each.failing else max(begin, each.up)
        set_at = [one.at for one in home.moved if abs(one.shift_us) > _MOVED_US]
        begin = max([begin, *(at for at in set_at if begin <= at <= end)])
        if end - begin > patience:
            yield (
                begin + patience,
                phrase(
                    "{alarm} stood for {span} after its cause was over.",
                    alarm=key,
                    span=lasting(end - begin),
                ),
                phrase(
                    "raised {raised}, over {over}",
                    raised=case[0].isoformat(),
                    over=over.isoformat(),
                ),
            )
