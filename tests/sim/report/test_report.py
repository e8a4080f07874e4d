"""The report of a run: whole in itself, all that happened in it, both languages."""

import gettext
import re
from array import array
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from rules.codec import moment_us
from rules.observation import DeviceId, Phenomenon
from rules.rulebook import Wandering
from sim.check import check, figures
from sim.check.figures import home_figures
from sim.check.violation import Violation
from sim.faults.fault import FaultKind
from sim.homes.act import PlightKind, SlowKind
from sim.homes.compare import Beside, Comparison
from sim.homes.profile import Profile, Tally
from sim.report import Told, write
from sim.report.harms import ROWS_MAX
from sim.report.page import VIOLATIONS_MAX
from sim.world.chronicle import Alert, Arrived, Queued, Suffered, Trouble
from tests.sim.check.story import Good
from tests.sim.report.made import START, made
from tests.sim.report.page import Page
from texts import Language, Translator

_BYTES_MAX = 3_000_000
_SPEAKING = "text th td li p h1 h2 h3 h4 dt dd title b".split(" ")  # noqa: SIM905 -- on one line
_DATA = re.compile(
    r"[a-z]+(?:-[a-z0-9]+)+|\b(?:9f2b6c1e)+\b|\b(?:ntp|kettle|fridge|television|microwave|heater)\b"
    r"|\b(?:kB|MB|B|ppm|s)\b|[^A-Za-z\uac00-\ud7a3]"
)
"Names of devices and checkers, units; and all that is no letter."
_WATCHED = Wandering(enabled=True)


class Bracketed(gettext.GNUTranslations):
    """Puts every text that went through it in brackets: what has none was never translated."""

    def __init__(self) -> None:
        super().__init__()

    def gettext(self, message: str) -> str:
        return f"[{message}]"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"[{msgid1 if n == 1 else msgid2}]"


def read(folder: Path, told: Told, language: Language = Language.EN) -> Page:
    write(folder, told)
    return Page.read(folder / f"report.{language.value}.html")


@pytest.fixture(scope="module")
def year() -> Told:
    return made()


@pytest.mark.parametrize("language", Language)
def test_a_year_with_twelve_plights_is_one_small_file_that_fetches_nothing(
    tmp_path: Path, year: Told, language: Language
) -> None:
    page = read(tmp_path, year, language)
    assert page.fetched == []
    assert len(page.text.encode()) < _BYTES_MAX
    assert page.elements[0].attributes["lang"] == language.value
    assert sorted(one.name for one in tmp_path.iterdir()) == ["report.en.html", "report.ko.html"]


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    def pages(folder: str, seed: int) -> list[bytes]:
        paths = write(tmp_path / folder, made(seed=seed, days=40, homes=2))
        return [path.read_bytes() for path in paths]

    first = pages("first", 41)
    assert pages("second", 41) == first
    assert pages("third", 42) != first


def test_the_head_gives_the_verdict_the_figures_and_the_command(tmp_path: Path) -> None:
    told = made(days=20, troubles=3)
    page = read(tmp_path, told)
    assert page.all("p", "verdict")[0].words == "No violation"
    assert [one.words for one in page.all("dl", "command")] == [
        f"The same again {told.command} Digest {told.figures.digest}"
    ]
    tiles = [one.words for one in page.all("dl", "tiles")]
    found, plights = told.figures.found, told.figures.collapses
    assert tiles[0].startswith(f"of {plights} plights found; slow harms raised: 1 of 2 {found} ")


def test_every_violation_stands_in_full_with_its_replay(tmp_path: Path) -> None:
    told = made(days=20, troubles=2, violations=7)
    page = read(tmp_path, told)
    assert page.all("p", "verdict")[0].words == "7 violations"
    shown = page.all("article", "violation")
    assert len(shown) == 7
    for article, violation in zip(shown, told.figures.violations, strict=True):
        assert violation.checker in article.words
        assert violation.what in article.words
        assert all(line in article.words for line in violation.evidence)
    assert told.replay in page.words
    assert "<and>" not in page.text


def test_a_violation_is_told_in_the_language_of_the_page(tmp_path: Path) -> None:
    story = Good()
    story.forget_at_center(story.dead)
    found = check(story.run)
    told = Told(
        story.run, figures(story.run, found, 1.0), home_figures(story.run, found), "ongi sim"
    )
    words = Translator(Language.KO, Bracketed())
    path = write(tmp_path, told, words=dict.fromkeys(Language, words))[0]
    (article,) = Page.read(path).all("article", "violation")
    assert "[Record 6 of boot 2 was queued [durably]" in article.words
    assert "[never arrived]" in article.words


def test_of_very_many_violations_the_rest_is_counted(tmp_path: Path) -> None:
    told = made(days=3, troubles=0)
    many = tuple(
        Violation("nothing-lost", 1, START, f"Number {n}.") for n in range(VIOLATIONS_MAX + 20)
    )
    page = read(tmp_path, replace(told, figures=replace(told.figures, violations=many)))
    assert page.all("p", "verdict")[0].words == f"{len(many)} violations"
    assert len(page.all("article", "violation")) == VIOLATIONS_MAX
    assert "20 more violations." in page.words


def test_every_plight_of_every_home_is_told(tmp_path: Path) -> None:
    told = made(homes=6, days=90, troubles=4)
    page = read(tmp_path, told)
    stories = page.all("section", "story")
    assert len(stories) == 3 * 4
    told_of = " ".join(one.words for one in stories)
    rest = next(one for one in page.all("section") if one.attributes.get("id") == "others").words
    for home in told.chronicle.homes:
        for trouble in home.troubles:
            moment = f"{trouble.at + timedelta(hours=9):%Y-%m-%d %H:%M}"
            assert moment in told_of or moment in rest, moment


def test_a_plight_is_told_step_by_step_with_its_delays(tmp_path: Path) -> None:
    told = made(days=20, troubles=1)
    trouble = told.chronicle.homes[0].troubles[0]
    assert trouble.found is not None
    assert trouble.helped is not None
    story = read(tmp_path, told).all("section", "story")[0].words
    steps = "Last sign", "asked", "Raised", "In the outbox", "At the center", "Taken", "Help came"
    places = [story.index(step) for step in steps]
    assert places == sorted(places)
    for moment in (trouble.at, trouble.found, trouble.helped):
        assert f"{moment + timedelta(hours=9):%m-%d %H:%M:%S}" in story


def test_who_was_never_found_is_said_so(tmp_path: Path) -> None:
    told = made(days=20, troubles=1)
    home = told.chronicle.homes[0]
    home.troubles.append(Trouble(told.chronicle.end - timedelta(hours=5), home.troubles[0].kind))
    page = read(tmp_path, told)
    assert [one.words for one in page.all("span", "unfound")] == ["never found"]
    assert page.all("section", "story")[1].words.count("never") == 6  # the verdict and five steps


def test_who_need_not_be_found_yet_is_not_said_to_be_lost(tmp_path: Path) -> None:
    story = Good()
    story.home.troubles.append(Trouble(story.run.end - timedelta(hours=5), PlightKind.COLLAPSE))
    found = check(story.run)
    rows = home_figures(story.run, found)
    page = read(tmp_path, Told(story.run, figures(story.run, found, 1.0), rows, "ongi sim"))
    assert "never found" not in page.words
    assert [one.words for one in page.all("span", "unfound")] == []
    words = [one.words for one in page.all("span", "not-due")]
    assert words.count("not due yet when the run ended") == 1
    assert words.count("1 not due yet") == 1
    assert page.all("dl", "tiles")[0].words.startswith("of 1 plights found; 1 not due yet 1 ")


def test_what_waited_in_a_fault_and_when_it_got_through(tmp_path: Path) -> None:
    told = made(days=20, troubles=1)
    home = told.chronicle.homes[0]
    down = next(fault for fault in home.faults if fault.kind is FaultKind.UPLINK_DOWN)
    row = next(
        row
        for row in read(tmp_path / "before", told).all("tr")
        if row.words.startswith(f"{down.number} ")
    )
    assert "1 " in row.words
    assert "+9 s" in row.words
    assert "never through" not in row.words
    waited = _waiting(home.queued, home.arrived)
    home.arrived = [one for one in home.arrived if one.record.id != waited.id]
    page = read(tmp_path / "after", told)
    row = next(row for row in page.all("tr") if row.words.startswith(f"{down.number} "))
    assert "1 never through" in row.words


def _waiting(queued: list[Queued], arrived: list[Arrived]) -> Queued:
    at = {one.record.id: one.at for one in arrived}
    return max(queued, key=lambda one: at[one.id] - one.at)


def test_every_fault_is_in_the_picture_and_in_words(tmp_path: Path) -> None:
    told = made(days=20, troubles=1)
    home = told.chronicle.homes[0]
    words = read(tmp_path, told).words
    for fault in (*home.faults, *told.chronicle.center_faults):
        assert re.search(rf"#{fault.number}\b", words), fault


def test_a_run_without_harm_faults_or_cases_is_a_short_page(tmp_path: Path) -> None:
    told = made(days=1, troubles=0)
    page = read(tmp_path, told)
    assert page.all("section", "story") == []
    assert "Nobody came to harm in this run." in page.words
    assert "Nothing went wrong around this home." in page.words
    assert "No case reached the center." in page.words


def test_a_run_in_which_nothing_at_all_was_seen(tmp_path: Path) -> None:
    told = made(days=1, troubles=0)
    home = told.chronicle.homes[0]
    home.runs.clear()
    home.gauges.clear()
    del home.life[:]
    assert "No violation" in read(tmp_path, told).words


def test_many_homes_stand_in_a_table_the_worst_first(tmp_path: Path) -> None:
    told = made(homes=9, days=30, troubles=2, violations=3)
    page = read(tmp_path, told)
    table = next(one for one in page.all("section") if one.attributes.get("id") == "homes")
    assert len(page.all("svg")) > 9
    linked = [one for one in page.all("a") if one.words in {"2", "3"}]
    assert {one.attributes["href"] for one in linked} == {"#home-2", "#home-3"}
    assert table.words.index(" 3 ") > 0
    targets = {one.attributes["id"] for one in page.elements if "id" in one.attributes}
    assert {one.attributes["href"][1:] for one in page.all("a")} <= targets


def test_years_have_a_picture_each(tmp_path: Path) -> None:
    page = read(tmp_path, made(days=800, troubles=3))
    labels = [one.attributes.get("aria-label", "") for one in page.all("svg")]
    assert sum("Days of home" in label for label in labels) == 3


def test_residents_stand_beside_recorded_homes(tmp_path: Path) -> None:
    one = Beside("home-csv", 3, _lived(7), _lived(11), 0.25, 1.5, (), ("basement-door",))
    told = replace(made(days=2, troubles=0), compared=Comparison(3, 30, (one,)))
    page = read(tmp_path, told)
    section = next(one for one in page.all("section") if one.attributes.get("id") == "beside")
    assert "apart by 0.25" in section.words
    assert "hours by 1.50 h" in section.words
    assert "basement-door" in section.words
    lines = {one.attributes["d"] for one in page.all("path", "line")}
    assert len(lines - {"M0 7H50"}) == 4


def _lived(minutes: int) -> Profile:
    tally = Tally(UTC)
    tally.add(sorted(START + timedelta(minutes=minutes * n**2 % 9_999) for n in range(100)))
    return tally.profile()


def test_every_picture_says_what_it_is(tmp_path: Path, year: Told) -> None:
    page = read(tmp_path, year)
    for svg in page.all("svg"):
        is_ornament = svg.attributes.get("aria-hidden") == "true"
        assert is_ornament or svg.attributes.get("aria-label"), svg
    ids = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    assert len(ids) == len(set(ids))


def test_every_word_goes_through_the_translator(tmp_path: Path) -> None:
    told = made(homes=2, days=40, troubles=2, violations=2)
    words = Translator(Language.KO, Bracketed())
    path = write(tmp_path, told, words=dict.fromkeys(Language, words))[0]
    page = Page.read(path)
    bare = [
        piece
        for element in page.elements
        for piece in (
            *(_untranslated(element.words) if element.tag in _SPEAKING else ()),
            *_untranslated(element.attributes.get("aria-label", "")),
        )
    ]
    assert bare == []


def test_slow_harms_are_told_with_how_soon_they_were_raised(tmp_path: Path, year: Told) -> None:
    page = read(tmp_path, year)
    table = next(one for one in page.all("table") if "Slow harms" in one.words)
    _, _, rows = table.words.partition("Longest until raised")
    wandering, _, left_on = rows.partition("Left on")
    assert wandering.split()[-4:-2] == ["1", "0"]
    assert left_on.split()[:4] == ["1", "1", "3", "h"]


def test_where_slow_harm_befell_somebody_nobody_says_that_none_came_to_harm(
    tmp_path: Path,
) -> None:
    told = made(days=1, troubles=0)
    _suffer(told, SlowKind.WANDERING, timedelta(minutes=20))
    page = read(tmp_path, told)
    assert "Nobody came to harm" not in page.words
    assert "somebody came to slow harm: Night wandering 1" in page.words
    assert "slow harms raised: 0 of 1" in page.words


def test_who_pressed_for_help_is_not_said_to_have_come_to_no_harm(tmp_path: Path) -> None:
    told = made(days=1, troubles=0)
    told.chronicle.homes[0].alerts.append(
        Alert(START, DeviceId("sos-button"), Phenomenon.SOS, True, START)
    )
    page = read(tmp_path, told)
    assert "Nobody came to harm" not in page.words
    assert "Nobody collapsed or fell in this run." in page.words


def test_each_slow_harm_says_when_it_was_and_whether_it_was_raised(
    tmp_path: Path, year: Told
) -> None:
    page = read(tmp_path, year)
    assert _row_of(page, "Left on") == "1 Left on heater 2026-01-05 13:00 9 h raised after 3 h"
    assert _row_of(page, "Night wandering").startswith("1 Night wandering 2026-01-05 13:00 1 h")
    marks = [use for use in page.all("use") if use.attributes["href"] in ("#s-harm", "#s-untold")]
    looks = {one.attributes["href"] for one in marks if "x" in one.attributes}
    assert looks == {"#s-harm", "#s-untold"}


@pytest.mark.parametrize(
    ("watches", "lasts", "signs", "why"),
    [
        (_WATCHED, 13, (), "lasted less than the rule waits (15 min)"),
        (Wandering(enabled=False), 13, (), "the rules of this home do not watch for it"),
        (_WATCHED, 20, (5,), "a sign of life was counted in the home meanwhile"),
        (_WATCHED, 20, (), "not raised"),
        (_WATCHED, None, (), "not raised"),
    ],
)
def test_why_a_slow_harm_was_not_raised_is_said_where_it_is_certain(
    tmp_path: Path, watches: Wandering, lasts: int | None, signs: tuple[int, ...], why: str
) -> None:
    told = made(days=1, troubles=0)
    home = told.chronicle.homes[0]
    home.book = replace(home.book, wandering=watches)
    _suffer(told, SlowKind.WANDERING, None if lasts is None else timedelta(minutes=lasts))
    home.signs = array("q", (moment_us(START + timedelta(hours=3, minutes=at)) for at in signs))
    row = _row_of(read(tmp_path, told), "Night wandering")
    assert row.endswith(why)
    assert ("not over when the run ended" in row) is (lasts is None)


def test_of_many_slow_harms_those_that_were_not_raised_stay(tmp_path: Path) -> None:
    told = made()
    heater = next(one for one in told.chronicle.homes[0].suffered if one.device is not None)
    told.chronicle.homes[0].suffered[:0] = [heater] * ROWS_MAX
    page = read(tmp_path, told)
    assert _row_of(page, "Night wandering")
    assert "2 more slow harms." in page.words


def _suffer(told: Told, kind: SlowKind, lasts: timedelta | None) -> None:
    begin = START + timedelta(hours=3)
    end = None if lasts is None else begin + lasts
    told.chronicle.homes[0].suffered.append(Suffered(kind, begin, None, end))


def _row_of(page: Page, name: str) -> str:
    rows = (row.words for row in page.all("tr"))
    return next(row for row in rows if row.startswith(f"1 {name} "))


def _untranslated(text: str) -> list[str]:
    rest = re.sub(r"ongi sim .*|Collapse \d was.*", "", text)
    shorter = ""
    while rest != shorter:
        shorter, rest = rest, re.sub(r"\[[^\[\]]*\]", "", rest)
    return [text] if _DATA.sub("", rest) else []
