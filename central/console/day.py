"""The day before an alarm, by half hours and in words; `picture` draws it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum
from itertools import groupby

from rules.activity import SLOT, SLOTS, ActivityClass, slot_of
from rules.codec import moment_at

_EPOCH = moment_at(0)
_FIRST, _LAST = (slot_of(_EPOCH.replace(year=year)) for year in (1900, 9999))
"A false clock's days outside are not drawn: the calendar ends soon after."


@dataclass(frozen=True, slots=True)
class Slot:
    """One half hour."""

    begin: datetime
    what: ActivityClass

    @property
    def looks(self) -> str:
        """Name of its look in the style sheet."""
        return self.what.name.lower()


@dataclass(frozen=True, slots=True)
class Day:
    """The half hours, what their looks mean, and the same in words."""

    slots: tuple[Slot, ...]
    "Oldest first; at least one."
    end: datetime
    "Of the last half hour."
    legend: tuple[tuple[str, str], ...]
    stretches: tuple[str, ...]


def day_of(activity: bytes, at: datetime, zone: tzinfo, name: Callable[[Enum], str]) -> Day | None:
    """The day up to `at`, None when the record carried none, or a date that no calendar has.

    A class that this program does not know (a newer gateway) is shown as unknown.
    """
    if not activity:
        return None
    classes = [_class(number) for number in activity[-SLOTS:]]
    first = slot_of(at) - len(classes) + 1
    if not _FIRST < first < _LAST:
        return None
    slots = tuple(
        Slot(_EPOCH + (first + place) * SLOT, what) for place, what in enumerate(classes)
    )
    legend = tuple((what.name.lower(), name(what)) for what in ActivityClass)
    return Day(slots, slots[-1].begin + SLOT, legend, tuple(_stretches(slots, zone, name)))


def _class(number: int) -> ActivityClass:
    try:
        return ActivityClass(number)
    except ValueError:
        return ActivityClass.UNKNOWN


def _stretches(slots: tuple[Slot, ...], zone: tzinfo, name: Callable[[Enum], str]) -> list[str]:
    words: list[str] = []
    for what, group in groupby(slots, key=lambda slot: slot.what):
        run = list(group)
        begin = run[0].begin.astimezone(zone)
        end = (run[-1].begin + SLOT).astimezone(zone)
        words.append(f"{begin:%H:%M}\N{EN DASH}{end:%H:%M} {name(what)}")
    return words
