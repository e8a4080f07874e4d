"""A body in a flat: where it goes, what it touches, and which sensors see that.

Everything is noted by the hand of its own moment. Time is whole milliseconds of the ledger.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from random import Random

from rules.observation import DeviceId, Phenomenon
from sim.homes import names
from sim.homes.act import Scene, SlowHarm, SlowKind
from sim.homes.draw import exponential
from sim.homes.ledger import MINUTE, SECOND, Ledger


class Room(Enum):
    """Where one can be, and the motion sensor there."""

    LIVING = names.LIVING_MOTION
    KITCHEN = names.KITCHEN_MOTION
    BEDROOM = names.BEDROOM_MOTION
    BATHROOM = names.BATHROOM_MOTION
    HALL = names.HALL_MOTION


FOREVER = 1 << 62

_BEHIND_HALL = frozenset({Room.BEDROOM, Room.BATHROOM})
_ABSENCES = 40


@dataclass(frozen=True, slots=True)
class Build:
    """What of a body the sensors notice."""

    slowness: float
    stillness: float
    "Minutes between two movements of somebody who sits."
    bedroom: DeviceId = names.BEDROOM_MOTION
    on_mats: bool = True
    "Whether the mats lie where this person sits and sleeps."


class Body:
    """One person, moving."""

    def __init__(self, random: Random, ledger: Ledger, build: Build) -> None:
        self.random = random
        self.ledger = ledger
        self.at = 0
        "The present moment of this body."
        self.room = Room.BEDROOM
        self.absences: deque[tuple[int, int]] = deque(maxlen=_ABSENCES)
        "Out of the home from, until; `FOREVER` while the return is not known."
        self._build = build
        self._shuts = {
            Room.BATHROOM: names.BATHROOM_DOOR if random.random() < 0.7 else None,
            Room.BEDROOM: names.BEDROOM_DOOR if random.random() < 0.3 else None,
        }
        "Doors that this person shuts behind, going in and going out."

    # ------------------------------------------------------------------------------------ moving

    def wait(self, low_s: float, high_s: float) -> None:
        """Let so many seconds pass."""
        self.at += int((low_s + (high_s - low_s) * self.random.random()) * SECOND)

    def sees(self, room: Room, scene: Scene | None = None) -> None:
        """The sensor of a room sees the body."""
        sensor = self._build.bedroom if room is Room.BEDROOM else room.value
        self.ledger.hit(self.at, sensor, self.at, scene)

    def walk(self, room: Room, scene: Scene | None = None) -> None:
        """Go to a room, through the hall where it lies between."""
        if room is self.room:
            self.sees(room, scene)
            return
        self._pass_door(self.room)
        slow = self._build.slowness
        self.wait(2 * slow, 6 * slow)
        if self.room in _BEHIND_HALL or room in _BEHIND_HALL or room is Room.HALL:
            self.sees(Room.HALL)
            self.wait(2 * slow, 6 * slow)
        self.room = room
        self._pass_door(room)
        self.sees(room, scene)

    def _pass_door(self, room: Room) -> None:
        door = self._shuts.get(room)
        if door is not None:
            self.touch(door, 2, 6)

    def touch(
        self, contact: DeviceId, low_s: float, high_s: float, scene: Scene | None = None
    ) -> None:
        """Open a door, a cupboard or the fridge, and shut it some seconds later."""
        opened = self.at
        self.ledger.act(opened, contact, Phenomenon.CONTACT_OPEN, True, opened, scene)  # noqa: FBT003 -- a value
        self.wait(low_s, high_s)
        self.ledger.act(self.at, contact, Phenomenon.CONTACT_OPEN, False, self.at)  # noqa: FBT003

    def busy(self, room: Room, minutes: float, every_s: float = 170.0) -> None:
        """Be up and doing something in a room."""
        self.walk(room)
        end = self.at + int(minutes * MINUTE)
        while True:
            self.at += SECOND + int(exponential(self.random, every_s) * SECOND)
            if self.at >= end:
                self.at = end
                return
            self.sees(room)

    def settle(self, mat: DeviceId, *, occupied: bool) -> None:
        """Sit or lie down, or get up again."""
        if self._build.on_mats:
            self.ledger.act(self.at, mat, Phenomenon.OCCUPANCY, occupied, self.at)

    def keep_still(self, until: int, mean_minutes: float | None = None) -> None:
        """Stay in the room until a moment; now and then a movement is seen."""
        mean = (self._build.stillness if mean_minutes is None else mean_minutes) * MINUTE
        while True:
            self.at += SECOND + int(exponential(self.random, mean))
            if self.at >= until:
                break
            self.sees(self.room)
        self.at = until

    def harmed(
        self, kind: SlowKind, device: DeviceId | None = None, *, ends: bool = False
    ) -> None:
        """Note that a slow harm begins now, or with `ends` that it is over."""
        moment = self.ledger.moment(self.at)
        self.ledger.put(self.at, SlowHarm(moment, kind, device, ends))

    # ------------------------------------------------------------------------------------ the door

    def leave(self, *, told: bool = True) -> None:
        """Go out by the front door."""
        self.walk(Room.HALL)
        if self.random.random() < 0.4:
            self.touch(names.SHOES, 4, 15)
        self.wait(5, 40)
        self.touch(names.FRONT_DOOR, 5, 16, Scene.GOES_OUT if told else None)
        self.absences.append((self.at, FOREVER))

    def come_home(self, at: int, *, told: bool = True) -> None:
        """Come in by the front door."""
        begin, _ = self.absences.pop()
        self.absences.append((begin, at))
        self.at = at
        self.room = Room.HALL
        self.touch(names.FRONT_DOOR, 5, 16, Scene.COMES_HOME if told else None)
        self.wait(1, 8)
        self.sees(Room.HALL)
        self.wait(5, 40)

    def is_home(self, at: int) -> bool:
        """Whether it is; of moments not far back."""
        return not any(begin <= at < end for begin, end in self.absences)


class Guest:
    """Somebody who comes for an hour: a visitor who sits, or a carer who works."""

    def __init__(self, random: Random, ledger: Ledger) -> None:
        self._body = Body(random, ledger, Build(1.0, 8.0, on_mats=False))

    def visit(self, at: int, until: int, *, works: bool) -> None:
        """Stay from `at` to `until`; the resident has opened the door."""
        body = self._body
        body.at, body.room = at, Room.HALL
        while until - body.at > 4 * MINUTE:
            if works:
                self._work(min(25, (until - body.at) / MINUTE - 2))
            else:
                body.walk(Room.LIVING)
                body.keep_still(min(until - 2 * MINUTE, body.at + 40 * MINUTE))
        body.walk(Room.HALL)
        body.touch(names.FRONT_DOOR, 5, 16)

    def _work(self, minutes: float) -> None:
        body = self._body
        room = body.random.choice((Room.KITCHEN, Room.KITCHEN, Room.LIVING, Room.BATHROOM))
        body.busy(room, minutes * (0.4 + 0.6 * body.random.random()), 60)
        if room is Room.KITCHEN:
            body.touch(names.FRIDGE_DOOR, 4, 20)
            body.touch(names.CUPBOARD, 3, 15)
