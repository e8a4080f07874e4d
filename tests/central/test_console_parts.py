"""The parts of the console that need no browser and no center."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.cases import Case, CaseState, Condition
from central.console.attempts import Attempts
from central.console.board import may_see, queue, shows_level, urgency
from central.console.day import day_of
from central.console.icons import icon
from central.console.moments import exact, short
from central.console.pages import phones
from central.console.presence import Presence
from central.people import Role
from rules.activity import ActivityClass
from rules.alarm import AlarmKind, Category
from tests.central.console_site import KIM, SILENT_DAY, START
from texts import Language, translator

SEOUL = ZoneInfo("Asia/Seoul")
MINUTE = timedelta(minutes=1)
KOREAN = translator(Language.KO)


def test_the_ninth_try_waits_until_the_first_is_a_quarter_of_an_hour_old() -> None:
    attempts = Attempts(8, 15 * MINUTE)
    for minute in range(8):
        assert not attempts.wait("kim", START + minute * MINUTE)
        attempts.begin("kim", START + minute * MINUTE)
    assert attempts.wait("kim", START + 8 * MINUTE) == 7 * MINUTE
    assert not attempts.wait("lee", START + 8 * MINUTE)
    assert not attempts.wait("kim", START + 15 * MINUTE)


def test_a_right_password_does_not_count() -> None:
    attempts = Attempts(1, 15 * MINUTE)
    attempts.begin("kim", START)
    attempts.take_back("kim")
    assert not attempts.wait("kim", START)


def test_a_clock_set_back_locks_nobody_out_for_longer_than_the_window() -> None:
    attempts = Attempts(1, 15 * MINUTE)
    attempts.begin("kim", START + timedelta(days=700))
    assert not attempts.wait("kim", START)


def test_the_memory_of_tries_is_bounded() -> None:
    attempts = Attempts(1, 15 * MINUTE, keys=3)
    for number in range(5):
        attempts.begin(str(number), START)
    assert [bool(attempts.wait(str(number), START)) for number in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_a_session_that_nobody_uses_ends_but_an_open_page_keeps_it() -> None:
    presence = Presence(idle_s=100.0)
    assert presence.use(b"used", 0.0)
    assert presence.use(b"used", 90.0)
    assert presence.use(b"used", 180.0)
    assert not presence.use(b"used", 281.0)
    presence.open_page(b"screen", 0.0)
    assert presence.use(b"screen", 5_000.0)
    presence.shut_page(b"screen", 5_000.0)
    assert presence.use(b"screen", 5_099.0)
    assert not presence.use(b"screen", 5_200.0)


def test_the_day_begins_a_day_before_and_is_told_in_words() -> None:
    day = day_of(SILENT_DAY, START, SEOUL, KOREAN.name)
    assert day is not None
    first = day.slots[0].begin.astimezone(SEOUL)
    assert (first.hour, first.minute) == (22, 0)
    assert day.end - day.slots[0].begin == timedelta(days=1)
    assert day.stretches[0] == "22:00\N{EN DASH}23:00 확인 불가"
    assert day.stretches[-1] == "14:30\N{EN DASH}22:00 없음"


def test_a_day_at_the_calendar_s_end_is_none() -> None:
    for year in (1, 9999):
        moment = datetime(year, 12, 31, 23, 59, tzinfo=UTC)
        assert day_of(SILENT_DAY, moment, SEOUL, KOREAN.name) is None
    assert day_of(SILENT_DAY, datetime(1970, 1, 1, tzinfo=UTC), SEOUL, KOREAN.name) is not None


def test_a_record_without_a_day_shows_none() -> None:
    assert day_of(b"", START, SEOUL, KOREAN.name) is None


@given(st.binary(min_size=1, max_size=60), st.datetimes(timezones=st.just(UTC)))
def test_any_bytes_are_a_day_of_at_most_48_half_hours(activity: bytes, at: datetime) -> None:
    if not datetime(1971, 1, 1, tzinfo=UTC) < at < datetime(9000, 1, 1, tzinfo=UTC):
        return
    day = day_of(activity, at, SEOUL, KOREAN.name)
    assert day is not None
    assert len(day.slots) == min(len(activity), 48)
    for slot, number in zip(day.slots, activity[-48:], strict=True):
        known = number in set(ActivityClass)
        assert slot.what == (number if known else ActivityClass.UNKNOWN)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (START, "21:40"),
        (START - timedelta(hours=21, minutes=40), "00:00"),
        (START - timedelta(hours=21, minutes=41), "11-20 23:59"),
        (START - timedelta(days=365), "2025-11-21 21:40"),
    ],
)
def test_a_moment_says_its_day_unless_it_is_today_in_seoul(
    moment: datetime, expected: str
) -> None:
    assert short(moment, SEOUL, START) == expected
    assert exact(moment, SEOUL, START) == f"{expected}:00"


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("010-0000-0000", ["01000000000"]),
        ("02-000-0000 (따님, 19시 이후), 010-0000-0001 아드님", ["020000000", "01000000001"]),
        ("02-000-0000 010-0000-0001", ["020000000", "01000000001"]),
        ("(02) 000-0000 / 02)000-0001", ["020000000", "020000001"]),
        ("010 0000 0000", ["01000000000"]),
        ("01000000000", ["01000000000"]),
        ("+82 10-0000-0000", ["+821000000000"]),
        ("1588-0000 내선 12", ["15880000"]),
        ("없음", []),
    ],
)
def test_each_number_is_dialled_by_itself(written: str, dialled: list[str]) -> None:
    pieces = phones(written)
    assert [number for _, number in pieces if number] == dialled
    assert "".join(text for text, _ in pieces) == written


def case_of(alarm: AlarmKind, level: int = 0, minutes: int = 0, *, drill: bool = False) -> Case:
    """A waiting case as its gateway opens it, a while after the start."""
    return Case(
        id=f"{minutes:032x}",
        gateway=KIM.gateway,
        home=KIM,
        category=alarm.category,
        alarm=alarm,
        scope=None,
        level=level or alarm.level,
        explanation=(),
        room="",
        activity=b"",
        drill=drill,
        wall=START,
        time_trusted=True,
        persisted_at=START + minutes * MINUTE,
        state=CaseState.WAITING,
        taken_by=None,
        taken_at=None,
        closed_by=None,
        closed_at=None,
        outcome=None,
        condition=Condition.ACTIVE,
        history=(),
    )


def test_slow_harms_stand_behind_what_takes_minutes_and_by_their_danger() -> None:
    kinds = [
        AlarmKind.NOT_EATING,
        AlarmKind.HEAT,
        AlarmKind.NO_MORNING,
        AlarmKind.LEFT_ON,
        AlarmKind.INACTIVITY,
        AlarmKind.WANDERING,
        AlarmKind.LEAK,
        AlarmKind.SMOKE,
        AlarmKind.SOS,
        AlarmKind.GATEWAY_SILENT,
    ]
    cases = [case_of(kind, minutes=place) for place, kind in enumerate(kinds)]
    assert [case.alarm for case in sorted(cases, key=urgency)] == [
        AlarmKind.SMOKE,
        AlarmKind.SOS,
        AlarmKind.LEAK,
        AlarmKind.WANDERING,
        AlarmKind.NO_MORNING,
        AlarmKind.LEFT_ON,
        AlarmKind.INACTIVITY,
        AlarmKind.NOT_EATING,
        AlarmKind.HEAT,
        AlarmKind.GATEWAY_SILENT,
    ]


def test_every_escalation_stands_before_every_fault() -> None:
    cases = sorted(map(case_of, AlarmKind), key=urgency)
    categories = [case.category for case in cases if case.category is not Category.NOTE]
    assert categories == sorted(categories, key=list(Category).index)


def test_a_note_stands_in_no_queue_of_alarms() -> None:
    note = case_of(AlarmKind.DECLINE)
    for category in (Category.ESCALATION, Category.FAULT):
        assert queue([note], category).waiting == ()
    assert queue([note], Category.NOTE).waiting == (note,)
    assert [may_see(role, Category.NOTE) for role in Role] == [True, False, True]


def test_every_kind_of_alarm_has_a_drawing_of_its_own() -> None:
    drawings = {icon(kind) for kind in AlarmKind}
    assert icon("of no kind") not in drawings
    # The two restored files look the same; a bold word beside them says which it is.
    assert len(drawings) == len(AlarmKind) - 1


def test_a_level_is_shown_where_it_says_more_than_the_kind() -> None:
    assert not any(shows_level(case_of(kind)) for kind in AlarmKind if kind != "inactivity")
    assert shows_level(case_of(AlarmKind.INACTIVITY))
    assert shows_level(case_of(AlarmKind.SOS, level=4))
    assert shows_level(case_of(AlarmKind.WANDERING, level=3))
