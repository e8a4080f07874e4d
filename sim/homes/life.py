"""The life of one home, day after day: its people, its machines, and the harm that comes to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from random import Random

from rules.device import Device
from rules.observation import Phenomenon
from sim.homes import names
from sim.homes.act import Happening
from sim.homes.appliances import Appliances
from sim.homes.body import Build, Guest
from sim.homes.character import Character
from sim.homes.course import Course
from sim.homes.days import Days
from sim.homes.harm import Harm, Rates
from sim.homes.ledger import DAY, HOUR, SECOND, Ledger
from sim.homes.light import Light
from sim.homes.machines import Fridge, Pet, Spurious, Timer, Urn, Walls, Warmth
from sim.homes.person import Person
from sim.homes.season import Sky

_HOLD_S = (45, 150)
"How long a home's motion sensors hold a motion: each maker has its own."
_ALONE = 20 * HOUR
"Who falls when the other is away for less than this is found by the other."


@dataclass(frozen=True, slots=True)
class Nature:
    """What a home is like, whatever is installed in it."""

    people: tuple[Character, ...]
    walls: Walls
    rates: Rates
    pet: bool = False


class Life:
    """One life, lived once; an equal one begins anew from the same arguments."""

    def __init__(
        self, seed: str, nature: Nature, devices: Sequence[Device], start: datetime, zone: tzinfo
    ) -> None:
        """Begin a day before `start`, so that at `start` things stand as they may.

        Args:
            seed: of this home; each of its parts draws from a `Random` of its own.
            nature: who lives there, and how.
            devices: what can notice it.
            start: what happens from here on is told.
            zone: of its clocks; without daylight saving.

        """
        self._first = start.astimezone(zone).date() - timedelta(days=1)
        self._base = datetime.combine(self._first, time(), zone).astimezone(UTC)

        def random(purpose: str) -> Random:
            return Random(f"{seed}/{purpose}")

        hold = random("sensors").randrange(*_HOLD_S) * SECOND
        ledger = self._ledger = Ledger(self._base, (device.id for device in devices), hold)
        appliances = Appliances(random("appliances"), ledger)
        light = self._light = Light(random("light"), ledger, appliances.lamp_w)
        self._sky = Sky(random("sky"), nature.rates.heat_waves)
        self._people: list[Person] = []
        self._days: list[Days] = []
        for number, character in enumerate(nature.people):
            first = number == 0
            bedroom = names.BEDROOM_MOTION if first else names.SECOND_MOTION
            build = Build(character.slowness, character.stillness, bedroom, on_mats=first)
            own = random(f"people/{number}")
            person = Person(own, character, ledger, appliances, light if first else None, build)
            course = Course(random(f"course/{number}"), character)
            guest = Guest(random(f"guests/{number}"), ledger)
            self._people.append(person)
            self._days.append(Days(person, course, ledger, guest))
        motion = [device.id for device in devices if Phenomenon.MOTION in device.phenomena]
        machines: list[Fridge | Urn | Timer | Warmth | Spurious | Pet] = [
            Fridge(random("fridge"), ledger),
            Urn(random("urn"), ledger),
            Timer(random("timer"), ledger),
            Warmth(random("warmth"), ledger, nature.walls),
            Spurious(random("spurious"), ledger, motion),
        ]
        if nature.pet:
            machines.append(Pet(random("pet"), ledger))
        self._machines = machines
        self._harm = Harm(f"{seed}/harm", nature.rates, ledger, self._is_home, self._is_alone)

    def happenings(self) -> Iterator[Happening]:
        """All from a day before the start on, in order of time, without end. To be asked once."""
        number = 0
        while True:
            yield from self._live(number)
            number += 1

    def at_home(self, moment: datetime) -> bool:
        """Whether anybody is at home; of moments near the last one drawn."""
        return self._is_home((moment - self._base) // timedelta(milliseconds=1))

    def _live(self, number: int) -> Iterator[Happening]:
        day = self._first + timedelta(days=number)
        midnight = number * DAY
        weather = self._sky.weather(day)
        cooking: list[int] = []
        for person, days in zip(self._people, self._days, strict=True):
            days.live(midnight, day.weekday(), weather)
            cooking += person.cooking
            person.cooking.clear()
        self._light.pass_day(midnight, weather)
        for machine in self._machines:
            machine.pass_day(midnight, weather)
        self._harm.pass_day(midnight, weather, cooking)
        return self._ledger.take(midnight + DAY)

    def _is_home(self, at: int) -> bool:
        return any(person.body.is_home(at) for person in self._people)

    def _is_alone(self, at: int) -> bool:
        """Whether everybody but one is away for long."""
        here = [
            person
            for person in self._people
            if not any(
                begin <= at < end and end - at >= _ALONE for begin, end in person.body.absences
            )
        ]
        return len(here) == 1
