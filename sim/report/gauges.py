"""The gateway's health over the run: what waits, what it keeps, how far its clock is off."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sim.report.axis import Tick, TimeAxis, ceiling
from sim.report.speech import Speech
from sim.report.survived import run_axis
from sim.world.chronicle import Gauge, HomeChronicle

HIGH_PX: Final = 54.0
_OFF_STEPS = (
    timedelta(milliseconds=1),
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=14),
    timedelta(days=365),
    timedelta(days=36500),
)
_LEAST_US: Final = 1000.0
"A clock that is off by less is right."


@dataclass(frozen=True, slots=True)
class Line:
    """One measure over the run."""

    name: str
    path: str
    lines: tuple[Tick, ...]
    "Where values stand, from the top."
    most: str


@dataclass(frozen=True, slots=True)
class Gauges:
    """All measures of one home, on the axis of its faults."""

    ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    jumps: tuple[tuple[float, str], ...]
    "Where the gateway came to believe another time."


def gauges(home: HomeChronicle, speech: Speech) -> Gauges:
    """The picture of one home."""
    axis = run_axis(speech)
    return Gauges(
        ticks=tuple(axis.days(speech.zone, speech.words)),
        lines=tuple(_lines(home, axis, speech)),
        jumps=tuple(
            (
                axis.x(moved.at),
                f"{speech.exact(moved.at)} {moved.source} {moved.shift_us / 1e6:+.3f} s",
            )
            for moved in home.moved
            if abs(moved.shift_us) >= _SAID_FROM_US
        ),
    )


_SAID_FROM_US: Final = 60_000_000
"What a clock drifts in an hour or two is corrected all the time."


def _lines(home: HomeChronicle, axis: TimeAxis, speech: Speech) -> Iterator[Line]:
    text = speech.words.text
    counted: tuple[tuple[str, Callable[[Gauge], int], Callable[[float], str]], ...] = (
        (text("Records waiting"), lambda one: one.outbox, lambda value: f"{value:,.0f}"),
        (text("Rows of the journal"), lambda one: one.rows, lambda value: f"{value:,.0f}"),
        (text("Size of the journal"), lambda one: one.bytes, size),
    )
    for name, read, write in counted:
        values = [read(one) for one in home.gauges]
        most = max(values, default=0)
        top = ceiling(most)
        path = _path(home, axis, [value / top for value in values])
        lines = (Tick(0.0, write(top)), Tick(HIGH_PX, "0"))
        yield Line(name, path, lines, write(most))
    yield _clock(home, axis, speech)


def _clock(home: HomeChronicle, axis: TimeAxis, speech: Speech) -> Line:
    offs = [one.off_us for one in home.gauges]
    most = timedelta(microseconds=max((abs(off) for off in offs), default=0))
    reach = next((step for step in _OFF_STEPS[1:] if step >= most), _OFF_STEPS[-1])
    whole = _bent(reach / timedelta(microseconds=1))
    path = _path(home, axis, [0.5 + _bent(off) / whole / 2 for off in offs])
    lines = (
        Tick(0.0, "+" + speech.span(reach)),
        Tick(HIGH_PX / 2, "0", strong=True),
        Tick(HIGH_PX, "\N{MINUS SIGN}" + speech.span(reach)),
    )
    return Line(speech.words.text("Error of the clock"), path, lines, speech.span(most))


def _bent(off_us: float) -> float:
    """Its logarithm to both sides of zero, so that a second and two weeks are both seen."""
    return math.copysign(math.log10(1 + abs(off_us) / _LEAST_US), off_us)


def _path(home: HomeChronicle, axis: TimeAxis, shares: list[float]) -> str:
    parts: list[str] = []
    for gauge, share in zip(home.gauges, shares, strict=True):
        x, y = axis.x(gauge.at), round(HIGH_PX * (1 - min(max(share, 0.0), 1.0)), 1)
        parts.append(f"H{x:g}V{y:g}" if parts else f"M{x:g} {y:g}")
    return "".join(parts)


def size(octets: float) -> str:
    """`3.4 MB`, by thousands."""
    for unit in ("B", "kB", "MB"):
        if octets < 1000:
            return f"{octets:.3g} {unit}"
        octets /= 1000
    return f"{octets:.3g} GB"
