"""What a run of the rig tells while it goes on and when it is over."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from rules.errors import phrase
from sim.check.violation import Violation
from sim.processes.children import Died
from sim.rig.network import Network
from sim.rig.site import Site
from sim.world.chronicle import Chronicle

ENDS = "ends-when-told"
"A process ends within seconds of being told to."


class ProcessDied(Exception):  # noqa: N818 -- names what happened
    """A process of the rig ended by itself."""

    def __init__(self, died: Died) -> None:
        super().__init__(f"{died.name} ended by itself (status {died.status})")
        self.died = died


class Stopped(Exception):  # noqa: N818 -- names what happened
    """Somebody wants the run to end."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    now: datetime
    rate: float
    up: int
    down: int
    escalations: int
    kills: int


@dataclass(slots=True)
class Tally:
    """What was done to the processes, and how they did."""

    network: Network
    kills: int = 0
    starts: int = 0
    "Of gateways."
    frames: int = 0
    unanswered: int = 0
    "Frames of which nothing was heard within a quarter of a real second."
    datagrams_lost: int = 0
    "By the bad network; what namespaces lose is not among them."
    latency_ms: tuple[float, float] = (0.0, 0.0)
    "Real time from a frame to its decision: the median, and what 99 % do not exceed."
    urgent_ms: float | None = None
    "The slowest hazard or call for help; None if there was none."
    refused: list[str] = field(default_factory=list)
    "What was to be done to a process and could not be."

    def add(self, sites: Iterable[Site]) -> None:
        """Add up what the homes say."""
        took: list[float] = []
        urgent: list[float] = []
        for site in sites:
            self.kills += site.pair.kills
            self.starts += site.pair.starts
            self.frames += len(site.latencies_s)
            self.unanswered += site.unanswered
            self.datagrams_lost += site.way.net.counts.lost
            self.refused += site.pair.missed
            took += site.latencies_s
            urgent += site.urgent_s
        if took:
            took.sort()
            median, most = took[len(took) // 2], took[len(took) * 99 // 100]
            self.latency_ms = (round(median * 1e3, 2), round(most * 1e3, 2))
        self.urgent_ms = round(max(urgent) * 1e3, 2) if urgent else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    chronicle: Chronicle
    tally: Tally
    violations: tuple[Violation, ...]
    "Of promises that only real processes can break."


def violations(sites: Iterable[Site], now: datetime) -> tuple[Violation, ...]:
    """What the homes' processes did that no checker of chronicles can know."""
    found: list[Violation] = []
    for site in sites:
        found += site.end.violations
        for name in site.pair.stubborn:
            what = phrase("{name} did not end when it was told to, and was killed.", name=name)
            found.append(Violation(ENDS, site.home.number, now, what))
    return tuple(found)
