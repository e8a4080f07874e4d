"""What the rig is to run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from sim.faults.fault import Fault
from sim.homes.population import SimulatedHome
from sim.rig.network import Network
from sim.world.run import START

SPEED: float = 600.0
SPEED_MAX: float = 3_600.0
_AROUND_S = 5.0
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """A run."""

    seed: int
    homes: tuple[SimulatedHome, ...]
    lasting: timedelta
    faults: tuple[Fault, ...] = ()
    speed: float = SPEED
    network: Network = Network.LOOPBACK
    "Never `auto` here."
    data: Path | None = None
    "Where to keep all files; None: nowhere."
    collapse: timedelta | None = None
    "When the resident of each home collapses, since the start; None: only as drawn by fate."
    calls_a_day: float = 0.0
    "How often the resident of each home presses for help."
    limits: tuple[timedelta, ...] = ()
    "Of inactivity, in place of the preset's; the homes' rulebooks have them already."
    start: datetime = START

    @property
    def end(self) -> datetime:
        return self.start + self.lasting


def drawn_collapse(seed: int, lasting: timedelta) -> timedelta:
    """When it is if nobody says: in the second quarter, so that there is time to find it."""
    share = 0.25 + 0.25 * Random(f"{seed}/collapse").random()
    return lasting * share // timedelta(seconds=1) * timedelta(seconds=1)


def drawn_calls(plan: Plan, home: int) -> list[datetime]:
    """When the resident presses for help: half of it just as something begins to go wrong."""
    random = Random(f"{plan.seed}/{home}/calls")
    days = plan.lasting / timedelta(days=1)
    wrong = [fault.begin for fault in plan.faults if fault.home in (None, home)]
    calls = []
    for _ in range(round(plan.calls_a_day * days)):
        anywhere, near, which = random.random(), random.random(), random.random()
        moment = plan.lasting * anywhere
        if wrong and near < 0.5:
            around = timedelta(seconds=2 * _AROUND_S * random.random() - _AROUND_S)
            moment = wrong[int(which * len(wrong))] + around
        calls.append(plan.start + moment // _MS * _MS)
    return sorted(calls)
