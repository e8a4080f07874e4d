"""The console in a real Chromium: live, by mouse, by keyboard, by ear, on paper.

Screens are kept in `.ongi/screenshots`, to be looked at by a person.
"""

import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FloatRect,
    Locator,
    Page,
    expect,
    sync_playwright,
)

from central.cases import Case, CaseState, Home
from central.console.assets import NODE_MODULES, Assets
from central.people import Role
from rules.alarm import AlarmKind
from rules.events import Outcome, Stage
from rules.sentence import Say, sentence
from tests.central.console_site import (
    HALL,
    KIM,
    LEE,
    PASSWORD,
    Clock,
    Site,
    running,
)
from texts import Language, translator

pytestmark = pytest.mark.browser

SCREENSHOTS: Final = Path(__file__).resolve().parents[2] / ".ongi" / "screenshots"
AXE: Final = (NODE_MODULES / "axe-core" / "axe.min.js").read_text()
CONTROL_ROOM: Final = {"width": 1366, "height": 768}
LARGE: Final = {"width": 1920, "height": 1080}
PHONE: Final = {"width": 390, "height": 844}
_COUNT_TONES: Final = """
    let tones = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) {
      tones += 1;
      document.documentElement.dataset.tones = String(tones);
      return start.apply(this, when);
    };
"""

expect.set_options(timeout=8_000)


@pytest.fixture(scope="module")
def assets() -> Assets:
    return Assets.read()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found is not None, "chromium is not installed; `make test` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path: Path, assets: Assets) -> Iterator[Site]:
    with running(tmp_path / "center.sqlite", assets, Clock()) as site:
        site.add_user("관제석1")
        site.add_user("관제석2")
        yield site


class Room:
    """Screens of a control room. What their consoles complain about is collected."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self._browser = browser
        self._site = site
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def screen(self, **options: Any) -> Page:  # noqa: ANN401 -- whatever Playwright knows
        context = self._browser.new_context(
            **{"locale": "ko-KR", "viewport": CONTROL_ROOM, "timezone_id": "UTC", **options},
        )
        context.add_init_script(_COUNT_TONES)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _listen(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    def operator(self, name: str = "관제석1", **options: Any) -> Page:  # noqa: ANN401 -- as above
        """Somebody at a screen, logged in, whose page is live."""
        page = self.screen(**options)
        page.goto(f"{self._site.url}/login")
        log_in(page, name)
        live(page)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def room(chromium: Browser, site: Site) -> Iterator[Room]:
    room = Room(chromium, site)
    yield room
    room.close()
    assert room.complaints == []


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("이름").fill(name)
    page.get_by_label("비밀번호").fill(password)
    page.get_by_role("button", name="로그인").click()


def live(page: Page) -> None:
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")


def row(page: Page, case: str) -> Locator:
    return page.locator(f"#case-{case}")


def stored(site: Site, case: str) -> Case:
    found = site.do(site.store.case(case))
    assert found is not None
    return found


def box_of(what: Locator) -> FloatRect:
    box = what.bounding_box()
    assert box is not None
    return box


def painted(page: Page, paint: str) -> str:
    """Whether a half hour with this paint shows more than one color; a broken one shows none."""
    page.locator(f'.picture .bar[fill="{paint}"]').first.scroll_into_view_if_needed()
    shot = page.locator(f'.picture .bar[fill="{paint}"]').first.screenshot()
    colors = page.evaluate(
        """async (data) => {
          const image = await createImageBitmap(new Blob([Uint8Array.from(data)]));
          const canvas = new OffscreenCanvas(image.width, image.height);
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          const { data: pixels } = context.getImageData(0, 0, image.width, image.height);
          const found = new Set();
          for (let at = 0; at < pixels.length; at += 4) {
            found.add(pixels.slice(at, at + 3).join());
          }
          return found.size;
        }""",
        list(shot),
    )
    return "drawn" if colors > 1 else "empty"


def mark(page: Page) -> None:
    """Leave a mark that only a reload wipes away."""
    page.evaluate("window.marked = true")


def assert_not_reloaded(page: Page) -> None:
    assert page.evaluate("window.marked") is True


# -------------------------------------------------------------------- in and out


def test_a_wrong_password_says_so_and_the_right_one_opens_the_queue(
    room: Room, site: Site
) -> None:
    page = room.screen()
    page.goto(site.url)
    expect(page.get_by_label("이름")).to_be_focused()
    log_in(page, "관제석1", "wrong password")
    expect(page.get_by_role("alert")).to_have_text("이름이나 비밀번호가 맞지 않습니다.")
    expect(page.get_by_label("이름")).to_have_value("관제석1")
    log_in(page, "관제석1")
    expect(page.get_by_role("heading", name="위기신호")).to_be_visible()
    expect(page.locator(".empty")).to_contain_text("새 위기신호는 여기에 저절로 나타납니다.")
    assert [said for said in room.complaints if "401" not in said] == []
    room.complaints.clear()


def test_a_page_whose_session_ended_leaves_by_itself(room: Room, site: Site) -> None:
    page = room.operator()
    site.do(site.accounts.set_password("관제석1", PASSWORD, "admin", site.clock.now()))
    expect(page.get_by_role("alert")).to_contain_text("새 위기신호가 표시되지 않습니다")
    assert "/login" in page.url


# -------------------------------------------------------------------- live


def test_a_new_case_appears_is_announced_and_counted_in_the_title(room: Room, site: Site) -> None:
    page = room.operator()
    expect(page).to_have_title("위기신호 · 온기 관제센터")
    mark(page)
    case = site.persist(site.silent())
    expect(row(page, case)).to_contain_text("무활동")
    expect(row(page, case)).to_contain_text("2단계")
    expect(row(page, case)).to_contain_text("14시 20분 거실 움직임 이후 7시간 20분째")
    expect(page).to_have_title("(1) 위기신호 · 온기 관제센터")
    expect(page.locator("#say-now")).to_have_text("위기신호, 무활동, 2단계, 햇살빌라 204호, 거실")
    assert_not_reloaded(page)


def test_another_page_is_told_as_well(room: Room, site: Site) -> None:
    page = room.operator()
    page.goto(f"{site.url}/settings")
    live(page)
    page.get_by_label("현재 비밀번호").fill("half typed")
    site.persist(site.record(AlarmKind.SOS))
    expect(page).to_have_title("(1) 설정 · 온기 관제센터")
    expect(page.locator("#tab-escalations")).to_contain_text("1")
    expect(page.get_by_label("현재 비밀번호")).to_have_value("half typed")


def test_a_case_that_somebody_takes_moves_and_its_button_goes(room: Room, site: Site) -> None:
    case = site.persist(site.silent())
    page = room.operator()
    expect(page.get_by_role("button", name="접수: 무활동, 햇살빌라 204호")).to_be_visible()
    site.do(site.store.take(case, "관제석2", site.clock.now()))
    taken = page.get_by_role("region", name="접수 1")
    expect(taken.locator(f"#case-{case}")).to_contain_text("관제석2")
    expect(page.locator(f"#take-{case}")).to_have_count(0)
    expect(page).to_have_title("위기신호 · 온기 관제센터")
    expect(page.locator("#say-later")).to_have_text("접수 대기 0건")


def test_the_most_urgent_case_stands_first_and_the_focus_stays(room: Room, site: Site) -> None:
    silent = site.persist(site.silent())
    page = room.operator()
    page.locator(f"#open-{silent}").focus()
    drill = site.persist(site.record(AlarmKind.SOS, HALL, drill=True))
    leak = site.persist(site.record(AlarmKind.LEAK, LEE))
    smoke = site.persist(site.record(AlarmKind.SMOKE, LEE))
    cancelled = site.persist(site.record(AlarmKind.SOS, LEE))
    site.update(
        cancelled, Stage.CANCELLED, (sentence(Say.SOS_CANCELLED, at=site.clock.now()),), LEE
    )
    expect(row(page, cancelled)).to_contain_text("대상자 취소")
    order = page.locator("[data-open]").evaluate_all("links => links.map(link => link.id)")
    assert order == [f"open-{case}" for case in (smoke, silent, leak, cancelled, drill)]
    expect(page.locator(f"#open-{silent}")).to_be_focused()


def test_a_drill_is_marked_everywhere_and_rings_once(room: Room, site: Site) -> None:
    page = room.operator()
    page.get_by_role("button", name="소리 켜기").click()
    expect(page.locator("html")).to_have_attribute("data-tones", "2")
    case = site.persist(site.record(AlarmKind.SOS, HALL, sentence(Say.DRILL), drill=True))
    expect(row(page, case).locator(".badge.drill")).to_have_text("시험 신호")
    expect(page.locator("#say-now")).to_have_text(
        "시험 신호, 위기신호, 응급호출, 햇살 경로당, 거실"
    )
    expect(page.locator("html")).to_have_attribute("data-tones", "4")
    expect(page.locator("#hush")).to_be_hidden()
    page.locator(f"#open-{case}").click()
    expect(page.locator("h1 .badge.drill")).to_have_text("시험 신호")
    expect(page.locator(".explanation")).to_contain_text("실제 위기신호가 아닙니다.")


def test_a_note_being_written_survives_what_happens_meanwhile(room: Room, site: Site) -> None:
    case = site.persist(site.silent())
    page = room.operator()
    page.goto(f"{site.url}/cases/{case}")
    live(page)
    page.locator("#note").fill("전화 세 번,")
    site.do(site.store.note(case, "관제석2", "딸에게 연락함", site.clock.now()))
    expect(page.locator(".history")).to_contain_text("딸에게 연락함")
    expect(page.locator("#note")).to_have_value("전화 세 번,")
    expect(page.locator("#note")).to_be_focused()


def test_times_go_on_by_the_centers_clock_in_the_centers_words(room: Room, site: Site) -> None:
    case = site.persist(site.silent())
    page = room.operator()
    expect(page.locator("#clock")).to_have_text(re.compile(r"21:4\d:\d\d"))
    since = row(page, case).locator("[data-since]")
    expect(since).to_have_text(re.compile(r"\d+초"))
    first = since.inner_text()
    expect(since).not_to_have_text(first)
    spans = [0, 59, 60, 61, 599, 600, 659, 3_599, 3_600, 7_260, 86_400, 259_199, 259_200, 400_000]
    written = page.evaluate(
        """async (spans) => {
          const here = document.querySelector('script[type=module]').src;
          const { span } = await import(here.replace('console.js', 'ticks.js'));
          return spans.map((seconds) => span(seconds * 1000));
        }""",
        spans,
    )
    korean = translator(Language.KO)
    assert written == [korean.span(timedelta(seconds=seconds)) for seconds in spans]


def test_heartbeats_arrive_on_the_page_of_the_gateways(room: Room, site: Site) -> None:
    page = room.operator()
    page.goto(f"{site.url}/gateways")
    live(page)
    gateway = page.locator("#gateway-gw-204")
    expect(gateway).to_contain_text("수신 이력 없음")
    mark(page)
    site.heartbeat(KIM, outbox_depth=7, time_trusted=False)
    expect(gateway).to_contain_text("수신 중")
    expect(gateway).to_contain_text("7")
    expect(gateway).to_contain_text("미확인")
    silence = sentence(Say.GATEWAY_SILENT, last=site.clock.now(), missed=3)
    site.do(site.store.gateway_silent("gw-101", (silence,), site.clock.now()))
    expect(page.locator("tbody tr").first).to_contain_text("햇살빌라 101호")
    expect(page.locator("#tab-faults")).to_contain_text("1")
    assert_not_reloaded(page)


def test_a_page_that_is_cut_off_says_so_and_comes_back(
    chromium: Browser, tmp_path: Path, assets: Assets
) -> None:
    path = tmp_path / "center.sqlite"
    with running(path, assets, Clock()) as site:
        site.add_user("관제석1")
        room = Room(chromium, site)
        page = room.operator()
        mark(page)
        port = site.port
    lost = page.locator("#lost")
    expect(lost).to_contain_text("이 화면은 최신 상태가 아닙니다.", timeout=15_000)
    expect(page.locator("#link-state")).to_have_text("연결 끊김")
    with running(path, assets, Clock(), port) as site:
        case = site.persist(site.silent())
        expect(row(page, case)).to_be_visible()
        expect(lost).to_be_hidden()
        assert_not_reloaded(page)
        room.close()


def test_a_page_that_cannot_be_fetched_says_so_and_tries_again(room: Room, site: Site) -> None:
    page = room.operator()
    page.route(f"{site.url}/", lambda route: route.fulfill(status=503))
    case = site.persist(site.silent())
    expect(page.locator("#lost")).to_contain_text("이 화면은 최신 상태가 아닙니다.")
    page.unroute(f"{site.url}/")
    expect(row(page, case)).to_be_visible()
    expect(page.locator("#lost")).to_be_hidden()
    assert all("503" in said for said in room.complaints)
    room.complaints.clear()


def test_a_page_whose_fetch_hangs_says_so_and_tries_again(room: Room, site: Site) -> None:
    page = room.operator()
    page.route(f"{site.url}/", lambda _route: None)
    case = site.persist(site.silent())
    lost = page.locator("#lost")
    expect(lost).to_contain_text("이 화면은 최신 상태가 아닙니다.", timeout=30_000)
    page.unroute(f"{site.url}/")
    expect(row(page, case)).to_be_visible(timeout=30_000)
    expect(lost).to_be_hidden()
    assert all(said.startswith("htmx:") for said in room.complaints)
    room.complaints.clear()


# -------------------------------------------------------------------- work


def test_a_case_is_taken_noted_and_closed_by_mouse(room: Room, site: Site) -> None:
    case = site.persist(site.silent())
    page = room.operator()
    page.get_by_role("button", name="접수: 무활동, 햇살빌라 204호").click()
    expect(page.get_by_role("status")).to_have_text("접수했습니다.")
    expect(page.get_by_role("link", name="02-000-0000")).to_have_attribute("href", "tel:020000000")
    page.get_by_label("메모").fill("전화 받지 않음")
    page.get_by_role("button", name="메모 추가").click()
    expect(page.locator(".history")).to_contain_text("전화 받지 않음")
    page.get_by_label("실제 위기").click()
    page.get_by_label("확인한 내용과 조치").fill("119와 함께 문을 열고 병원 이송")
    page.get_by_role("button", name="종결", exact=True).click()
    expect(page.locator(".case-head .state")).to_contain_text("종결자 관제석1")
    expect(page.locator(".history")).to_contain_text("병원 이송")
    closed = stored(site, case)
    assert (closed.state, closed.outcome) == (CaseState.CLOSED, Outcome.REAL)
    page.get_by_role("link", name="종결").first.click()
    expect(row(page, case)).to_contain_text("실제 위기")


def test_a_case_is_taken_noted_and_closed_by_keyboard_alone(room: Room, site: Site) -> None:
    first = site.persist(site.record(AlarmKind.SMOKE, LEE))
    second = site.persist(site.silent())
    page = room.operator()
    keys = page.keyboard
    keys.press("j")
    expect(page.locator(f"#open-{first}")).to_be_focused()
    keys.press("ArrowDown")
    expect(page.locator(f"#open-{second}")).to_be_focused()
    keys.press("k")
    keys.press("j")
    keys.press("Enter")
    page.wait_for_url("**/cases/*")
    live(page)
    # With Korean input on, the key T types another letter.
    page.evaluate(
        """document.body.dispatchEvent(
             new KeyboardEvent("keydown", { key: "ㅅ", code: "KeyT", bubbles: true }))"""
    )
    expect(page.locator("#notice")).to_have_text("접수했습니다.")
    live(page)
    keys.press("n")
    expect(page.locator("#note")).to_be_focused()
    keys.type("take note, close; jk?")
    expect(page.locator("#note")).to_have_value("take note, close; jk?")
    keys.press("Control+Enter")
    expect(page.locator(".history")).to_contain_text("take note, close; jk?")
    live(page)
    keys.press("c")
    expect(page.get_by_label("실제 위기")).to_be_focused()
    keys.press("ArrowDown")
    expect(page.get_by_label("오신호")).to_be_checked()
    keys.press("Tab")
    keys.type("in the garden")
    keys.press("Control+Enter")
    expect(page.locator(".case-head .state")).to_contain_text("종결자 관제석1")
    closed = stored(site, second)
    assert (closed.outcome, closed.history[-1].text) == (Outcome.FALSE, "in the garden")
    live(page)
    keys.press("1")
    page.wait_for_url(f"{site.url}/")
    live(page)
    keys.press("j")
    keys.press("t")
    expect(page.locator("#notice")).to_have_text("접수했습니다.")
    assert stored(site, first).taken_by == "관제석1"
    live(page)
    keys.press("Escape")
    page.wait_for_url(f"{site.url}/")


def test_who_is_slower_is_told_who_was_faster(room: Room, site: Site) -> None:
    case = site.persist(site.silent())
    faster = room.operator()
    slower = room.screen(java_script_enabled=False)
    slower.goto(f"{site.url}/login")
    log_in(slower, "관제석2")
    watching = room.operator("관제석2")
    watching.goto(f"{site.url}/cases/{case}")
    faster.locator(f"#take-{case}").click()
    expect(faster.locator("#notice")).to_have_text("접수했습니다.")
    slower.locator(f"#take-{case}").click()
    expect(slower.get_by_role("alert")).to_have_text(
        re.compile(r"21:4\d 관제석1 님이 먼저 접수했습니다.")
    )
    expect(watching.locator(".case-head .state")).to_contain_text("접수자 관제석1")
    expect(watching.locator("[data-close]")).to_have_count(0)
    watching.get_by_role("button", name="넘겨받기").click()
    expect(watching.locator(".case-head .state")).to_contain_text("접수자 관제석2")
    faster.get_by_role("button", name="넘겨받기").wait_for()
    assert stored(site, case).taken_by == "관제석2"


def test_single_keys_can_be_turned_off(room: Room, site: Site) -> None:
    case = site.persist(site.silent())
    page = room.operator()
    page.goto(f"{site.url}/settings")
    page.get_by_role("button", name="한 글자 단축키 켜짐").click()
    page.goto(f"{site.url}/cases/{case}")
    live(page)
    page.keyboard.press("t")
    page.keyboard.press("Shift+Slash")
    expect(page.locator("#help")).to_be_hidden()
    assert stored(site, case).state is CaseState.WAITING


def test_help_opens_by_a_key_and_closes_by_another(room: Room) -> None:
    page = room.operator()
    page.keyboard.press("Shift+Slash")
    expect(page.get_by_role("dialog", name="단축키")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="본문으로 건너뛰기")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_language_is_switched_in_the_settings(room: Room, site: Site) -> None:
    site.persist(site.silent())
    page = room.operator()
    page.get_by_role("link", name="관제석1").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    page.goto(site.url)
    expect(page).to_have_title("(1) Escalations · Ongi center")
    expect(page.locator(".row")).to_contain_text("No sign of life")
    expect(page.locator("html")).to_have_attribute("lang", "en")


# -------------------------------------------------------------------- by ear


def test_a_new_case_rings_until_it_is_taken_or_the_sound_stopped(room: Room, site: Site) -> None:
    page = room.operator()
    expect(page.locator("#quiet")).to_contain_text("아직 소리가 나지 않습니다")
    page.get_by_role("button", name="소리 켜기").click()
    expect(page.locator("#quiet")).to_be_hidden()
    expect(page.locator("html")).to_have_attribute("data-tones", "2")
    case = site.persist(site.silent())
    # It rings once, and once more after a while.
    expect(page.locator("html")).to_have_attribute("data-tones", re.compile(r"6|\d\d"))
    expect(page.locator("html")).to_have_attribute("data-tones", re.compile(r"\d\d"))
    page.get_by_role("button", name="소리 멈춤").click()
    expect(page.locator("#hush")).to_be_hidden()
    site.persist(site.record(AlarmKind.SMOKE, LEE))
    expect(page.locator("#hush")).to_be_visible()
    page.keyboard.press("m")
    expect(page.locator("#hush")).to_be_hidden()
    third = site.persist(site.record(AlarmKind.SOS, HALL))
    expect(page.locator("#hush")).to_be_visible()
    site.do(site.store.take(third, "관제석2", site.clock.now()))
    expect(page.locator("#hush")).to_be_hidden()
    assert stored(site, case).state is CaseState.WAITING


def test_a_case_whose_sound_was_stopped_rings_again_when_it_grows_worse(
    room: Room, site: Site
) -> None:
    page = room.operator()
    page.get_by_role("button", name="소리 켜기").click()
    case = site.persist(site.silent(level=1))
    expect(page.locator("#hush")).to_be_visible()
    page.keyboard.press("m")
    expect(page.locator("#hush")).to_be_hidden()
    site.update(case, Stage.LEVEL, site.silent().explanation, KIM, level=2)
    expect(row(page, case)).to_contain_text("2단계")
    expect(page.locator("#hush")).to_be_visible()
    expect(page.locator("#say-now")).to_have_text("위기신호, 무활동, 2단계, 햇살빌라 204호, 거실")


# -------------------------------------------------------------------- notes


def test_a_note_comes_without_a_sound_or_an_alarm_and_is_read_and_closed_by_keys(
    room: Room, site: Site
) -> None:
    page = room.operator()
    page.get_by_role("button", name="소리 켜기").click()
    expect(page.locator("html")).to_have_attribute("data-tones", "2")
    mark(page)
    note = site.persist(site.fading())
    tab = page.locator("#tab-notes .count")
    expect(tab).to_have_text(re.compile("1"))
    expect(tab).not_to_have_class(re.compile("loud"))
    expect(page).to_have_title("위기신호 · 온기 관제센터")
    expect(page.locator("#alerts li")).to_have_count(0)
    expect(page.locator("#say-now")).to_be_empty()
    expect(page.locator("#hush")).to_be_hidden()
    expect(page.locator(".row")).to_have_count(0)
    assert_not_reloaded(page)
    expect(page.locator("html")).to_have_attribute("data-tones", "2")
    page.keyboard.press("3")
    page.wait_for_url("**/notes")
    live(page)
    expect(row(page, note)).to_contain_text("하루 21회로 줄었습니다(이전 40회)")
    page.keyboard.press("j")
    expect(page.locator(f"#open-{note}")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/notes/{note}")
    live(page)
    page.keyboard.press("n")
    page.keyboard.type("next Tuesday")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.locator(".history")).to_contain_text("next Tuesday")
    assert stored(site, note).taken_by == "관제석1"
    expect(page.locator("#tab-notes .count")).to_have_count(0)
    live(page)
    page.keyboard.press("c")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("meals on wheels")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".history")).to_contain_text("meals on wheels")
    closed = stored(site, note)
    assert (closed.state, closed.outcome) == (CaseState.CLOSED, Outcome.REAL)
    live(page)
    page.keyboard.press("Escape")
    page.wait_for_url("**/notes")
    expect(page.locator("tbody")).to_contain_text("햇살빌라 204호")


def test_a_note_arrives_on_the_open_page_of_notes(room: Room, site: Site) -> None:
    page = room.operator()
    page.goto(f"{site.url}/notes")
    live(page)
    mark(page)
    note = site.persist(site.fading(LEE))
    expect(row(page, note)).to_contain_text("1시간 30분 늦게")
    page.locator(f"#take-{note}").click()
    page.wait_for_url(f"**/notes/{note}")
    assert stored(site, note).taken_by == "관제석1"


# -------------------------------------------------------------------- looks


def full(site: Site) -> dict[str, str]:
    """A center in the middle of an evening; the paths of its screens."""
    silent = site.persist(site.silent())
    site.persist(
        site.record(
            AlarmKind.SMOKE,
            LEE,
            sentence(Say.SMOKE, at=site.clock.now(), room="주방"),
            room="주방",
        )
    )
    site.persist(
        site.record(
            AlarmKind.SOS,
            HALL,
            sentence(Say.DRILL),
            sentence(Say.SOS_PRESSED, at=site.clock.now(), room="로비"),
            room="로비",
            drill=True,
        )
    )
    mine = site.persist(
        site.record(
            AlarmKind.LEAK,
            LEE,
            sentence(Say.LEAK, at=site.clock.now(), room="욕실"),
            room="욕실",
            time_trusted=False,
        )
    )
    outage = sentence(Say.MAINS_OUTAGE, at=site.clock.now(), lost=3, devices=4)
    site.persist(site.record(AlarmKind.MAINS_OUTAGE, HALL, outage, room=""))
    silence = sentence(Say.GATEWAY_SILENT, last=site.clock.now(), missed=3)
    site.do(site.store.gateway_silent("gw-hall", (silence,), site.clock.now()))
    closed = site.persist(site.record(AlarmKind.SOS, LEE))
    now = site.clock.now()
    site.do(site.store.take(mine, "관제석1", now))
    site.do(site.store.note(mine, "관제석1", "전화함. 받지 않음.\n방문 요청.", now))
    site.do(site.store.close(closed, "관제석2", Outcome.FALSE, "잘못 누르셨다고 함.", now))
    note = site.persist(site.fading(LEE))
    site.persist(site.fading())
    settled = site.persist(site.fading(HALL))
    site.do(site.store.note(note, "관제석2", "다음 주 화요일에 방문하기로 함.", now))
    site.do(site.store.take(note, "관제석2", now))
    site.do(site.store.close(settled, "관제석2", Outcome.REAL, "반찬 배달을 연결함.", now))
    site.heartbeat(KIM)
    site.heartbeat(LEE, outbox_depth=3, time_trusted=False)
    return {
        "queue": "/",
        "faults": "/faults",
        "notes": "/notes",
        "note": f"/notes/{note}",
        "closed": "/closed",
        "gateways": "/gateways",
        "settings": "/settings",
        "case-waiting": f"/cases/{silent}",
        "case-mine": f"/cases/{mine}",
        "case-closed": f"/cases/{closed}",
    }


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong, in words."""
    page.evaluate(AXE)
    found = page.evaluate(
        """async () => (await axe.run(document, {
             runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
           })).violations"""
    )
    return [
        f"{one['id']}: {one['help']}: {json.dumps([node['html'] for node in one['nodes']])}"
        for one in found
    ]


@pytest.fixture
def still(tmp_path: Path, assets: Assets) -> Iterator[Site]:
    """A center whose clock stands, so that its screens are the same each time."""
    with running(tmp_path / "still.sqlite", assets, Clock(rate=0)) as site:
        site.add_user("관제석1")
        site.add_user("관제석2")
        yield site


@pytest.fixture
def look(chromium: Browser, still: Site) -> Iterator[Callable[..., Page]]:
    room = Room(chromium, still)
    yield room.operator
    room.close()
    assert room.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_screen_is_accessible(look: Callable[..., Page], still: Site, theme: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page = look(color_scheme=theme)
    assert violations(page) == []
    page.screenshot(path=SCREENSHOTS / f"empty-{theme}.png")
    for name, path in full(still).items():
        page.goto(still.url + path)
        live(page)
        page.screenshot(path=SCREENSHOTS / f"{name}-{theme}.png")
        assert violations(page) == [], name
    page.locator("summary, #help-button").first.click()
    page.screenshot(path=SCREENSHOTS / f"help-{theme}.png")
    assert violations(page) == [], "help"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="로그아웃").click()
    page.get_by_label("이름").wait_for()
    page.screenshot(path=SCREENSHOTS / f"login-{theme}.png")
    assert violations(page) == [], "login"


@pytest.mark.parametrize(
    ("size", "locale"),
    [(LARGE, "ko-KR"), (CONTROL_ROOM, "en-GB"), (PHONE, "ko-KR")],
    ids=["large", "english", "phone"],
)
def test_nothing_sticks_out(
    look: Callable[..., Page],
    still: Site,
    size: dict[str, int],
    locale: str,
    request: pytest.FixtureRequest,
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    name = request.node.callspec.id
    screens = full(still)
    operator = look(viewport=size)
    if locale.startswith("en"):
        operator.goto(f"{still.url}/settings")
        operator.get_by_role("button", name="English").click()
    for screen, path in screens.items():
        operator.goto(still.url + path)
        live(operator)
        operator.screenshot(path=SCREENSHOTS / f"{screen}-{name}.png", full_page=size == PHONE)
        wide = operator.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"], screen


def test_long_names_and_texts_stick_out_nowhere(look: Callable[..., Page], still: Site) -> None:
    name = "남궁민수황보독고선우제갈량사공명동방삭서문탁어금니독고탁망절일소봉이"
    still.add_user(name)
    case = still.persist(still.record(AlarmKind.LEAK, KIM, room="욕실" * 16))
    now = still.clock.now()
    card = Home(
        KIM.gateway,
        "경기도수원시영통구어르신돌봄통합지원센터연계가구햇살빌라204호" * 2,
        "서울특별시 은평구 햇살로 1, https://example.invalid/" + "a" * 200,
        "010-0000-0000 (따님), 010-0000-0001 (아드님, 야간 통화 가능), 02-000-0000",
    )
    still.do(still.store.set_home(card, "test", now))
    still.do(still.store.take(case, name, now))
    still.do(still.store.note(case, name, "가" * 2_000, now))
    note = still.persist(still.fading())
    still.do(still.store.take(note, name, now))
    still.do(still.store.note(note, name, "가" * 2_000, now))
    for size in (CONTROL_ROOM, PHONE):
        page = look(name, viewport=size)
        for path in (
            "/",
            f"/cases/{case}",
            "/notes",
            f"/notes/{note}",
            "/gateways",
            "/closed",
            "/settings",
        ):
            page.goto(still.url + path)
            live(page)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size["width"], path
            box = page.get_by_role("button", name="로그아웃").bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= size["width"], path
    page = look(name)
    page.goto(f"{still.url}/gateways")
    frame = page.locator(".table-frame")
    assert frame.evaluate("frame => frame.scrollWidth <= frame.clientWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [CONTROL_ROOM, PHONE], ids=["wide", "narrow"])
def test_the_day_is_there_for_the_eye_and_in_words(
    look: Callable[..., Page], still: Site, size: dict[str, int], theme: str
) -> None:
    page = look(viewport=size, color_scheme=theme)
    page.goto(still.url + full(still)["case-waiting"])
    picture = page.get_by_role("img", name="14시 20분")
    bars = picture.locator(".bar")
    expect(bars).to_have_count(48)
    heights = {box["height"] for bar in bars.all() if (box := bar.bounding_box())}
    assert len(heights) == 4
    drawing = box_of(picture)
    for word in picture.locator("text:visible").all():
        box = box_of(word)
        # Nothing is cut off, and letters are as large on a telephone as on a wall.
        assert drawing["x"] - 20 <= box["x"], word.inner_html()
        assert box["x"] + box["width"] <= drawing["x"] + drawing["width"] + 20, word.inner_html()
        assert box["height"] >= 15
    flags = [box_of(flag) for flag in picture.locator(".flag").all()]
    assert len(flags) == 3
    for upper, lower in itertools.pairwise(flags):
        assert lower["y"] - upper["y"] >= 20
    silent, usual = (box_of(band) for band in picture.locator(".stretch").all())
    assert silent["x"] == pytest.approx(usual["x"])
    assert silent["width"] / usual["width"] == pytest.approx(440 / 180, rel=0.02)
    assert painted(page, "url(#day-away)") == painted(page, "url(#day-unknown)") == "drawn"
    page.locator("summary").first.click()
    expect(page.locator(".day details li").last).to_contain_text("22:00 없음")
    numbers = page.locator(".facts dd")
    expect(numbers).to_have_text([re.compile("14시 20분"), "7시간 20분", "3시간", "21시 20분"])


def test_the_silence_is_counted_on_while_nobody_answered(room: Room, site: Site) -> None:
    case = site.persist(site.silent())
    site.clock.advance(timedelta(minutes=40))
    page = room.operator()
    page.goto(f"{site.url}/cases/{case}")
    live(page)
    expect(page.locator(".facts dd").nth(1)).to_contain_text("8시간")
    expect(page.locator(".facts dd").nth(1)).to_contain_text("7시간 20분")
    site.update(case, Stage.CLEARED, (sentence(Say.LIFE_AGAIN, at=site.clock.now()),), KIM)
    expect(page.locator(".picture .shape.over")).to_have_count(1)
    expect(page.locator(".facts dd").nth(1)).to_have_text("7시간 20분")


def test_a_case_is_printed_without_its_buttons(look: Callable[..., Page], still: Site) -> None:
    page = look()
    page.goto(still.url + full(still)["case-mine"])
    page.emulate_media(media="print")
    expect(page.locator(".history")).to_contain_text("방문 요청.")
    expect(page.locator(".paper-only")).to_contain_text("2026-11-21 21:40:00")
    expect(page.locator(".band")).to_be_hidden()
    for form in page.locator("main form").all():
        expect(form).to_be_hidden()
    assert len(page.pdf(format="A4")) > 10_000
    page.emulate_media(media="screen")
    page.goto(f"{still.url}/cases/{still.persist(still.silent())}")
    page.emulate_media(media="print")
    for stretch in page.locator(".picture .stretch, .picture .stretch-word").all():
        expect(stretch).to_be_visible()
    expect(page.locator(".picture .stretch")).to_have_count(2)


def test_a_technician_starts_at_the_faults(room: Room, site: Site) -> None:
    site.add_user("정기사", Role.TECHNICIAN)
    page = room.operator("정기사")
    expect(page.locator("nav li")).to_have_text(["장애", "종결", "게이트웨이"])
    silence = sentence(Say.GATEWAY_SILENT, last=site.clock.now(), missed=3)
    site.do(site.store.gateway_silent("gw-101", (silence,), site.clock.now()))
    expect(page.locator(".row")).to_contain_text("게이트웨이 무응답")
    expect(page).to_have_title("(1) 장애 · 온기 관제센터")


def test_a_script_that_slipped_in_stays_dead(room: Room) -> None:
    page = room.operator()
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.slipped = true";
          document.body.append(script);
          document.querySelector("h1").setAttribute("onclick", "window.slipped = true");
          document.querySelector("h1").click();
        }"""
    )
    assert page.evaluate("window.slipped") is None
    assert len(room.complaints) == 2
    assert all("Content Security Policy" in said for said in room.complaints)
    room.complaints.clear()
