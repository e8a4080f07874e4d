"""Moments and spans in both languages."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texts import Language, translator

SEOUL = ZoneInfo("Asia/Seoul")
KO, EN = translator(Language.KO), translator(Language.EN)
NOW = datetime(2026, 7, 4, 12, 40, tzinfo=UTC)  # 21:40 in Seoul.


@pytest.mark.parametrize(
    ("before", "korean", "english"),
    [
        (timedelta(hours=7, minutes=20), "14시 20분", "14:20"),
        (timedelta(hours=12, minutes=40), "9시", "09:00"),
        (timedelta(hours=21, minutes=35), "0시 5분", "00:05"),
        (timedelta(hours=22), "어제 23시 40분", "yesterday 23:40"),
        (timedelta(hours=-3), "내일 0시 40분", "tomorrow 00:40"),
        (timedelta(days=1, hours=7, minutes=20), "어제 14시 20분", "yesterday 14:20"),
        (timedelta(days=1, hours=22), "7월 2일 23시 40분", "2 July 23:40"),
        (
            timedelta(days=365, hours=7, minutes=20),
            "2025년 7월 4일 14시 20분",
            "4 July 2025 14:20",
        ),
    ],
)
def test_a_moment_has_as_much_date_as_it_needs(
    before: timedelta, korean: str, english: str
) -> None:
    assert KO.moment(NOW - before, SEOUL, NOW) == korean
    assert EN.moment(NOW - before, SEOUL, NOW) == english


def test_without_now_the_date_is_said() -> None:
    assert KO.moment(NOW, SEOUL) == "7월 4일 21시 40분"
    assert EN.moment(NOW, SEOUL) == "4 July 21:40"


def test_the_reader_s_zone_decides_what_today_is() -> None:
    late = datetime(2026, 7, 3, 16, 0, tzinfo=UTC)
    assert KO.moment(late, SEOUL, NOW) == "1시"
    assert KO.moment(late, UTC, NOW) == "어제 16시"


@pytest.mark.parametrize(
    ("length", "korean", "english"),
    [
        (timedelta(), "0초", "0 s"),
        (timedelta(seconds=-5), "0초", "0 s"),
        (timedelta(seconds=45), "45초", "45 s"),
        (timedelta(seconds=90), "1분 30초", "1 min 30 s"),
        (timedelta(minutes=10, seconds=30), "10분", "10 min"),
        (timedelta(hours=7), "7시간", "7 h"),
        (timedelta(hours=7, minutes=20, seconds=59), "7시간 20분", "7 h 20 min"),
        (timedelta(hours=50), "50시간", "50 h"),
        (timedelta(hours=76), "3일 4시간", "3 d 4 h"),
        (timedelta(days=5, minutes=50), "5일", "5 d"),
    ],
)
def test_a_span_has_two_units_at_most(length: timedelta, korean: str, english: str) -> None:
    assert KO.span(length) == korean
    assert EN.span(length) == english


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from((UTC, SEOUL, ZoneInfo("America/Adak"))),
    st.none() | st.datetimes(timezones=st.just(UTC)),
)
def test_any_moment_has_words(at: datetime, zone: tzinfo, now: datetime | None) -> None:
    assert KO.moment(at, zone, now)
    assert EN.moment(at, zone, now)


@given(st.timedeltas())
def test_any_span_has_words(length: timedelta) -> None:
    assert KO.span(length)
    assert EN.span(length)
