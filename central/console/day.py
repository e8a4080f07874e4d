"""The day before an alarm, as a strip of half hours and in words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from itertools import groupby

from rules.activity import SLOT, SLOTS, ActivityClass, slot_of
from rules.codec import moment_at

_EPOCH = moment_at(0)


@dataclass(frozen=True, slots=True)
class Slot:
    """One half hour of the strip."""

    begin: datetime
    "In the reader's zone."
    what: ActivityClass

    @property
    def looks(self) -> str:
        """Name of its look in the style sheet."""
        return self.what.name.lower()

    @property
    def mark(self) -> str:
        """The hour to write under it: every third one, else nothing."""
        if self.begin.minute or self.begin.hour % 3:
            return ""
        return str(self.begin.hour)

    @property
    def sixth(self) -> bool:
        """Whether its mark is written on a narrow screen as well."""
        return self.begin.hour % 6 == 0


@dataclass(frozen=True, slots=True)
class Day:
    """The strip, its legend, and the same in words."""

    slots: tuple[Slot, ...]
    legend: tuple[tuple[str, str], ...]
    stretches: tuple[str, ...]


def day_of(activity: bytes, at: datetime, zone: tzinfo, name: Callable[[Enum], str]) -> Day | None:
    """The day up to `at`, None when the record carried none.

    A class that this program does not know (a newer gateway) is shown as unknown.
    """
    if not activity:
        return None
    classes = [_class(number) for number in activity[-SLOTS:]]
    first = slot_of(at) - len(classes) + 1
    slots = tuple(
        Slot((_EPOCH + (first + place) * SLOT).astimezone(zone), what)
        for place, what in enumerate(classes)
    )
    legend = tuple((what.name.lower(), name(what)) for what in ActivityClass)
    return Day(slots, legend, tuple(_stretches(slots, name)))


def _class(number: int) -> ActivityClass:
    try:
        return ActivityClass(number)
    except ValueError:
        return ActivityClass.UNKNOWN


def _stretches(slots: tuple[Slot, ...], name: Callable[[Enum], str]) -> list[str]:
    words: list[str] = []
    for what, group in groupby(slots, key=lambda slot: slot.what):
        run = list(group)
        end = run[-1].begin + timedelta(minutes=30)
        words.append(f"{run[0].begin:%H:%M}\N{EN DASH}{end:%H:%M} {name(what)}")
    return words
