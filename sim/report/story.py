"""One plight from the last signs of life to the help: what was seen, said and done, and when."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from rules.alarm import AlarmKind, Move
from rules.codec import moment_at, moment_us
from rules.events import AlarmMoved
from sim.faults.fault import Fault
from sim.report.axis import Tick, TimeAxis
from sim.report.groups import FaultGroup, group_of
from sim.report.passages import Followed, Passage, finding
from sim.report.speech import Speech
from sim.world.chronicle import Trouble

WIDTH_PX: Final = 928.0
_BEFORE = timedelta(hours=4)
"Of the life before, at least."
_AFTER_SHARE = 0.06
_LONGEST_UNFOUND = timedelta(days=4)
_LABEL_MIN_PX = 90.0
_WIDE_PX: Final = 10.0
_NARROW_PX: Final = 6.2
_LATIN: Final = 0x2FF
_LABEL_GAP_PX: Final = 4.0
_APART_PX: Final = 13.0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, in the order it did."""

    shape: str
    x: float
    name: str
    at: str
    "When; empty where it did not happen."
    since: str
    "How long after the plight."
    wait: str
    "How long after the step before."
    spread: float = 0.0
    "Where its shape stands: beside that of the step before, if that came just before."


@dataclass(frozen=True, slots=True)
class Block:
    """A span in the picture."""

    x: float
    width: float
    label: str
    title: str
    look: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """A plight, drawn and told."""

    anchor: str
    heading: str
    verdict: str
    is_found: bool
    is_due: bool
    is_blind: bool
    "The center knew that the home could not be seen."
    alarm: str
    ticks: tuple[Tick, ...]
    noticed: str
    "Path of what a device noticed of the resident."
    counted: str
    "Path of what the gateway counted as a sign of life."
    silence: Block
    steps: tuple[Step, ...]
    faults: tuple[Block, ...]
    away: tuple[Block, ...]
    fault_rows: int


def stories(followed: Followed, speech: Speech) -> Iterator[Story]:
    """Every plight of a home, in order of time."""
    for number, trouble in enumerate(followed.home.troubles, start=1):
        yield _story(followed, trouble, number, speech)


def _story(followed: Followed, trouble: Trouble, number: int, speech: Speech) -> Story:
    home, words = followed.home, speech.words
    by = finding(trouble, followed.passages)
    over = trouble.helped or (None if by is None else by.taken or by.arrived)
    end = over or min(speech.chronicle.healed, trouble.at + _LONGEST_UNFOUND)
    last = _last_life(followed, trouble, by)
    begin = min(trouble.at, last or trouble.at) - _BEFORE
    axis = TimeAxis(begin, end + (end - begin) * _AFTER_SHARE, WIDTH_PX)
    told = end if by is None else by.prompted or by.decided
    faults = tuple(_fault_blocks(followed, axis, speech))
    prompts = _prompted(followed, trouble, end)
    return Story(
        anchor=f"home-{home.number}-plight-{number}",
        heading=f"{words.name(trouble.kind)} \N{MIDDLE DOT} {speech.at(trouble.at)}",
        verdict=speech.found(trouble),
        is_found=trouble.found is not None,
        is_due=speech.is_due(trouble),
        is_blind=followed.was_blind(trouble, speech.chronicle.end),
        alarm="" if by is None else words.name(by.alarm.kind),
        ticks=tuple(axis.hours(speech.zone)),
        noticed=_ticks(followed.home.life, axis, "v7"),
        counted=_ticks(followed.home.signs, axis, "v16"),
        silence=_silence(axis, last or begin, told, speech),
        steps=_spread(list(_steps(trouble, by, prompts, last, axis, speech))),
        faults=faults,
        away=tuple(_away(followed, axis, speech)),
        fault_rows=max((block.row + 1 for block in faults), default=0),
    )


def _last_life(followed: Followed, trouble: Trouble, by: Passage | None) -> datetime | None:
    """The last sign of life before the alarm, or before the plight where there was none.

    Who fell and still moves is seen after the fall.
    """
    signs = followed.home.signs or followed.home.life
    upto = trouble.at
    if by is not None and by.alarm.kind is AlarmKind.INACTIVITY:
        upto = by.prompted or by.decided
    place = bisect_right(signs, moment_us(upto))
    return moment_at(signs[place - 1]) if place else None


def _ticks(moments: Sequence[int], axis: TimeAxis, stroke: str) -> str:
    first = bisect_left(moments, moment_us(axis.begin))
    upto = bisect_right(moments, moment_us(axis.end))
    places = sorted({axis.x(moment_at(at)) for at in moments[first:upto]})
    return "".join(f"M{x:g} 0{stroke}" for x in places)


def _silence(axis: TimeAxis, begin: datetime, end: datetime, speech: Speech) -> Block:
    left, right = axis.x(begin), axis.x(max(begin, end))
    span = speech.span(max(end - begin, timedelta()))
    title = speech.words.text("Silence of {span}", span=span)
    width = round(right - left, 1)
    return Block(left, width, title if width >= _LABEL_MIN_PX else "", title)


def _prompted(followed: Followed, trouble: Trouble, end: datetime) -> datetime | None:
    return next(
        (
            one.at
            for one in followed.home.decided
            if isinstance(one.event, AlarmMoved)
            and one.event.move is Move.PROMPT
            and trouble.at <= one.at <= end
        ),
        None,
    )


def _steps(
    trouble: Trouble,
    by: Passage | None,
    prompted: datetime | None,
    last: datetime | None,
    axis: TimeAxis,
    speech: Speech,
) -> Iterator[Step]:
    text = speech.words.text
    asked = by.prompted if by and by.prompted else prompted
    moments = [
        ("life", text("Last sign"), last),
        ("plight", speech.words.name(trouble.kind), trouble.at),
        ("prompt", text("Resident asked"), asked),
        ("raised", text("Raised"), by.decided if by else None),
        ("queued", text("In the outbox"), by.queued if by else None),
        ("arrived", text("At the center"), by.arrived if by else None),
        ("taken", text("Taken"), by.taken if by else None),
        ("helped", text("Help came"), trouble.helped),
    ]
    happened = sorted(
        ((at, place) for place, (_, _, at) in enumerate(moments) if at is not None),
    )
    before: datetime | None = None
    for at, place in happened:
        shape, name, _ = moments[place]
        since = at - trouble.at
        sign = "\N{MINUS SIGN}" if since < timedelta() else "+"
        wait = "" if before is None or at <= before else f"+{speech.span(at - before)}"
        yield Step(
            shape,
            axis.x(at),
            name,
            speech.clock(at),
            "" if shape == "plight" else sign + speech.span(abs(since)),
            wait,
        )
        before = at
    for shape, name, never in moments:
        if never is None and shape not in ("life", "prompt"):
            yield Step(shape, -1.0, name, "", "", "")


def _spread(steps: list[Step]) -> tuple[Step, ...]:
    shown = [step for step in steps if step.x >= 0]
    places: list[float] = []
    for step in shown:
        places.append(max(step.x, places[-1] + _APART_PX if places else 0.0))
    edge = WIDTH_PX
    for number in reversed(range(len(places))):
        places[number] = edge = min(places[number], edge - _APART_PX)
    moved = [replace(step, spread=round(x, 1)) for step, x in zip(shown, places, strict=True)]
    return (*moved, *(step for step in steps if step.x < 0))


def _by_group(followed: Followed, axis: TimeAxis, speech: Speech) -> dict[FaultGroup, list[Fault]]:
    by: dict[FaultGroup, list[Fault]] = {}
    for fault in speech.faults_of(followed.home):
        begin = speech.chronicle.start + fault.begin
        if axis.has(begin, begin + fault.lasting):
            by.setdefault(group_of(fault.kind), []).append(fault)
    return by


def _fault_blocks(followed: Followed, axis: TimeAxis, speech: Speech) -> Iterator[Block]:
    by = _by_group(followed, axis, speech)
    for row, group in enumerate(group for group in FaultGroup if group in by):
        places = [
            (axis.x(begin), axis.x(begin + fault.lasting))
            for fault in by[group]
            for begin in (speech.chronicle.start + fault.begin,)
        ]
        for number, (fault, (left, right)) in enumerate(zip(by[group], places, strict=True)):
            later = [place for place, _ in places[number + 1 :]]
            free = min(later, default=WIDTH_PX) - left - 2 * _LABEL_GAP_PX
            name = f"#{fault.number} {speech.words.name(fault.kind)}"
            label = next(
                (one for one in (name, name.split(maxsplit=1)[0]) if _long(one) <= free), ""
            )
            width = round(max(right - left, 3.0), 1)
            yield Block(left, width, label, speech.fault(fault), group.value, row)


def _long(label: str) -> float:
    return sum(_WIDE_PX if ord(letter) > _LATIN else _NARROW_PX for letter in label)


def _away(followed: Followed, axis: TimeAxis, speech: Speech) -> Iterator[Block]:
    for begin, end in followed.home.absences:
        if axis.has(begin, end):
            left, right = axis.x(begin), axis.x(end)
            words = {"begin": speech.at(begin), "end": speech.at(end)}
            title = speech.words.text("Out from {begin} to {end}", **words)
            yield Block(left, round(max(right - left, 1.0), 1), "", title)
