"""One home under two rulebooks at once, so that its life is read or drawn only once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from rules.alarm import AlarmKind
from rules.observation import Observation
from rules.rulebook import Rulebook
from sim.homes.act import Act, Announced, Plight, SlowHarm
from sim.replay.beside import Mark, Moment, beside
from sim.replay.homes import CaseOver, Replayed, Told, present
from sim.replay.trial import Trial
from sim.replay.verdict import Verdict

Marks = tuple[tuple[AlarmKind, Mark, int], ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a home under the old and the new rules."""

    zone: tzinfo
    span: timedelta
    observations: int
    "Periodic reports among them."
    old: Verdict
    new: Verdict
    marks: Marks
    "How many alarms of each kind either or both raised, sorted."
    moments: tuple[Moment, ...]
    "The first of them, as many as were asked for."
    left_out: tuple[tuple[str, int], ...]
    "Kinds of rows that say nothing of the home, by name."


def compare(home: Replayed, old: Rulebook, new: Rulebook, keep: int | None) -> Compared:
    """Run the life of a home through both rulebooks.

    Args:
        home: the home; its happenings may raise `ConfigError`.
        old: rules to compare with.
        new: rules to be tried.
        keep: how many moments to keep; None keeps all.

    """
    begin, end = home.begin.astimezone(UTC), home.end.astimezone(UTC)
    # Equal rules decide equally: one run speaks for both.
    books = (old,) if old == new else (old, new)
    trials = [Trial(book, home.devices, begin, home.hears, trusted=home.trusted) for book in books]
    told = _begin(home, trials, begin)
    told += _live(home, trials, begin, end)
    verdicts = [trial.finish(end) for trial in trials]
    moments = beside(trials[0].raised, trials[-1].raised)
    marks = Counter((moment.raised.key.kind, moment.mark) for moment in moments)
    return Compared(
        zone=home.zone,
        span=end - begin,
        observations=told,
        old=verdicts[0],
        new=verdicts[-1],
        marks=tuple((kind, mark, count) for (kind, mark), count in sorted(marks.items())),
        moments=tuple(moments[:keep]),
        left_out=tuple(sorted(home.left_out.items())) if home.left_out else (),
    )


class _Rollcall:
    """Every device says that it is there, in time for the strictest contract."""

    def __init__(self, home: Replayed, begin: datetime) -> None:
        self._devices = tuple(device.id for device in home.devices)
        self._every = home.report_every
        self.due = _NEVER if self._every is None else begin + self._every

    def until(self, at: datetime, trials: Sequence[Trial]) -> int:
        """Let all be told that are due by `at`; returns how many."""
        told = 0
        while self._every is not None and self.due <= at:
            for device in self._devices:
                seen = present(device, self.due)
                for trial in trials:
                    trial.hear(seen)
            told += len(self._devices)
            self.due += self._every
        return told


def _begin(home: Replayed, trials: Sequence[Trial], at: datetime) -> int:
    """Let every device say what it reads, as after an installer's walk test."""
    first = [Observation(device, what, value, at, at) for device, what, value in home.first]
    if home.report_every is not None:
        heard = {one.device for one in first}
        first += [present(device.id, at) for device in home.devices if device.id not in heard]
    for seen in first:
        for trial in trials:
            trial.hear(seen)
    return len(first)


def _live(home: Replayed, trials: Sequence[Trial], begin: datetime, end: datetime) -> int:
    rollcall = _Rollcall(home, begin)
    told = 0
    for happening in home.happenings():
        at = happening.at
        if at > end:
            break
        if rollcall.due <= at:
            told += rollcall.until(at, trials)
        if isinstance(happening, Act):
            seen = Observation(happening.device, happening.phenomenon, happening.value, at, at)
            for trial in trials:
                trial.act(happening, seen)
            told += 1
        else:
            for trial in trials:
                _befall(trial, happening)
            told += isinstance(happening, Told) and isinstance(happening.item, Observation)
    return told + rollcall.until(end, trials)


def _befall(trial: Trial, happening: Plight | Announced | SlowHarm | Told | CaseOver) -> None:
    match happening:
        case Plight():
            trial.plight(happening)
        case Announced(at=at, away=away):
            trial.put(away, at)
        case Told(at=at, item=item):
            trial.put(item, at)
        case CaseOver(at=at, alarm=alarm, outcome=outcome):
            trial.close(alarm, outcome, at)
        case SlowHarm():
            pass


_NEVER = datetime.max.replace(tzinfo=UTC)
