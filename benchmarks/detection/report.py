"""One page with a picture: delay against false alarms, for every method and budget."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import sim.report
from benchmarks.detection.asked import Budget, Method
from benchmarks.detection.figures import Told
from benchmarks.detection.study import Study
from sim.report.axis import SpanAxis, Tick, ceiling
from texts import Language, translator

WIDTH_PX: Final = 640.0
HIGH_PX: Final = 360.0
_OURS: Final = Path(__file__).parent / "templates"
_THEIRS: Final = Path(sim.report.__file__).parent / "templates"
_LEAST: Final = timedelta(hours=1)
_MOST: Final = timedelta(days=2)
_RATES: Final = (0.0, 0.05, 0.17, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


@dataclass(frozen=True, slots=True)
class Point:
    """One method at one budget on the picture."""

    x: float
    median: float
    p90: float
    low: float
    high: float
    "Where the interval of its rate ends."
    title: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One method: its points, joined."""

    method: str
    place: int
    "Its place in the legend, and its colour."
    points: tuple[Point, ...]
    line: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Delay upwards, false alarms to the right."""

    rates: tuple[Tick, ...]
    hours: tuple[Tick, ...]
    targets: tuple[Tick, ...]
    paths: tuple[Trace, ...]


def write(folder: Path, study: Study, told: Sequence[Told]) -> Path:
    """Write `detection.html`, complete in itself, and return its path.

    Equal input gives equal bytes.

    Raises:
        OSError: it cannot be written.
        ConfigError: the texts are not compiled.

    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "detection.html"
    path.write_text(page(study, told), encoding="utf-8")
    return path


def page(study: Study, told: Sequence[Told]) -> str:
    """The page."""
    environment = Environment(
        loader=FileSystemLoader([_OURS, _THEIRS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["hours"] = lambda hours: "\N{EN DASH}" if hours is None else f"{hours:.1f}"
    template = environment.get_template("detection.html")
    return template.render(
        study=study,
        budgets=[(one, [each for each in told if each.budget is one]) for one in Budget],
        picture=picture(told),
        width=WIDTH_PX,
        high=HIGH_PX,
    )


def picture(told: Sequence[Told]) -> Picture | None:
    """The picture; None where no home was scored."""
    drawn = [one for one in told if one.all.median_h is not None]
    if not drawn:
        return None
    spans = [
        timedelta(hours=hours)
        for one in drawn
        for hours in (one.all.median_h, one.all.p90_h)
        if hours is not None
    ]
    upwards = SpanAxis.around(min([_LEAST, *spans]), max([_MOST, *spans]), HIGH_PX)
    most = ceiling(max(one.all.interval[1] for one in drawn))

    def right(rate: float) -> float:
        # By the root: budgets of a month and of half a year both have room.
        return round(WIDTH_PX * math.sqrt(min(rate, most) / most), 1)

    def up(hours: float | None) -> float:
        return round(HIGH_PX - upwards.x(timedelta(hours=hours or 0.0)), 1)

    paths = []
    for place, method in enumerate(dict.fromkeys(one.method for one in drawn)):
        points = tuple(
            Point(
                right(one.all.realised_per_30d),
                up(one.all.median_h),
                up(one.all.p90_h),
                right(one.all.interval[0]),
                right(one.all.interval[1]),
                f"{method}, {one.budget}: median {one.all.median_h:.1f} h, 90 % within"
                f" {one.all.p90_h:.1f} h, {one.all.realised_per_30d:.2f} false alarms in 30 days",
            )
            for one in drawn
            if one.method is method
        )
        line = "M" + "L".join(f"{one.x:g} {one.median:g}" for one in points)
        paths.append(Trace(Method(method).value, place, points, line))
    ticks = upwards.ticks(translator(Language.EN))
    return Picture(
        rates=tuple(Tick(right(rate), f"{rate:g}") for rate in _RATES if rate <= most),
        hours=tuple(Tick(HIGH_PX - tick.at, tick.label) for tick in ticks),
        targets=tuple(
            Tick(right(30 / budget.days), f"1 in {budget.days} days") for budget in Budget
        ),
        paths=tuple(paths),
    )
