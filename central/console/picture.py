"""The day before an alarm as a drawing: where everything stands, before it is drawn.

Places from left to right are percents of the drawing's width, so that its letters are as large on
a telephone as on a wall; heights are pixels. The drawing is `templates/day.html`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from central.console.day import Day
from central.console.told import Look, Mark, Stretch
from rules.activity import SLOT, SLOTS, ActivityClass
from texts import Translator

_DAY: Final = SLOT * SLOTS
_QUARTER: Final = timedelta(minutes=15)
"The hours of every time zone begin at one of these."
_ROW: Final = 24
_BARS: Final = 76
_HOURS: Final = 26
_BAND: Final = 26
_GAP: Final = 4
_HALF: Final = 50.0
_HATCHED: Final = frozenset({ActivityClass.AWAY.name.lower(), ActivityClass.UNKNOWN.name.lower()})


@dataclass(frozen=True, slots=True)
class Bar:
    """One half hour."""

    x: float
    width: float
    looks: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One hour of the scale."""

    x: float
    word: str
    sixth: bool
    "Whether it is written on a narrow screen as well."
    midnight: bool


@dataclass(frozen=True, slots=True)
class Flag:
    """One mark: a pole from its row down to the scale, and what it says beside."""

    x: float
    y: int
    word: str
    look: Look
    left: bool
    "Whether the words stand left of the pole."


@dataclass(frozen=True, slots=True)
class Band:
    """One stretch under the scale, and what it says inside, left or right of it."""

    x: float
    width: float
    y: int
    word: str
    look: Look
    word_x: float
    word_at: str
    "`inside`, `left` or `right`."
    from_before: bool
    "It began before the drawing does."


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole drawing."""

    height: int
    top: int
    "Of the bars."
    base: int
    "Of the scale, which the bars stand on."
    known_until: float
    "Past this nothing is known of half hours."
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    flags: tuple[Flag, ...]
    bands: tuple[Band, ...]
    says: str
    "The same for who does not see it."


@dataclass(frozen=True, slots=True)
class _Scale:
    begin: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        """The place of a moment, 0 to 100; what lies outside stands at the edge."""
        if at <= self.begin:
            return 0.0
        return min(round(100 * ((at - self.begin) / (self.end - self.begin)), 3), 100.0)

    def shows(self, at: datetime) -> bool:
        return self.begin <= at <= self.end


def picture_of(
    day: Day, items: Sequence[Mark | Stretch], words: Translator, zone: tzinfo, now: datetime
) -> Picture:
    """Where everything stands: the half hours of `day`, and of `items` what falls into their time.

    What happened in the day after the last half hour (the next level, the end) is shown as well.
    """
    scale = _scale(day, items)
    flags = _flags(items, scale, words, zone)
    top = _ROW * len(flags) + _GAP
    base = top + _BARS
    bands = tuple(_bands(items, scale, words, base + _HOURS))
    return Picture(
        height=base + _HOURS + (_BAND + _GAP) * len(bands),
        top=top,
        base=base,
        known_until=scale.x(day.end),
        bars=tuple(_bars(day, scale)),
        ticks=tuple(_ticks(scale, zone)),
        flags=flags,
        bands=bands,
        says=", ".join(_said(items, words, zone, now)),
    )


def _scale(day: Day, items: Iterable[Mark | Stretch]) -> _Scale:
    end = day.end
    moments = [item.at if isinstance(item, Mark) else item.end for item in items]
    later = [at for at in moments if at is not None and end < at <= day.end + _DAY]
    return _Scale(day.end - _DAY, max([end, *later]))


def _bars(day: Day, scale: _Scale) -> Iterator[Bar]:
    for slot in day.slots:
        x = scale.x(slot.begin)
        width = scale.x(slot.begin + SLOT) - x
        # Hatched half hours are one surface, the others stand apart.
        gap = 0.0 if slot.looks in _HATCHED else 0.1
        yield Bar(round(x + gap * width, 3), round((1 - 2 * gap) * width, 3), slot.looks)


def _ticks(scale: _Scale, zone: tzinfo) -> Iterator[Tick]:
    at = scale.begin
    while at <= scale.end:
        local = at.astimezone(zone)
        if local.minute == 0 and local.hour % 3 == 0:
            midnight = local.hour == 0
            word = f"{local:%m-%d}" if midnight else str(local.hour)
            yield Tick(scale.x(at), word, local.hour % 6 == 0, midnight)
        at += _QUARTER


def _flags(
    items: Iterable[Mark | Stretch], scale: _Scale, words: Translator, zone: tzinfo
) -> tuple[Flag, ...]:
    """Rows such that no pole of one half goes through the words of the same half."""
    marks = [item for item in items if isinstance(item, Mark) and scale.shows(item.at)]
    early = sorted((mark for mark in marks if scale.x(mark.at) < _HALF), key=lambda mark: mark.at)
    late = sorted((mark for mark in marks if mark not in early), key=lambda mark: mark.at)
    return tuple(
        Flag(
            scale.x(mark.at),
            _ROW * row + _ROW // 2,
            f"{words.text(mark.word)} {mark.at.astimezone(zone):%H:%M}",
            mark.look,
            left=mark not in early,
        )
        for row, mark in enumerate([*early, *reversed(late)])
    )


def _bands(
    items: Iterable[Mark | Stretch], scale: _Scale, words: Translator, top: int
) -> Iterator[Band]:
    shown = [item for item in items if isinstance(item, Stretch)]
    row = 0
    for stretch in shown:
        begin, end = stretch.begin, stretch.end
        if begin is None or end is None or end <= scale.begin or begin >= scale.end:
            continue
        first, last = scale.x(begin), scale.x(end)
        width = round(last - first, 3)
        # Where there is the most room: on a telephone the words of a third are about as wide.
        room = {"inside": width, "left": first, "right": 100 - last}
        at = max(room, key=lambda side: room[side])
        middle = round(first + width / 2, 3)
        yield Band(
            x=first,
            width=width,
            y=top + row * (_BAND + _GAP),
            word=f"{words.text(stretch.word)} {words.span(stretch.length)}",
            look=stretch.look,
            word_x={"inside": middle, "left": first, "right": last}[at],
            word_at=at,
            from_before=begin < scale.begin,
        )
        row += 1


def _said(
    items: Iterable[Mark | Stretch], words: Translator, zone: tzinfo, now: datetime
) -> Iterator[str]:
    for item in items:
        if isinstance(item, Mark):
            yield f"{words.text(item.word)} {words.moment(item.at, zone, now)}"
        else:
            yield f"{words.text(item.word)} {words.span(item.length)}"
