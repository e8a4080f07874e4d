"""What happens in a home that a device notices: one value of one phenomenon at one moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rules.inputs import Away
from rules.observation import DeviceId, Phenomenon, Value


class Scene(StrEnum):
    """A part of the day that is worth a line in the story."""

    WAKES = "wakes"
    BREAKFAST = "breakfast"
    GOES_OUT = "goes_out"
    COMES_HOME = "comes_home"
    LUNCH = "lunch"
    TELEVISION = "television"
    DINNER = "dinner"
    READS = "reads"
    GOES_TO_BED = "goes_to_bed"
    TOILET_AT_NIGHT = "toilet_at_night"


@dataclass(frozen=True, slots=True)
class Act:
    """One change at one device."""

    at: datetime
    device: DeviceId
    phenomenon: Phenomenon
    value: Value
    hand: datetime | None
    "When the person did what led to it: a kettle is switched on and ends by itself. None: nobody."
    scene: Scene | None = None
    "The part of the day that begins with it."


class PlightKind(StrEnum):
    """What became of the resident."""

    COLLAPSE = "collapse"
    "Lies and does nothing."
    FALL = "fall"
    "Lies, and still moves a little: `Plight.acts`."


@dataclass(frozen=True, slots=True)
class Plight:
    """From `at` on the resident needs help, and lives no day as planned until it comes."""

    at: datetime
    kind: PlightKind
    acts: tuple[Act, ...] = ()
    "What sensors still see of the person, by hand, in order of time; none of it after help came."


class SlowKind(StrEnum):
    """What goes wrong while life goes on."""

    WANDERING = "wandering"
    "Out of the house at night."
    LEFT_ON = "left_on"
    "A heater that nobody looks after."
    NOT_EATING = "not_eating"
    "Up and about for days, and nothing is cooked."
    DECLINE = "decline"
    "Weaker week by week, and not soon better."


@dataclass(frozen=True, slots=True)
class SlowHarm:
    """A slow harm begins at `at`, or with `ends` it is over; nobody need have noticed."""

    at: datetime
    kind: SlowKind
    device: DeviceId | None = None
    "That was left on."
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Announced:
    """Staff or the resident tell the gateway of an absence, or of its end."""

    at: datetime
    away: Away


Happening = Act | Plight | Announced | SlowHarm
"""What goes on in a home, whoever notices. A flood, smoke or a call for help is an `Act` of its
phenomenon; a plight takes away the acts by hand that would follow it."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A span in which the person's hands do nothing; `end` is None until it is known."""

    begin: datetime
    end: datetime | None = None

    def covers(self, moment: datetime) -> bool:
        return self.begin <= moment and (self.end is None or moment < self.end)


class Occupant(Protocol):
    """Who lives in a home: a simulated resident, or the people of a recording."""

    def acts(self) -> Iterator[Act]:
        """All that happens, in order of time; drawn as it is asked for."""

    def at_home(self, moment: datetime) -> bool:
        """Whether a prompt would be heard. Asked for moments near the last act drawn."""

    def next_by_hand(self, moment: datetime) -> datetime | None:
        """When the person next does something after `moment`; None if nobody can say."""
