"""A home and who lives in it, from a seed: the launcher enrols it, the home process plays it.

Both make it from the same arguments, so that no key travels between them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from rules.observation import Phenomenon
from sim.homes.act import Act, Occupant
from sim.homes.dwelling import MOTION_SENSORS, ROOMS, Installed, dwelling, install
from sim.homes.resident import Resident, fridge_cycles, spurious_pairs
from sim.recordings.node import asking_node
from sim.recordings.recorded import Survey, survey
from sim.recordings.recording import Recording
from texts import Language

SITE_ZONE = ZoneInfo("Asia/Seoul")
RECORDED_ZONE = timezone(timedelta(hours=9))
"Recordings have local time without zone: taken for the site's, without daylight saving."

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Household:
    """What the virtual home is made of."""

    installed: tuple[Installed, ...]
    occupant: Occupant
    machines: tuple[Iterator[Act], ...]


def simulated(random: Random, start: datetime, language: Language) -> Household:
    """One person in a flat with fourteen devices, from the evening before `start` on."""
    installed = dwelling(random, ROOMS[language.value])
    local = start.astimezone(SITE_ZONE)
    # A day earlier, so that what was switched on before the start is on.
    resident = Resident(random, SITE_ZONE, local.date() - _DAY)
    machines = (
        fridge_cycles(Random(random.random()), start),
        spurious_pairs(Random(random.random()), start, list(MOTION_SENSORS)),
    )
    return Household(installed, resident, machines)


def recorded(random: Random, path: Path, found: Survey, language: Language) -> Household:
    """The people and sensors of a recording, and a node of ours that can ask them.

    Raises:
        ConfigError: a malformed line.

    """
    recording = Recording(path, RECORDED_ZONE, found, random)
    room = ROOMS[language.value].living
    taken = {one.device.id for one in recording.installed}
    ours = install(random, [(asking_node(taken, room), ((Phenomenon.POWER_W, 0.0),))])
    return Household((*recording.installed, *ours), recording, ())


def household(seed: int, start: datetime, language: Language, path: Path | None) -> Household:
    """The home of a run.

    Raises:
        ConfigError: the recording at `path` cannot be read.

    """
    random = Random(seed)
    if path is None:
        return simulated(random, start, language)
    return recorded(random, path, survey(path, RECORDED_ZONE), language)
