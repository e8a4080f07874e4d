"""The center: how many cases were open, who waited, and what came of them."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rules.alarm import AlarmKind, Category
from rules.events import Outcome
from sim.report.axis import Tick, TimeAxis, ceiling
from sim.report.delays import quantile
from sim.report.speech import Speech
from sim.report.survived import Bar, Point, run_axis
from sim.world.chronicle import CaseSeen, Handled

HIGH_PX: Final = 72.0
_BIN_PX: Final = 3.0


@dataclass(frozen=True, slots=True)
class Panel:
    """Most cases open at a time, in slices of the run; of those, taken ones."""

    name: str
    top: int
    waiting: str
    taken: str


@dataclass(frozen=True, slots=True)
class Kind:
    """The cases of one kind."""

    name: str
    icon: str
    danger: bool
    opened: int
    taken: int
    closed: int
    median: str
    longest: str
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Center:
    """The center over the run."""

    ticks: tuple[Tick, ...]
    panels: tuple[Panel, ...]
    restored: tuple[Point, ...]
    faults: tuple[Bar, ...]
    kinds: tuple[Kind, ...]


def center(speech: Speech) -> Center:
    """What the center had to do."""
    chronicle = speech.chronicle
    axis = run_axis(speech)
    taken, closed = _ends(chronicle.handled)
    text = speech.words.text
    panels = []
    for category, name in (
        (Category.ESCALATION, text("Persons in danger")),
        (Category.FAULT, text("Faults")),
    ):
        cases = [case for case in chronicle.cases if case.alarm.kind.category is category]
        panels.append(_panel(name, cases, taken, closed, axis))
    faults = []
    for fault in chronicle.center_faults:
        begin = chronicle.start + fault.begin
        left, right = axis.x(begin), axis.x(begin + fault.lasting)
        faults.append(Bar(left, round(max(right - left, 2.5), 1), "", speech.fault(fault)))
    return Center(
        ticks=tuple(axis.days(speech.zone, speech.words)),
        panels=tuple(panels),
        restored=tuple(
            Point(
                axis.x(at),
                text("{at}: restored to {back}", at=speech.exact(at), back=speech.exact(back)),
            )
            for at, back in chronicle.restored
        ),
        faults=tuple(faults),
        kinds=tuple(_kinds(speech, taken, closed)),
    )


def _ends(handled: list[Handled]) -> tuple[dict[bytes, datetime], dict[bytes, Handled]]:
    taken: dict[bytes, datetime] = {}
    closed: dict[bytes, Handled] = {}
    for one in handled:
        if one.outcome is None:
            taken.setdefault(one.case, one.at)
        else:
            closed.setdefault(one.case, one)
    return taken, closed


def _panel(
    name: str,
    cases: list[CaseSeen],
    taken: dict[bytes, datetime],
    closed: dict[bytes, Handled],
    axis: TimeAxis,
) -> Panel:
    bins = int(axis.width / _BIN_PX)
    slice_ = (axis.end - axis.begin) / bins
    is_open, waiting = [0] * bins, [0] * bins
    for case in cases:
        end = closed[case.id].at if case.id in closed else axis.end
        first_hand = taken.get(case.id, end)
        for counts, until in ((is_open, end), (waiting, first_hand)):
            first = max(int((case.opened - axis.begin) / slice_), 0)
            last = min(int((until - axis.begin) / slice_), bins - 1)
            for place in range(first, last + 1):
                counts[place] += 1
    top = int(ceiling(max(is_open, default=0)))
    return Panel(name, top, _columns(waiting, top), _columns(is_open, top))


def _columns(counts: list[int], top: int) -> str:
    return "".join(
        f"M{place * _BIN_PX:g} {HIGH_PX:g}v-{HIGH_PX * count / top:.1f}"
        for place, count in enumerate(counts)
        if count
    )


def _kinds(
    speech: Speech, taken: dict[bytes, datetime], closed: dict[bytes, Handled]
) -> list[Kind]:
    by: dict[AlarmKind, list[CaseSeen]] = defaultdict(list)
    for case in speech.chronicle.cases:
        by[case.alarm.kind].append(case)
    rows = []
    for kind in AlarmKind:
        cases = by.get(kind)
        if not cases:
            continue
        waits: list[timedelta] = sorted(
            taken[case.id] - case.opened for case in cases if case.id in taken
        )
        outcomes: Counter[Outcome] = Counter()
        for case in cases:
            end = closed.get(case.id)
            if end is not None and end.outcome is not None:
                outcomes[end.outcome] += 1
        rows.append(
            Kind(
                speech.words.name(kind),
                kind.value,
                kind.category is Category.ESCALATION,
                len(cases),
                len(waits),
                sum(outcomes.values()),
                speech.span(quantile(waits, 0.5) if waits else None),
                speech.span(waits[-1] if waits else None),
                tuple(
                    f"{speech.words.name(outcome)} {outcomes[outcome]}"
                    for outcome in Outcome
                    if outcomes[outcome]
                ),
            )
        )
    return rows
