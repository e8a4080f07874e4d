"""What was raised, and what for nothing; hazards and calls for help."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.alarm import AlarmKind
from rules.observation import Phenomenon
from sim.report.axis import ceiling
from sim.report.passages import Followed, Passage
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
    by: defaultdict[Phenomenon, list[_Alerted]] = defaultdict(list)
    for followed in homes:
        for alert in followed.home.alerts:
            by[alert.phenomenon].append(_Alerted(alert, _answer(alert, followed)))
    rows = (_called(phenomenon, alerts, speech) for phenomenon, alerts in by.items())
    return tuple(sorted(rows, key=lambda row: row.name))


@dataclass(frozen=True, slots=True)
class _Alerted:
    """What a device noticed, and the alarm that followed."""

    alert: Alert
    answer: Passage | None

    def until(self, moment: datetime | None) -> timedelta | None:
        """Since the gateway heard of it."""
        heard = self.alert.heard
        return None if heard is None or moment is None else moment - heard


def _answer(alert: Alert, followed: Followed) -> Passage | None:
    if alert.heard is None:
        return None
    return next(
        (
            one
            for one in followed.passages
            if one.of_danger
            and one.alarm.scope == alert.device
            and alert.heard <= one.decided < alert.heard + _DAY
        ),
        None,
    )


def _called(phenomenon: Phenomenon, alerts: list[_Alerted], speech: Speech) -> Called:
    raised = [(one, one.answer) for one in alerts if one.answer is not None]
    decided = [one.until(answer.decided) for one, answer in raised]
    arrived = [one.until(answer.arrived) for one, answer in raised]
    return Called(
        name=speech.words.text(f"evidence.{phenomenon.value}"),
        count=len(alerts),
        heard=sum(one.alert.heard is not None for one in alerts),
        raised=len(raised),
        decided_most=speech.span(max((one for one in decided if one is not None), default=None)),
        arrived_most=speech.span(max((one for one in arrived if one is not None), default=None)),
    )
