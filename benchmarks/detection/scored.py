"""What goes to a worker and what comes back."""

from dataclasses import dataclass, field

from benchmarks.detection.asked import Asked, Budget, Method
from benchmarks.detection.record import Counts, Record
from benchmarks.detection.rivals import Prior
from sim.replay.fleet import Drawn, FromFile

CLEAN, OUTAGE = "clean", "outage"
"Streams, beside those of `Noise`."

Home = FromFile | Drawn
Key = tuple[Method, Budget]


@dataclass(frozen=True, slots=True)
class Failed:
    """A home that cannot be read, and why: the parts of a `ConfigError`, in English."""

    where: str
    found: str
    right: str


@dataclass(frozen=True, slots=True)
class Part:
    """One stream of one home, to be scored."""

    home: Home
    record: Record
    is_outage: bool
    asked: Asked
    prior: Prior


@dataclass(slots=True)
class Scored:
    """One method at one budget on one home."""

    delays: dict[str, list[float]] = field(default_factory=dict)
    "Seconds by stream, in the order of the moments; NaN where the alarm was out already."
    counts: Counts = field(default_factory=Counts)
    outage_counts: Counts = field(default_factory=Counts)
    "Of the outage stream."
    prompts: int = 0
    unanswered: int = 0

    def add(self, other: "Scored") -> None:
        """Take in what another stream of the same home gave."""
        self.delays |= other.delays
        self.counts += other.counts
        self.outage_counts += other.outage_counts
        self.prompts += other.prompts
        self.unanswered += other.unanswered
