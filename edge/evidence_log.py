"""What rules can learn from and be tried on: 90 days of a home's evidence, kept in the home.

Fed with everything that is decided; writes a line for what says something new. It never fails, and
nothing waits for it: lines that the disk does not take are counted and dropped.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from edge.evidence_debounce import Debounce
from edge.evidence_files import EvidenceFiles
from edge.evidence_line import Evidence, Missed, encode, moment, written
from edge.happening import Happening
from rules.device import Device, Liveness
from rules.events import (
    AlarmMoved,
    AwayBegan,
    AwayEnded,
    CaseClosed,
    CaseTaken,
    DevicesChanged,
    Escalated,
    LifeSeen,
    LivenessChanged,
    Started,
    Switched,
    TimeMoved,
    Updated,
)
from rules.observation import DeviceId, Observation

KEPT = timedelta(days=90)
WRITTEN_AFTER = timedelta(seconds=60)
"The most evidence that a kill can cost."
_BYTES_AT_ONCE = 64 * 1024
"Sooner, where so much has come."
_BYTES_MAX = 1024 * 1024
_FILE_LASTS = timedelta(days=1)
"So evidence is a day older at most than it may be when it is deleted."
_FACTS = (
    LivenessChanged,
    DevicesChanged,
    Started,
    TimeMoved,
    AwayBegan,
    AwayEnded,
    AlarmMoved,
    Escalated,
    Updated,
    CaseTaken,
    CaseClosed,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds when a file begins: without it the file could not be read by itself."""

    devices: tuple[Device, ...]
    trusted: bool
    silent: Mapping[DeviceId, Liveness] = field(default_factory=dict)
    "Devices that are not live."


class EvidenceLog:
    """The evidence of one home."""

    def __init__(self, files: EvidenceFiles, standing: Callable[[], Standing]) -> None:
        self._files = files
        self._standing = standing
        self._debounce = Debounce()
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._stood: list[Evidence] = []
        "What held when the first of these lines came."
        self._due: datetime | None = None
        "When they are written."
        self._looked = False
        "Whether an earlier run's newest file was looked at."
        self._began: datetime | None = None
        "When the file was; None before the first."
        self._headless = False
        "What held at its beginning does not stand in it yet."
        self._pruned = False
        self._failing = False
        self.missed = 0
        "Lines that were dropped and that no line tells of yet."

    def tell(self, happening: Happening) -> None:
        """Take in what was decided."""
        if isinstance(happening, Observation):
            for seen in self._debounce.worth(happening):
                self._keep(seen)
        elif isinstance(happening, Switched):
            # A cooker that only keeps warm from now on changed nothing else that rules look at.
            for seen in self._debounce.switched(happening.device):
                self._keep(seen)
        elif isinstance(happening, _FACTS):
            if isinstance(happening, TimeMoved):
                # By the clock of before, what was logged last may lie ahead.
                self._debounce.forget()
            self._keep(happening)
            if isinstance(happening, Escalated):
                # What is to be looked into shall outlive whatever happens next.
                self.write(happening.at)
        elif isinstance(happening, LifeSeen) and not happening.at_home:
            self._keep(happening)

    def tend(self, now: datetime) -> None:
        """Write what waits, if it is time to: to be called after each decision."""
        if self._due is None:
            return
        # A clock that was set back must not put it off.
        early = self._due - WRITTEN_AFTER <= now < self._due
        if not early or self._bytes >= _BYTES_AT_ONCE:
            self.write(now)

    def write(self, now: datetime) -> None:
        """Write what waits."""
        waiting, stood = self._waiting, self._stood
        if not waiting:
            return
        self._waiting, self._stood, self._bytes, self._due = [], [], 0, None
        try:
            self._turn_over(now)
            head = list(map(_line, stood)) if self._headless else []
            told = [_line(Missed(now, self.missed))] if self.missed else []
            self._files.append([*head, *told, *waiting])
        except OSError as error:
            if not self._failing:
                _log.warning("the evidence log cannot be written: %s", error.strerror or error)
            self._failing = True
            self.missed += len(waiting)
            return
        if self.missed:
            _log.warning("the evidence log is written again; %d lines are missing", self.missed)
        self._failing = self._headless = False
        self.missed = 0
        if not self._pruned and self._standing().trusted:
            self._files.prune(now - KEPT)
            self._pruned = True

    def _keep(self, evidence: Evidence) -> None:
        if self._bytes >= _BYTES_MAX:
            self.missed += 1
            return
        if not self._waiting:
            at, standing = moment(evidence), self._standing()
            self._stood = [
                DevicesChanged(at, standing.devices),
                TimeMoved(at, standing.trusted, "", timedelta()),
                *(LivenessChanged(at, device, how) for device, how in standing.silent.items()),
            ]
            self._due = at + WRITTEN_AFTER
        line = _line(evidence)
        self._waiting.append(line)
        self._bytes += len(line)

    def _turn_over(self, now: datetime) -> None:
        """Begin a new file where there is none, or the old one is full or a day old.

        Raises:
            OSError: the disk does not let it be made.

        """
        if not self._looked:
            self._began = self._files.go_on()
            self._looked = True
        if self._began is not None:
            self._began = min(self._began, now)
        if self._began is None or self._files.full or now - self._began >= _FILE_LASTS:
            self._files.begin()
            if self._began is not None:
                # So that each file says by itself what everything was at.
                self._debounce.forget()
            self._began, self._headless, self._pruned = now, True, False


def _line(evidence: Evidence) -> bytes:
    return written(encode(evidence))
