"""The report in a real Chromium: at rest, in the dark, on paper, without a network.

Screens are kept in `.ongi/screenshots`, to be looked at by a person.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from central.console.assets import NODE_MODULES
from sim.report import write
from tests.sim.report.made import made

pytestmark = pytest.mark.browser

SCREENSHOTS: Final = Path(__file__).resolve().parents[3] / ".ongi" / "screenshots"
AXE: Final = (NODE_MODULES / "axe-core" / "axe.min.js").read_text()
DESKTOP: Final[ViewportSize] = {"width": 1180, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found is not None, "chromium is not installed; `make test` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    write(folder / "year", made())
    write(folder / "homes", made(homes=5, days=60, troubles=3, violations=4))
    return folder


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("report", ["year/report.ko", "homes/report.en"])
def test_whoever_reads_it_can(
    chromium: Browser, reports: Path, report: str, *, dark: bool
) -> None:
    scheme: Literal["dark", "light"] = "dark" if dark else "light"
    page = chromium.new_page(viewport=DESKTOP, color_scheme=scheme)
    asked, said = _opened(page, reports / f"{report}.html")
    assert _defects(page) == []
    assert _overlap(page) == []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    name = report.replace("/", "-").replace(".", "-")
    page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png", full_page=True)
    page.close()
    assert said == []
    assert len(asked) == 1


def test_a_phone_shows_it_without_scrolling_sideways(chromium: Browser, reports: Path) -> None:
    page = chromium.new_page(viewport=PHONE)
    _opened(page, reports / "homes" / "report.ko.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert _defects(page) == []
    page.screenshot(path=SCREENSHOTS / "homes-report-ko-phone.png", full_page=True)
    page.close()


def test_pictures_keep_their_letters_large_enough_on_a_phone(
    chromium: Browser, reports: Path
) -> None:
    for viewport, is_moved in ((PHONE, True), (DESKTOP, False)):
        page = chromium.new_page(viewport=viewport)
        _opened(page, reports / "homes" / "report.ko.html")
        pictures = page.evaluate("""() => [...document.querySelectorAll("figure svg[role=img]")]
            .map((svg) => ({
                scale: svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,
                moved: svg.parentElement.scrollWidth > svg.parentElement.clientWidth,
                cut: svg.parentElement.scrollHeight > svg.parentElement.clientHeight,
            }))""")
        assert len(pictures) > 5
        # Letters are 10 and 11 px before they are scaled.
        assert min(one["scale"] for one in pictures) > 0.9
        assert all(one["moved"] == is_moved and not one["cut"] for one in pictures)
        page.close()


def test_on_paper_each_home_begins_a_page(chromium: Browser, reports: Path) -> None:
    page = chromium.new_page(viewport=DESKTOP)
    _opened(page, reports / "year" / "report.ko.html")
    paper = page.pdf(prefer_css_page_size=True)
    (SCREENSHOTS / "year-report-ko.pdf").write_bytes(paper)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.evaluate("getComputedStyle(document.querySelector('.page')).breakBefore") == "page"
    page.close()


def _opened(page: Page, path: Path) -> tuple[list[str], list[str]]:
    """Open a page; what it asks for and complains of is collected."""
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    return asked, said


def _defects(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate(
        f"axe.run(document, {{runOnly: {json.dumps(RULES)}, resultTypes: ['violations']}})"
    )
    return [
        f"{defect['id']}: {node['html'][:200]}"
        for defect in found["violations"]
        for node in defect["nodes"]
    ]


def _overlap(page: Page) -> list[str]:
    """Words of the steps of a plight that lie on each other."""
    found: list[str] = page.evaluate("""() => [...document.querySelectorAll('.steps')].flatMap(
        (steps) => {
            const boxes = [...steps.children].map((one) => one.getBoundingClientRect());
            return boxes.slice(1).flatMap((box, place) =>
                box.left < boxes[place].right - 1 && box.top < boxes[place].bottom - 1
                    ? [steps.children[place].innerText] : []);
        })""")
    return found
