"""The day as a picture and the caller's numbers: where everything stands, whatever comes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.cases import Case, CaseState, Condition
from central.console.caller import Glance, glance
from central.console.picture import Picture
from central.console.told import Look, Mark, Stretch, told
from rules.activity import ActivityClass
from rules.alarm import AlarmKind
from rules.observation import Phenomenon
from rules.sentence import Argument, Explanation, Say, Sentence, sentence
from tests.central.console_site import KIM, SILENT_DAY, START
from texts import Language, translator

SEOUL = ZoneInfo("Asia/Seoul")
ENGLISH = translator(Language.EN)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WALL = START
"21:40: the last half hour of the day ends at 22:00."
SILENT = (
    sentence(
        Say.SILENT_SINCE,
        since=WALL - 7 * HOUR - 20 * MINUTE,
        silence=7 * HOUR + 20 * MINUTE,
        room="거실",
        phenomenon=Phenomenon.MOTION,
    ),
    sentence(Say.SILENCE_USUAL, since=WALL - 7 * HOUR - 20 * MINUTE, usual=3 * HOUR),
    sentence(Say.PROMPT_UNANSWERED, at=WALL - 20 * MINUTE),
)


def case(
    explanation: Explanation = SILENT,
    activity: bytes = SILENT_DAY,
    *,
    kind: AlarmKind = AlarmKind.INACTIVITY,
    wall: datetime = WALL,
) -> Case:
    return Case(
        id="0" * 32,
        gateway=KIM.gateway,
        home=KIM,
        category=kind.category,
        alarm=kind,
        scope=None,
        level=1,
        explanation=explanation,
        room="",
        activity=activity,
        drill=False,
        wall=wall,
        time_trusted=True,
        persisted_at=wall,
        state=CaseState.WAITING,
        taken_by=None,
        taken_at=None,
        closed_by=None,
        closed_at=None,
        outcome=None,
        condition=Condition.ACTIVE,
        history=(),
    )


def seen(
    what: Case, over: Explanation = (), now: datetime = WALL, zone: ZoneInfo = SEOUL
) -> Glance:
    return glance(what, over, ENGLISH, zone, now)


def drawn(
    what: Case, over: Explanation = (), now: datetime = WALL, zone: ZoneInfo = SEOUL
) -> Picture:
    picture = seen(what, over, now, zone).picture
    assert picture is not None
    return picture


def hours(picture: Picture, x: float, width_h: float = 24.0) -> float:
    """A place as hours after the drawing's beginning."""
    assert picture.bars
    return round(x / 100 * width_h, 2)


def test_a_silent_day_shows_the_last_sign_the_prompt_the_alarm_and_both_lengths() -> None:
    picture = drawn(case())
    assert len(picture.bars) == 48
    # It begins at 22:00 of the day before.
    flags = [(hours(picture, flag.x), flag.word, flag.look) for flag in picture.flags]
    assert flags == [
        (23.67, "Alarm raised 21:40", Look.RAISED),
        (23.33, "Asked, no answer 21:20", Look.PROMPT),
        (16.33, "Last sign of life 14:20", Look.LIFE),
    ]
    assert [flag.left for flag in picture.flags] == [True, True, True]
    bands = [
        (hours(picture, band.x), hours(picture, band.width), band.word, band.look)
        for band in picture.bands
    ]
    assert bands == [
        (16.33, 7.33, "Silent for 7 h 20 min", Look.LONG),
        (16.33, 3.0, "Usually at most 3 h", Look.USUAL),
    ]
    assert picture.known_until == 100
    assert picture.says == (
        "Last sign of life 14:20, Silent for 7 h 20 min, Usually at most 3 h,"
        " Asked, no answer 21:20, Alarm raised 21:40"
    )


def test_every_third_hour_stands_under_the_scale_and_midnight_has_its_date() -> None:
    ticks = drawn(case()).ticks
    assert [tick.word for tick in ticks] == ["11-21", "3", "6", "9", "12", "15", "18", "21"]
    assert [tick.x for tick in ticks if tick.midnight] == [pytest.approx(100 * 2 / 24, abs=0.001)]


def test_hours_of_a_zone_apart_by_a_quarter_are_found() -> None:
    ticks = drawn(case(), zone=ZoneInfo("Asia/Kathmandu")).ticks
    assert len(ticks) == 8


def test_an_hour_that_a_clock_leaves_out_is_left_out_here_as_well() -> None:
    # 2026-03-29, Berlin: 2:00 to 3:00 does not exist.
    picture = drawn(
        case((), bytes(48), wall=datetime(2026, 3, 29, 12, 0, tzinfo=UTC)),
        zone=ZoneInfo("Europe/Berlin"),
    )
    midnight, three = (tick.x for tick in picture.ticks if tick.word in {"03-29", "3"})
    assert hours(picture, three) - hours(picture, midnight) == pytest.approx(2, abs=0.02)
    assert {round(bar.width, 2) for bar in picture.bars} == {round(0.8 * 100 / 48, 2)}


def test_a_silence_that_began_before_the_day_begins_at_the_edge_and_says_its_length() -> None:
    picture = drawn(case((sentence(Say.SILENT_SINCE, since=WALL - 36 * HOUR, silence=36 * HOUR),)))
    (band,) = picture.bands
    assert (band.x, band.from_before, band.word) == (0, True, "Silent for 36 h")
    assert [flag.look for flag in picture.flags] == [Look.RAISED]


def test_what_lies_before_or_after_the_day_is_said_and_not_drawn() -> None:
    past = sentence(Say.SILENCE_USUAL, since=WALL - 48 * HOUR, usual=3 * HOUR)
    ahead = sentence(Say.NO_MEAL, since=WALL + 48 * HOUR, silence=HOUR, usual=HOUR)
    endless = sentence(
        Say.SILENT_SINCE, since=datetime(9999, 12, 1, tzinfo=UTC), silence=timedelta(days=90)
    )
    for said in (past, ahead, endless):
        picture = drawn(case((said,)))
        assert picture.bands == ()
        assert len(picture.flags) == 1
        assert len(picture.says.split(", ")) > 1


def test_a_later_level_and_the_end_are_drawn_past_the_day_of_the_record() -> None:
    higher = (sentence(Say.SILENT_SINCE, since=WALL - 8 * HOUR, silence=12 * HOUR),)
    over = (sentence(Say.LIFE_AGAIN, at=WALL + 6 * HOUR),)
    picture = drawn(case(higher), over)
    assert [(flag.word, flag.look) for flag in picture.flags] == [
        ("Life again 03:40", Look.OVER),
        ("More urgent 01:40", Look.RAISED),
        ("Alarm raised 21:40", Look.RAISED),
        ("Last sign of life 13:40", Look.LIFE),
    ]
    width_h = 24 + 5 + 40 / 60
    assert hours(picture, picture.known_until, width_h) == 24
    assert hours(picture, picture.flags[0].x, width_h) == pytest.approx(width_h, abs=0.01)


def test_what_came_days_later_does_not_squeeze_the_day() -> None:
    picture = drawn(case(), (sentence(Say.LIFE_AGAIN, at=WALL + 40 * HOUR),))
    assert picture.known_until == 100
    assert all(flag.look is not Look.OVER for flag in picture.flags)
    assert "Life again" in picture.says


def test_words_of_one_half_are_never_crossed_by_a_pole_of_the_same_half() -> None:
    marks = (
        sentence(Say.WENT_OUT, at=WALL - 22 * HOUR),
        sentence(Say.SILENT_FROM_START, since=WALL - 21 * HOUR, silence=21 * HOUR),
        *SILENT,
    )
    early = [flag for flag in drawn(case(marks)).flags if not flag.left]
    late = [flag for flag in drawn(case(marks)).flags if flag.left]
    # Words stand right of an early pole and left of a late one; a pole goes down from its row.
    assert [flag.x for flag in early] == sorted(flag.x for flag in early)
    assert [flag.x for flag in late] == sorted((flag.x for flag in late), reverse=True)
    rows = [flag.y for flag in (*early, *late)]
    assert rows == sorted(set(rows))


def test_without_a_day_there_are_numbers_and_no_picture() -> None:
    door = sentence(Say.NIGHT_DOOR, at=WALL - 22 * MINUTE, room="현관", silence=15 * MINUTE)
    glanced = seen(case((door,), b"", kind=AlarmKind.WANDERING))
    assert (glanced.day, glanced.picture) == (None, None)
    assert [(fact.word, fact.value, fact.room) for fact in glanced.facts] == [
        ("Door opened", "21:18", "현관"),
        ("Not back for", "15 min", ""),
    ]
    # The door may have moved once more: what counts is counted from the alarm.
    assert glanced.facts[1].since == WALL - 15 * MINUTE


def test_a_silence_goes_on_until_somebody_or_something_ends_it() -> None:
    later = WALL + HOUR
    facts = {fact.word: fact for fact in seen(case(), now=later).facts}
    assert facts["Silent for"].since == WALL - 7 * HOUR - 20 * MINUTE
    assert facts["Silent for"].then == "7 h 20 min"
    assert facts["Usually at most"].since is None
    assert [fact.then for fact in seen(case(), now=WALL + MINUTE).facts] == [""] * 4
    for ended in (
        replace(case(), condition=Condition.CLEARED),
        replace(case(), state=CaseState.CLOSED),
        replace(case(), time_trusted=False),
    ):
        facts = {fact.word: fact for fact in seen(ended, now=later).facts}
        assert (facts["Silent for"].since, facts["Silent for"].value) == (None, "7 h 20 min")


def test_each_slow_harm_says_its_moments_and_lengths() -> None:
    said = (
        sentence(
            Say.LEFT_ON, since=WALL - 4 * HOUR, room="주방", device="stove", usual=40 * MINUTE
        ),
        sentence(Say.NO_LIFE_SINCE, since=WALL - 3 * HOUR, silence=3 * HOUR),
        sentence(Say.NO_MEAL, since=WALL - 50 * HOUR, silence=50 * HOUR, usual=20 * HOUR),
        sentence(Say.NO_MORNING, usual=WALL - 2 * HOUR, signs=0),
    )
    words = [(item.word, item.look) for item in told(said, WALL)]
    assert words == [
        ("On since", Look.DOOR),
        ("On for", Look.LONG),
        ("Usually at most", Look.USUAL),
        ("Last sign of life", Look.LIFE),
        ("Silent for", Look.LONG),
        ("Kitchen last used", Look.LIFE),
        ("Kitchen unused for", Look.LONG),
        ("Usually up by", Look.DUE),
    ]


def test_what_is_usual_is_said_without_a_day_and_what_happened_with_it() -> None:
    said = (
        sentence(Say.NO_MORNING, usual=WALL - 13 * HOUR, signs=0),
        sentence(Say.PROMPT_UNANSWERED, at=WALL - 12 * HOUR),
    )
    glanced = seen(case(said, kind=AlarmKind.NO_MORNING), now=WALL + 12 * HOUR)
    assert [(fact.word, fact.value) for fact in glanced.facts] == [
        ("Usually up by", "08:40"),
        ("Asked, no answer", "yesterday 09:40"),
    ]


def test_arguments_of_another_kind_are_left_out() -> None:
    said = (
        sentence(Say.SILENT_SINCE, since="soon", silence=3, room=7),
        sentence(Say.PROMPT_UNANSWERED),
        sentence(Say.SILENCE_LIMIT, limit=-HOUR),
    )
    assert told(said, WALL) == ()


moments = st.datetimes(timezones=st.just(UTC))
spans = st.timedeltas(timedelta(days=-36_525), timedelta(days=36_525))
near = st.integers(-3_000, 3_000).map(lambda minutes: WALL + minutes * MINUTE)
arguments: st.SearchStrategy[Argument] = st.one_of(
    st.text(max_size=9),
    st.integers(),
    st.floats(),
    moments,
    near,
    spans,
    st.sampled_from(Phenomenon),
)
names = st.sampled_from(["at", "since", "silence", "usual", "limit", "room", "device", "signs"])
explanations = st.lists(
    st.builds(
        Sentence,
        st.sampled_from(Say),
        st.lists(st.tuples(names, arguments), max_size=8, unique_by=lambda pair: pair[0]).map(
            tuple
        ),
    ),
    max_size=8,
).map(tuple)


@given(
    activity=st.binary(min_size=1, max_size=60),
    explanation=explanations,
    over=explanations,
    wall=st.one_of(near, moments),
)
def test_any_day_and_any_explanation_are_drawn_within_the_frame(
    activity: bytes, explanation: Explanation, over: Explanation, wall: datetime
) -> None:
    glanced = seen(case(explanation, activity, wall=wall), over)
    if glanced.picture is None:
        assert not 1901 < wall.year < 9998
        return
    picture = glanced.picture
    assert len(picture.bars) == min(len(activity), 48)
    assert {bar.looks for bar in picture.bars} <= {each.name.lower() for each in ActivityClass}
    placed = [(piece.x, piece.width) for piece in picture.bars]
    placed += [(piece.x, piece.width) for piece in picture.bands]
    placed += [(place.x, 0.0) for place in picture.ticks]
    placed += [(place.x, 0.0) for place in picture.flags]
    for x, width in placed:
        assert 0 <= x <= 100
        assert width >= 0
        assert x + width <= 100.01
    for flag in picture.flags:
        assert 0 < flag.y < picture.base
    for band in picture.bands:
        assert picture.base < band.y < picture.height
        assert 0 <= band.word_x <= 100
    assert any(flag.look is Look.RAISED for flag in picture.flags)
    assert 50 - 0.01 <= picture.known_until <= 100


@given(explanation=explanations, at=moments)
def test_whatever_is_told_is_a_moment_or_a_length(explanation: Explanation, at: datetime) -> None:
    for item in told(explanation, at):
        if isinstance(item, Stretch):
            assert item.length >= timedelta()
        else:
            assert isinstance(item, Mark)
            assert item.at.tzinfo is not None
