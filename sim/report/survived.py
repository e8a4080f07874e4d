"""Faults on the run's axis, and how each was survived: what waited, was told, restarted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rules.alarm import AlarmKind, Category
from sim.faults.fault import OF_CENTER, Fault, FaultKind
from sim.report.axis import Tick, TimeAxis
from sim.report.groups import TOLD_BY, FaultGroup, group_of
from sim.report.passages import Followed, Passage
from sim.report.speech import Speech
from sim.world.chronicle import CaseSeen

LEFT_PX: Final = 150.0
WIDTH_PX: Final = 928.0 - LEFT_PX - 8
ROW_PX: Final = 18.0
ROWS_MAX: Final = 80
"Rows of the table."
_AFTERWARDS = timedelta(hours=2)
"What is told so long after a fault may still be of it."
_WAITED_FROM = timedelta(minutes=1)
_DIGIT_PX: Final = 7.0
_RESTARTING: Final = frozenset(
    {
        FaultKind.POWER_CUT,
        FaultKind.DISK_FULL,
        FaultKind.DISK_REFUSING,
        FaultKind.DISK_CORRUPTED,
        FaultKind.WRONG_AT_BOOT,
    }
)
_DELAYING: Final = frozenset({FaultGroup.GATEWAY, FaultGroup.UPLINK, FaultGroup.CENTER})
"Faults in which a record can wait on its way."


@dataclass(frozen=True, slots=True)
class Bar:
    """A fault on the axis."""

    x: float
    width: float
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """All faults of one kind."""

    look: str
    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A moment on the axis."""

    x: float
    title: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A record on its way for long."""

    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Survived:
    """One fault in numbers."""

    number: int
    look: str
    name: str
    code: str
    device: str
    amount: str
    begin: str
    lasting: str
    waited: int
    "Records that had to wait in it."
    lost: int
    "Of those that never arrived."
    longest: str
    through: str
    "When the last of those arrived, counted from the end of the fault."
    told: tuple[str, ...]
    "Faults that the gateway or the center reported, and how soon."
    restarts: int

    @property
    def had_effect(self) -> bool:
        return bool(self.waited or self.told or self.restarts)


@dataclass(frozen=True, slots=True)
class Chart:
    """The faults of one home."""

    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]
    restarts: tuple[Point, ...]
    told: tuple[Point, ...]
    waits: tuple[Wait, ...]
    table: tuple[Survived, ...]
    "Those that did something."
    left_out: int
    "How many of these are not shown."
    quiet: tuple[str, ...]
    "Faults in which nothing waited, nothing was told and nothing restarted, by kind."

    @property
    def height(self) -> float:
        return (len(self.rows) + 3) * ROW_PX


def run_axis(speech: Speech) -> TimeAxis:
    """The whole run, with the time in which all heals."""
    return TimeAxis(speech.chronicle.start, speech.chronicle.healed, WIDTH_PX)


def chart(followed: Followed, speech: Speech) -> Chart:
    """What went wrong around a home, and what came of it."""
    axis = run_axis(speech)
    faults = speech.faults_of(followed.home)
    kinds = [kind for kind in FaultKind if any(fault.kind is kind for fault in faults)]
    own = [
        case
        for case in speech.chronicle.cases
        if case.own and case.gateway == followed.home.gateway
    ]
    lines = [_survived(fault, followed, own, speech) for fault in faults]
    felt = [line for line in lines if line.had_effect]
    return Chart(
        ticks=tuple(axis.days(speech.zone, speech.words)),
        rows=tuple(
            Row(
                group_of(kind).value,
                speech.words.name(kind),
                tuple(_bars([fault for fault in faults if fault.kind is kind], axis, speech)),
            )
            for kind in kinds
        ),
        restarts=tuple(
            Point(axis.x(run.began), f"{speech.exact(run.began)} #{run.boot}")
            for run in followed.home.runs[1:]
        ),
        told=tuple(_points(followed, own, axis, speech)),
        waits=tuple(_waits(followed, axis, speech)),
        table=tuple(felt[:ROWS_MAX]),
        left_out=len(felt[ROWS_MAX:]),
        quiet=tuple(_quiet(lines)),
    )


def _bars(faults: list[Fault], axis: TimeAxis, speech: Speech) -> Iterator[Bar]:
    """Bars of one row; a number only where the next bar leaves room for it."""
    begins = [axis.x(speech.chronicle.start + fault.begin) for fault in faults]
    for fault, left, later in zip(faults, begins, [*begins[1:], WIDTH_PX], strict=True):
        end = speech.chronicle.start + fault.begin + fault.lasting
        width = round(max(axis.x(end) - left, 2.5), 1)
        label = str(fault.number)
        fits = _DIGIT_PX * (len(label) + 1) <= min(width, later - left)
        yield Bar(left, width, label if fits else "", speech.fault(fault))


def _quiet(lines: list[Survived]) -> Iterator[str]:
    by: dict[str, list[str]] = {}
    for line in lines:
        if not line.had_effect:
            by.setdefault(line.name, []).append(f"#{line.number}")
    for name, numbers in by.items():
        yield f"{name} {' '.join(numbers)}"


def _points(
    followed: Followed, own: list[CaseSeen], axis: TimeAxis, speech: Speech
) -> Iterator[Point]:
    moments = [
        (one.decided, one.alarm.kind)
        for one in followed.passages
        if one.opening and one.alarm.kind.category is Category.FAULT
    ]
    moments += [(case.opened, case.alarm.kind) for case in own]
    for at, kind in sorted(moments):
        yield Point(axis.x(at), f"{speech.exact(at)} {speech.words.name(kind)}")


def _waits(followed: Followed, axis: TimeAxis, speech: Speech) -> Iterator[Wait]:
    for one in followed.passages:
        end = one.arrived or axis.end
        if one.queued is None or end - one.decided < _WAITED_FROM:
            continue
        left, right = axis.x(one.decided), axis.x(end)
        name = speech.words.name(one.alarm.kind)
        title = f"{speech.exact(one.decided)} {name}: {speech.span(one.wait)}"
        yield Wait(left, round(max(right - left, 2.5), 1), title)


def _survived(fault: Fault, followed: Followed, own: list[CaseSeen], speech: Speech) -> Survived:
    begin = speech.chronicle.start + fault.begin
    end = begin + fault.lasting
    delaying = group_of(fault.kind) in _DELAYING
    waited = [one for one in followed.passages if delaying and _waited_in(one, begin, end)]
    arrived = [one.arrived for one in waited if one.arrived is not None]
    waits = [one.wait for one in waited if one.wait is not None]
    last = max(arrived, default=None)
    return Survived(
        number=fault.number,
        look=group_of(fault.kind).value,
        name=speech.words.name(fault.kind),
        code=fault.kind.value,
        device=fault.device or "",
        amount=speech.amount(fault),
        begin=speech.at(begin),
        lasting=speech.words.span(fault.lasting),
        waited=len(waited),
        lost=len(waited) - len(arrived),
        longest=speech.span(max(waits, default=None)),
        through="" if last is None else _after(last, end, speech),
        told=tuple(_told(fault, begin, end, followed, own, speech)),
        restarts=sum(begin <= run.began <= end + _AFTERWARDS for run in followed.home.runs[1:])
        if fault.kind in _RESTARTING
        else 0,
    )


def _waited_in(one: Passage, begin: datetime, end: datetime) -> bool:
    return (
        one.queued is not None  # else a power cut undid it
        and one.decided <= end
        and (one.arrived is None or one.arrived > begin)
        and (one.wait is None or one.wait >= _WAITED_FROM)
    )


def _after(last: datetime, end: datetime, speech: Speech) -> str:
    if last <= end:
        return speech.words.text("while it lasted")
    return "+" + speech.span(last - end)


def _told(
    fault: Fault,
    begin: datetime,
    end: datetime,
    followed: Followed,
    own: list[CaseSeen],
    speech: Speech,
) -> Iterator[str]:
    group = group_of(fault.kind)
    seen: dict[AlarmKind, datetime] = {}
    for one in followed.passages:
        if not one.opening or not begin <= one.decided <= end + _AFTERWARDS:
            continue
        of_another = fault.device is not None and one.alarm.scope not in (None, fault.device)
        if one.alarm.kind in TOLD_BY[group] and not of_another:
            seen.setdefault(one.alarm.kind, one.decided)
    if group in (FaultGroup.UPLINK, FaultGroup.GATEWAY) or fault.kind in OF_CENTER:
        for case in own:
            if begin <= case.opened <= end + _AFTERWARDS:
                seen.setdefault(case.alarm.kind, case.opened)
    for kind, at in seen.items():
        yield f"{speech.words.name(kind)} +{speech.span(at - begin)}"
