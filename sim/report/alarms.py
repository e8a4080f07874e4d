"""What was raised, and what was raised for nothing; hazards and calls for help."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from rules.alarm import AlarmKind
from sim.report.axis import ceiling
from sim.report.passages import Followed
from sim.report.speech import Speech
from sim.world.chronicle import Alert

_DAY = timedelta(days=1)
_MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Raised:
    """Alarms of one kind over all homes: how many, and how many for nothing."""

    name: str
    icon: str
    total: int
    false: int
    per_month: float
    share: float
    "Of the widest bar."


def raised(homes: Iterable[Followed], speech: Speech) -> tuple[Raised, ...]:
    """Every kind of alarm of persons in danger that was raised."""
    total: Counter[AlarmKind] = Counter()
    false: Counter[AlarmKind] = Counter()
    many = 0
    for followed in homes:
        many += 1
        for one in followed.passages:
            if one.of_danger:
                kind = one.alarm.kind
                total[kind] += 1
                false[kind] += one.is_false
    # As the figures reckon, so that the sum is theirs.
    run = speech.chronicle.healed - speech.chronicle.start
    months = many * (run / _MONTH)
    widest = ceiling(max((false[kind] / months for kind in total), default=0.0) * 100) / 100
    return tuple(
        Raised(
            speech.words.name(kind),
            kind.value,
            total[kind],
            false[kind],
            false[kind] / months,
            min(false[kind] / months / widest, 1.0),
        )
        for kind in AlarmKind
        if kind in total
    )


@dataclass(frozen=True, slots=True)
class Called:
    """Hazards of one phenomenon, or calls for help: noticed, heard, raised."""

    name: str
    count: int
    heard: int
    raised: int
    decided_most: str
    arrived_most: str


def called(homes: Iterable[Followed], speech: Speech) -> tuple[Called, ...]:
    """What became of hazards and calls for help."""
    by: dict[str, list[tuple[Alert, Followed]]] = defaultdict(list)
    for followed in homes:
        for alert in followed.home.alerts:
            by[alert.phenomenon].append((alert, followed))
    rows = []
    for alerts in by.values():
        to_decision, to_center = [], []
        for alert, followed in alerts:
            if alert.heard is None:
                continue
            answer = next(
                (
                    one
                    for one in followed.passages
                    if one.of_danger
                    and one.alarm.scope == alert.device
                    and alert.heard <= one.decided < alert.heard + _DAY
                ),
                None,
            )
            if answer is not None:
                to_decision.append(answer.decided - alert.heard)
                if answer.arrived is not None:
                    to_center.append(answer.arrived - alert.heard)
        rows.append(
            Called(
                name=speech.words.text(f"evidence.{alerts[0][0].phenomenon.value}"),
                count=len(alerts),
                heard=sum(alert.heard is not None for alert, _ in alerts),
                raised=len(to_decision),
                decided_most=speech.span(max(to_decision, default=None)),
                arrived_most=speech.span(max(to_center, default=None)),
            )
        )
    return tuple(sorted(rows, key=lambda row: row.name))
