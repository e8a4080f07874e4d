"""Puts the page together and writes it, once in each language."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sim.check.figures import Figures, HomeFigures
from sim.check.violation import Violation
from sim.homes.compare import Comparison
from sim.report import actogram, alarms, beside, cases, delays, gauges, overview, story, survived
from sim.report import harms as slow_harms
from sim.report.passages import Followed, followed
from sim.report.speech import Speech
from sim.world.chronicle import Chronicle
from texts import Language, Translator, translator

WORST: Final = 3
"So many homes are shown at length."
VIOLATIONS_MAX: Final = 500
"So many are told in full; of more it is said how many."
SEOUL: Final = ZoneInfo("Asia/Seoul")
_TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Told:
    """All that a report is made of."""

    chronicle: Chronicle
    figures: Figures
    "Of the run, with the violations."
    homes: Sequence[HomeFigures]
    command: str
    "What runs the same again: `ongi sim --seed 41 ...`."
    replay: str = ""
    "The shortest command that breaks a promise again; empty where none is broken."
    compared: Comparison | None = None
    "The residents beside recorded homes, where that was asked for."


@dataclass(frozen=True, slots=True)
class _Violation:
    """A broken promise as the page shows it."""

    number: int
    checker: str
    home: int | None
    at: str
    what: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Detail:
    """A home at length."""

    number: int
    gateway: str
    devices: int
    actograms: tuple[actogram.Actogram, ...]
    stories: tuple[story.Story, ...]
    faults: survived.Chart
    gauges: gauges.Gauges


def write(
    folder: Path,
    told: Told,
    *,
    zone: tzinfo = SEOUL,
    worst: int = WORST,
    words: Mapping[Language, Translator] | None = None,
) -> tuple[Path, ...]:
    """Write `report.ko.html` and `report.en.html`, each complete in itself; returns their paths.

    Equal input gives equal bytes.

    Args:
        folder: made if it is not there.
        told: what is reported.
        zone: of the homes; all moments are written in it.
        worst: how many homes are shown at length, the worst first.
        words: translators other than the project's.

    Raises:
        OSError: a file cannot be written.
        ConfigError: the texts are not compiled.

    """
    folder.mkdir(parents=True, exist_ok=True)
    homes = followed(told.chronicle)
    paths = []
    for language in Language:
        spoken = translator(language) if words is None else words[language]
        path = folder / f"report.{language.value}.html"
        path.write_text(page(told, homes, spoken, zone, worst), encoding="utf-8")
        paths.append(path)
    return tuple(paths)


def page(
    told: Told, homes: Sequence[Followed], words: Translator, zone: tzinfo, worst: int = WORST
) -> str:
    """The page in one language."""
    not_due = tuple(one for home in homes for one in home.not_due)
    speech = Speech(words, zone, told.chronicle, not_due)
    of_home = {one.home: one for one in told.homes}
    ordered = overview.ranked(homes, of_home)
    detailed = ordered[: max(worst, 1)]
    chronicle, found = told.chronicle, told.figures.violations
    return (
        _environment(words)
        .get_template("report.html")
        .render(
            told=told,
            figures=told.figures,
            not_due=len(not_due),
            chronicle=chronicle,
            speech=speech,
            language=words.language.value,
            wall=timedelta(seconds=told.figures.wall_s),
            fault_count=sum(len(home.faults) for home in chronicle.homes)
            + len(chronicle.center_faults),
            shapes=_shapes(words),
            days=max(round((chronicle.end - chronicle.start) / timedelta(days=1)), 1),
            violations=_violations(found[:VIOLATIONS_MAX], speech),
            left_out=len(found[VIOLATIONS_MAX:]),
            checkers=sorted(Counter(one.checker for one in found).items()),
            overview=overview.overview(ordered, of_home, len(detailed), speech)
            if len(homes) > 1
            else None,
            delays=delays.delays(homes, speech),
            raised=alarms.raised(homes, speech),
            called=alarms.called(homes, speech),
            slow=slow_harms.harms(homes, speech),
            details=[_detail(one, speech) for one in detailed],
            others=_others(ordered[len(detailed) :], speech),
            center=cases.center(speech),
            beside=[] if told.compared is None else list(beside.pairs(told.compared, speech)),
            px=PX,
        )
    )


PX: Final = {
    "left": survived.LEFT_PX,
    "row": survived.ROW_PX,
    "act_left": actogram.LEFT_PX,
    "act_top": actogram.TOP_PX,
    "hour": actogram.HOUR_PX,
    "lane": actogram.LANE_PX,
    "panel": cases.HIGH_PX,
    "gauge": gauges.HIGH_PX,
    "delay": delays.WIDTH_PX,
    "beside": beside.WIDTH_PX,
    "beside_high": beside.HIGH_PX,
    "small": overview.WIDTH_PX,
    "slices": overview.SLICES,
    "small_high": overview.HIGH_PX,
}
"Sizes that the templates draw by."


def _shapes(words: Translator) -> tuple[tuple[str, str], ...]:
    """The shapes of an actogram's legend."""
    return (
        ("plight", words.text("Plight")),
        ("harm", words.text("Slow harm, raised")),
        ("untold", words.text("Slow harm, not raised")),
        ("prompt", words.text("Resident asked")),
        ("raised", words.text("Alarm")),
        ("false", words.text("False alarm")),
        ("helped", words.text("Help came")),
        ("restart", words.text("Gateway starts again")),
    )


def _detail(one: Followed, speech: Speech) -> _Detail:
    return _Detail(
        number=one.home.number,
        gateway=one.home.gateway,
        devices=len(one.home.devices),
        actograms=tuple(actogram.actograms(one, speech.chronicle, speech)),
        stories=tuple(story.stories(one, speech)),
        faults=survived.chart(one, speech),
        gauges=gauges.gauges(one.home, speech),
    )


def _others(homes: Sequence[Followed], speech: Speech) -> list[tuple[int, str, bool]]:
    """Plights of the homes that are not shown at length: home, line, whether all is well."""
    return [
        (
            one.home.number,
            speech.plight(trouble),
            trouble.found is not None or not speech.is_due(trouble),
        )
        for one in sorted(homes, key=lambda one: one.home.number)
        for trouble in one.home.troubles
    ]


def _violations(found: Sequence[Violation], speech: Speech) -> list[_Violation]:
    said = speech.words.said
    return [
        _Violation(
            number,
            one.checker,
            one.home,
            speech.exact(one.at),
            said(one.what),
            tuple(map(said, one.evidence)),
        )
        for number, one in enumerate(found, start=1)
    ]


def _environment(words: Translator) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update({"_": words.text, "ngettext": words.plural, "name": words.name})
    environment.filters.update({"number": number, "hours": hours})
    return environment


def number(value: float) -> str:
    """`1,234,567`, or `0.41`: three figures of what is small."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def hours(value: float | None) -> str:
    """`7.3`, or a dash for None."""
    return "\N{EN DASH}" if value is None else f"{value:.1f}"
