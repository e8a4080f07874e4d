"""What a gateway may have forgotten at a restart, and whether it had said so.

Production promises: what was written is there after any power cut; while the disk fails the
gateway goes on in memory and says so (`DISK_FAILING`); a journal whose files were damaged is
restored as far as it goes, and that is said (`JOURNAL_RESTORED`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.alarm import AlarmKind
from rules.codec import moment_us
from sim.check.conditions import present
from sim.check.spans import Span, merged
from sim.faults.fault import FaultKind
from sim.world.chronicle import Chronicle, HomeChronicle, Queued, Run

_COPY_AGE_MAX = timedelta(minutes=62)
"The good copy is renewed each hour, with the next batch."
_SAID_WITHIN = timedelta(minutes=1)
"After its start a gateway says how it found its journal."


@dataclass(frozen=True, slots=True)
class Forgetting:
    """One restart, and what of the run before may be gone."""

    since: datetime
    "What was decided and heard from then on may be forgotten."
    cut: datetime
    up: datetime
    "The gateway runs again; the end of the run if it does not."
    failing: bool
    "The disk failed at the cut, and the gateway had said so."
    damaged: bool
    "The files were damaged, and the gateway says so."

    def begin(self, margin: timedelta) -> datetime:
        """Since when it may have forgotten what the journal takes in within `margin`."""
        return min(self.since, self.cut - margin)

    def may_forget(self, queued: Queued) -> bool:
        """Whether it is allowed that this record is gone."""
        if queued.at > self.cut:
            return False
        return self.damaged or (self.failing and not queued.durable and queued.at >= self.since)


def forgettings(chronicle: Chronicle, home: HomeChronicle) -> list[Forgetting]:
    """One for each restart, in order."""
    never = max(chronicle.healed, chronicle.end)
    failing = present(home, AlarmKind.DISK_FAILING, never)
    restored = present(home, AlarmKind.JOURNAL_RESTORED, never)
    damages = [
        chronicle.start + fault.begin
        for fault in home.faults
        if fault.kind is FaultKind.DISK_CORRUPTED
    ]
    queued = [one for one in home.queued if not one.durable]
    found = []
    for run, up in _restarts(home, never):
        cut = run.ended
        assert cut is not None
        since = cut
        said = [begin for begin, end in failing if begin <= cut <= end]
        if said:
            # The record whose write failed first is queued a moment before the fault is decided.
            over = max((end for _, end in failing if end < said[-1]), default=run.began)
            first = [one.at for one in queued if over <= one.at <= said[-1]]
            since = min([said[-1], *first[:1]])
        damaged = any(run.began <= damage <= up for damage in damages) and any(
            begin <= up + _SAID_WITHIN and end >= up for begin, end in restored
        )
        if damaged:
            # The copy is as much older than what the disk took last.
            since -= _COPY_AGE_MAX
        found.append(Forgetting(since, cut, up, bool(said), damaged))
    return found


def down(found: Sequence[Forgetting]) -> list[Span]:
    """When the gateway did not run."""
    return merged((each.cut, each.up) for each in found)


def unknown(found: Sequence[Forgetting], margin: timedelta = timedelta()) -> list[Span]:
    """When it did not run, or may not know any more after it what it heard.

    Args:
        found: its restarts.
        margin: what the journal may lag behind without a fault of the disk.

    """
    return merged((each.begin(margin), each.up) for each in found)


def last_known(
    moments: Sequence[int], at: datetime, found: Sequence[Forgetting], margin: timedelta
) -> int | None:
    """The last of ordered `moments` (microseconds) that the gateway still knew at `at`."""
    index = bisect_right(moments, moment_us(at))
    for each in reversed(found):
        if each.up <= at and index:
            begin, cut = moment_us(each.begin(margin)), moment_us(each.cut)
            if begin <= moments[index - 1] <= cut:
                index = bisect_left(moments, begin)
    return moments[index - 1] if index else None


def _restarts(home: HomeChronicle, never: datetime) -> list[tuple[Run, datetime]]:
    runs = home.runs
    return [
        (run, runs[index + 1].began if index + 1 < len(runs) else never)
        for index, run in enumerate(runs)
        if run.ended is not None
    ]
