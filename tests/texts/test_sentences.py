"""Alarms as people read them, and arguments that no catalogue foresaw."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.refused import Why
from rules.alarm import AlarmKind
from rules.observation import Phenomenon
from rules.sentence import Argument, Say, Sentence, sentence
from tests.texts.arguments import NOW, typical
from texts import Language, translator

SEOUL = ZoneInfo("Asia/Seoul")
KO, EN = translator(Language.KO), translator(Language.EN)
arguments = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(),
    st.sampled_from(Phenomenon),
)
sentences = st.builds(
    Sentence,
    st.sampled_from(Say),
    st.lists(
        st.tuples(st.sampled_from(("at", "since", "room", "device", "value", "new")), arguments)
    ).map(tuple),
)


def test_inactivity_reads_as_a_caller_would_say_it() -> None:
    since = datetime(2026, 7, 4, 5, 20, tzinfo=UTC)
    explanation = (
        sentence(
            Say.SILENT_SINCE,
            since=since,
            silence=timedelta(hours=7),
            room="거실",
            phenomenon=Phenomenon.MOTION,
        ),
        sentence(Say.PROMPT_UNANSWERED, at=since + timedelta(hours=7)),
    )
    assert KO.explain(explanation, SEOUL, NOW) == (
        "14시 20분 거실 움직임 이후 7시간째 생활 반응이 없습니다. "
        "안부 확인(21시 20분)에 답이 없었습니다."
    )
    assert EN.explain(explanation, SEOUL, NOW) == (
        "No sign of life for 7 h. Last sign: 14:20, movement, 거실. "
        "The prompt was not answered (21:20)."
    )


def test_a_home_without_room_names_leaves_no_gap() -> None:
    pressed = sentence(Say.SOS_PRESSED, at=NOW, room="")
    assert KO.sentence(pressed, SEOUL, NOW) == "21시 40분 비상벨이 눌렸습니다."
    assert EN.sentence(pressed, SEOUL, NOW) == "Emergency button pressed: 21:40."


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("say", Say)
def test_every_sentence_is_whole(language: Language, say: Say) -> None:
    said = translator(language).sentence(Sentence(say, tuple(typical(say).items())), SEOUL, NOW)
    # A free-text argument may close the sentence: then the reason or the detail is last.
    assert said.endswith((".", "reason-1", "detail-1"))
    assert not set("{}[]") & set(said)
    for name in typical(say):
        if name in {"device", "driver", "detail", "reason"}:
            assert f"{name}-1" in said


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("say", Say)
def test_an_absent_argument_never_hides_the_others(language: Language, say: Say) -> None:
    speak = translator(language)
    whole = typical(say)
    for absent in whole:
        rest = tuple((name, value) for name, value in whole.items() if name != absent)
        said = speak.sentence(Sentence(say, rest), SEOUL, NOW, AlarmKind.LEAK)
        if any(name == "room" for name, _ in rest):
            assert "거실" in said
        assert not set("{}[]") & set(said)


def test_what_cannot_be_said_names_the_alarm_and_what_came() -> None:
    lacking = Sentence(Say.LEAK, (("room", "욕실"), ("level_cm", 4.0)))
    assert KO.sentence(lacking, SEOUL, NOW, AlarmKind.LEAK) == (
        "침수: 설명을 모두 표시할 수 없습니다 (욕실, 4)."
    )
    assert EN.sentence(lacking, SEOUL, NOW) == (
        "The explanation cannot be shown in full (욕실, 4)."
    )


def test_an_argument_of_a_newer_gateway_is_left_out() -> None:
    newer = sentence(Say.LEAK, at=NOW, room="욕실", depth_cm=4.5)
    assert KO.sentence(newer, SEOUL, NOW) == "21시 40분 욕실 침수가 감지되었습니다."


def test_a_name_can_neither_steer_a_terminal_nor_be_a_template() -> None:
    room = "거\x1b[31m실\n{at}[x]"
    said = KO.sentence(sentence(Say.LEAK, at=NOW, room=room), SEOUL, NOW)
    assert said == "21시 40분 거 [31m실 {at}[x] 침수가 감지되었습니다."


@given(sentences, st.sampled_from(Language), st.none() | st.datetimes(timezones=st.just(UTC)))
def test_any_arguments_give_words(one: Sentence, language: Language, now: datetime | None) -> None:
    said = translator(language).sentence(one, SEOUL, now, AlarmKind.SOS)
    assert said
    assert said.isprintable()


def test_a_number_beyond_all_measure_is_not_spelt_out() -> None:
    # Python refuses to write out an integer of more than 4,300 digits.
    endless = sentence(Say.MAINS_OUTAGE, at=NOW, lost=10**5000, devices=-(10**5000))
    assert EN.sentence(endless, SEOUL, NOW).endswith("Mains-powered devices: … of … are lost.")


@pytest.mark.parametrize("why", Why)
def test_every_reason_to_refuse_a_frame_has_words(why: Why) -> None:
    refused = sentence(Say.FRAMES_REFUSED, at=NOW, device="현관문", reason=why.value)
    for speak in (KO, EN):
        reason = speak.text(f"reason.{why}")
        assert not reason.startswith("reason.")
        assert speak.sentence(refused, SEOUL, NOW).endswith(reason)


def test_a_driver_is_named_by_its_radio_and_an_unknown_reason_kept() -> None:
    lost = sentence(Say.DRIVER_LOST, at=NOW, driver="ble")
    assert "블루투스" in KO.sentence(lost, SEOUL, NOW)
    refused = sentence(Say.FRAMES_REFUSED, at=NOW, device="node", reason="moon {phase}")
    assert EN.sentence(refused, SEOUL, NOW).endswith("Reason: moon {phase}")


def test_texts_of_the_source_take_words_and_counts() -> None:
    assert EN.text("{who} has {what}", who="{what}", what="x") == "{what} has x"
    assert EN.plural("{n} case", "{n} cases", 1) == "1 case"
    assert EN.plural("{n} case", "{n} cases", 2) == "2 cases"


def test_numbers_are_read_out_without_needless_digits() -> None:
    def heat(value: Argument) -> str:
        said = sentence(Say.HEAT, at=NOW, room="안방", value=value, limit=33.0)
        return KO.sentence(said, SEOUL, NOW)

    assert "35.2℃입니다(고온 기준 33℃)" in heat(35.24)
    assert "36℃" in heat(36)
