"""Heartbeats and their replies on the wire."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import cbor
from protocol.heartbeat import (
    BY_MAX,
    MISSING_MAX,
    NEWS_MAX,
    SEEN_MAX,
    Heartbeat,
    HeartbeatReply,
    News,
    NewsKind,
    decode_heartbeat,
    decode_reply,
    encode_heartbeat,
    encode_reply,
)
from rules.errors import FrameError
from rules.events import Outcome

MOMENT = datetime(2026, 11, 22, 3, 4, 5, 123456, tzinfo=UTC)
GOLDEN = json.loads(
    (Path(__file__).parent.parent / "vectors" / "uplink_records.json").read_text(encoding="utf-8")
)
BEAT = Heartbeat(7, 123_456, MOMENT, False, 2, 10, 17, (b"token--1", b"token--2"), "0.1.0")
TAKEN = News(b"token--1", bytes(range(16)), NewsKind.TAKEN, "관제석1", None, MOMENT)
CLOSED = News(b"token--2", bytes(range(16)), NewsKind.CLOSED, "관제석2", Outcome.REAL, MOMENT)
REPLY = HeartbeatReply(MOMENT, 5, (TAKEN, CLOSED), ((2, 4), (9, 9)))


def test_the_bytes_are_what_they_were() -> None:
    assert encode_heartbeat(BEAT).hex() == GOLDEN["heartbeat"]
    assert decode_heartbeat(bytes.fromhex(GOLDEN["heartbeat"])) == BEAT
    assert encode_reply(REPLY).hex() == GOLDEN["reply"]
    assert decode_reply(bytes.fromhex(GOLDEN["reply"])) == REPLY


def test_an_ordinary_heartbeat_is_small() -> None:
    quiet = Heartbeat(7, 10**9, MOMENT, True, 0, 10, 17, (), "0.1.0")
    assert len(encode_heartbeat(quiet)) <= 60


@given(tokens=st.integers(0, 80), news=st.integers(0, 20), spans=st.integers(0, 40))
def test_too_much_is_cut_to_one_datagram_and_the_rest_waits(
    tokens: int, news: int, spans: int
) -> None:
    seen = tuple(each.to_bytes(8, "big") for each in range(tokens))
    beat = Heartbeat(7, 1, MOMENT, True, 0, 0, 0, seen, "0.1.0" * 20)
    read = decode_heartbeat(encode_heartbeat(beat))
    assert read.news_seen == seen[:SEEN_MAX]
    told = News(b"token--1", bytes(16), NewsKind.TAKEN, "김" * 100, None, MOMENT)
    short = HeartbeatReply(MOMENT, 3_600, (CLOSED,) * NEWS_MAX, ())
    assert len(decode_reply(encode_reply(short)).news) == NEWS_MAX
    gaps = tuple((2**40 + 2 * each, 2**40 + 2 * each) for each in range(spans))
    payload = encode_reply(HeartbeatReply(MOMENT, 3_600, (told,) * news, gaps))
    assert len(payload) <= 1_000
    reply = decode_reply(payload)
    assert min(news, 3) <= len(reply.news) <= NEWS_MAX
    assert reply.missing == gaps[:MISSING_MAX]
    assert all(len(each.by) == BY_MAX for each in reply.news)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_heartbeat_or_a_frame_error(data: bytes) -> None:
    try:
        beat = decode_heartbeat(data)
    except FrameError:
        return
    assert encode_heartbeat(beat) == data


@given(data=st.data(), golden=st.sampled_from(["heartbeat", "reply"]))
def test_changed_bytes_are_something_else_or_a_frame_error(
    data: st.DataObject, golden: str
) -> None:
    payload = bytearray.fromhex(GOLDEN[golden])
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    for read in (decode_heartbeat, decode_reply):
        try:
            read(bytes(payload))
        except FrameError:
            continue


def beat_with(key: int, value: object) -> bytes:
    plain = cbor.loads(encode_heartbeat(BEAT), 1_000)
    assert isinstance(plain, dict)
    return cbor.dumps(plain | {key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (1, -1),
        (2, 1.5),
        (3, None),
        (4, 1),
        (5, "2"),
        (6, 18),
        (7, 9),
        (8, [b"short"]),
        (8, [bytes(8)] * 33),
        (8, "tokens"),
        (9, "v" * 41),
        (10, 1),
    ],
)
def test_a_heartbeat_is_read_strictly(key: int, value: object) -> None:
    with pytest.raises(FrameError):
        decode_heartbeat(beat_with(key, value))


NEWS = {1: bytes(8), 2: bytes(16), 3: "closed", 4: "kim", 5: "real", 6: 0}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (1, "now"),
        (1, 2**58),
        (2, 0),
        (2, 3_601),
        (2, True),
        (3, [NEWS] * 9),
        (3, [NEWS | {1: bytes(7)}]),
        (3, [NEWS | {2: bytes(17)}]),
        (3, [NEWS | {3: "opened"}]),
        (3, [NEWS | {3: "taken"}]),
        (3, [NEWS | {4: "k" * 41}]),
        (3, [NEWS | {5: "good"}]),
        (3, [{key: value for key, value in NEWS.items() if key != 5}]),
        (3, [NEWS | {7: 1}]),
        (3, [1]),
        (3, {}),
        (4, [[2, 1]]),
        (4, [[-1, 1]]),
        (4, [[1]]),
        (4, [[1, 2, 3]]),
        (4, [[1, 2]] * 17),
        (4, [1]),
        (5, 1),
    ],
)
def test_a_reply_is_read_strictly(key: int, value: object) -> None:
    plain = cbor.loads(encode_reply(REPLY), 1_000)
    assert isinstance(plain, dict)
    decode_reply(cbor.dumps(plain | {3: [NEWS]}))
    with pytest.raises(FrameError):
        decode_reply(cbor.dumps(plain | {key: value}))
