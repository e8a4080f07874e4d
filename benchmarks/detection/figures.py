"""What is told of a method: delays, false alarms, how sure that is. For one home, or for all."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from benchmarks.detection.asked import (
    DAY_HOURS,
    DAY_S,
    HOUR_S,
    JUST_ACTIVE_S,
    Budget,
    Method,
    Noise,
)
from benchmarks.detection.record import Counts, Record
from benchmarks.detection.scored import CLEAN, OUTAGE, Scored
from benchmarks.detection.statistics import poisson_interval, quantile
from benchmarks.detection.study import Study

_MONTH: Final = 30
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Figures:
    """One method at one budget; hours, None of no moment."""

    median_h: float | None
    p90_h: float | None
    p95_h: float | None
    median_day_h: float | None
    median_night_h: float | None
    median_just_active_h: float | None
    median_noisy1_h: float | None
    median_noisy3_h: float | None
    median_outage_h: float | None
    realised_per_30d: float
    realised_home_per_30d: float
    with_absences_per_30d: float
    present_per_30d: float
    "Over the days outside absences."
    realised_outage_per_30d: float
    interval: tuple[float, float]
    "95 % of `realised_per_30d`."
    target_per_30d: float
    false_alarms: int
    absence_alarms: int
    days: float
    "Scored."
    moments: int
    already: int
    "Moments left out, since the alarm of their silence was out."
    prompts_per_7d: float | None = None
    unanswered_per_7d: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A method at a budget, over all homes and for each."""

    method: Method
    budget: Budget
    all: Figures
    homes: dict[str, Figures]


@dataclass(frozen=True, slots=True)
class _OfHome:
    record: Record
    moments: Sequence[float]
    scored: Scored


def tell(study: Study) -> list[Told]:
    """Every method, budget by budget."""
    moments = {one.name: study.moments(one) for one in study.records if one.is_scored}
    told = []
    for budget in Budget:
        for method in study.asked.methods:
            homes = [
                _OfHome(one, moments[one.name], study.scored[one.name][method, budget])
                for one in study.records
                if one.is_scored
            ]
            if homes:
                by_home = {one.record.name: _figures([one], method, budget) for one in homes}
                told.append(Told(method, budget, _figures(homes, method, budget), by_home))
    return told


def _figures(homes: Sequence[_OfHome], method: Method, budget: Budget) -> Figures:
    counts = sum((one.scored.counts for one in homes), Counts())
    in_outage = sum((one.scored.outage_counts for one in homes), Counts())
    days = sum(one.record.scored_days for one in homes)
    present_days = sum(one.record.present_days for one in homes)
    months, weeks = max(days, 1.0) / _MONTH, max(days, 1.0) / _WEEK
    low, high = poisson_interval(counts.all)
    delays = sorted(delay for _, _, delay in _delays(homes, CLEAN))
    moments = sum(len(one.moments) for one in homes)
    asks = method is Method.ONGI_PROMPT
    return Figures(
        median_h=_hours(delays, 0.5),
        p90_h=_hours(delays, 0.9),
        p95_h=_hours(delays, 0.95),
        median_day_h=_median(delay for _, at, delay in _delays(homes, CLEAN) if _by_day(at)),
        median_night_h=_median(delay for _, at, delay in _delays(homes, CLEAN) if not _by_day(at)),
        median_just_active_h=_median(
            delay for one, at, delay in _delays(homes, CLEAN) if _just_active(one.record, at)
        ),
        median_noisy1_h=_median(delay for _, _, delay in _delays(homes, Noise.ONE)),
        median_noisy3_h=_median(delay for _, _, delay in _delays(homes, Noise.THREE)),
        median_outage_h=_median(delay for _, _, delay in _delays(homes, OUTAGE)),
        realised_per_30d=round(counts.all / months, 3),
        realised_home_per_30d=round(counts.at_home / months, 3),
        with_absences_per_30d=round((counts.all + counts.in_absences) / months, 3),
        present_per_30d=round(counts.all / max(present_days, 1.0) * _MONTH, 3),
        realised_outage_per_30d=round(in_outage.all / months, 3),
        interval=(round(low / months, 3), round(high / months, 3)),
        target_per_30d=round(_MONTH / budget.days, 3),
        false_alarms=counts.all,
        absence_alarms=counts.in_absences,
        days=round(days, 1),
        moments=moments,
        already=moments - len(delays),
        prompts_per_7d=_per_week(homes, weeks) if asks else None,
        unanswered_per_7d=(
            round(sum(one.scored.unanswered for one in homes) / weeks, 3) if asks else None
        ),
    )


def _per_week(homes: Sequence[_OfHome], weeks: float) -> float:
    return round(sum(one.scored.prompts for one in homes) / weeks, 3)


def _delays(homes: Sequence[_OfHome], stream: str) -> Iterator[tuple[_OfHome, float, float]]:
    """Of each moment that counts: its home, the moment, the delay in seconds."""
    for one in homes:
        for moment, delay in zip(one.moments, one.scored.delays[stream], strict=True):
            if delay == delay:  # noqa: PLR0124 -- not NaN
                yield one, moment, delay


def _median(delays: Iterator[float]) -> float | None:
    return _hours(sorted(delays), 0.5)


def _hours(ordered: Sequence[float], share: float) -> float | None:
    found = quantile(ordered, share)
    return None if found is None else round(found / HOUR_S, 2)


def _by_day(moment: float) -> bool:
    return int(moment % DAY_S // HOUR_S) in DAY_HOURS


def _just_active(record: Record, moment: float) -> bool:
    silence = record.silence_at(moment)
    return silence is not None and moment - silence[0] <= JUST_ACTIVE_S


def as_json(study: Study, told: Sequence[Told]) -> dict[str, object]:
    """Everything, to be printed."""
    methods: dict[str, dict[str, object]] = {}
    for one in told:
        methods.setdefault(one.method.value, {})[one.budget.value] = {
            **_fields(one.all),
            "homes": {name: _fields(figures) for name, figures in one.homes.items()},
        }
    asked = study.asked
    return {
        "parameters": {
            "seed": asked.seed,
            "moments": asked.moments,
            "answers": asked.answers,
        },
        "homes": {one.name: _home(one, told) for one in study.records},
        "methods": methods,
    }


def _home(record: Record, told: Sequence[Told]) -> dict[str, object]:
    absences = record.absences() if record.is_scored else []
    return {
        "days": round(record.days, 1),
        "scored": record.is_scored,
        "scored_days": round(record.scored_days, 1) if record.is_scored else 0.0,
        "signs_per_day": round(len(record.signs) / max(record.days, 1.0), 1),
        "outside_door": record.has_door,
        "motion": record.has_motion,
        "long_absences": {
            "count": len(absences),
            "days": round(sum(b - a for a, b in absences) / DAY_S, 1),
            "alarms": {
                f"{one.method.value}.{one.budget.value}": one.homes[record.name].absence_alarms
                for one in told
                if record.name in one.homes
            },
        },
        "left_out": dict(record.left_out),
    }


def _fields(figures: Figures) -> dict[str, object]:
    found = asdict(figures)
    for name in ("prompts_per_7d", "unanswered_per_7d"):
        if found[name] is None:
            del found[name]
    return found
