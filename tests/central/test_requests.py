"""What a proven request asks for, without event loop, thread or OSCORE."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from aiocoap.numbers.codes import Code
from hypothesis import given
from hypothesis import strategies as st

from central.cases import Case, Which
from central.refusals import Reason, Refusals
from central.requests import INTERVAL_HOT_S, Requests
from central.store import Store
from central.udp import Peer
from protocol.heartbeat import HeartbeatReply, NewsKind, decode_reply, encode_heartbeat
from protocol.identity import GatewayIdentity
from protocol.records import RecordKind, encode_batch, sign
from rules.events import Outcome, Stage
from tests.central.direct import DirectDatabase, direct_store, done
from tests.central.receiving import NOW, heartbeat, identity, record, signed

HOME, OTHER = identity("home-1"), identity("home-2")
PEER = Peer(("192.0.2.1", 5683), ())
INTERVAL_S = 60


class Date:
    """All of a clock that is needed here."""

    today = NOW

    def now(self) -> datetime:
        return self.today


class Center:
    """Answers at once."""

    def __init__(self) -> None:
        self.database = DirectDatabase()
        self.store: Store = direct_store(self.database, HOME, OTHER)
        self.date = Date()
        self.refusals = Refusals(lambda: 0.0)
        self.requests = Requests(
            self.store, self.date, interval=lambda: INTERVAL_S, refusals=self.refusals
        )

    def close(self) -> None:
        self.database.connection.close()

    def ask(self, path: tuple[str, ...], payload: bytes) -> tuple[Code, bytes]:
        return done(self.requests.answer(HOME.entry(), path, payload, PEER))

    def post(self, *bodies: bytes) -> tuple[Code, bytes]:
        return self.ask(("e",), encode_batch(bodies))

    def beat(
        self, first_seq: int = 0, last_seq: int = 0, news_seen: tuple[bytes, ...] = ()
    ) -> HeartbeatReply:
        beat = heartbeat(first_seq, last_seq, news_seen)
        code, payload = self.ask(("h",), encode_heartbeat(beat))
        assert code is Code.CHANGED
        return decode_reply(payload)

    def cases(self) -> list[Case]:
        return done(self.store.cases(state=Which.ALL))


@pytest.fixture
def center() -> Iterator[Center]:
    center = Center()
    yield center
    center.close()


def test_a_record_is_stored_once_and_acknowledged_each_time(center: Center) -> None:
    made = record("home-1", 1)
    version = center.store.version
    assert center.post(signed(made, HOME)) == (Code.CREATED, made.id)
    assert center.store.version != version
    version = center.store.version
    assert center.post(signed(made, HOME)) == (Code.CHANGED, made.id)
    assert center.store.version == version
    (case,) = center.cases()
    assert (case.id, case.persisted_at) == (made.id.hex(), NOW)
    assert not center.refusals.counts


def test_a_batch_with_one_new_record_is_created_and_names_all(center: Center) -> None:
    first = record("home-1", 1)
    center.post(signed(first, HOME))
    update = record("home-1", 2, RecordKind.UPDATE, refers=first.id, stage=Stage.CLEARED, level=1)
    answer = center.post(signed(first, HOME), signed(update, HOME))
    assert answer == (Code.CREATED, first.id + update.id)


@pytest.mark.parametrize(
    ("names", "by"),
    [
        ("home-2", HOME),
        ("home-2", OTHER),
        ("home-1", OTHER),
        ("home-1", replace(HOME, sender_id=OTHER.sender_id)),
        ("home-1", replace(OTHER, sender_id=HOME.sender_id)),
    ],
)
def test_a_record_of_another_gateway_is_refused_with_its_whole_batch(
    names: str, by: GatewayIdentity, center: Center
) -> None:
    ours, body = record("home-1", 1), signed(record(names, 1), by)
    assert center.post(signed(ours, HOME), body) == (Code.FORBIDDEN, b"")
    assert center.refusals.counts == {Reason.FOREIGN: 1}
    assert center.cases() == []


def test_an_id_with_other_contents_is_refused_and_the_first_stays(center: Center) -> None:
    made = record("home-1", 1)
    center.post(signed(made, HOME))
    before = center.cases()
    fresh, clash = record("home-1", 2), replace(made, level=3)
    answer = center.post(signed(fresh, HOME), signed(clash, HOME))
    assert answer == (Code.FORBIDDEN, b"")
    assert center.refusals.counts == {Reason.CLASH: 1}
    assert center.cases() == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("e", b""),
        ("e", b"\x80"),
        ("e", sign(b"rubbish", HOME.private_key(), HOME.sender_id)),
        ("h", b""),
        ("h", b"\xff rubbish"),
    ],
)
def test_rubbish_is_a_bad_request_that_says_why(path: str, body: bytes, center: Center) -> None:
    code, why = center.ask((path,), body)
    assert code is Code.BAD_REQUEST
    assert 0 < len(why.decode()) <= 80
    assert center.refusals.counts == {Reason.MALFORMED: 1}


@pytest.mark.parametrize("path", [(), ("x",), ("e", "e"), ("",)])
def test_there_is_nothing_elsewhere(path: tuple[str, ...], center: Center) -> None:
    assert center.ask(path, signed(record("home-1", 1), HOME)) == (Code.NOT_FOUND, b"")
    assert center.cases() == []


def test_what_cannot_be_stored_is_not_acknowledged(center: Center) -> None:
    body = signed(record("home-1", 1), HOME)
    center.database.failing = True
    assert center.post(body) == (Code.SERVICE_UNAVAILABLE, b"")
    assert center.ask(("h",), encode_heartbeat(heartbeat())) == (Code.SERVICE_UNAVAILABLE, b"")
    assert center.refusals.counts == {Reason.UNSTORED: 2}
    center.database.failing = False
    assert center.cases() == []
    assert center.post(body)[0] is Code.CREATED


def test_a_heartbeat_asks_for_what_is_missing_until_it_is_there(center: Center) -> None:
    made = [record("home-1", seq) for seq in range(1, 6)]
    center.post(*(signed(made[at], HOME) for at in (1, 3)))
    assert center.beat(1, 5).missing == ((1, 1), (3, 3), (5, 5))
    center.post(*(signed(made[at], HOME) for at in (0, 2, 4)))
    assert center.beat(1, 5).missing == ()


def test_a_heartbeat_hears_what_people_did_until_it_says_so(center: Center) -> None:
    made = record("home-1", 1)
    assert center.beat().interval_s == INTERVAL_S
    center.post(signed(made, HOME))
    assert center.beat().interval_s == INTERVAL_HOT_S
    done(center.store.take(made.id.hex(), "kim", NOW))
    done(center.store.close(made.id.hex(), "kim", Outcome.REAL, "", NOW))
    news = center.beat().news
    assert [(each.record, each.what, each.by) for each in news] == [
        (made.id, NewsKind.TAKEN, "kim"),
        (made.id, NewsKind.CLOSED, "kim"),
    ]
    assert center.beat(news_seen=(news[0].token,)).news == news[1:]
    assert center.beat(news_seen=(news[1].token,)).news == ()
    assert center.beat().interval_s == INTERVAL_S


def test_what_people_did_for_somebody_in_danger_comes_first_and_the_rest_comes_soon(
    center: Center,
) -> None:
    faults = [record("home-1", seq, RecordKind.FAULT) for seq in range(1, 10)]
    call = record("home-1", 10)
    for made in (*faults, call):
        center.post(signed(made, HOME))
        done(center.store.take(made.id.hex(), "kim", NOW))
        done(center.store.close(made.id.hex(), "kim", Outcome.TECHNICAL, "", NOW))
    told: list[tuple[bytes, NewsKind]] = []
    asked: list[int] = []
    seen: tuple[bytes, ...] = ()
    while (reply := center.beat(news_seen=seen)).news:
        told += [(each.record, each.what) for each in reply.news]
        asked.append(reply.interval_s)
        seen = (*(each.token for each in reply.news), *seen)[:8]
    assert told == [
        (made.id, what) for made in (call, *faults) for what in (NewsKind.TAKEN, NewsKind.CLOSED)
    ]
    assert asked == [INTERVAL_HOT_S] * 4 + [INTERVAL_S]


def test_a_heartbeat_is_remembered_with_the_center_s_time(center: Center) -> None:
    later = NOW + timedelta(hours=1)
    center.date.today = later
    assert center.beat().now == later
    row = done(center.store.gateways())[0]
    assert (row.last_heartbeat, row.interval_s) == (later, INTERVAL_S)
    done(center.store.keep_pulses())
    again = Store(center.database, bytes)
    assert done(again.gateways())[0].last_heartbeat == later


@given(st.sampled_from([("e",), ("h",)]), st.binary(max_size=200))
def test_any_bytes_are_answered(path: tuple[str, ...], payload: bytes) -> None:
    center = Center()
    try:
        code, _ = center.ask(path, payload)
        assert code in {Code.BAD_REQUEST, Code.FORBIDDEN}
    finally:
        center.close()
