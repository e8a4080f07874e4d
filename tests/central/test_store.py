import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from central.cases import (
    AuditEntry,
    CaseConflict,
    CaseState,
    Condition,
    HistoryWhat,
    Home,
    NoSuchCase,
    Which,
)
from central.people import NoSuchUser, Role, User, UserExists
from central.sql.gateways import GatewayExists
from central.sql.records import RecordClash
from central.sql.schema import connect
from central.store import Store
from protocol.heartbeat import NewsKind
from protocol.records import Record, RecordKind
from rules.alarm import AlarmKind, Category
from rules.errors import ConfigError
from rules.events import Outcome, Stage
from rules.sentence import Say, sentence
from tests.central.receiving import NOW, heartbeat, identity, record, signed

DURABLE = {"journal_mode": "wal", "synchronous": 2}
MINUTE = timedelta(minutes=1)
HOME, OTHER = identity("home-1"), identity("home-2")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "center.sqlite")
    for each in (HOME, OTHER):
        await store.enrol(each.entry(), Home(each.gateway, f"{each.gateway} 님"), "test", NOW)
    yield store
    await store.aclose()


async def keep(store: Store, *records: Record, who: str = "home-1") -> list[bool]:
    by = HOME if who == "home-1" else OTHER
    return await store.persist(who, [(each, signed(each, by)) for each in records], NOW)


def update(opening: Record, seq: int, stage: Stage, level: int = 1) -> Record:
    return record(
        opening.gateway, seq, RecordKind.UPDATE, refers=opening.id, stage=stage, level=level
    )


async def only(store: Store) -> str:
    (case,) = await store.cases(state=Which.ALL)
    return case.id


# ---------------------------------------------------------------- records


async def test_a_record_becomes_a_case_with_its_home(store: Store) -> None:
    made = record("home-1", 7)
    assert await keep(store, made) == [True]
    case = await store.case(made.id.hex())
    assert case is not None
    assert (case.gateway, case.home.name, case.alarm) == ("home-1", "home-1 님", AlarmKind.SOS)
    assert (case.category, case.state, case.condition) == (
        Category.ESCALATION,
        CaseState.WAITING,
        Condition.ACTIVE,
    )
    assert case.explanation == made.explanation
    assert (case.wall, case.persisted_at, case.room) == (made.wall, NOW, "침실")
    assert [entry.what for entry in case.history] == [HistoryWhat.PERSISTED]


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        (RecordKind.ESCALATION, Category.ESCALATION),
        (RecordKind.FAULT, Category.FAULT),
        (RecordKind.NOTE, Category.NOTE),
    ],
)
async def test_the_kind_of_the_record_chooses_the_queue(
    kind: RecordKind, category: Category, store: Store
) -> None:
    await keep(store, record("home-1", 1, kind))
    assert len(await store.cases(category=category)) == 1
    others = set(Category) - {category}
    assert not any([await store.cases(category=other) for other in others])


async def test_the_signed_bytes_are_kept(store: Store, tmp_path: Path) -> None:
    made = record("home-1", 1)
    await keep(store, made)
    with sqlite3.connect(tmp_path / "center.sqlite") as database:
        rows = database.execute("select signed from records").fetchall()
    database.close()
    assert rows == [(signed(made, HOME),)]


async def test_a_known_id_is_kept_once_and_must_say_the_same(store: Store) -> None:
    made = record("home-1", 1)
    assert await keep(store, made, made) == [True, False]
    with pytest.raises(RecordClash):
        await keep(store, record("home-1", 2), replace(made, level=9))
    with pytest.raises(RecordClash):
        await keep(store, replace(made, gateway="home-2"), who="home-2")
    assert [case.level for case in await store.cases()] == [1]


async def test_an_update_before_its_case_waits_for_it(store: Store) -> None:
    opening = record("home-1", 1)
    later = [update(opening, 3, Stage.CLEARED), update(opening, 2, Stage.LEVEL, level=3)]
    assert await keep(store, *later) == [True, True]
    assert await store.cases(state=Which.ALL) == []
    assert await keep(store, opening, *later) == [True, False, False]
    (case,) = await store.cases()
    assert (case.condition, case.level) == (Condition.CLEARED, 3)
    assert [entry.what for entry in case.history] == [
        HistoryWhat.PERSISTED,
        HistoryWhat.LEVEL,
        HistoryWhat.CLEARED,
    ]


async def test_an_overtaken_update_is_shown_as_late_and_changes_nothing(store: Store) -> None:
    opening = record("home-1", 1)
    await keep(store, opening, update(opening, 3, Stage.LEVEL, level=2))
    await keep(store, update(opening, 2, Stage.CLEARED))
    (case,) = await store.cases()
    assert (case.condition, case.level) == (Condition.ACTIVE, 2)
    assert [(entry.what, entry.late) for entry in case.history[1:]] == [
        (HistoryWhat.LEVEL, False),
        (HistoryWhat.CLEARED, True),
    ]


async def test_an_update_of_another_gateway_does_not_touch_the_case(store: Store) -> None:
    opening = record("home-1", 1)
    await keep(store, opening)
    foreign = replace(update(opening, 1, Stage.CANCELLED), gateway="home-2")
    assert await keep(store, foreign, who="home-2") == [True]
    (case,) = await store.cases()
    assert case.condition is Condition.ACTIVE


async def test_a_number_used_twice_is_kept_and_said(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await keep(store, record("home-1", 5))
    assert await keep(store, record("home-1", 5)) == [True]
    assert len(await store.cases()) == 2
    assert "older memory card" in caplog.text


async def test_help_called_again_after_closing_waits_for_a_person_again(store: Store) -> None:
    opening = record("home-1", 1)
    await keep(store, opening)
    await store.take(opening.id.hex(), "kim", NOW)
    await store.close(opening.id.hex(), "kim", Outcome.FALSE, "", NOW)
    await keep(store, update(opening, 2, Stage.LEVEL, level=2))
    (case,) = await store.cases()
    assert (case.state, case.taken_by, case.outcome) == (CaseState.WAITING, None, None)
    assert case.history[-1].what is HistoryWhat.AGAIN
    due = await store.due("home-1", heartbeat(), NOW)
    assert due.news == ()


async def test_what_is_over_after_closing_stays_closed(store: Store) -> None:
    opening = record("home-1", 1)
    await keep(store, opening)
    await store.close(opening.id.hex(), "kim", Outcome.FALSE, "", NOW)
    await keep(store, update(opening, 2, Stage.CLEARED))
    assert await store.cases() == []


async def test_many_records_share_a_commit(store: Store) -> None:
    before = store.version
    await asyncio.gather(*(keep(store, record("home-1", seq)) for seq in range(1, 301)))
    assert len(await store.cases(limit=1000)) == 300
    assert store.version - before < 100


# ---------------------------------------------------------------- people and cases


async def test_taking_tells_the_home_until_it_says_that_it_heard(store: Store) -> None:
    await keep(store, record("home-1", 1))
    id_ = await only(store)
    case = await store.take(id_, "kim", NOW + MINUTE)
    assert (case.state, case.taken_by, case.taken_at) == (CaseState.TAKEN, "kim", NOW + MINUTE)
    (news,) = (await store.due("home-1", heartbeat(), NOW)).news
    assert (news.record.hex(), news.what, news.by) == (id_, NewsKind.TAKEN, "kim")
    again = (await store.due("home-1", heartbeat(), NOW)).news
    assert again == (news,)
    assert (await store.due("home-2", heartbeat(news_seen=(news.token,)), NOW)).news == ()
    assert (await store.due("home-1", heartbeat(news_seen=(news.token,)), NOW)).news == ()
    version = store.version
    if (await store.due("home-1", heartbeat(), NOW)).news:
        await store.changed(version)
    assert (await store.due("home-1", heartbeat(), NOW)).news == ()


async def test_news_have_tokens_that_never_repeat(store: Store) -> None:
    await keep(store, *(record("home-1", seq) for seq in range(1, 6)))
    for case in await store.cases():
        await store.take(case.id, "kim", NOW)
    first = (await store.due("home-1", heartbeat(), NOW)).news
    assert len({news.token for news in first}) == len(first) == 4
    seen = tuple(news.token for news in first)
    (fifth,) = (await store.due("home-1", heartbeat(news_seen=seen), NOW)).news
    assert fifth.token not in seen


async def test_a_restart_is_another_version_even_after_as_many_changes(tmp_path: Path) -> None:
    versions = []
    for _ in range(2):
        store = await Store.open(tmp_path / "center.sqlite")
        versions.append(store.version)
        await store.aclose()
    assert versions[0] != versions[1]


async def test_a_second_person_is_told_who_has_it_and_since_when(store: Store) -> None:
    await keep(store, record("home-1", 1))
    id_ = await only(store)
    await store.take(id_, "kim", NOW)
    assert (await store.take(id_, "kim", NOW + MINUTE)).taken_at == NOW
    with pytest.raises(CaseConflict) as conflict:
        await store.take(id_, "lee", NOW + MINUTE)
    assert (conflict.value.case.taken_by, conflict.value.case.taken_at) == ("kim", NOW)
    with pytest.raises(CaseConflict):
        await store.close(id_, "lee", Outcome.REAL, "", NOW)


async def test_a_case_is_taken_over_from_the_one_who_has_it(store: Store) -> None:
    await keep(store, record("home-1", 1))
    id_ = await only(store)
    await store.take(id_, "kim", NOW)
    with pytest.raises(CaseConflict):
        await store.take(id_, "lee", NOW, instead_of="park")
    assert (await store.take(id_, "lee", NOW, instead_of="kim")).taken_by == "lee"
    with pytest.raises(CaseConflict):
        await store.close(id_, "kim", Outcome.REAL, "", NOW)
    assert len((await store.due("home-1", heartbeat(), NOW)).news) == 1


async def test_closing_keeps_outcome_words_and_person_and_tells_the_home(store: Store) -> None:
    await keep(store, record("home-1", 1))
    id_ = await only(store)
    await store.take(id_, "kim", NOW)
    case = await store.close(id_, "kim", Outcome.REAL, "119가 이송", NOW + MINUTE)
    assert (case.state, case.outcome, case.closed_by, case.closed_at) == (
        CaseState.CLOSED,
        Outcome.REAL,
        "kim",
        NOW + MINUTE,
    )
    assert (case.history[-1].text, case.history[-1].by) == ("119가 이송", "kim")
    told = [news.what for news in (await store.due("home-1", heartbeat(), NOW)).news]
    assert told == [NewsKind.TAKEN, NewsKind.CLOSED]
    assert await store.close(id_, "kim", Outcome.REAL, "", NOW) == case
    with pytest.raises(CaseConflict):
        await store.close(id_, "kim", Outcome.FALSE, "", NOW)
    with pytest.raises(CaseConflict):
        await store.take(id_, "kim", NOW)


async def test_a_note_keeps_its_author_and_time(store: Store) -> None:
    await keep(store, record("home-1", 1))
    id_ = await only(store)
    case = await store.note(id_, "lee", "딸이 가는 중", NOW + MINUTE)
    entry = case.history[-1]
    assert (entry.what, entry.by, entry.text, entry.at) == (
        HistoryWhat.NOTE,
        "lee",
        "딸이 가는 중",
        NOW + MINUTE,
    )
    assert case.state is CaseState.WAITING


@pytest.mark.parametrize("id_", ["00" * 16, "", "no hex", "0"])
async def test_what_is_no_case_is_said(id_: str, store: Store) -> None:
    assert await store.case(id_) is None
    with pytest.raises(NoSuchCase):
        await store.take(id_, "kim", NOW)
    with pytest.raises(NoSuchCase):
        await store.note(id_, "kim", "", NOW)
    with pytest.raises(NoSuchCase):
        await store.close(id_, "kim", Outcome.REAL, "", NOW)


async def test_the_queue_shows_people_in_danger_first_and_drills_last(store: Store) -> None:
    drill, fault = record("home-1", 1, drill=True), record("home-1", 2, RecordKind.FAULT)
    taken, waiting = record("home-1", 3), record("home-1", 4)
    urgent = record("home-1", 5, level=2)
    await keep(store, drill, fault, taken, waiting, urgent)
    await store.take(taken.id.hex(), "kim", NOW)
    order = [urgent, waiting, fault, taken, drill]
    assert [case.id for case in await store.cases()] == [made.id.hex() for made in order]


async def test_closed_cases_are_read_page_by_page(store: Store) -> None:
    await keep(store, *(record("home-1", seq) for seq in range(1, 8)))
    for case in await store.cases():
        await store.close(case.id, "kim", Outcome.FALSE, "", NOW)
    pages: list[str] = []
    before = None
    while page := await store.cases(state=Which.CLOSED, limit=3, before=before):
        pages += [case.id for case in page]
        before = page[-1].id
    assert len(pages) == len(set(pages)) == 7


async def test_who_did_what_is_written_down(store: Store) -> None:
    await keep(store, record("home-1", 1))
    id_ = await only(store)
    await store.take(id_, "kim", NOW)
    await store.close(id_, "kim", Outcome.FALSE, "", NOW)
    await store.add_audit(AuditEntry(NOW, "lee", "login refused", "lee"))
    entries = [(entry.who, entry.what, entry.target) for entry in await store.audit()]
    assert entries[:3] == [
        ("lee", "login refused", "lee"),
        ("kim", "case closed", id_),
        ("kim", "case taken", id_),
    ]


async def test_whoever_waits_for_a_change_is_woken_by_a_commit(store: Store) -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(store.changed(store.version))
        await asyncio.sleep(0)
        assert not waiting.done()
        await keep(store, record("home-1", 1))
    assert waiting.result() == store.version


# ---------------------------------------------------------------- gateways


async def test_what_a_restored_center_does_not_know_is_asked_for(store: Store) -> None:
    await keep(store, *(record("home-1", seq) for seq in (3, 4, 8)))

    async def missing(first: int, last: int) -> tuple[tuple[int, int], ...]:
        return (await store.due("home-1", heartbeat(first, last), NOW)).missing

    assert await missing(0, 0) == ()
    assert await missing(3, 4) == ()
    assert await missing(1, 10) == ((1, 2), (5, 7), (9, 10))
    assert await missing(5, 6) == ((5, 6),)
    await keep(store, *(record("home-1", seq) for seq in (1, 2, 5, 6, 7, 9, 10)))
    assert await missing(1, 10) == ()
    assert await missing(2, 9) == ()
    assert await missing(2, 12) == ((11, 12),)


async def test_ranges_that_never_come_do_not_stand_before_the_others(store: Store) -> None:
    await keep(store, *(record("home-1", seq) for seq in range(2, 62, 2)))
    asked: set[tuple[int, int]] = set()
    for _ in range(4):
        ranges = (await store.due("home-1", heartbeat(1, 60), NOW)).missing
        assert 0 < len(ranges) <= 8
        asked.update(ranges)
    assert asked == {(odd, odd) for odd in range(1, 60, 2)}


async def test_a_heartbeat_is_known_at_once_and_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "center.sqlite"
    for restarted in (False, True):
        store = await Store.open(path)
        if not restarted:
            await store.enrol(HOME.entry(), Home("home-1"), "test", NOW)
            store.heartbeat("home-1", heartbeat(), 60, NOW)
        (row,) = await store.gateways()
        assert (row.last_heartbeat, row.interval_s, row.version) == (NOW, 60, "0.1.0")
        await store.aclose()


async def test_silence_is_noted_once_and_ended_once(store: Store) -> None:
    why = (sentence(Say.GATEWAY_SILENT, last=NOW, missed=3),)
    back = (sentence(Say.GATEWAY_BACK, at=NOW),)
    assert not await store.gateway_back("home-1", back, NOW)
    assert await store.gateway_silent("home-1", why, NOW)
    assert not await store.gateway_silent("home-1", why, NOW + MINUTE)
    await store.close(await only(store), "lee", Outcome.TECHNICAL, "", NOW)
    # It is still silent, and a person knows: that is no news.
    assert not await store.gateway_silent("home-1", why, NOW + MINUTE)
    assert await store.cases() == []
    assert await store.gateway_back("home-1", back, NOW)
    assert await store.gateway_silent("home-1", why, NOW + MINUTE)
    assert len(await store.cases()) == 1
    # The home knows nothing of this case, and is told nothing.
    assert (await store.due("home-1", heartbeat(), NOW)).news == ()


async def test_people_may_act_on_an_open_case_but_not_on_a_fault_of_last_week(
    store: Store,
) -> None:
    async def waits(after: timedelta = timedelta()) -> bool:
        return (await store.due("home-1", heartbeat(), NOW + after)).waits_for_people

    week = timedelta(days=7)
    assert not await waits()
    await keep(store, record("home-1", 1, RecordKind.FAULT))
    assert await waits()
    assert not await waits(week)
    made = record("home-1", 2)
    await keep(store, made)
    assert await waits(week)
    await store.close(made.id.hex(), "kim", Outcome.FALSE, "", NOW)
    assert not await waits(week)


async def test_a_gateway_is_enrolled_once_and_may_get_new_keys(store: Store) -> None:
    again = identity("home-1").entry()
    with pytest.raises(GatewayExists):
        await store.enrol(again, Home("home-1"), "test", NOW)
    stolen = replace(again, kid=OTHER.sender_id)
    with pytest.raises(GatewayExists):
        await store.enrol(stolen, Home("home-1"), "test", NOW, replace_keys=True)
    await store.enrol(again, Home("home-1", "새 이름"), "test", NOW, replace_keys=True)
    assert store.find(HOME.sender_id) is None
    assert store.find(again.kid) == again


async def test_numbers_once_reserved_are_never_given_back(store: Store) -> None:
    await asyncio.to_thread(store.reserve, 5000)
    await asyncio.to_thread(store.reserve, 100)
    assert await store.sequence() == 5000


# ---------------------------------------------------------------- users


async def test_a_session_lasts_until_it_ends_or_the_password_changes(store: Store) -> None:
    user = User("kim", "hash", Role.OPERATOR, NOW)
    await store.add_user(user, "test")
    with pytest.raises(UserExists):
        await store.add_user(user, "test")
    for token in (b"a", b"b"):
        await store.create_session(token, "kim", NOW, NOW + MINUTE)
    session = await store.session(b"a", NOW)
    assert session is not None
    assert session.user == user
    assert await store.session(b"a", NOW + MINUTE) is None
    await store.drop_session(b"a")
    assert await store.session(b"a", NOW) is None
    await store.set_password("kim", "other", "admin", NOW)
    assert await store.session(b"b", NOW) is None
    with pytest.raises(NoSuchUser):
        await store.set_password("nobody", "hash", "admin", NOW)
    with pytest.raises(NoSuchUser):
        await store.create_session(b"c", "nobody", NOW, NOW + MINUTE)


# ---------------------------------------------------------------- the file


async def test_the_file_is_for_its_owner_alone(store: Store, tmp_path: Path) -> None:
    await keep(store, record("home-1", 1))
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(tmp_path)}
    assert set(modes.values()) == {0o600}, modes


async def test_a_commit_is_on_the_medium_before_it_returns(store: Store, tmp_path: Path) -> None:
    await keep(store, record("home-1", 1))
    connection = connect(tmp_path / "center.sqlite")
    modes = [connection.execute(f"pragma {name}").fetchone()[0] for name in DURABLE]
    connection.close()
    assert modes == list(DURABLE.values())


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("pragma user_version = 99", "newer"),
        ("pragma application_id = 7", "another program"),
    ],
)
async def test_a_file_that_is_not_ours_to_write_is_refused(
    sql: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "center.sqlite"
    await (await Store.open(path)).aclose()
    with sqlite3.connect(path) as database:
        database.execute(sql)
    database.close()
    with pytest.raises(ConfigError, match=says):
        await Store.open(path)


async def test_a_damaged_file_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "center.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"rubbish" * 1000)
    with pytest.raises(ConfigError, match="restore"):
        await Store.open(path)


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "center.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("create table theirs (x)")
    database.close()
    with pytest.raises(ConfigError, match="another program"):
        await Store.open(path)
