"""Slow harms: when each was, whether it was raised before it was over, and if not, why not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rules.alarm import AlarmKey, AlarmKind
from rules.codec import moment_us
from rules.rulebook import Rulebook
from sim.homes.act import SlowKind
from sim.report.passages import Followed, Passage
from sim.report.speech import Speech
from sim.world.chronicle import SLOW, Suffered

ROWS_MAX: Final = 200
"Of more slow harms those that were not raised are shown first."
_AT_DOOR: Final = timedelta(seconds=10)
"Who shuts the door behind them is seen so long after it opened."
_ALARMS: Final = {kind: alarm for alarm, kind in SLOW.items()}


@dataclass(frozen=True, slots=True)
class Slowly:
    """Slow harms of one kind: how often somebody suffered so, and how soon it was raised."""

    name: str
    count: int
    raised: int
    decided_middle: str
    decided_most: str


@dataclass(frozen=True, slots=True)
class Harm:
    """One slow harm, in words."""

    home: int
    name: str
    device: str
    began: str
    lasted: str
    raised: str
    is_raised: bool
    why: str
    "Why it was not raised; empty where that is not known."


@dataclass(frozen=True, slots=True)
class Harms:
    """All slow harms of a run."""

    kinds: tuple[Slowly, ...]
    rows: tuple[Harm, ...]
    left_out: int

    @property
    def count(self) -> int:
        return sum(kind.count for kind in self.kinds)

    @property
    def raised(self) -> int:
        return sum(kind.raised for kind in self.kinds)


def harms(homes: Iterable[Followed], speech: Speech) -> Harms | None:
    """What became of slow harms, many of which are over before they need be told of.

    None where nobody suffered any.
    """
    until: defaultdict[AlarmKind, list[timedelta | None]] = defaultdict(list)
    rows: list[tuple[bool, int, datetime, Harm]] = []
    for followed in homes:
        for harm in followed.home.suffered:
            by = _raising(harm, followed)
            until[_ALARMS[harm.kind]].append(None if by is None else by.decided - harm.begin)
            row = _row(harm, by, followed, speech)
            rows.append((row.is_raised, row.home, harm.begin, row))
    if not rows:
        return None
    rows.sort(key=lambda row: row[:3])
    kept = sorted(rows[:ROWS_MAX], key=lambda row: row[1:3])
    return Harms(
        kinds=tuple(_slowly(kind, until[kind], speech) for kind in SLOW if kind in until),
        rows=tuple(row for *_, row in kept),
        left_out=len(rows) - len(kept),
    )


def marked(followed: Followed, speech: Speech) -> Iterator[tuple[str, datetime, str]]:
    """Shape, beginning and words of each slow harm of a home."""
    for harm in followed.home.suffered:
        row = _row(harm, _raising(harm, followed), followed, speech)
        parts = (f"{row.name} {row.device}".strip(), row.lasted, row.raised, row.why)
        shape = "harm" if row.is_raised else "untold"
        yield shape, harm.begin, ", ".join(part for part in parts if part)


def _raising(harm: Suffered, followed: Followed) -> Passage | None:
    """The record that told of it while it lasted."""
    key = AlarmKey(_ALARMS[harm.kind], harm.device)
    told = (one for one in followed.passages if one.opening and one.alarm == key)
    return next((one for one in told if harm.lasts(one.decided)), None)


def _slowly(kind: AlarmKind, until: Sequence[timedelta | None], speech: Speech) -> Slowly:
    raised = sorted(one for one in until if one is not None)
    return Slowly(
        name=speech.words.name(kind),
        count=len(until),
        raised=len(raised),
        decided_middle=speech.span(raised[len(raised) // 2] if raised else None),
        decided_most=speech.span(max(raised, default=None)),
    )


def _row(harm: Suffered, by: Passage | None, followed: Followed, speech: Speech) -> Harm:
    text = speech.words.text
    if by is None:
        raised, why = text("not raised"), _why(harm, followed, speech)
    else:
        raised = text("raised after {span}", span=speech.span(by.decided - harm.begin))
        why = "" if by.arrived is not None else text("never reached the center")
    return Harm(
        home=followed.home.number,
        name=speech.words.name(_ALARMS[harm.kind]),
        device=harm.device or "",
        began=speech.at(harm.begin),
        lasted=text("not over when the run ended")
        if harm.end is None
        else speech.span(harm.end - harm.begin),
        raised=raised,
        is_raised=by is not None,
        why=why,
    )


def _why(harm: Suffered, followed: Followed, speech: Speech) -> str:
    """Only what is certain, else nothing: a rule may wait for longer than its book says."""
    text = speech.words.text
    home = followed.home
    is_watched, wait = _rule(home.book, harm.kind)
    if not is_watched:
        return text("the rules of this home do not watch for it")
    if wait is not None and (harm.end or speech.chronicle.end) - harm.begin < wait:
        if harm.end is None:
            return text("not due yet when the run ended")
        return text("lasted less than the rule waits ({span})", span=speech.span(wait))
    if harm.kind is SlowKind.WANDERING and wait is not None:
        begin, end = moment_us(harm.begin + _AT_DOOR), moment_us(harm.begin + wait)
        if any(begin < at <= end for at in home.signs):
            return text("a sign of life was counted in the home meanwhile")
    return ""


def _rule(book: Rulebook, kind: SlowKind) -> tuple[bool, timedelta | None]:
    """Whether a home's rulebook watches for it, and how long it waits at the least."""
    match kind:
        case SlowKind.WANDERING:
            return book.wandering.enabled, book.wandering.back_within
        case SlowKind.LEFT_ON:
            return book.left_on.enabled, book.left_on.heating
        case SlowKind.NOT_EATING:
            return book.eating.enabled, book.eating.limit
        case SlowKind.DECLINE:
            return book.decline.enabled, None
