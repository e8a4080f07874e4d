"""What the center and a journal remember, and whom the center holds for silent, by hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import pytest

from rules.alarm import AlarmKey, AlarmKind
from rules.codec import moment_us
from sim.check import check, doubled, remembering, supervision
from sim.faults.fault import FaultKind
from sim.world.chronicle import CaseSeen, Known, Turned
from tests.sim.check.story import BUTTON, CALLING, HALL, HOUR, LEAKING, MINUTE, SECOND, Good, on

SILENT: Final = AlarmKey(AlarmKind.GATEWAY_SILENT)
RESTORED: Final = AlarmKey(AlarmKind.JOURNAL_RESTORED)

Change = Callable[[Good], None]


def heard() -> Good:
    """The good story, with a heartbeat every half hour while the gateway runs."""
    story = Good()
    beats(story, on(1), story.run.healed)
    story.home.turned = [
        Turned(on(5, 11.75) + 90 * MINUTE + SECOND, silent=True),
        Turned(on(5, 15.25), silent=False),
    ]
    case(story, story.home.turned[0].at)
    return story


def beats(story: Good, begin: datetime, end: datetime) -> None:
    at = begin + HOUR / 4
    while at < end:
        if not story.is_down(at):
            story.home.contacts.append(moment_us(at))
        at += HOUR / 2


def mute(story: Good, begin: datetime, end: datetime) -> None:
    low, high = moment_us(begin), moment_us(end)
    contacts = story.home.contacts
    for index in range(len(contacts) - 1, -1, -1):
        if low <= contacts[index] <= high:
            del contacts[index]


def case(story: Good, at: datetime) -> None:
    seen = CaseSeen(story.new_id(), story.home.gateway, True, SILENT, at, drill=False)
    story.run.cases.append(seen)


def unnoticed(story: Good) -> None:
    mute(story, on(9), on(9, 2))


def unnoticed_after_a_start(story: Good) -> None:
    story.fault(FaultKind.CENTER_KILLED, on(9, 1), on(9, 1.2))
    mute(story, on(9), on(9, 4))


def noticed_too_soon(story: Good) -> None:
    story.home.turned += [
        Turned(on(9, 0.25) + 80 * MINUTE, silent=True),
        Turned(on(9, 2.25), silent=False),
    ]
    mute(story, on(9, 0.5), on(9, 2))


def noticed_though_heard(story: Good) -> None:
    story.home.turned += [Turned(on(9, 0.3), silent=True), Turned(on(9, 0.75), silent=False)]


def noticed_for_too_long(story: Good) -> None:
    story.home.turned[-1] = replace(story.home.turned[-1], at=on(5, 15.5))


def noticed_without_a_case(story: Good) -> None:
    story.run.cases = [each for each in story.run.cases if not each.own]


def acknowledged_before_it_was_kept(story: Good) -> None:
    story.run.forgotten.append((on(3, 11), story.leak.id))


def not_made_anew(story: Good) -> None:
    """The record was lost with the damaged files, and the decision was not."""
    story.fault(FaultKind.DISK_CORRUPTED, on(5, 12), on(5, 15))
    story.condition(on(5, 15), RESTORED, present=True)
    lost = story.escalates(on(5, 11.9), LEAKING, arrives=None)
    story.home.known.append(Known(on(5, 15), (lost.seq,)))


def number_of_another_decision(story: Good) -> None:
    """Damaged files gave a number free that the center knows."""
    made_anew(story)
    again = story.home.queued[-1]
    index = next(n for n, one in enumerate(story.home.arrived) if one.record.id == again.id)
    record = story.home.arrived[index].record
    other = replace(record, scope=BUTTON.id, alarm=CALLING.kind, wall=record.wall + MINUTE)
    story.home.arrived[index] = replace(story.home.arrived[index], record=other)


def made_anew(story: Good) -> None:
    """The center has it, and its row was damaged: it comes a second time, as another record."""
    story.fault(FaultKind.DISK_CORRUPTED, on(5, 12), on(5, 15))
    story.condition(on(5, 15), RESTORED, present=True)
    key = AlarmKey(AlarmKind.BATTERY_LOW, HALL.id)
    first = story.escalates(on(5, 11.9), key)
    second = replace(first, id=story.new_id(), boot=2, at=on(5, 15))
    story.home.queued.append(second)
    story.arrives(second.at + SECOND, second, key)
    index = next(n for n, one in enumerate(story.home.arrived) if one.record.id == second.id)
    made = story.home.arrived[index]
    wall = first.at
    story.home.arrived[index] = replace(made, record=replace(made.record, wall=wall))
    story.home.known.append(Known(on(5, 15), (first.seq,)))


def lost_with_the_next_damage(story: Good) -> None:
    not_made_anew(story)
    story.fault(FaultKind.DISK_CORRUPTED, on(8, 12), on(8, 12.1))
    story.restarts(on(8, 12), on(8, 12.1))
    story.condition(on(8, 12.1), RESTORED, present=True)


def not_seen(story: Good) -> None:
    """The rig does not note what reached its center."""
    del story.home.contacts[:]


def never_known(story: Good) -> None:
    """A backup of before the gateway was first heard."""
    mute(story, on(1), on(9))
    story.home.turned.clear()
    mute(story, on(9, 1), on(10))
    story.fault(FaultKind.CENTER_RESTORED, on(9, 1.5), on(9, 1.6))
    story.run.restored.append((on(9, 1.6), on(9, 0.1)))


PLANTED: Final[dict[str, tuple[Change, ...]]] = {
    supervision.NAME: (
        unnoticed,
        unnoticed_after_a_start,
        noticed_too_soon,
        noticed_though_heard,
        noticed_for_too_long,
        noticed_without_a_case,
    ),
    remembering.NAME: (acknowledged_before_it_was_kept, not_made_anew),
    doubled.NAME: (number_of_another_decision,),
}


def broken(change: Change) -> set[str]:
    story = heard()
    change(story)
    ours = {supervision.NAME, remembering.NAME, doubled.NAME}
    return {violation.checker for violation in check(story.run)} & ours


def test_a_good_story_keeps_every_promise() -> None:
    assert check(heard().run) == ()


@pytest.mark.parametrize(
    ("name", "bug"),
    [(name, bug) for name, bugs in PLANTED.items() for bug in bugs],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_planted_bug_is_found(name: str, bug: Change) -> None:
    assert broken(bug) == {name}


@pytest.mark.parametrize(
    "excused",
    [made_anew, lost_with_the_next_damage, not_seen, never_known],
    ids=lambda value: value.__name__,
)
def test_what_is_no_fault_is_not_found(excused: Change) -> None:
    assert broken(excused) == set()
