"""Simulated residents beside recorded homes: lengths of silences, and hours of life."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import Final

from sim.homes.compare import Beside, Comparison
from sim.homes.profile import EDGES, Profile
from sim.report.axis import SpanAxis, Tick
from sim.report.speech import Speech

WIDTH_PX: Final = 360.0
HIGH_PX: Final = 90.0
_HOURS: Final = 24
_MINUTE = timedelta(minutes=1)
_MOST = timedelta(days=2)
_LINES: Final = ("recorded", "simulated")


@dataclass(frozen=True, slots=True)
class Panel:
    """Two lines over one axis: what was recorded, what is simulated."""

    ticks: tuple[Tick, ...]
    paths: tuple[tuple[str, str], ...]
    "Look and path."
    top: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One recorded home and the simulated ones seen through sensors like its own."""

    name: str
    days: int
    silences: Panel
    hours: Panel
    silences_apart: float
    hours_apart: float
    without: tuple[str, ...]
    longest: tuple[str, str]
    "Median of the weeks' longest silence, recorded and simulated."


def pairs(comparison: Comparison, speech: Speech) -> Iterator[Pair]:
    """A row for each recorded home."""
    for one in comparison.beside:
        both = (one.recorded, one.simulated)
        longest = [speech.span(profile.weekly * _MINUTE) for profile in both]
        yield Pair(
            name=one.name,
            days=one.recorded.days,
            silences=_silences(both, speech),
            hours=_hours(both),
            silences_apart=one.silences_apart,
            hours_apart=one.hours_apart,
            without=_without(one),
            longest=(longest[0], longest[1]),
        )


def _without(one: Beside) -> tuple[str, ...]:
    return tuple(sorted(one.without))


def _silences(both: Sequence[Profile], speech: Speech) -> Panel:
    """The share of silences that are longer."""
    axis = SpanAxis(EDGES[0] * _MINUTE, _MOST, WIDTH_PX)
    paths = []
    for look, profile in zip(_LINES, both, strict=True):
        total = sum(profile.gaps) or 1
        path = ["M0 0"]
        for edge, shorter in zip(EDGES, accumulate(profile.gaps), strict=False):
            if edge * _MINUTE > _MOST:
                break
            path.append(f"L{axis.x(edge * _MINUTE):g} {HIGH_PX * shorter / total:.1f}")
        paths.append((look, "".join(path)))
    return Panel(tuple(axis.ticks(speech.words)), tuple(paths), "100 %")


def _hours(both: Sequence[Profile]) -> Panel:
    """The share of each hour of the day."""
    most = max([0.01, *(share for profile in both for share in profile.hours)])
    step = WIDTH_PX / _HOURS
    paths = []
    for look, profile in zip(_LINES, both, strict=True):
        heights = [HIGH_PX * (1 - share / most) for share in profile.hours]
        path = "".join(f"V{high:.1f}h{step:g}" for high in heights)
        paths.append((look, f"M0 {HIGH_PX:g}{path}V{HIGH_PX:g}"))
    ticks = tuple(
        Tick(hour * step, f"{hour:02}" if hour % 6 == 0 else "", hour % 6 == 0)
        for hour in range(0, _HOURS + 1, 3)
    )
    return Panel(ticks, tuple(paths), f"{100 * most:.0f} %")
