"""Many homes on one page: a row and a small picture each, the worst first."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Final

from rules.codec import moment_us
from sim.check.figures import HomeFigures
from sim.report.axis import TimeAxis
from sim.report.passages import Followed
from sim.report.speech import Speech
from sim.report.survived import Point

WIDTH_PX: Final = 260.0
HIGH_PX: Final = 32.0
HOMES_MAX: Final = 120
"Rows of the table; of more homes the worst are shown."
SLICES: Final = 65
ROWS: Final = 8
"Of three hours each."
_SHADES: Final = 4
_DAY_US: Final = 86_400_000_000
_ROW_US: Final = _DAY_US // ROWS


@dataclass(frozen=True, slots=True)
class HomeRow:
    """One home."""

    number: int
    gateway: str
    figures: HomeFigures
    faults: int
    restarts: int
    unfound: int
    life: tuple[tuple[int, str], ...]
    plights: tuple[Point, ...]
    false: tuple[Point, ...]
    is_detailed: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """The table."""

    rows: tuple[HomeRow, ...]
    left_out: int


def ranked(homes: Sequence[Followed], figures: Mapping[int, HomeFigures]) -> list[Followed]:
    """The worst first: broken promises, people not found, found late, alarms for nothing."""

    def badness(one: Followed) -> tuple[float, ...]:
        of_home = figures[one.home.number]
        unfound, longest = 0, timedelta()
        for trouble in one.home.troubles:
            if trouble.found is None:
                unfound += trouble not in one.not_due
            else:
                longest = max(longest, trouble.found - trouble.at)
        return (
            -of_home.violations,
            -unfound,
            -longest.total_seconds(),
            -of_home.false_per_30d,
            one.home.number,
        )

    return sorted(homes, key=badness)


def overview(
    ordered: Sequence[Followed],
    figures: Mapping[int, HomeFigures],
    detailed: int,
    speech: Speech,
) -> Overview:
    """Rows of the homes, in the order given; the first `detailed` of them are shown at length."""
    kept = ordered[:HOMES_MAX]
    rows = tuple(
        _row(one, figures[one.home.number], speech, is_detailed=place < detailed)
        for place, one in enumerate(kept)
    )
    return Overview(rows, len(ordered) - len(kept))


def _row(
    followed: Followed, figures: HomeFigures, speech: Speech, *, is_detailed: bool
) -> HomeRow:
    home, chronicle = followed.home, speech.chronicle
    axis = TimeAxis(chronicle.start, chronicle.end, WIDTH_PX)
    return HomeRow(
        number=home.number,
        gateway=home.gateway,
        figures=figures,
        faults=len(home.faults),
        restarts=len(home.runs[1:]),
        unfound=sum(trouble.found is None for trouble in home.troubles if speech.is_due(trouble)),
        life=tuple(_life(followed, speech)),
        plights=tuple(Point(axis.x(one.at), speech.plight(one)) for one in home.troubles),
        false=tuple(
            Point(axis.x(one.decided), f"{speech.at(one.decided)}")
            for one in followed.passages
            if one.of_danger and one.is_false
        ),
        is_detailed=is_detailed,
    )


def _life(followed: Followed, speech: Speech) -> Iterator[tuple[int, str]]:
    """Shades by slice of the run and by three hours of the day, against the home's busiest."""
    begin, end = moment_us(speech.chronicle.start), moment_us(speech.chronicle.end)
    shift = moment_us(speech.chronicle.start.astimezone(speech.zone).replace(tzinfo=UTC)) - begin
    slice_us = (end - begin) // SLICES + 1
    counts = Counter(
        ((at - begin) // slice_us, (at + shift) % _DAY_US // _ROW_US)
        for at in followed.home.life
        if begin <= at < end
    )
    most = max(counts.values(), default=1)
    paths: list[list[str]] = [[] for _ in range(_SHADES)]
    for (place, row), count in sorted(counts.items()):
        shade = min(_SHADES * count // most, _SHADES - 1)
        paths[shade].append(f"M{place} {row}h1")
    return ((shade, "".join(path)) for shade, path in enumerate(paths) if path)
