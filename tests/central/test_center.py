"""The whole center in one loop: heartbeats and what they are answered, people, restored copies."""

import asyncio
import http.client
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiocoap.numbers.codes import Code

from central.app import DATABASE, Serving
from central.backup import back_up, restore
from central.cases import Which
from central.refusals import Reason
from protocol.heartbeat import NewsKind, encode_heartbeat
from protocol.records import RecordKind
from rules.errors import ConfigError
from rules.events import Outcome
from sim.rig.badnet import BadNet
from tests.central.receiving import (
    NOW,
    Sender,
    StandingClock,
    enrol,
    heartbeat,
    identity,
    opened,
    record,
    serving,
)
from tests.support.outbox import HeldOutbox, row
from tests.support.uplink import IDENTITY, Heard, make_uplink, running, until

HOME = identity("home-1")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture
async def center(tmp_path: Path, clock: StandingClock) -> AsyncIterator[Serving]:
    await enrol(tmp_path, HOME)
    async with serving(tmp_path, clock=clock) as center:
        yield center


@pytest.fixture
async def sender(center: Serving) -> AsyncIterator[Sender]:
    sender = Sender(HOME, center.coap_port)
    yield sender
    sender.close()


async def test_a_heartbeat_is_answered_with_the_time_and_the_interval(
    sender: Sender, clock: StandingClock
) -> None:
    first = await sender.beat()
    assert (first.now, first.interval_s, first.news, first.missing) == (NOW, 60, (), ())
    await clock.advance(timedelta(seconds=61))
    assert (await sender.beat()).now == NOW + timedelta(seconds=61)


async def test_heartbeats_come_quickly_while_a_person_may_act(
    sender: Sender, tmp_path: Path
) -> None:
    made = record("home-1", 1)
    await sender.post(made)
    assert (await sender.beat()).interval_s == 5
    async with opened(tmp_path) as store:
        await store.take(made.id.hex(), "kim", NOW)
        (taken,) = (await sender.beat()).news
        assert (taken.what, taken.by, taken.record) == (NewsKind.TAKEN, "kim", made.id)
        await store.close(made.id.hex(), "kim", Outcome.REAL, "", NOW)
    reply = await sender.beat(heartbeat(news_seen=(taken.token,)))
    assert [(news.what, news.outcome) for news in reply.news] == [(NewsKind.CLOSED, Outcome.REAL)]
    assert reply.interval_s == 60


async def test_a_silent_gateway_becomes_a_fault_in_the_running_center(
    sender: Sender, clock: StandingClock, tmp_path: Path
) -> None:
    await sender.beat()
    await clock.advance(timedelta(seconds=190))
    async with opened(tmp_path) as store, asyncio.timeout(5):
        while not (await store.gateways())[0].silent:  # noqa: ASYNC110 -- another connection
            await asyncio.sleep(0.01)
        await sender.beat()
        while (await store.gateways())[0].silent:  # noqa: ASYNC110 -- another connection
            await asyncio.sleep(0.01)


async def test_a_request_that_meets_a_defect_harms_no_other(tmp_path: Path) -> None:
    await enrol(tmp_path, HOME)
    defects: list[str] = []

    def interval() -> int:
        if defects:
            raise RuntimeError(defects.pop())
        return 60

    async with serving(tmp_path, clock=StandingClock(NOW), interval=interval) as center:
        sender = Sender(HOME, center.coap_port)
        await sender.beat()
        defects.append("nobody thought of this")
        datagram, _ = sender.request("h", encode_heartbeat(heartbeat()))
        assert await sender.exchange(datagram, 0.2) is None
        assert center.refusals.counts == {Reason.DEFECT: 1}
        assert (await sender.post(record("home-1", 1))).code is Code.CREATED
        sender.close()


async def test_a_slow_reader_holds_nobody_up(sender: Sender, tmp_path: Path) -> None:
    reading = sqlite3.connect(tmp_path / DATABASE)
    reading.execute("begin")
    assert reading.execute("select count(*) from cases").fetchone() == (0,)
    for seq in range(1, 31):
        assert (await sender.post(record("home-1", seq))).code is Code.CREATED
    assert reading.execute("select count(*) from cases").fetchone() == (0,)
    reading.close()
    assert len(await ids(tmp_path)) == 30


async def test_the_console_is_served_beside_the_ingress(center: Serving) -> None:
    def ask() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", center.web_port, timeout=5)
        try:
            connection.request("GET", "/login")
            return connection.getresponse().status
        finally:
            connection.close()

    assert await asyncio.to_thread(ask) == 200


async def test_a_center_from_an_older_copy_gets_again_what_it_no_longer_knows(
    tmp_path: Path,
) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.sqlite"
    data.mkdir()
    await enrol(data, HOME)
    records = {seq: record("home-1", seq) for seq in range(1, 11)}

    async with serving(data) as center:
        sender = Sender(HOME, center.coap_port)
        await sender.post(*(records[seq] for seq in range(1, 5)))
        await asyncio.to_thread(back_up, data / DATABASE, copy)
        await sender.post(*(records[seq] for seq in range(5, 8)))
        await sender.post(*(records[seq] for seq in range(8, 11)))
        used = sender.context.sender_sequence_number
        sender.close()

    aside = await asyncio.to_thread(restore, copy, data / DATABASE)
    assert aside is not None
    assert await ids(data) == {records[seq].id.hex() for seq in range(1, 5)}

    async with serving(data) as center:
        sender = Sender(HOME, center.coap_port, start=used)
        ((first, last),) = (await sender.beat(heartbeat(1, 10))).missing
        assert (first, last) == (5, 10)
        for seq in range(first, last + 1):
            assert (await sender.post(records[seq])).code is Code.CREATED
        assert (await sender.beat(heartbeat(1, 10))).missing == ()
        sender.close()
    assert await ids(data) == {each.id.hex() for each in records.values()}


async def ids(data: Path) -> set[str]:
    async with opened(data) as store:
        return {case.id for case in await store.cases(state=Which.ALL)}


async def test_a_restored_center_never_uses_a_number_again(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.sqlite"
    data.mkdir()
    await enrol(data, HOME)
    await asyncio.to_thread(back_up, data / DATABASE, copy)
    used: list[int] = []
    start = 0
    for hours in (0, 1):
        async with serving(data, clock=StandingClock(NOW + timedelta(hours=hours))) as center:
            sender = Sender(HOME, center.coap_port, start=start)
            used += [await own_number(sender) for _ in range(3)]
            start = sender.context.sender_sequence_number
            sender.close()
        await asyncio.to_thread(restore, copy, data / DATABASE)
    assert len(set(used)) == 6


async def own_number(sender: Sender) -> int:
    """Partial IV of the center's answer to a request."""
    datagram, _ = sender.request("h", b"")
    answer = await sender.exchange(datagram)
    assert answer is not None
    option: bytes = answer.opt.oscore
    length = option[0] & 0x07
    assert length, "it took the number of the request"
    return int.from_bytes(option[1 : 1 + length], "big")


@pytest.mark.parametrize("contents", [b"", b"rubbish" * 100, None])
async def test_what_is_no_copy_is_not_put_in_place(contents: bytes | None, tmp_path: Path) -> None:
    await enrol(tmp_path, HOME)
    copy = tmp_path / "copy"
    if contents is not None:
        copy.write_bytes(contents)
    with pytest.raises(ConfigError):
        await asyncio.to_thread(restore, copy, tmp_path / DATABASE)
    async with opened(tmp_path) as store:
        assert len(store.enrolled()) == 1


async def test_a_real_uplink_delivers_over_a_bad_network_and_hears_who_took_it(
    tmp_path: Path,
) -> None:
    await enrol(tmp_path, IDENTITY)
    outbox, heard = HeldOutbox(), Heard()
    outbox.add(*(row(IDENTITY, seq) for seq in range(1, 41)))
    async with (
        serving(tmp_path, interval_s=1) as center,
        BadNet(("127.0.0.1", center.coap_port), loss=0.15, duplicate=0.1, seed=3) as net,
        running(make_uplink(outbox, net.port, heard)),
        opened(tmp_path) as store,
    ):
        await until(lambda: outbox.depth() == 0, 30)
        stored = await store.cases(limit=1000)
        assert sorted(case.id for case in stored) == sorted(id_.hex() for id_ in outbox.rows)
        await store.take(stored[0].id, "kim", NOW)
        await until(lambda: bool(heard.news), 30)
        assert heard.news[0].by == "kim"
        assert heard.news[0].record.hex() == stored[0].id
        assert heard.times


async def test_faults_and_notes_come_in_as_well(sender: Sender, tmp_path: Path) -> None:
    await sender.post(record("home-1", 1, RecordKind.FAULT), record("home-1", 2, RecordKind.NOTE))
    assert len(await ids(tmp_path)) == 2
