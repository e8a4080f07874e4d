"""Homes drawn from a seed, by the name of a population: who lives there, and among what devices.

Each purpose has a `Random` of its own, seeded by the seed, the home's number and its name, so that
one more draw for a device is no other life.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from heapq import merge
from random import Random

from rules.errors import ConfigError
from rules.rulebook import PRESETS, Preset, Rulebook
from sim.homes import flat, names
from sim.homes.act import Act, Happening
from sim.homes.dwelling import ROOMS, Installed, install
from sim.homes.resident import Resident, fridge_cycles, spurious_pairs

ZONE: tzinfo = timezone(timedelta(hours=9))
"Asia/Seoul has had no daylight saving since 1988."

POPULATIONS = ("mixed", "rooms", "plugs", "semi-basement", "two", "pet", "demo")
"What `population` may be."

_DAY = timedelta(days=1)


@dataclass(slots=True)
class SimulatedHome:
    """A home and all that will happen in it."""

    number: int
    gateway: str
    preset: Preset
    book: Rulebook
    zone: tzinfo
    installed: tuple[Installed, ...]
    start: datetime
    seed: int
    _resident: Resident | None = None

    def happenings(self) -> Iterator[Happening]:
        """From `start` on, in order of `at`, endless; a fresh and equal life at each call."""
        random = Random(f"{self.seed}/{self.number}/people")
        resident = Resident(random, self.zone, (self.start - _DAY).astimezone(self.zone).date())
        start = self.start.astimezone(UTC)
        fridge = fridge_cycles(Random(random.random()), start)
        motion = [names.LIVING_MOTION, names.BEDROOM_MOTION, names.BATHROOM_MOTION]
        spurious = spurious_pairs(Random(random.random()), start, motion)
        self._resident = resident
        streams: list[Iterator[Act]] = [resident.acts(), fridge, spurious]
        return (act for act in merge(*streams, key=lambda act: act.at) if act.at >= self.start)

    def at_home(self, moment: datetime) -> bool:
        """Whether a prompt would be heard. Asked for moments near the last happening drawn."""
        return self._resident is None or self._resident.at_home(moment)


def home(seed: int, number: int, start: datetime, population: str = "mixed") -> SimulatedHome:
    """The home of that number, from 1.

    Args:
        seed: of the run.
        number: of the home: another number is another home of the same population.
        start: aware; the beginning of its life as far as anybody looks.
        population: one of `POPULATIONS`.

    Raises:
        ConfigError: there is no such population.

    """
    if population not in POPULATIONS:
        right = f"write one of {', '.join(POPULATIONS)}"
        raise ConfigError("population", repr(population), right)
    random = Random(f"{seed}/{number}/devices")
    rooms = ROOMS["ko"]
    chosen = frozenset(
        {
            names.KETTLE,
            names.RICE_COOKER,
            names.TELEVISION,
            names.FRIDGE,
            names.BLANKET,
            names.WASHING_MACHINE,
        }
    )
    fitted = [*flat.appliances(rooms, chosen), flat.node(rooms), *flat.everywhere(rooms)]
    preset = Preset.LIVING_ALONE
    return SimulatedHome(
        number,
        f"sim-{number:04}",
        preset,
        PRESETS[preset],
        ZONE,
        tuple(install(random, fitted)),
        start,
        seed,
    )
