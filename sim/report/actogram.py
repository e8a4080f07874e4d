"""A home at a glance: a row a day, 24 hours across, evidence of life as intensity.

Hand-made rather than by a plotting library: a year is some 40,000 marks, drawn here as one path
of whole numbers per shade and month, and its colors are the page's own, so that it is light on a
light screen, dark on a dark one, and black on paper.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from rules.alarm import Move
from rules.codec import moment_us
from rules.events import AlarmMoved
from sim.report import axis
from sim.report.groups import FaultGroup, group_of
from sim.report.harms import marked
from sim.report.passages import Followed
from sim.report.speech import Speech
from sim.world.chronicle import Chronicle

HOUR_PX: Final = 30.0
LEFT_PX: Final = 54.0
TOP_PX: Final = 26.0
LANE_PX: Final = 20.0
GAP_PX: Final = 14.0
DAYS_MAX: Final = 366
"Rows of one picture; a longer run has several."
SHADES: Final = (1, 2, 4, 7)
"From so many acts in five minutes on, each shade."

_WIDTH_PX: Final = 24 * HOUR_PX
_BINS: Final = 288
_DAY = timedelta(days=1)
_DAY_US: Final = 86_400_000_000
_BIN_US: Final = _DAY_US // _BINS
_HIGH_PX: Final = 1100.0
_ROW_MAX_PX: Final = 14.0
_ROW_MIN_PX: Final = 3.0
_FAULT_MIN_PX: Final = 3.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A shape at a moment, with what it is in words."""

    shape: str
    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A fault in its lane."""

    look: str
    x: float
    y: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A column of faults."""

    x: float
    name: str


@dataclass(frozen=True, slots=True)
class Actogram:
    """The picture, in pixels; `life` in bins of five minutes and days."""

    title: str
    first: date
    days: int
    row: float
    months: tuple[axis.Tick, ...]
    hours: tuple[axis.Tick, ...]
    life: tuple[tuple[int, str], ...]
    "Shade and path."
    away: str
    down: str
    plights: tuple[tuple[str, str], ...]
    "Path and what it is, in words."
    marks: tuple[Mark, ...]
    lanes: tuple[Lane, ...]
    faults: tuple[Bar, ...]
    shapes: tuple[str, ...]
    "Which shapes the picture holds, for its legend."

    @property
    def height(self) -> float:
        return round(self.days * self.row, 1)

    @property
    def width(self) -> float:
        lanes = len(self.lanes) * LANE_PX + (GAP_PX if self.lanes else 0)
        return LEFT_PX + _WIDTH_PX + lanes + 2


def actograms(followed: Followed, chronicle: Chronicle, speech: Speech) -> Iterator[Actogram]:
    """One picture of a home for each year of a run."""
    first = chronicle.start.astimezone(speech.zone).date()
    last = (chronicle.end - timedelta.resolution).astimezone(speech.zone).date()
    while first <= last:
        days = min((last - first).days + 1, DAYS_MAX)
        yield _Drawing(followed, chronicle, speech, first, days).picture()
        first += timedelta(days=days)


class _Drawing:
    """Places what is seen of one home on the days from `first` on."""

    def __init__(
        self, followed: Followed, chronicle: Chronicle, speech: Speech, first: date, days: int
    ) -> None:
        self._followed = followed
        self._home = followed.home
        self._chronicle = chronicle
        self._speech = speech
        self._words = speech.words
        self._first = first
        self._days = days
        self._row = round(min(max(_HIGH_PX / days, _ROW_MIN_PX), _ROW_MAX_PX), 2)
        self._begin = datetime(first.year, first.month, first.day, tzinfo=speech.zone)
        self._end = min(self._begin + days * _DAY, chronicle.end)

    def picture(self) -> Actogram:
        marks = tuple(sorted(self._marks(), key=lambda one: (one.y, one.x, one.shape)))
        lanes = self._lanes()
        return Actogram(
            title=self._words.text(
                "Days of home {n} from {first} on", n=self._home.number, first=self._first
            ),
            first=self._first,
            days=self._days,
            row=self._row,
            months=tuple(self._months()),
            hours=tuple(
                axis.Tick(hour * HOUR_PX, f"{hour:02}" if hour % 3 == 0 else "", hour % 6 == 0)
                for hour in range(25)
            ),
            life=tuple(self._life()),
            away=self._blocks(self._home.absences),
            down=self._blocks(self._down()),
            plights=tuple(self._plights()),
            marks=marks,
            lanes=tuple(Lane(x, self._words.name(group)) for group, x in lanes.items()),
            faults=tuple(self._bars(lanes)),
            shapes=tuple(sorted({mark.shape for mark in marks})),
        )

    def _months(self) -> Iterator[axis.Tick]:
        if self._days < 70:  # short enough for every week to be named
            for day in range(self._days):
                on = self._begin + day * _DAY
                if self._row >= 9 or on.weekday() == 0:
                    yield axis.Tick(day * self._row, f"{on:%m-%d}", on.weekday() == 0)
            return
        for day in range(self._days):
            on = self._begin + day * _DAY
            if on.day == 1 or day == 0:
                named = axis.month(on, self._words)
                label = f"{on.year} {named}" if day == 0 or on.month == 1 else named
                if day or on.day < 20:
                    yield axis.Tick(round(day * self._row, 1), label, strong=True)

    def _life(self) -> Iterator[tuple[int, str]]:
        begin_us = moment_us(self._begin)
        life = self._home.life
        upto = moment_us(self._begin + self._days * _DAY)
        counts = Counter(
            (at - begin_us) // _BIN_US
            for at in life[bisect_left(life, begin_us) : bisect_left(life, upto)]
        )
        paths: dict[int, list[str]] = {shade: [] for shade in range(len(SHADES))}
        run: list[int] = []
        for place in sorted(counts):
            shade = sum(counts[place] >= least for least in SHADES) - 1
            if run and run[2] == shade and run[0] + run[1] == place and place % _BINS:
                run[1] += 1
                continue
            if run:
                paths[run[2]].append(_stroke(run))
            run = [place, 1, shade]
        if run:
            paths[run[2]].append(_stroke(run))
        return ((shade, "".join(path)) for shade, path in paths.items() if path)

    def _down(self) -> Iterator[tuple[datetime, datetime]]:
        runs = self._home.runs
        for place, run in enumerate(runs):
            if run.ended is not None:
                later = runs[place + 1].began if place + 1 < len(runs) else self._chronicle.end
                yield run.ended, later

    def _pieces(self, begin: datetime, end: datetime) -> Iterator[tuple[float, float, float]]:
        """A span day by day: x, y and width."""
        begin, end = max(begin, self._begin), min(end, self._end)
        while begin < end:
            day = (begin - self._begin) // _DAY
            until = min(self._begin + (day + 1) * _DAY, end)
            x = (begin - self._begin) % _DAY / _DAY * _WIDTH_PX
            yield x, day * self._row, max((until - begin) / _DAY * _WIDTH_PX, 0.5)
            begin = until

    def _blocks(self, spans: Iterable[tuple[datetime, datetime]]) -> str:
        row = f"{self._row:g}"
        return "".join(
            f"M{x:.0f} {y:g}h{width:.0f}v{row}h-{width:.0f}z"
            for begin, end in spans
            for x, y, width in self._pieces(begin, end)
            if width >= 1
        )

    def _plights(self) -> Iterator[tuple[str, str]]:
        for trouble in self._home.troubles:
            until = trouble.helped or self._chronicle.end
            path = "".join(
                f"M{x:.1f} {y + self._row / 2:g}h{width:.1f}"
                for x, y, width in self._pieces(trouble.at, until)
            )
            if path:
                yield path, self._speech.plight(trouble)

    def _at(self, moment: datetime) -> tuple[float, float] | None:
        if not self._begin <= moment < self._end:
            return None
        since = moment - self._begin
        x = since % _DAY / _DAY * _WIDTH_PX
        return round(x, 1), round((since // _DAY + 0.5) * self._row, 1)

    def _marks(self) -> Iterator[Mark]:
        for shape, at, what in self._moments():
            place = self._at(at)
            if place is not None:
                title = f"{self._speech.at(at)} {what}"
                yield Mark(shape, *place, title)

    def _moments(self) -> Iterator[tuple[str, datetime, str]]:
        words = self._words
        for trouble in self._home.troubles:
            yield "plight", trouble.at, words.name(trouble.kind)
            if trouble.helped is not None:
                yield "helped", trouble.helped, words.text("Help came")
        yield from marked(self._followed, self._speech)
        for decided in self._home.decided:
            event = decided.event
            if isinstance(event, AlarmMoved) and event.move is Move.PROMPT:
                yield "prompt", decided.at, words.text("Resident asked")
        for one in self._followed.passages:
            if one.of_danger:
                shape = "false" if one.is_false else "raised"
                yield shape, one.decided, words.name(one.alarm.kind)
        for run in self._home.runs[1:]:
            yield "restart", run.began, words.text("Gateway starts again")

    def _lanes(self) -> dict[FaultGroup, float]:
        present = {group_of(fault.kind) for fault in self._speech.faults_of(self._home)}
        left = _WIDTH_PX + GAP_PX
        shown = [group for group in FaultGroup if group in present]
        return {group: left + place * LANE_PX for place, group in enumerate(shown)}

    def _bars(self, lanes: dict[FaultGroup, float]) -> Iterator[Bar]:
        for fault in self._speech.faults_of(self._home):
            begin = self._chronicle.start + fault.begin
            end = begin + fault.lasting
            if end < self._begin or begin >= self._end:
                continue
            top = max((begin - self._begin) / _DAY, 0.0) * self._row
            bottom = min((end - self._begin) / _DAY, float(self._days)) * self._row
            group = group_of(fault.kind)
            yield Bar(
                group.value,
                lanes[group] + 4,
                round(top, 1),
                round(max(bottom - top, _FAULT_MIN_PX), 1),
                self._speech.fault(fault),
            )


def _stroke(run: list[int]) -> str:
    day, place = divmod(run[0], _BINS)
    return f"M{place} {day}h{run[1]}"
