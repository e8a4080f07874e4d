"""The figures of a run.

- `escalations`: cases of a person in danger at the center at the end of the run, not drills.
- `lost`, `doubled`: violations of `nothing-lost` and of `nothing-doubled`.
- `collapses`: plights of all residents, but for those of which nobody need have been told when the
  run ends: a home's row counts these by themselves (`not_due`); `found`: those of which the center
  was told by an escalation of a person in danger that was raised after it.
- `found_p50_h`, `found_p90_h`: hours from the plight until then, of those that were found; null
  where none was. A percentile is a value that was there: the smallest that so many do not exceed.
- `blind`: collapses during which, until somebody came, the center knew that the home could not be
  seen (`sim.check.blindness`).
- `false_per_30d`: escalations of a person in danger per home and 30 days that were false:
  inactivity raised in a silence that the resident's own later life ended, a danger or a call that
  no device truly noticed in the day before, heat or cold told by a sensor that drifts or is stuck,
  a late morning or a slow harm that was none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.alarm import PERSON_IN_DANGER, AlarmKey, AlarmKind
from rules.events import Escalated
from sim.check import collapses, doubled, lost
from sim.check.blindness import told, was_told
from sim.check.hazard_holds import alarm_of
from sim.check.violation import Violation
from sim.faults.fault import FaultKind
from sim.world.chronicle import SLOW, Chronicle, HomeChronicle, Trouble

_MONTH = timedelta(days=30)
_ALARMS = {kind: alarm for alarm, kind in SLOW.items()}
_HOUR = timedelta(hours=1)
_NOTICED_WITHIN = timedelta(days=1)
_MEASURED = frozenset({AlarmKind.HEAT, AlarmKind.COLD})
_LYING = frozenset({FaultKind.DRIFTING_SENSOR, FaultKind.STUCK_SENSOR})


@dataclass(frozen=True, slots=True)
class HomeFigures:
    """One home's row of the table."""

    home: int
    gateway: str
    observations: int
    escalations: int
    collapses: int
    found: int
    not_due: int
    found_p50_h: float | None
    found_p90_h: float | None
    blind: int
    false_per_30d: float
    violations: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The keys of `--json`, in their order."""

    digest: str
    seed: int
    wall_s: float
    escalations: int
    lost: int
    doubled: int
    collapses: int
    found: int
    found_p50_h: float | None
    found_p90_h: float | None
    blind: int
    false_per_30d: float
    violations: tuple[Violation, ...]


def figures(chronicle: Chronicle, violations: Sequence[Violation], wall_s: float) -> Figures:
    """The figures of a whole run.

    Args:
        chronicle: the run.
        violations: what `sim.check.check` found.
        wall_s: real seconds that the run took.

    """
    rows = home_figures(chronicle, violations)
    delays = [delay for home in chronicle.homes for delay in _delays(home)]
    return Figures(
        digest=chronicle.digest,
        seed=chronicle.seed,
        wall_s=round(wall_s, 3),
        escalations=sum(row.escalations for row in rows),
        lost=sum(each.checker == lost.NAME for each in violations),
        doubled=sum(each.checker == doubled.NAME for each in violations),
        collapses=sum(row.collapses for row in rows),
        found=len(delays),
        found_p50_h=percentile_h(delays, 50),
        found_p90_h=percentile_h(delays, 90),
        blind=sum(row.blind for row in rows),
        false_per_30d=_per_month(
            chronicle,
            sum(false_alarms(chronicle, home) for home in chronicle.homes),
            len(chronicle.homes),
        ),
        violations=tuple(violations),
    )


def home_figures(chronicle: Chronicle, violations: Sequence[Violation]) -> tuple[HomeFigures, ...]:
    """A row for each home."""
    return tuple(_row(chronicle, home, violations) for home in chronicle.homes)


def _row(
    chronicle: Chronicle, home: HomeChronicle, violations: Sequence[Violation]
) -> HomeFigures:
    delays = _delays(home)
    waiting = collapses.not_due(chronicle, home)
    due = [one for one in home.troubles if one not in waiting]
    return HomeFigures(
        home=home.number,
        gateway=home.gateway,
        observations=home.observations,
        escalations=_escalations(chronicle, home),
        collapses=len(due),
        found=len(delays),
        not_due=len(waiting),
        found_p50_h=percentile_h(delays, 50),
        found_p90_h=percentile_h(delays, 90),
        blind=_blind(chronicle, home, due),
        false_per_30d=_per_month(chronicle, false_alarms(chronicle, home), 1),
        violations=sum(each.home == home.number for each in violations),
    )


@dataclass(frozen=True, slots=True)
class SlowFigures:
    """Slow harms of one kind."""

    kind: AlarmKind
    count: int
    raised: int
    "Of those, how many were raised before they were over; several are over before they need be."


def slow_figures(chronicle: Chronicle) -> tuple[SlowFigures, ...]:
    """What became of slow harms, by the kinds that somebody suffered."""
    raised: dict[AlarmKind, list[bool]] = {kind: [] for kind in SLOW}
    for home in chronicle.homes:
        told = [
            (one.event.alarm, one.at) for one in home.decided if isinstance(one.event, Escalated)
        ]
        for harm in home.suffered:
            key = AlarmKey(_ALARMS[harm.kind], harm.device)
            was_told = any(alarm == key and harm.lasts(at) for alarm, at in told)
            raised[key.kind].append(was_told)
    return tuple(SlowFigures(kind, len(each), sum(each)) for kind, each in raised.items() if each)


def percentile_h(spans: Iterable[timedelta], percent: int) -> float | None:
    """The smallest span that `percent` of them do not exceed, in hours; None if there is none."""
    ordered = sorted(spans)
    if not ordered:
        return None
    place = -(-len(ordered) * percent // 100)
    return round(ordered[max(place, 1) - 1] / _HOUR, 3)


def false_alarms(chronicle: Chronicle, home: HomeChronicle) -> int:
    """How often somebody was called for nobody."""
    noticed = [
        (key, alert.heard)
        for alert in home.alerts
        if alert.heard is not None and (key := alarm_of(alert, home.book.hazard)) is not None
    ]
    count = 0
    for decided in home.decided:
        event, at = decided.event, decided.at
        if not isinstance(event, Escalated) or event.drill:
            continue
        kind = event.alarm.kind
        if kind is AlarmKind.INACTIVITY:
            count += not any(_lies(trouble, at) for trouble in home.troubles)
        elif kind in _MEASURED:
            count += _measured_falsely(chronicle, home, event.alarm, at)
        elif kind is AlarmKind.NO_MORNING:
            count += not any(_lies(trouble, at) for trouble in home.troubles)
        elif kind in SLOW:
            count += not _suffered(home, kind, at)
        elif kind in PERSON_IN_DANGER:
            count += not any(
                key == event.alarm and at - _NOTICED_WITHIN <= heard <= at
                for key, heard in noticed
            )
    return count


def _suffered(home: HomeChronicle, kind: AlarmKind, at: datetime) -> bool:
    """Whether there truly was what is told, or somebody lay there unable to mend it."""
    return any(one.kind is SLOW[kind] and one.lasts(at) for one in home.suffered) or any(
        _lies(trouble, at) for trouble in home.troubles
    )


def _lies(trouble: Trouble, at: datetime) -> bool:
    return trouble.at <= at and (trouble.helped is None or at < trouble.helped)


def _measured_falsely(
    chronicle: Chronicle, home: HomeChronicle, key: AlarmKey, at: datetime
) -> bool:
    since = at - chronicle.start
    return any(
        fault.kind in _LYING
        and fault.device == key.scope
        and fault.begin <= since <= fault.begin + fault.lasting
        for fault in home.faults
    )


def _delays(home: HomeChronicle) -> list[timedelta]:
    return [trouble.found - trouble.at for trouble in home.troubles if trouble.found is not None]


def _escalations(chronicle: Chronicle, home: HomeChronicle) -> int:
    return sum(
        case.gateway == home.gateway
        and not case.own
        and not case.drill
        and case.alarm.kind in PERSON_IN_DANGER
        for case in chronicle.cases
    )


def _blind(chronicle: Chronicle, home: HomeChronicle, due: Sequence[Trouble]) -> int:
    if not due:
        return 0
    known = told(chronicle, home)
    return sum(was_told(trouble.at, _until(chronicle, trouble), known) for trouble in due)


def _until(chronicle: Chronicle, trouble: Trouble) -> datetime:
    ends = (trouble.found, trouble.helped, chronicle.end)
    return min(end for end in ends if end is not None)


def _per_month(chronicle: Chronicle, count: int, homes: int) -> float:
    months = homes * ((chronicle.healed - chronicle.start) / _MONTH)
    return round(count / months, 3) if months > 0 else 0.0
