"""The figures on a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchmarks.detection.asked import Budget
from benchmarks.detection.figures import Figures, Told
from benchmarks.detection.record import Record
from benchmarks.detection.study import Study

_DASH = "\N{EN DASH}"
_COLUMNS = (
    "median h",
    "p90",
    "p95",
    "day",
    "night",
    "active",
    "noisy 1",
    "noisy 3",
    "outage",
    "false/30 d",
    "95 %",
    "home",
    "outage f.",
    "already",
)


def printed(study: Study, told: Sequence[Told]) -> RenderableType:
    """Every home that was read, then each budget: all homes together, and each."""
    return Group(_homes(study), *_budgets(told), *_notes(told))


def _homes(study: Study) -> Table:
    table = Table(title="Homes", title_justify="left")
    table.add_column("home")
    for name in ("days", "scored", "signs a day", "absences", "days of them"):
        table.add_column(name, justify="right")
    table.add_column("left out")
    for one in study.records:
        table.add_row(one.name, *_home(one))
    return table


def _home(record: Record) -> Iterator[str]:
    yield f"{record.days:.0f}"
    yield record.unscored or f"{record.scored_days:.0f}"
    yield f"{len(record.signs) / max(record.days, 1.0):.0f}"
    absences = record.absences() if record.is_scored else []
    yield str(len(absences))
    yield f"{record.scored_days - record.present_days:.0f}" if record.is_scored else _DASH
    yield ", ".join(f"{kind} ({count})" for kind, count in record.left_out)


def _budgets(told: Sequence[Told]) -> Iterator[Table]:
    for budget in Budget:
        of_budget = [one for one in told if one.budget is budget]
        if not of_budget:
            continue
        title = f"At most one false alarm in {budget.days} days ({30 / budget.days:.2f} in 30)"
        table = Table(title=title, title_justify="left")
        table.add_column("method")
        for name in _COLUMNS:
            table.add_column(name, justify="right", no_wrap=True)
        for one in of_budget:
            table.add_row(one.method.value, *_row(one.all), style="bold")
            for name, figures in one.homes.items() if len(one.homes) > 1 else ():
                table.add_row(f"  {name}", *_row(figures), style="dim")
        yield table


def _row(one: Figures) -> Iterator[str]:
    for hours in (
        one.median_h,
        one.p90_h,
        one.p95_h,
        one.median_day_h,
        one.median_night_h,
        one.median_just_active_h,
        one.median_noisy1_h,
        one.median_noisy3_h,
        one.median_outage_h,
    ):
        yield _DASH if hours is None else f"{hours:.1f}"
    yield f"{one.realised_per_30d:.2f}"
    yield f"{one.interval[0]:.2f}{_DASH}{one.interval[1]:.2f}"
    yield f"{one.realised_home_per_30d:.2f}"
    yield f"{one.realised_outage_per_30d:.2f}"
    yield str(one.already)


def _notes(told: Sequence[Told]) -> Iterator[Text]:
    for one in told:
        if one.all.prompts_per_7d is not None:
            yield Text(
                f"{one.method.value}, {one.budget.value}: {one.all.prompts_per_7d:.2f} prompts in"
                f" 7 days, {one.all.unanswered_per_7d:.2f} of them unanswered"
            )
    yield Text(
        "False alarms are those outside absences (silences over 36 h), in 30 scored days; fixed"
        " hours and cuddihy have no knob and stand under both budgets. Delays end at 72 h."
    )
