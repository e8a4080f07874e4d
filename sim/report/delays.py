"""How long it took to find people, and what was raised for nothing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sim.homes.act import PlightKind
from sim.report.axis import SpanAxis, Tick
from sim.report.passages import Followed
from sim.report.speech import Speech
from sim.world.chronicle import Trouble

WIDTH_PX: Final = 640.0
_DOT_PX: Final = 6.0
_LANE_PX: Final = 42.0
_STACK_MAX: Final = 6
_CURVE_FROM: Final = 5
"A curve of fewer cases would look more certain than it is."
_P90_FROM: Final = 3
_CURVE_PX: Final = 120.0
_LEAST = timedelta(minutes=1)
_MOST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Dot:
    """One plight, or where there are many, as many as `size` says."""

    x: float
    y: float
    size: float
    title: str
    is_found: bool = True


@dataclass(frozen=True, slots=True)
class Lane:
    """The plights of one kind by day or by night."""

    name: str
    night: bool
    count: int
    "Of those that were due."
    found: int
    not_due: int
    dots: tuple[Dot, ...]
    median: Tick | None
    p90: Tick | None
    least: str
    most: str


@dataclass(frozen=True, slots=True)
class Curve:
    """The share found within a span, over all plights of a kind."""

    look: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Delays:
    """The picture of all delays."""

    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]
    lane_px: float
    curves: tuple[Curve, ...]
    curve_px: float


def quantile(ordered: list[timedelta], share: float) -> timedelta:
    """The least value that at least `share` of the values do not exceed."""
    rank = max(-(-len(ordered) * int(share * 100) // 100), 1)
    return ordered[rank - 1]


def delays(homes: Iterable[Followed], speech: Speech) -> Delays | None:
    """The picture, or None where nobody came to harm."""
    by: dict[tuple[PlightKind, bool], list[tuple[int, Trouble]]] = defaultdict(list)
    for followed in homes:
        for trouble in followed.home.troubles:
            by[trouble.kind, speech.night(trouble.at)].append((followed.home.number, trouble))
    spans = [
        trouble.found - trouble.at
        for troubles in by.values()
        for _, trouble in troubles
        if trouble.found is not None
    ]
    if not by:
        return None
    axis = SpanAxis.around(min([_LEAST * 60, *spans]), max([_MOST, *spans]), WIDTH_PX)
    return Delays(
        ticks=tuple(axis.ticks(speech.words)),
        lanes=tuple(_lanes(by, axis, speech)),
        lane_px=_LANE_PX,
        curves=tuple(_curves(by, axis, speech)),
        curve_px=_CURVE_PX,
    )


def _lanes(
    by: dict[tuple[PlightKind, bool], list[tuple[int, Trouble]]], axis: SpanAxis, speech: Speech
) -> Iterator[Lane]:
    text = speech.words.text
    for kind in PlightKind:
        for night, when in ((False, text("by day")), (True, text("by night"))):
            if (kind, night) in by:
                name = f"{speech.words.name(kind)}, {when}"
                yield _lane(name, by[kind, night], axis, speech, night=night)
    if len(by) > 1:
        everyone = [one for troubles in by.values() for one in troubles]
        yield _lane(text("All plights"), everyone, axis, speech, night=False)


def _lane(
    name: str,
    troubles: list[tuple[int, Trouble]],
    axis: SpanAxis,
    speech: Speech,
    *,
    night: bool,
) -> Lane:
    text = speech.words.text
    found = sorted(
        trouble.found - trouble.at for _, trouble in troubles if trouble.found is not None
    )
    stacks: dict[int, list[tuple[float, str]]] = defaultdict(list)
    for number, trouble in troubles:
        if trouble.found is not None:
            x = axis.x(trouble.found - trouble.at)
            home = text("home {n}", n=number)
            stacks[round(x / _DOT_PX)].append((x, f"{home}: {speech.plight(trouble)}"))
    most = max((len(stack) for stack in stacks.values()), default=0)
    dots = [
        dot
        for place, stack in sorted(stacks.items())
        for dot in _stack(place, sorted(stack), most)
    ]
    return Lane(
        name=name,
        night=night,
        count=sum(speech.is_due(trouble) for _, trouble in troubles),
        found=len(found),
        not_due=sum(not speech.is_due(trouble) for _, trouble in troubles),
        dots=tuple(dots),
        median=Tick(axis.x(quantile(found, 0.5)), speech.span(quantile(found, 0.5)))
        if found
        else None,
        p90=Tick(axis.x(quantile(found, 0.9)), speech.span(quantile(found, 0.9)))
        if len(found) >= _P90_FROM
        else None,
        least=speech.span(found[0] if found else None),
        most=speech.span(found[-1] if found else None),
    )


def _stack(place: int, stack: list[tuple[float, str]], most: int) -> Iterator[Dot]:
    if most <= _STACK_MAX:
        for level, (x, title) in enumerate(stack):
            yield Dot(x, round(_LANE_PX - 5 - level * _DOT_PX, 1), 2.8, title)
        return
    # Too many to draw each: the height says how many.
    yield Dot(place * _DOT_PX, 0.0, round(len(stack) / most * (_LANE_PX - 6), 1), f"{len(stack)}")


def _curves(
    by: dict[tuple[PlightKind, bool], list[tuple[int, Trouble]]], axis: SpanAxis, speech: Speech
) -> Iterator[Curve]:
    for kind in PlightKind:
        troubles = [
            trouble
            for night in (False, True)
            for _, trouble in by.get((kind, night), [])
            if speech.is_due(trouble)
        ]
        if len(troubles) < _CURVE_FROM:
            continue
        found = sorted(one.found - one.at for one in troubles if one.found is not None)
        path = [f"M0 {_CURVE_PX:g}"]
        for rank, span in enumerate(found, start=1):
            height = round(_CURVE_PX * (1 - rank / len(troubles)), 1)
            path.append(f"H{axis.x(span):g}V{height:g}")
        path.append(f"H{WIDTH_PX:g}")
        yield Curve(kind.value, speech.words.name(kind), "".join(path))
