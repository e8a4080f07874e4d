"""One device's side of the air in a simulated home: what it reads, and what is wrong with it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from sim.faults.bits import Spoiler
from sim.faults.fault import Fault, FaultKind
from sim.faults.sensing import Values, silent, told
from sim.homes.dwelling import Installed

NEVER: Final = datetime.max.replace(tzinfo=UTC)
STEPS: Final = 64
"Intervals to draw from, made once: a year has a million reports."

_MS: Final = timedelta(milliseconds=1)
_REPORT_EARLY: Final = 0.93
"A device reports a little more often than its contract asks."
_JITTER: Final = (0.98, 1.02)

_SILENCING: Final = frozenset({FaultKind.DEAD_SENSOR, FaultKind.RADIO_STUCK, FaultKind.RADIO_LOST})


class Acting(NamedTuple):
    """A fault at one device."""

    fault: Fault
    begin: datetime
    end: datetime
    key: int


class Station:
    """One device, what it reads, and what is wrong with it now."""

    __slots__ = (
        "_coming",
        "_kinds",
        "acting",
        "changes",
        "device",
        "frozen",
        "id",
        "losses",
        "readings",
        "spoiler",
        "steps",
    )

    def __init__(self, installed: Installed, faults: list[Acting]) -> None:
        self.device = installed.device
        self.id = installed.device.id
        self.readings = dict(installed.readings)
        self.spoiler = Spoiler(installed)
        self.acting: tuple[Acting, ...] = ()
        self.losses: tuple[tuple[int, float], ...] | None = ()
        "Key and share, where nothing is wrong but that frames are lost; None: more is."
        self.frozen: Values | None = None
        "What a stuck sensor says."
        self._kinds: dict[FaultKind, list[Acting]] = {}
        self._coming = sorted(faults, key=lambda one: one.begin, reverse=True)
        self.changes = self._coming[-1].begin if self._coming else NEVER
        "When something begins or ends to be wrong."
        self.steps = _steps(installed.device.report_every)

    def look(self, at: datetime) -> None:
        """Find out what is wrong with it at `at`."""
        acting = list(self.acting)
        while self._coming and self._coming[-1].begin <= at:
            acting.append(self._coming.pop())
        self.acting = tuple(one for one in acting if one.end > at)
        ends = [one.end for one in self.acting]
        self.changes = min(ends + [one.begin for one in self._coming[-1:]], default=NEVER)
        kinds: dict[FaultKind, list[Acting]] = {}
        for one in self.acting:
            kinds.setdefault(one.fault.kind, []).append(one)
        self._kinds = kinds
        if FaultKind.STUCK_SENSOR not in kinds:
            self.frozen = None
        elif self.frozen is None:
            self.frozen = tuple(self.readings.items())
        self.losses = None
        if kinds.keys() <= {FaultKind.FRAME_LOSS}:
            self.losses = tuple((one.key, one.fault.amount) for one in self.acting)

    def mute(self, at: datetime) -> bool:
        """Whether nothing of it can be heard, nor can it hear."""
        if not _SILENCING.isdisjoint(self._kinds):
            return True
        dying = self.of(FaultKind.DYING_SENSOR)
        return bool(dying) and any(silent(one.fault, at - one.begin) for one in dying)

    def told(self, at: datetime, values: Values) -> Values:
        """What it says where it should say `values`: drift and a weak battery."""
        drifting = self.of(FaultKind.DRIFTING_SENSOR) if self.frozen is None else ()
        sensing = (*drifting, *self.of(FaultKind.BATTERY_SAG))
        if not sensing:
            return values
        return told(values, at, [(one.fault, one.begin) for one in sensing])

    def of(self, kind: FaultKind) -> Sequence[Acting]:
        """The faults of one kind that are there now."""
        return self._kinds.get(kind, ())


def _steps(every: timedelta) -> list[timedelta]:
    """Intervals between reports, in whole milliseconds."""
    low, high = _JITTER
    every_ms = every // _MS
    return [
        int(every_ms * _REPORT_EARLY * (low + (high - low) * n / (STEPS - 1))) * _MS
        for n in range(STEPS)
    ]
