"""A home and who lives in it, from a seed: the launcher enrols it, the home process plays it.

Both make it from the same arguments, so that no key travels between them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from rules.observation import Phenomenon
from sim.homes.act import Occupant
from sim.homes.dwelling import ROOMS, Installed, install
from sim.homes.inhabitants import Inhabitants
from sim.homes.population import DEMO, home
from sim.recordings.node import asking_node
from sim.recordings.recorded import Survey, survey
from sim.recordings.recording import Recording
from texts import Language

SITE_ZONE = ZoneInfo("Asia/Seoul")
RECORDED_ZONE = timezone(timedelta(hours=9))
"Recordings have local time without zone: taken for the site's, without daylight saving."


@dataclass(frozen=True, slots=True)
class Household:
    """What the virtual home is made of."""

    installed: tuple[Installed, ...]
    occupant: Occupant


def simulated(seed: int, start: datetime, language: Language) -> Household:
    """One person in a flat with fourteen devices, from `start` on."""
    flat = home(seed, 1, start, DEMO, language.value)
    return Household(flat.installed, Inhabitants(flat))


def recorded(random: Random, path: Path, found: Survey, language: Language) -> Household:
    """The people and sensors of a recording, and a node of ours that can ask them.

    Raises:
        ConfigError: a malformed line.

    """
    recording = Recording(path, RECORDED_ZONE, found, random)
    room = ROOMS[language.value].living
    taken = {one.device.id for one in recording.installed}
    ours = install(random, [(asking_node(taken, room), ((Phenomenon.POWER_W, 0.0),))])
    return Household((*recording.installed, *ours), recording)


def household(seed: int, start: datetime, language: Language, path: Path | None) -> Household:
    """The home of a run.

    Raises:
        ConfigError: the recording at `path` cannot be read.

    """
    if path is None:
        return simulated(seed, start, language)
    return recorded(Random(seed), path, survey(path, RECORDED_ZONE), language)
