"""Heartbeats tell the center that the gateway lives, and bring back time, news and gaps."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from protocol import cbor
from protocol.heartbeat import News, NewsKind
from rules.events import Outcome
from tests.support.center import SmallCenter
from tests.support.liar import Liar, Lie
from tests.support.outbox import MOMENT, HeldOutbox, record, row
from tests.support.uplink import IDENTITY, Heard, make_uplink, running, until

pytestmark = pytest.mark.wall

NEWS = News(b"token--1", record(1).id, NewsKind.CLOSED, "관제석1", Outcome.REAL, MOMENT)


async def test_a_heartbeat_says_how_the_gateway_stands() -> None:
    outbox = HeldOutbox()
    outbox.add(*[row(IDENTITY, seq) for seq in range(5, 9)])
    outbox.seen = (b"token--1",)
    async with (
        SmallCenter(IDENTITY) as center,
        running(make_uplink(outbox, center.port, Heard())),
    ):
        await until(lambda: bool(center.beats) and center.beats[-1].outbox_depth == 0)
        beat = center.beats[-1]
        assert (beat.boot, beat.version, beat.time_trusted) == (3, "0.1.0", True)
        assert (beat.first_seq, beat.last_seq) == (5, 8)
        assert beat.news_seen == (b"token--1",)
        assert beat.monotonic_ms > center.beats[0].monotonic_ms


async def test_the_reply_brings_time_and_news() -> None:
    heard = Heard()
    async with (
        SmallCenter(IDENTITY, news=(NEWS,)) as center,
        running(make_uplink(HeldOutbox(), center.port, heard)),
    ):
        await until(lambda: bool(heard.news))
    assert heard.news[0] == NEWS
    moment, trip = heard.times[0]
    assert moment == MOMENT
    assert timedelta() < trip < timedelta(seconds=5)


async def test_the_center_sets_the_interval() -> None:
    async with (
        SmallCenter(IDENTITY, interval_s=1) as center,
        running(make_uplink(HeldOutbox(), center.port, Heard())) as uplink,
    ):
        await until(lambda: len(center.beats) >= 3, seconds=5)
        center.interval_s = 3_600
        await until(lambda: uplink.status.interval_s == 3_600)
        beats = len(center.beats)
        await asyncio.sleep(1.5)
        assert len(center.beats) == beats


async def test_a_delivery_is_followed_by_a_heartbeat_that_hears_the_new_interval() -> None:
    outbox = HeldOutbox()
    async with (
        SmallCenter(IDENTITY, interval_s=3_600) as center,
        running(make_uplink(outbox, center.port, Heard())) as uplink,
    ):
        await until(lambda: uplink.status.interval_s == 3_600)
        center.interval_s = 5
        outbox.add(row(IDENTITY, 1))
        uplink.notify()
        await until(lambda: uplink.status.interval_s == 5, seconds=5)


async def test_a_center_that_lost_records_gets_them_again() -> None:
    outbox = HeldOutbox()
    outbox.add(*[row(IDENTITY, seq) for seq in range(1, 13)])
    async with (
        SmallCenter(IDENTITY) as center,
        running(make_uplink(outbox, center.port, Heard())),
    ):
        await until(lambda: len(center.stored) == 12)
        for seq in (2, 3, 4, 9):
            del center.stored[record(seq).id]
        center.missing = ((2, 4), (9, 9))
        await until(lambda: len(center.stored) == 12)
        center.missing = ()


async def test_a_rubbish_reply_changes_nothing() -> None:
    heard = Heard()
    async with (
        SmallCenter(IDENTITY, interval_s=1) as center,
        running(make_uplink(HeldOutbox(), center.port, heard)) as uplink,
    ):
        await until(lambda: len(heard.times) == 1)
        for payload in (b"\xff", cbor.dumps({1: 0, 2: 0, 3: [], 4: []}), bytes(64)):
            center.beat_payload = payload
            enough = len(center.beats) + 2
            await until(partial(lambda beats: len(center.beats) >= beats, enough))
            await until(lambda: uplink.status.why.startswith("heartbeat"))
        assert len(heard.times) == 1
        assert uplink.status.interval_s == 1


async def test_an_unprotected_reply_brings_no_time() -> None:
    heard = Heard()
    async with (
        Liar(Lie.CREATED, payload=b"\xa0") as liar,
        running(make_uplink(HeldOutbox(), liar.port, heard)) as uplink,
    ):
        await until(lambda: uplink.status.failures >= 1)
        assert heard.times == []
        assert uplink.status.last_ok is None


async def test_heartbeats_go_on_while_a_delivery_hangs() -> None:
    outbox = HeldOutbox()
    outbox.add(row(IDENTITY, 1))
    async with (
        SmallCenter(IDENTITY, forget=True) as center,
        running(make_uplink(outbox, center.port, Heard())),
    ):
        await until(lambda: bool(center.posts))
        beats = len(center.beats)
        await until(lambda: len(center.beats) > beats + 1, seconds=5)
        assert outbox.depth() == 1


async def test_unanswered_heartbeats_come_sooner_and_from_a_new_port() -> None:
    async with (
        SmallCenter(IDENTITY, interval_s=4) as center,
        running(make_uplink(HeldOutbox(), center.port, Heard())) as uplink,
    ):
        await until(lambda: uplink.status.interval_s == 4)
        center.deaf_to_beats = True
        beats = len(center.beats)
        await until(lambda: len(center.beats) >= beats + 3, seconds=12)
        assert len(set(center.beat_ports[-3:])) == 3


async def test_the_first_heartbeat_that_comes_through_again_ends_the_pause_of_the_records() -> (
    None
):
    # Pauses of 0.5, 1, 2 and 4 s: the center is back in the middle of the fourth.
    outbox = HeldOutbox()
    center = SmallCenter(IDENTITY, interval_s=1)
    uplink = make_uplink(outbox, center.port, Heard(), random=lambda count: b"\xff" * count)
    async with running(uplink):
        async with center:
            await until(lambda: uplink.status.interval_s == 1)
        outbox.add(row(IDENTITY, 1))
        uplink.notify()
        await asyncio.sleep(3.7)
        assert outbox.depth() == 1
        async with center:
            await until(lambda: outbox.depth() == 0, seconds=3)
