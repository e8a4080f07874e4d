"""Slow harms that a home could see, and what the checker says where nobody was told."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rules.alarm import AlarmKind
from rules.events import Escalated
from rules.observation import DeviceId, Phenomenon
from rules.rulebook import PRESETS, Preset, Rulebook, Wandering
from rules.state import State
from sim.check import check, figures, slow_harms
from sim.faults.fault import Fault, FaultKind
from sim.homes import names
from sim.homes.act import Act, Happening, SlowHarm, SlowKind
from sim.homes.population import DEMO, home
from sim.homes.scripted import Scripted, Span
from sim.world.chronicle import Chronicle, HomeChronicle, Suffered
from sim.world.daemon import Parts
from sim.world.history import TracedEngine
from sim.world.run import START, Bugs, Plan, run

HOUR = timedelta(hours=1)
DAYS = 17
NIGHT = 15
"On which somebody wanders."


def on(day: int, hour: float) -> datetime:
    return START.astimezone(UTC) + timedelta(days=day) + hour * HOUR


def door(at: datetime) -> Iterator[Act]:
    for then, is_open in ((at, True), (at + timedelta(seconds=8), False)):
        yield Act(then, names.FRONT_DOOR, Phenomenon.CONTACT_OPEN, is_open, None)


def seen(room: DeviceId, at: datetime) -> Iterator[Act]:
    for then, moves in ((at, True), (at + timedelta(minutes=1), False)):
        yield Act(then, room, Phenomenon.MOTION, moves, None)


def lived(
    script: Iterable[Happening], out: tuple[Span, ...], days: int = DAYS, bugs: Bugs | None = None
) -> Chronicle:
    def homes(plan: Plan) -> list[Scripted]:
        drawn = home(plan.seed, 1, plan.start, DEMO)
        book = PRESETS[Preset.LIVING_ALONE_DEMENTIA]
        # A prompt would be weightier than what is tried here.
        book = replace(book, inactivity=replace(book.inactivity, learn=False))
        return [Scripted(drawn, book, tuple(script), out)]

    return run(Plan(1, (1,), days), bugs=bugs, homes=homes)


def wanders(bugs: Bugs | None = None) -> Chronicle:
    """Out of bed and out of the house at half past two, back at half past four."""
    left, back = on(NIGHT, 2.5), on(NIGHT, 4.5)
    script: tuple[Happening, ...] = (
        *seen(names.BEDROOM_MOTION, left - timedelta(minutes=3)),
        *door(left),
        SlowHarm(left, SlowKind.WANDERING),
        *door(back),
        SlowHarm(back, SlowKind.WANDERING, ends=True),
        *seen(names.BEDROOM_MOTION, back + timedelta(minutes=2)),
    )
    return lived(script, ((left, back),), bugs=bugs)


class Indoors(TracedEngine):
    """Does not care who goes out at night."""

    def __init__(self, book: Rulebook, state: State | None = None) -> None:
        super().__init__(replace(book, wandering=Wandering(enabled=False)), state)


def told(ours: HomeChronicle) -> list[AlarmKind]:
    return [
        one.event.alarm.kind
        for one in ours.decided
        if isinstance(one.event, Escalated) and one.at >= on(NIGHT, 0)
    ]


def found(chronicle: Chronicle) -> list[str]:
    return [one.what for one in check(chronicle) if one.checker == slow_harms.NAME]


def test_who_wanders_is_told_of_at_once_and_that_is_no_false_alarm() -> None:
    chronicle = wanders()
    (ours,) = chronicle.homes
    assert told(ours).count(AlarmKind.WANDERING) == 1
    assert not check(chronicle)
    assert figures(chronicle, (), 0.0).false_per_30d == 0


def test_a_gateway_that_does_not_tell_of_it_breaks_the_promise() -> None:
    chronicle = wanders(Bugs(Parts(engine=Indoors)))
    (said,) = found(chronicle)
    assert "wandering" in said


@pytest.fixture(scope="module")
def ordinary() -> Chronicle:
    """Two weeks, at whose end somebody is out from nine to seven."""
    return lived((), ((on(NIGHT, 9), on(NIGHT, 19)),))


UNTOLD = [
    Suffered(SlowKind.WANDERING, on(NIGHT, 2.5), None, on(NIGHT, 3)),
    Suffered(SlowKind.LEFT_ON, on(NIGHT, 9), names.HEATER, on(NIGHT, 19)),
    Suffered(SlowKind.NOT_EATING, on(9, 0), None, on(14, 0)),
]
NOT_DUE = [
    # Back before anybody would have missed the person.
    replace(UNTOLD[0], end=on(NIGHT, 2.6)),
    # The home's nights are not known yet.
    replace(UNTOLD[0], begin=on(4, 2.5), end=on(4, 4)),
    # Somebody is about.
    replace(UNTOLD[1], begin=on(NIGHT - 1, 18), end=on(NIGHT - 1, 22)),
    replace(UNTOLD[2], end=on(11, 0)),
    Suffered(SlowKind.DECLINE, on(0, 0)),
]


@pytest.mark.parametrize("harm", UNTOLD, ids=lambda harm: harm.kind.value)
def test_what_nobody_was_told_of_is_found_but_where_a_fault_was_at_work(
    ordinary: Chronicle, harm: Suffered
) -> None:
    (ours,) = ordinary.homes
    suffering = replace(ordinary, homes=[replace(ours, suffered=[harm])])
    assert len(found(suffering)) == 1
    at = harm.begin - START
    fault = Fault(1, FaultKind.FRAME_LOSS, 1, at, HOUR, 0.5)
    assert not found(replace(ordinary, homes=[replace(ours, suffered=[harm], faults=(fault,))]))


@pytest.mark.parametrize("harm", NOT_DUE, ids=lambda harm: harm.kind.value)
def test_nobody_need_be_told_of_what_is_soon_over(ordinary: Chronicle, harm: Suffered) -> None:
    (ours,) = ordinary.homes
    assert not found(replace(ordinary, homes=[replace(ours, suffered=[harm])]))
