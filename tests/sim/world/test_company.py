"""Who else comes to a home: visitors, a carer; and residents who are said to be away."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from rules.alarm import AlarmKind
from rules.events import AlarmMoved, AwayBegan, AwayEnded, AwayReason, Escalated
from rules.inputs import Away
from rules.observation import Phenomenon
from rules.rulebook import PRESETS, Preset
from sim.check import check
from sim.homes import names
from sim.homes.act import Act, Announced, Happening, Plight, PlightKind
from sim.homes.population import DEMO, home
from sim.homes.scripted import Scripted, Span
from sim.world.chronicle import Chronicle, HomeChronicle
from sim.world.run import START, Plan, run

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DECIDED = 3 * MINUTE
"From when a silence is due until the center has it."
LEARNT = 8
"Days after which a home goes by what it learnt."


def on(day: int, hour: float) -> datetime:
    return START.astimezone(UTC) + day * DAY + hour * HOUR


def door(at: datetime) -> Iterable[Act]:
    """Somebody else than the resident goes in or out."""
    for then, is_open in ((at, True), (at + 9 * SECOND, False)):
        yield Act(then, names.FRONT_DOOR, Phenomenon.CONTACT_OPEN, is_open, None)


def visit(came: datetime, left: datetime) -> Iterable[Act]:
    """An hour in the living room, in and out by the front door."""
    yield from door(came)
    for minutes in range(1, (left - came) // MINUTE, 11):
        for then, moves in (
            (came + minutes * MINUTE, True),
            (came + (minutes + 1) * MINUTE, False),
        ):
            yield Act(then, names.LIVING_MOTION, Phenomenon.MOTION, moves, None)
    yield from door(left)


def lived(
    preset: Preset, script: Iterable[Happening], days: int, out: Sequence[Span] = ()
) -> Chronicle:
    def homes(plan: Plan) -> list[Scripted]:
        drawn = home(plan.seed, 1, plan.start, DEMO)
        ordered = tuple(sorted(script, key=lambda one: one.at))
        return [Scripted(drawn, PRESETS[preset], ordered, tuple(out))]

    return run(Plan(1, (1,), days), homes=homes)


def calls(ours: HomeChronicle) -> list[datetime]:
    return [
        each.at
        for each in ours.decided
        if isinstance(each.event, Escalated) and each.event.alarm.kind is AlarmKind.INACTIVITY
    ]


@pytest.mark.parametrize(
    ("preset", "day"),
    [
        (Preset.LIVING_ALONE, 1),
        (Preset.LIVING_ALONE_WITH_CARER, 1),
        (Preset.TWO_RESIDENTS, 1),
        (Preset.LIVING_ALONE_WITH_CARER, LEARNT),
    ],
)
@pytest.mark.parametrize("after", [-3 * MINUTE, 3 * MINUTE, 20 * MINUTE])
def test_who_collapses_about_the_time_a_visitor_leaves_is_found_within_the_preset_s_limits(
    preset: Preset, after: timedelta, day: int
) -> None:
    left = on(day, 15.5)
    collapse = Plight(left + after, PlightKind.COLLAPSE)
    chronicle = lived(preset, [*visit(left - HOUR, left), collapse], day + 3)
    (trouble,) = chronicle.homes[0].troubles
    book = PRESETS[preset]
    limit = book.inactivity.limits[0]
    if book.away.enabled and after < timedelta():
        # Nobody can tell that it was not the resident who went.
        limit += book.away.extra
    if day == LEARNT:
        limit = 10 * HOUR
    assert trouble.found is not None
    assert trouble.found - max(trouble.at, left) <= limit + DECIDED
    believed = [each.event for each in chronicle.homes[0].decided if each.at >= left]
    outings = [one for one in believed if isinstance(one, AwayBegan) and one.at < left + HOUR]
    assert bool(outings) is (book.away.enabled and after < timedelta())
    assert not check(chronicle)


@pytest.mark.parametrize("reason", [AwayReason.TRIP, AwayReason.HOSPITAL])
@pytest.mark.parametrize("early", [timedelta(), DAY])
def test_an_announced_absence_is_silent_and_ends_when_somebody_is_back(
    reason: AwayReason, early: timedelta
) -> None:
    left, until = on(1, 9), on(4, 20)
    back = on(4, 15) - early
    away = Announced(left + HOUR, Away(reason, "복지사", until))
    ours = lived(
        Preset.LIVING_ALONE_HIGH_RISK,
        [*door(left), away, *door(back)],
        5,
        [(left, back)],
    ).homes[0]
    began = next(
        one.event
        for one in ours.decided
        if isinstance(one.event, AwayBegan) and one.event.reason is reason
    )
    assert (began.who, began.until is not None) == ("복지사", True)
    ended = next(
        one.at for one in ours.decided if isinstance(one.event, AwayEnded) and one.at > left
    )
    assert back <= ended <= back + SECOND
    assert not [
        one
        for one in ours.decided
        if isinstance(one.event, AlarmMoved)
        and one.event.alarm.kind is AlarmKind.INACTIVITY
        and left < one.at < back
    ]


def test_an_absence_that_ran_out_counts_from_its_end_and_is_told_once_a_day() -> None:
    left, until = on(LEARNT, 9), on(LEARNT + 1, 9)
    away = Announced(left + HOUR, Away(AwayReason.TRIP, "복지사", until))
    ours = lived(
        Preset.LIVING_ALONE,
        [*door(left), away],
        LEARNT + 4,
        [(left, on(LEARNT + 9, 0))],
    ).homes[0]
    first, *more = [at for at in calls(ours) if at > left]
    assert until + DAY <= first <= until + DAY + 15 * MINUTE
    assert all(later - at >= DAY for at, later in zip((first, *more), more, strict=False))


def test_a_return_ends_an_outing_at_once() -> None:
    # After dark: what daylight does in a room may pass for life.
    left, back = on(1, 19), on(1, 22)
    ours = lived(
        Preset.LIVING_ALONE, chain(door(left), door(back)), 2, [(left + MINUTE, back)]
    ).homes[0]
    outings = [
        (type(one.event), one.at)
        for one in ours.decided
        if isinstance(one.event, AwayBegan | AwayEnded) and left < one.at < back + HOUR
    ]
    (_, believed), (_, ended) = outings
    assert [kind for kind, _ in outings] == [AwayBegan, AwayEnded]
    assert believed - left <= 31 * MINUTE
    assert back <= ended <= back + SECOND
