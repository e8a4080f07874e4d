"""Who gets in, what a form must bring, and what every answer carries."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2 as httpx
import pytest

from central.cases import CaseState
from central.console.assets import Assets
from central.people import Role
from rules.alarm import AlarmKind
from rules.errors import ConfigError
from rules.events import Outcome, Stage
from rules.sentence import Say, sentence
from tests.central.console_site import HALL, KIM, LEE, PASSWORD, Clock, Site, running


@pytest.fixture(scope="module")
def assets() -> Assets:
    return Assets.read()


@pytest.fixture
def site(tmp_path: Path, assets: Assets) -> Iterator[Site]:
    with running(tmp_path / "center.sqlite", assets, Clock()) as site:
        site.add_user("관제석1")
        yield site


@pytest.fixture
def browser(site: Site) -> Iterator[httpx.Client]:
    with browsing(site) as client:
        yield client


def browsing(site: Site) -> httpx.Client:
    """A browser without scripts, as far as the center can tell."""
    return httpx.Client(
        base_url=site.url,
        headers={"Origin": site.url, "Accept-Language": "ko-KR,ko;q=0.9,en;q=0.8"},
        follow_redirects=True,
    )


def csrf_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found[1]


def log_in(
    browser: httpx.Client, name: str = "관제석1", password: str = PASSWORD, back: str = ""
) -> httpx.Response:
    csrf = csrf_of(browser.get("/login"))
    return browser.post(
        "/login", data={"csrf": csrf, "name": name, "password": password, "back": back}
    )


def post(browser: httpx.Client, path: str, **form: str) -> httpx.Response:
    return browser.post(path, data={"csrf": csrf_of(browser.get("/settings")), **form})


def test_a_stranger_is_sent_to_the_login_and_then_on(browser: httpx.Client) -> None:
    for path in (
        "/",
        "/faults",
        "/notes",
        "/closed",
        "/gateways",
        "/settings",
        f"/cases/{'0' * 32}",
    ):
        assert browser.get(path).url.path == "/login"
    assert log_in(browser, back="/gateways").url.path == "/gateways"


def test_the_login_leads_nowhere_else(browser: httpx.Client) -> None:
    assert log_in(browser, back="//example.org/").url.path == "/"


def test_no_answer_sends_the_browser_to_the_host_that_it_named(browser: httpx.Client) -> None:
    answer = browser.get("/faults/", headers={"Host": "example.org"}, follow_redirects=False)
    assert answer.status_code == 404


def test_name_and_password_are_refused_in_the_same_words(browser: httpx.Client) -> None:
    wrong = log_in(browser, password="wrong")
    assert wrong.status_code == 401
    assert "이름이나 비밀번호가" in wrong.text
    nobody = log_in(browser, name="nobody")
    assert nobody.status_code == 401
    assert "이름이나 비밀번호가" in nobody.text


def test_after_eight_wrong_passwords_even_the_right_one_waits(
    site: Site, browser: httpx.Client
) -> None:
    for _ in range(8):
        assert log_in(browser, password="wrong").status_code == 401
    assert log_in(browser).status_code == 429
    site.clock.advance(timedelta(minutes=15))
    assert log_in(browser).status_code == 200


def test_many_names_from_one_address_wait_too(browser: httpx.Client) -> None:
    for number in range(40):
        assert log_in(browser, name=f"user{number}").status_code == 401
    assert log_in(browser).status_code == 429


def test_no_script_and_no_other_site_can_use_the_session(
    site: Site, browser: httpx.Client
) -> None:
    log_in(browser)
    first = browser.cookies["ongi-session"]
    cookie = browser.post(
        "/login",
        data={"csrf": "x"},
        follow_redirects=False,
    )
    assert cookie.status_code == 403
    with browsing(site) as other:
        csrf = csrf_of(other.get("/login"))
        answer = other.post(
            "/login",
            data={"csrf": csrf, "name": "관제석1", "password": PASSWORD},
            headers={"X-Forwarded-Proto": "https"},
            follow_redirects=False,
        )
    assert answer.status_code == 303
    sealed = answer.headers["set-cookie"]
    assert "HttpOnly" in sealed
    assert "SameSite=strict" in sealed
    assert "Secure" in sealed
    assert first not in sealed
    assert "Strict-Transport-Security" in answer.headers


def test_the_store_cannot_be_logged_in_with(browser: httpx.Client, tmp_path: Path) -> None:
    log_in(browser)
    secret = browser.cookies["ongi-session"].encode()
    for path in tmp_path.iterdir():
        assert secret not in path.read_bytes()


def test_a_logout_ends_the_session_for_good(browser: httpx.Client) -> None:
    log_in(browser)
    kept = browser.cookies["ongi-session"]
    assert post(browser, "/logout").url.path == "/login"
    browser.cookies.set("ongi-session", kept)
    assert browser.get("/settings").url.path == "/login"


def test_a_session_ends_after_thirty_days(site: Site, browser: httpx.Client) -> None:
    log_in(browser)
    site.clock.advance(timedelta(days=29))
    assert browser.get("/settings").url.path == "/settings"
    site.clock.advance(timedelta(days=2))
    assert browser.get("/settings").url.path == "/login"


@pytest.mark.parametrize(
    "origin",
    ["", "null", "http://example.org", "http://127.0.0.1", "http://127.0.0.1:1", "http://["],
)
def test_a_foreign_page_cannot_act(site: Site, browser: httpx.Client, origin: str) -> None:
    case = site.persist(site.silent())
    log_in(browser)
    csrf = csrf_of(browser.get("/settings"))
    browser.headers["Origin"] = origin
    answer = browser.post(f"/cases/{case}/take", data={"csrf": csrf})
    assert answer.status_code == 403
    kept = site.do(site.store.case(case))
    assert kept is not None
    assert kept.taken_by is None


def test_a_form_needs_the_token_of_its_own_session(site: Site, browser: httpx.Client) -> None:
    case = site.persist(site.silent())
    site.add_user("관제석2")
    with browsing(site) as other:
        log_in(other, "관제석2")
        foreign = csrf_of(other.get("/settings"))
    log_in(browser)
    for csrf in ("", "0" * 64, foreign):
        answer = browser.post(f"/cases/{case}/take", data={"csrf": csrf})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"csrf=" + b"0" * 40_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"csrf=%ff", "application/x-www-form-urlencoded", 400),
        ("csrf=한".encode(), "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=1"] * 30), "application/x-www-form-urlencoded", 400),
    ],
)
def test_rubbish_is_refused(browser: httpx.Client, content: bytes, kind: str, status: int) -> None:
    answer = browser.post("/login", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status


def test_every_answer_is_shielded(browser: httpx.Client) -> None:
    log_in(browser)
    for path in ("/", "/settings", "/nowhere", "/login", "/assets/x/console.css"):
        headers = browser.get(path).headers
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
    kept = browser.get(re.findall(r'href="(/assets/[^"]+\.css)"', browser.get("/").text)[0])
    assert "immutable" in kept.headers["Cache-Control"]


@pytest.mark.parametrize(
    "name", ["../console.css", "..%2fapp.py", "htmx.org/package.json", "font/files/none.woff2"]
)
def test_nothing_else_of_the_disk_is_served(browser: httpx.Client, name: str) -> None:
    assert browser.get(f"/assets/x/{name}").status_code == 404


def test_missing_assets_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="make setup"):
        Assets.read(tmp_path)


def test_a_text_of_the_home_stays_text(site: Site, browser: httpx.Client) -> None:
    case = site.persist(
        site.record(
            AlarmKind.SOS,
            KIM,
            sentence(Say.SOS_PRESSED, at=site.clock.now(), room="<script>alert(1)</script>"),
            room="<img src=x>",
        )
    )
    log_in(browser)
    post(browser, f"/cases/{case}/note", text='<b>& "')
    page = browser.get(f"/cases/{case}").text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;b&gt;&amp; " in page


def test_without_scripts_a_case_is_taken_noted_and_closed(
    site: Site, browser: httpx.Client
) -> None:
    case = site.persist(site.silent())
    log_in(browser)
    queue = browser.get("/").text
    assert f"/cases/{case}/take" in queue
    assert 'http-equiv="refresh"' in queue
    assert 'http-equiv="refresh"' not in browser.get(f"/cases/{case}").text
    taken = post(browser, f"/cases/{case}/take")
    assert taken.url.path == f"/cases/{case}"
    post(browser, f"/cases/{case}/note", text="전화 받지 않음\r\n방문 요청")
    assert "결과를 고르세요" in post(browser, f"/cases/{case}/close").text
    post(browser, f"/cases/{case}/close", outcome="real", text="구급차 이송")
    found = site.do(site.store.case(case))
    assert found is not None
    assert (found.taken_by, found.closed_by, found.outcome) == ("관제석1", "관제석1", Outcome.REAL)
    assert [entry.text for entry in found.history if entry.text] == [
        "전화 받지 않음\n방문 요청",
        "구급차 이송",
    ]
    assert "구급차 이송" in browser.get(f"/cases/{case}").text
    assert case in browser.get("/closed").text


def test_an_empty_note_is_not_kept(site: Site, browser: httpx.Client) -> None:
    case = site.persist(site.silent())
    log_in(browser)
    post(browser, f"/cases/{case}/note", text=" \n\t\x07 ")
    found = site.do(site.store.case(case))
    assert found is not None
    assert len(found.history) == 1


def test_the_page_fetches_itself_where_it_is(site: Site, browser: httpx.Client) -> None:
    first = ""
    for _ in range(52):
        case = site.persist(site.record(AlarmKind.SOS, HALL))
        site.do(
            site.store.close(case, "관제석1", Outcome.FALSE, "", site.clock.now()),
        )
        first = first or case
    log_in(browser)
    newest = browser.get("/closed")
    assert first not in newest.text
    older = re.search(r'href="(/closed\?before=[0-9a-f]{32})"', newest.text)
    assert older is not None
    page = browser.get(older[1])
    assert first in page.text
    assert f'hx-get="{older[1]}"' in page.text
    assert browser.get("/closed?before=xyz").status_code == 404


def test_a_technician_sees_faults_and_nothing_of_people(site: Site, browser: httpx.Client) -> None:
    site.add_user("정기사", Role.TECHNICIAN)
    crisis = site.persist(site.silent())
    fault = site.persist(
        site.record(
            AlarmKind.BATTERY_LOW,
            KIM,
            sentence(Say.BATTERY_LOW, at=site.clock.now(), room="현관", device="door", value=8.0),
        )
    )
    assert log_in(browser, "정기사").url.path == "/faults"
    page = browser.get("/faults").text
    assert fault in page
    assert crisis not in page
    assert browser.get(f"/cases/{crisis}").status_code == 404
    assert post(browser, f"/cases/{crisis}/take").status_code == 404
    card = browser.get(f"/cases/{fault}").text
    assert KIM.phone in card
    assert KIM.residents not in card
    assert KIM.note not in card


# -------------------------------------------------------------------- notes


def test_a_note_stands_on_its_own_page_and_in_no_queue(site: Site, browser: httpx.Client) -> None:
    note = site.persist(site.fading())
    log_in(browser)
    for path in ("/", "/faults", "/closed"):
        assert note not in browser.get(path).text
    page = browser.get("/notes").text
    assert "하루 21회로 줄었습니다(이전 40회)" in page
    assert "1시간 30분 늦게" in page
    assert "02-000-0000" in page
    assert browser.get(f"/cases/{note}").url.path == f"/notes/{note}"
    for action in ("take", "note", "close"):
        assert post(browser, f"/cases/{note}/{action}").status_code == 404
    alarm = site.persist(site.silent())
    assert browser.get(f"/notes/{alarm}").status_code == 404
    assert post(browser, f"/notes/{alarm}/read").status_code == 404


def test_a_technician_sees_no_notes(site: Site, browser: httpx.Client) -> None:
    site.add_user("정기사", Role.TECHNICIAN)
    note = site.persist(site.fading())
    log_in(browser, "정기사")
    assert "/notes" not in browser.get("/faults").text
    for path in ("/notes", f"/notes/{note}", f"/cases/{note}"):
        assert browser.get(path).status_code == 404
    for action in ("read", "close"):
        assert post(browser, f"/notes/{note}/{action}", outcome="real").status_code == 404


def test_a_stranger_is_sent_from_a_note_to_the_login_and_back(
    site: Site, browser: httpx.Client
) -> None:
    note = site.persist(site.fading())
    assert browser.get(f"/notes/{note}").url.path == "/login"
    assert log_in(browser, back=f"/notes/{note}").url.path == f"/notes/{note}"


def test_without_scripts_a_note_is_read_with_a_word_and_closed_by_a_colleague(
    site: Site, browser: httpx.Client
) -> None:
    note = site.persist(site.fading())
    site.add_user("복지사2")
    log_in(browser)
    assert 'http-equiv="refresh"' in browser.get("/notes").text
    assert 'http-equiv="refresh"' not in browser.get(f"/notes/{note}").text
    read = post(browser, f"/notes/{note}/read", text="다음 주 방문")
    assert read.url.path == f"/notes/{note}"
    assert "다음 주 방문" in read.text
    kept = site.do(site.store.case(note))
    assert kept is not None
    assert (kept.state, kept.taken_by) == (CaseState.TAKEN, "관제석1")
    with browsing(site) as other:
        log_in(other, "복지사2")
        # Read is read: whoever comes later does not take it over by looking.
        post(other, f"/notes/{note}/read")
        assert site.do(site.store.case(note)) == kept
        post(other, f"/notes/{note}/close", outcome="none")
        assert site.do(site.store.case(note)) == kept
        post(other, f"/notes/{note}/close", outcome="real", text="반찬 배달 연결")
    kept = site.do(site.store.case(note))
    assert kept is not None
    assert (kept.closed_by, kept.outcome) == ("복지사2", Outcome.REAL)
    late = post(browser, f"/notes/{note}/close", outcome="false", text="")
    assert 'class="notice wrong"' in late.text
    assert "반찬 배달 연결" in late.text
    assert "실제 위기" not in late.text
    assert "실제 위기" not in browser.get("/notes").text


def test_notes_stand_by_home_the_newest_first(site: Site, browser: httpx.Client) -> None:
    first, second = site.persist(site.fading(LEE)), site.persist(site.fading())
    site.clock.advance(timedelta(days=7))
    third = site.persist(site.fading(LEE))
    log_in(browser)
    page = browser.get("/notes").text
    homes = re.findall(r'<h2 id="home-\w+">([^<]+)</h2>', page)
    assert homes == [LEE.name, KIM.name]
    assert re.findall(r'id="open-(\w+)"', page) == [third, first, second]


def test_closed_notes_go_on_page_by_page(site: Site, browser: httpx.Client) -> None:
    notes = [site.persist(site.fading()) for _ in range(52)]
    now = site.clock.now()
    for note in notes:
        site.do(site.store.close(note, "관제석1", Outcome.FALSE, "", now))
    still_open = site.persist(site.fading(HALL))
    log_in(browser)
    newest = browser.get("/notes").text
    assert notes[0] not in newest
    assert still_open in newest
    older = re.search(r'href="(/notes\?before=[0-9a-f]{32})"', newest)
    assert older is not None
    page = browser.get(older[1]).text
    assert notes[0] in page
    assert still_open not in page
    assert browser.get("/notes?before=xyz").status_code == 404


def test_the_closed_list_holds_both_queues_in_one_order(site: Site, browser: httpx.Client) -> None:
    cases = []
    for kind in (AlarmKind.SOS, AlarmKind.BATTERY_LOW, AlarmKind.DECLINE) * 2:
        site.clock.advance(timedelta(minutes=1))
        case = site.persist(site.record(kind))
        site.do(site.store.close(case, "관제석1", Outcome.FALSE, "", site.clock.now()))
        if kind is not AlarmKind.DECLINE:
            cases.append(case)
    log_in(browser)
    page = browser.get("/closed").text
    assert re.findall(r'id="open-(\w+)"', page) == list(reversed(cases))


def test_a_case_of_the_centers_own_was_sent_by_nobody(site: Site, browser: httpx.Client) -> None:
    silence = sentence(Say.GATEWAY_SILENT, last=site.clock.now(), missed=3)
    site.do(site.store.gateway_silent("gw-101", (silence,), site.clock.now()))
    (own,) = site.do(site.store.cases())
    sent = site.persist(site.record(AlarmKind.SOS))
    log_in(browser)
    assert "게이트웨이 시각" not in browser.get(f"/cases/{own.id}").text
    assert "게이트웨이 시각" in browser.get(f"/cases/{sent}").text


def test_what_is_over_is_said_where_the_alarm_is_explained(
    site: Site, browser: httpx.Client
) -> None:
    case = site.persist(site.record(AlarmKind.SOS))
    cancelled = sentence(Say.SOS_CANCELLED, at=site.clock.now(), room="침실")
    site.update(case, Stage.CANCELLED, (cancelled,), KIM)
    log_in(browser)
    explained = browser.get(f"/cases/{case}").text.split("<article")[1].split("</section>")[0]
    assert "비상벨이 눌렸습니다" in explained
    assert "대상자가 응급호출을 취소했습니다" in explained


def test_the_language_is_asked_for_and_can_be_chosen(browser: httpx.Client) -> None:
    assert 'lang="ko"' in browser.get("/login").text
    assert 'lang="en"' in browser.get("/login", headers={"Accept-Language": "en"}).text
    assert 'lang="ko"' in browser.get("/login", headers={"Accept-Language": "fr"}).text
    csrf = csrf_of(browser.get("/login"))
    page = browser.post("/language", data={"csrf": csrf, "language": "en", "back": "/login"})
    assert page.url.path == "/login"
    assert "Password" in page.text
    log_in(browser)
    assert "Escalations" in browser.get("/").text


def test_a_new_password_ends_the_other_logins(site: Site, browser: httpx.Client) -> None:
    log_in(browser)
    with browsing(site) as other:
        log_in(other)
        new = {"old": PASSWORD, "new": "a longer password", "again": "a longer password"}
        for wrong in ({"old": "no"}, {"new": "short", "again": "short"}, {"again": "differs"}):
            page = post(browser, "/settings/password", **{**new, **wrong})
            assert 'class="notice wrong"' in page.text
        assert other.get("/settings").url.path == "/settings"
        page = post(browser, "/settings/password", **new)
        assert page.url.path == "/settings"
        assert 'class="notice"' in page.text
        assert other.get("/settings").url.path == "/login"
        assert log_in(other).status_code == 401
        assert log_in(other, password="a longer password").url.path == "/"


def test_the_stream_tells_of_a_change_and_ends_with_the_session(
    site: Site, browser: httpx.Client
) -> None:
    with browser.stream("GET", "/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert next(stream.iter_lines()) == "event: ended"
    log_in(browser)
    version = re.search(r'data-version="(\d+)"', browser.get("/").text)
    assert version is not None
    with browser.stream("GET", f"/live?after={version[1]}") as stream:
        events = (line for line in stream.iter_lines() if line.startswith("event:"))
        assert next(events) == "event: time"
        site.persist(site.silent())
        assert next(events) == "event: changed"
        site.do(site.accounts.set_password("관제석1", PASSWORD, "admin", site.clock.now()))
        assert "event: ended" in list(events)
