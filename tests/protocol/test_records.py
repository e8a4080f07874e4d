"""Records on the wire: golden bytes, one encoding each, and nothing else is taken for one."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import cbor
from protocol.records import (
    ACTIVITY_MAX,
    BATCH_BYTES_MAX,
    PAYLOAD_MAX,
    Key,
    Record,
    RecordKind,
    decode,
    decode_batch,
    encode,
    encode_batch,
    record_of,
    sign,
    uuid7,
)
from protocol.sentences import TEXT_MAX
from rules.alarm import AlarmKey, AlarmKind, Category
from rules.errors import FrameError
from rules.events import Escalated, Stage, Updated
from rules.observation import DeviceId, Phenomenon
from rules.sentence import Argument, Say, Sentence, sentence
from tests.support.outbox import record
from tests.support.uplink import IDENTITY

MOMENT = datetime(2026, 11, 22, 3, 4, 5, 123456, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
GOLDEN = json.loads(
    (ROOT / "tests" / "vectors" / "uplink_records.json").read_text(encoding="utf-8")
)

INACTIVITY = Escalated(
    at=MOMENT,
    serial=1_234,
    alarm=AlarmKey(AlarmKind.INACTIVITY),
    level=2,
    explanation=(
        sentence(
            Say.SILENT_SINCE,
            since=MOMENT - timedelta(hours=12),
            silence=timedelta(hours=12),
            room="화장실",
            phenomenon=Phenomenon.MOTION,
        ),
        sentence(Say.SILENCE_LIMIT, limit=timedelta(hours=12), level=2, levels=3),
        sentence(Say.PROMPT_UNANSWERED, at=MOMENT - timedelta(minutes=10)),
    ),
    room="화장실",
    activity=bytes([0, 1, 2, 3, 4, 5] * 8),
)
CANCELLED = Updated(
    at=MOMENT,
    serial=1_235,
    refers=1_234,
    alarm=AlarmKey(AlarmKind.SOS, DeviceId("bath-button")),
    stage=Stage.CANCELLED,
    level=1,
    explanation=(sentence(Say.SOS_CANCELLED, at=MOMENT, room="화장실"),),
)
DAY_AGO = MOMENT - timedelta(days=1)
SLOW_HARMS = {
    "no_morning": (
        AlarmKey(AlarmKind.NO_MORNING),
        1,
        (sentence(Say.NO_MORNING, usual=MOMENT - timedelta(hours=2), signs=0),),
    ),
    "wandering": (
        AlarmKey(AlarmKind.WANDERING),
        2,
        (
            sentence(
                Say.NIGHT_DOOR,
                at=MOMENT - timedelta(minutes=20),
                room="현관",
                silence=timedelta(minutes=20),
            ),
        ),
    ),
    "left_on": (
        AlarmKey(AlarmKind.LEFT_ON, DeviceId("kitchen-plug")),
        1,
        (
            sentence(
                Say.LEFT_ON,
                since=MOMENT - timedelta(hours=4),
                room="주방",
                device="kitchen-plug",
                usual=timedelta(minutes=40),
            ),
            sentence(Say.LEFT_ON_POWER, value=812.5),
            sentence(
                Say.NO_LIFE_SINCE,
                since=MOMENT - timedelta(hours=3),
                silence=timedelta(hours=3),
            ),
        ),
    ),
    "not_eating": (
        AlarmKey(AlarmKind.NOT_EATING),
        1,
        (
            sentence(
                Say.NO_MEAL,
                since=DAY_AGO - timedelta(days=1),
                silence=timedelta(days=2),
                usual=timedelta(hours=20),
            ),
        ),
    ),
    "decline": (
        AlarmKey(AlarmKind.DECLINE),
        1,
        (
            sentence(Say.LESS_LIFE, value=21.5, before=40.0, weeks=4),
            sentence(Say.LATER_MORNINGS, later=timedelta(hours=1, minutes=30), weeks=4),
            sentence(Say.MORE_NIGHT_LIFE, value=6.0, before=2.5, weeks=4),
            sentence(Say.LESS_COOKING, value=0.5, before=2.0, weeks=4),
        ),
    ),
}
ENDINGS = {
    "no_morning_over": (AlarmKind.NO_MORNING, sentence(Say.MORNING_CAME, at=MOMENT)),
    "wandering_over": (AlarmKind.WANDERING, sentence(Say.CAME_BACK, at=MOMENT, room="현관")),
    "left_on_over": (
        AlarmKind.LEFT_ON,
        sentence(Say.SWITCHED_OFF, at=MOMENT, room="주방", device="kitchen-plug"),
    ),
    "not_eating_over": (
        AlarmKind.NOT_EATING,
        sentence(Say.COOKED_AGAIN, at=MOMENT, room="주방", device="kitchen-plug"),
    ),
}


def made(event: Escalated | Updated) -> Record:
    return record_of(
        event,
        id=bytes.fromhex("019aa96f2a3b7c0d8e0f101112131415"),
        gateway="seongdong-0042",
        boot=7,
        monotonic_ms=123_456,
        time_trusted=True,
        refers=bytes(16) if isinstance(event, Updated) else None,
    )


MADE = {
    "inactivity": made(INACTIVITY),
    "cancelled": made(CANCELLED),
    "sos": record(1),
    "fault": record(
        2,
        kind=RecordKind.FAULT,
        alarm=AlarmKind.BATTERY_LOW,
        explanation=(sentence(Say.BATTERY_LOW, at=MOMENT, room="거실", device="door", value=2.5),),
        drill=True,
    ),
    **{
        name: made(Escalated(MOMENT, 1_234, alarm, level, said, "주방", b""))
        for name, (alarm, level, said) in SLOW_HARMS.items()
    },
    **{
        name: made(Updated(MOMENT, 1_235, 1_234, AlarmKey(kind), Stage.CLEARED, 1, (over,)))
        for name, (kind, over) in ENDINGS.items()
    },
}


@pytest.mark.parametrize("name", MADE)
def test_the_bytes_are_what_they_were(name: str) -> None:
    assert encode(MADE[name]).hex() == GOLDEN[name]
    assert decode(bytes.fromhex(GOLDEN[name])) == MADE[name]


def test_a_signed_inactivity_record_is_small() -> None:
    payload = encode(MADE["inactivity"])
    assert len(payload) <= 260
    assert len(sign(payload, IDENTITY.private_key(), IDENTITY.sender_id)) <= 400


def test_the_event_decides_what_the_record_is() -> None:
    assert made(INACTIVITY).kind is RecordKind.ESCALATION
    assert made(INACTIVITY).seq == 1_234
    assert made(CANCELLED).kind is RecordKind.UPDATE
    assert made(CANCELLED).stage is Stage.CANCELLED
    kinds = {
        Category.ESCALATION: RecordKind.ESCALATION,
        Category.FAULT: RecordKind.FAULT,
        Category.NOTE: RecordKind.NOTE,
    }
    for alarm in AlarmKind:
        event = Escalated(MOMENT, 1, AlarmKey(alarm), 1, (), "", b"")
        assert made(event).kind is kinds[alarm.category]


def test_the_specification_names_every_alarm_under_its_kind_of_record() -> None:
    written = (ROOT / "docs" / "protocol" / "uplink.cddl").read_text(encoding="utf-8")
    for category in Category:
        names = re.search(rf"^{category}-alarm = (.*?)^$", written, re.DOTALL | re.MULTILINE)
        assert names is not None, category
        assert set(re.findall(r'"(\w+)"', names[1])) == {
            str(alarm) for alarm in AlarmKind if alarm.category is category
        }


# --- any record, there and back --------------------------------------------------------------

moments = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 -- Hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 -- Hypothesis adds the zone
    timezones=st.just(UTC),
)
texts = st.text(max_size=TEXT_MAX)
spans = st.timedeltas(timedelta(days=-400), timedelta(days=400))
arguments: st.SearchStrategy[Argument] = st.one_of(
    texts,
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    moments,
    spans,
    st.sampled_from(Phenomenon),
)
names = st.sampled_from(["at", "room", "device", "value", "since", "a_new_name"])
sentences = st.builds(
    Sentence,
    st.sampled_from(Say),
    st.lists(st.tuples(names, arguments), max_size=8, unique_by=lambda pair: pair[0]).map(tuple),
)
events: st.SearchStrategy[Escalated | Updated] = st.one_of(
    st.builds(
        Escalated,
        at=moments,
        serial=st.integers(0, 2**53),
        alarm=st.builds(
            AlarmKey,
            st.sampled_from(AlarmKind),
            st.none() | st.text(min_size=1, max_size=64).map(DeviceId),
        ),
        level=st.integers(-3, 300),
        explanation=st.lists(sentences, max_size=12).map(tuple),
        room=st.text(max_size=400),
        activity=st.lists(st.integers(0, 5), max_size=60).map(bytes),
        drill=st.booleans(),
    ),
    st.builds(
        Updated,
        at=moments,
        serial=st.integers(0, 2**53),
        refers=st.integers(0, 2**53),
        alarm=st.builds(AlarmKey, st.sampled_from(AlarmKind), st.none()),
        stage=st.sampled_from(Stage),
        level=st.integers(-3, 300),
        explanation=st.lists(sentences, max_size=12).map(tuple),
    ),
)


@given(event=events)
def test_whatever_the_engine_says_becomes_a_record_that_the_center_takes(
    event: Escalated | Updated,
) -> None:
    record = made(event)
    payload = encode(record)
    assert len(payload) <= PAYLOAD_MAX
    assert decode(payload) == record
    signed = sign(payload, IDENTITY.private_key(), IDENTITY.sender_id)
    assert len(signed) <= BATCH_BYTES_MAX
    if isinstance(event, Escalated):
        assert record.activity == event.activity[-ACTIVITY_MAX:]


def test_a_long_explanation_loses_words_and_not_the_alarm() -> None:
    long = sentence(Say.JOURNAL_RESTORED, at=MOMENT, detail="파손 " * 400)
    record = made(
        Escalated(MOMENT, 1, AlarmKey(AlarmKind.JOURNAL_RESTORED), 1, (long,) * 9, "", b"")
    )
    assert record.explanation
    (_, detail) = record.explanation[0].arguments[1]
    assert str(detail).startswith("파손")
    assert str(detail).endswith("…")


def test_every_sentence_has_a_number() -> None:
    # A text in its place would work, and cost 10 to 20 bytes in each record.
    for say in Say:
        plain = cbor.loads(encode(record(1, explanation=(Sentence(say),))), PAYLOAD_MAX)
        assert isinstance(plain, dict)
        assert isinstance(plain[Key.EXPLANATION][0][0], int), say


# --- nothing else is a record ----------------------------------------------------------------


@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_record_or_a_frame_error(data: bytes) -> None:
    try:
        found = decode(data)
    except FrameError:
        return
    assert encode(found) == data


@given(data=st.data())
def test_a_record_with_changed_bytes_is_another_record_or_a_frame_error(
    data: st.DataObject,
) -> None:
    payload = bytearray(encode(MADE[data.draw(st.sampled_from(sorted(MADE)))]))
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(payload))
    except FrameError:
        return
    assert encode(found) == payload


def table(**changes: object) -> dict[int, object]:
    plain = cbor.loads(encode(MADE["sos"]), PAYLOAD_MAX)
    assert isinstance(plain, dict)
    values = {int(Key[name]): value for name, value in changes.items()}
    return {key: value for key, value in (plain | values).items() if value is not ...}


def test_the_unchanged_table_is_a_record() -> None:
    assert decode(cbor.dumps(table())) == MADE["sos"]
    for value in (1, -1, 1.5, "text", [0, 0], [1, -1], [2, "motion"]):
        decode(cbor.dumps(table(EXPLANATION=[[0, [0, value], ["newer", value]]])))


@pytest.mark.parametrize(
    "changes",
    [
        {"VERSION": 2},
        {"ID": b"short"},
        {"ID": ...},
        {"KIND": 0},
        {"KIND": 5},
        {"KIND": True},
        {"KIND": 4},
        {"STAGE": "level"},
        {"REFERS": bytes(16)},
        {"GATEWAY": "x" * 65},
        {"GATEWAY": b"home-1"},
        {"SEQ": -1},
        {"SEQ": 2**53 + 1},
        {"SEQ": 1.0},
        {"BOOT": "3"},
        {"MONOTONIC_MS": -1},
        {"WALL": 2**58},
        {"WALL": -(2**58)},
        {"WALL": "2026-11-22"},
        {"TIME_TRUSTED": 1},
        {"ALARM": "unheard_of"},
        {"ALARM": 1},
        {"LEVEL": 100},
        {"SCOPE": ["bath-button"]},
        {"ROOM": "x" * 201},
        {"ROOM": ""},
        {"ACTIVITY": b""},
        {"ACTIVITY": b"\6"},
        {"ACTIVITY": bytes(49)},
        {"DRILL": False},
        {"EXPLANATION": [[0]] * 9},
        {"EXPLANATION": [[]]},
        {"EXPLANATION": [[999]]},
        {"EXPLANATION": [["sos_pressed"]]},
        {"EXPLANATION": [["unheard_of"]]},
        {"EXPLANATION": [[0, 0]]},
        {"EXPLANATION": [[0, []]]},
        {"EXPLANATION": [[0, [0]]]},
        {"EXPLANATION": [[0, [0, 1, 2]]]},
        {"EXPLANATION": [[0, [0, 1], [0, 2]]]},
        {"EXPLANATION": [[0, *([each, 1] for each in range(9))]]},
        {"EXPLANATION": [[0, ["at", 1]]]},
        {"EXPLANATION": [[0, ["No Name", 1]]]},
        {"EXPLANATION": [[0, [0, None]]]},
        {"EXPLANATION": [[0, [0, True]]]},
        {"EXPLANATION": [[0, [0, float("nan")]]]},
        {"EXPLANATION": [[0, [0, float("inf")]]]},
        {"EXPLANATION": [[0, [0, [0, 2**62]]]]},
        {"EXPLANATION": [[0, [0, [1, 2**62]]]]},
        {"EXPLANATION": [[0, [0, [2, "unheard_of"]]]]},
        {"EXPLANATION": [[0, [0, [3, 1]]]]},
        {"EXPLANATION": [[0, [0, "x" * 201]]]},
        {"EXPLANATION": "text"},
    ],
    ids=str,
)
def test_a_record_is_read_strictly(changes: dict[str, object]) -> None:
    with pytest.raises(FrameError):
        decode(cbor.dumps(table(**changes)))


@pytest.mark.parametrize(
    "payload",
    [
        cbor.dumps(table() | {18: 1}),
        cbor.dumps(table() | {"room": 1}),
        cbor.dumps([]),
        cbor.dumps(table()) + b"\0",
        b"\xa1" + bytes(859),
        bytes(PAYLOAD_MAX + 1),
        b"",
        # An indefinite map, a key twice, keys out of order, a number longer than it must be.
        b"\xbf\x00\x01\xff",
        b"\xa2\x00\x01\x00\x01",
        b"\xa2\x01\x01\x00\x01",
        b"\xa1\x00\x18\x01",
    ],
    ids=range(11),
)
def test_there_is_one_encoding(payload: bytes) -> None:
    with pytest.raises(FrameError):
        decode(payload)


# --- batches and ids -------------------------------------------------------------------------


@given(sizes=st.lists(st.integers(1, 160), min_size=1, max_size=6))
def test_a_batch_comes_apart_as_it_was_put_together(sizes: list[int]) -> None:
    signed = [b"\xd2" + bytes(size - 1) for size in sizes]
    assert decode_batch(encode_batch(signed)) == tuple(signed)


@given(data=st.binary(max_size=1_100))
def test_any_bytes_are_a_batch_or_a_frame_error(data: bytes) -> None:
    try:
        rows = decode_batch(data)
    except FrameError:
        return
    assert encode_batch(rows) == data


@pytest.mark.parametrize(
    "body",
    [b"", cbor.dumps([]), cbor.dumps([b"one"]), cbor.dumps([b"x"] * 7), cbor.dumps([b"x", 1])],
    ids=["nothing", "none", "one", "seven", "number"],
)
def test_a_batch_has_two_to_six_records(body: bytes) -> None:
    with pytest.raises(FrameError):
        decode_batch(body)


def test_a_uuid7_has_its_time_version_and_variant() -> None:
    # RFC 9562, A.6.
    example = "017f22e279b07cc398c4dc0c0c07398f"
    assert uuid7(0x017F22E279B0, bytes.fromhex("0cc398c4dc0c0c07398f")[:10]).hex() == example
    assert uuid7(2**48 + 5, bytes(10))[:6] == (5).to_bytes(6, "big")


def test_the_specification_names_every_key() -> None:
    root = Path(__file__).parent.parent.parent
    cddl = (root / "docs" / "protocol" / "uplink.cddl").read_text(encoding="utf-8")
    for key in Key:
        assert f"\n  {key.value} => " in cddl or f"\n  ? {key.value} => " in cddl
