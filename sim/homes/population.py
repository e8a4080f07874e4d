"""Homes drawn from a seed, by the name of a population: who lives there, and among what devices.

Each purpose has a `Random` of its own, seeded by the seed, the home's number and the purpose's
name, so that one more draw for a device is no other life.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone, tzinfo
from random import Random

from rules.device import EvidenceRole
from rules.errors import ConfigError, phrase
from rules.rulebook import PRESETS, Evidence, Preset, Rulebook
from sim.homes import flat, names
from sim.homes.act import Act, Happening
from sim.homes.character import Character, character, steady
from sim.homes.draw import weighted
from sim.homes.dwelling import (
    ROOMS,
    Fitted,
    Installed,
    Rooms,
    appliances,
    dwelling,
    install,
    node,
)
from sim.homes.flat import Kind
from sim.homes.harm import NONE, Rates
from sim.homes.life import Life, Nature
from sim.homes.machines import Walls

ZONE: tzinfo = timezone(timedelta(hours=9))
"Asia/Seoul has had no daylight saving since 1988."


@dataclass(frozen=True, slots=True)
class _Population:
    """What homes of one name have in common; chances are 0 to 1."""

    rooms: float = 1.0
    "Chance of a full home; otherwise plugs alone."
    two: float = 0.0
    pet: float = 0.0
    cellar: float = 0.0
    "Semi-basement: less light, and floods."
    perils: float = 1.0
    "So many times as much happens to people as truly does."
    visits: float | None = None
    "Visitors in a week; None: as each person has them."
    cared: bool = False
    "A carer comes on every weekday."
    wanders: float | None = None
    "Nights in a year in which somebody goes out; None: as each person does."
    fails: bool = False
    "Forgets the heater, eats nothing for days, grows weaker for months."
    preset: Preset | None = None
    "What an installer would choose; None: by risk group."


_MISTAKEN = "mistaken"
"Plugs alone, and machines among them, which an installer took for what a hand switches."
_POPULATIONS = {
    "mixed": _Population(rooms=0.55, two=0.1, pet=0.12, cellar=0.1),
    "rooms": _Population(),
    "plugs": _Population(rooms=0.0),
    "semi-basement": _Population(cellar=1.0),
    "two": _Population(two=1.0),
    "pet": _Population(pet=1.0),
    "visited": _Population(visits=6.0),
    "carer": _Population(cared=True, preset=Preset.LIVING_ALONE_WITH_CARER),
    "dementia": _Population(wanders=30.0, preset=Preset.LIVING_ALONE_DEMENTIA),
    "failing": _Population(wanders=12.0, fails=True, preset=Preset.LIVING_ALONE_DEMENTIA),
    _MISTAKEN: _Population(rooms=0.0),
    "perilous": _Population(perils=100.0),
    "perilous-pet": _Population(pet=1.0, perils=100.0),
}
DEMO = "demo"
"One steady person among fourteen devices, to whom nothing ever happens."
POPULATIONS = (*_POPULATIONS, DEMO)
"What `population` may be."

_SECOND_BEDROOM = {"ko": "작은방", "en": "second bedroom"}
_FLOODS = 2.0
_WEEKDAYS = (True,) * 5 + (False,) * 2
_RESTLESS = 1.2
_CARED_MIN = 170.0
"Long-term care pays three hours a day at most."


@dataclass(slots=True)
class SimulatedHome:
    """A home and all that will happen in it."""

    number: int
    gateway: str
    preset: Preset
    book: Rulebook
    "The preset, and that an animal lives there."
    zone: tzinfo
    installed: tuple[Installed, ...]
    "With what they read at `start`."
    nature: Nature
    start: datetime
    seed: str
    _life: Life = field(init=False)

    def __post_init__(self) -> None:
        """Live until the start, and leave the devices as they stand then."""
        for _ in self._begin():
            break

    def happenings(self) -> Iterator[Happening]:
        """From `start` on, in order of `at`, endless; a fresh and equal life at each call."""
        return self._begin()

    def at_home(self, moment: datetime) -> bool:
        """Whether a prompt would be heard. Asked for moments near the last happening drawn."""
        return self._life.at_home(moment)

    def _begin(self) -> Iterator[Happening]:
        devices = [one.device for one in self.installed]
        self._life = Life(self.seed, self.nature, devices, self.start, self.zone)
        return self._from_start(self._life.happenings())

    def _from_start(self, happenings: Iterator[Happening]) -> Iterator[Happening]:
        before: list[Act] = []
        for happening in happenings:
            if happening.at >= self.start:
                self.installed = _as_left(self.installed, before)
                yield happening
                break
            if isinstance(happening, Act):
                before.append(happening)
        yield from happenings


def home(
    seed: int, number: int, start: datetime, population: str = "mixed", language: str = "ko"
) -> SimulatedHome:
    """The home of that number, from 1.

    Args:
        seed: of the run.
        number: of the home: another number is another home of the same population.
        start: aware; the beginning of its life as far as anybody looks.
        population: one of `POPULATIONS`.
        language: of its rooms' names, `ko` or `en`.

    Raises:
        ConfigError: there is no such population.

    """
    if population not in POPULATIONS:
        right = phrase("write one of {names}", names=", ".join(POPULATIONS))
        raise ConfigError("population", repr(population), right)
    own = f"{seed}/{number}"
    random = Random(f"{own}/people")
    if population == DEMO:
        kind, preset = Kind.QUIET, Preset.LIVING_ALONE_HIGH_RISK
        nature = Nature((steady(),), Walls(22.0, 3.0, cooled=False), NONE)
    else:
        kind, preset, nature = _draw(random, _POPULATIONS[population])
    devices = Random(f"{own}/devices")
    rooms = ROOMS[language]
    if kind is Kind.QUIET:
        installed = dwelling(devices, rooms)
    else:
        fitted = _fitted(devices, kind, rooms, nature, _SECOND_BEDROOM[language])
        if population == _MISTAKEN:
            fitted = _mistaken(fitted, rooms)
        installed = tuple(install(devices, fitted))
    return SimulatedHome(
        number=number,
        gateway=f"sim-{number:04}",
        preset=preset,
        book=replace(PRESETS[preset], evidence=Evidence(pet=nature.pet)),
        zone=ZONE,
        installed=installed,
        nature=nature,
        start=start,
        seed=own,
    )


def _draw(random: Random, population: _Population) -> tuple[Kind, Preset, Nature]:
    kind = Kind.ROOMS if random.random() < population.rooms else Kind.PLUGS
    is_two = random.random() < population.two
    has_pet = random.random() < population.pet
    is_cellar = random.random() < population.cellar
    people: tuple[Character, ...] = (_alone(random, population),)
    if is_two:
        people = (*people, character(random, carer=False))
    walls = Walls(random.uniform(19.5, 23.5), random.uniform(2.0, 4.5), random.random() < 0.6)
    rates = Rates().times(population.perils)
    preset = weighted(random, ((0.7, Preset.LIVING_ALONE), (0.3, Preset.LIVING_ALONE_HIGH_RISK)))
    if has_pet and preset is Preset.LIVING_ALONE:
        # The installer asks; to other kinds of homes the setting is added.
        preset = Preset.LIVING_ALONE_WITH_PET
    if is_cellar:
        rates, preset = replace(rates, floods=_FLOODS), Preset.SEMI_BASEMENT
        walls = replace(walls, gains_c=1.0)
    if is_two:
        preset = Preset.TWO_RESIDENTS
    if population.preset is not None:
        preset = population.preset
    return kind, preset, Nature(people, walls, rates, has_pet)


def _alone(random: Random, population: _Population) -> Character:
    person = character(random, carer=True if population.cared else None)
    if population.cared:
        person = replace(person, carer=_WEEKDAYS, carer_min=_CARED_MIN)
    if population.visits is not None:
        person = replace(person, visits=population.visits)
    if population.wanders is not None:
        # Who sleeps through does not go out.
        nights = max(person.nights, _RESTLESS)
        person = replace(person, wanders=population.wanders, nights=nights)
    if population.fails:
        person = replace(person, heats=0.15, forgets=0.15, fasts=3.0, declines=1.0)
    return person


def _fitted(random: Random, kind: Kind, rooms: Rooms, nature: Nature, second: str) -> list[Fitted]:
    """The devices, in an order of their own."""
    chosen = {names.KETTLE, names.RICE_COOKER, names.TELEVISION, names.FRIDGE}
    more = [names.MICROWAVE, names.BLANKET, names.WASHING_MACHINE, names.FAN]
    if nature.walls.cooled:
        more.append(names.AIR_CONDITIONER)
    if kind is Kind.PLUGS:
        chosen.discard(names.FRIDGE if random.random() < 0.6 else names.RICE_COOKER)
        chosen.update(random.sample(more, random.randrange(5)))
        return [*appliances(rooms, chosen), node(rooms)]
    chosen.update(random.sample(more, random.randrange(2, 4)))
    if nature.people[0].heats:
        chosen.add(names.HEATER)
    fitted = [*appliances(rooms, chosen), node(rooms), *flat.everywhere(rooms)]
    if len(nature.people) > 1:
        fitted.append(flat.second_bedroom(second))
    return fitted


def _mistaken(fitted: list[Fitted], rooms: Rooms) -> list[Fitted]:
    """The devices, and the machines, all as if a hand switched them."""
    there = {device.id for device, _ in fitted}
    chosen = {names.FRIDGE, names.BLANKET, names.URN, names.PORCH_LAMP} - there
    return [
        (replace(device, evidence=EvidenceRole.HAND), readings)
        for device, readings in (*fitted, *appliances(rooms, chosen))
    ]


def _as_left(installed: tuple[Installed, ...], acts: list[Act]) -> tuple[Installed, ...]:
    """The devices, reading what the acts left them at; presses leave nothing."""
    last = {(act.device, act.phenomenon): act.value for act in acts}
    if not last:
        return installed

    def left(one: Installed) -> Installed:
        name = one.device.id
        readings = tuple((what, last.get((name, what), value)) for what, value in one.readings)
        return replace(one, readings=readings)

    return tuple(left(one) for one in installed)
