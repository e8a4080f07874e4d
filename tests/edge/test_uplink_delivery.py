"""Records reach the center once each, and only the center's own word counts for it."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from aiocoap.message import Message
from aiocoap.oscore import COSE_PIV, verify_start

from edge.channel import CONFIRMABLE, ONCE
from sim.rig.badnet import BadNet
from tests.support.center import SmallCenter, free_port
from tests.support.liar import Liar, Lie
from tests.support.outbox import HeldOutbox, record, row
from tests.support.uplink import IDENTITY, Heard, make_uplink, running, until

pytestmark = pytest.mark.wall


def rows(outbox: HeldOutbox, first: int, last: int) -> None:
    outbox.add(*[row(IDENTITY, seq) for seq in range(first, last + 1)])


def numbers_of_requests(datagrams: list[bytes]) -> list[int]:
    messages = [Message.decode(each) for each in datagrams]
    return [
        int.from_bytes(verify_start(message)[COSE_PIV], "big")
        for message in messages
        if message.code is not None and message.code.is_request()
    ]


async def test_a_backlog_is_drained_in_batches_one_exchange_at_a_time() -> None:
    outbox = HeldOutbox()
    rows(outbox, 1, 40)
    async with (
        SmallCenter(IDENTITY, commit_s=0.01) as center,
        BadNet(("127.0.0.1", center.port), delay_s=0) as net,
        running(make_uplink(outbox, net.port, Heard())) as uplink,
    ):
        await until(lambda: outbox.depth() == 0)
        assert [center.stored[record(seq).id] for seq in range(1, 41)] == [
            record(seq) for seq in range(1, 41)
        ]
        assert len(center.posts) <= 10
        assert center.in_flight_most == 1
        assert max(map(len, net.seen)) <= 1_100
        assert uplink.status.failures == 0
        assert uplink.status.last_ok is not None


async def test_a_new_alarm_is_sent_at_once_and_the_most_urgent_first() -> None:
    outbox = HeldOutbox()
    heard = Heard()
    async with (
        SmallCenter(IDENTITY) as center,
        running(make_uplink(outbox, center.port, heard)) as uplink,
    ):
        await until(lambda: len(center.beats) > 0)
        outbox.add(*[row(IDENTITY, seq, priority=2) for seq in range(1, 9)])
        outbox.add(row(IDENTITY, 9, priority=0))
        uplink.notify()
        await until(lambda: outbox.depth() == 0, seconds=2)
        assert center.posts[0][0] == record(9).id
        assert sorted(row.seq for row in heard.delivered) == list(range(1, 10))


async def test_what_the_center_stored_without_answering_is_sent_again_and_stored_once() -> None:
    outbox = HeldOutbox()
    rows(outbox, 1, 3)
    async with (
        SmallCenter(IDENTITY, forget=True) as center,
        running(make_uplink(outbox, center.port, Heard())) as uplink,
    ):
        await until(lambda: len(center.stored) == 3)
        await until(lambda: uplink.status.why != "")
        assert outbox.depth() == 3
        center.forget = False
        await until(lambda: outbox.depth() == 0)
        assert len(center.stored) == 3
        assert len(center.posts) > 1


async def test_a_commit_that_takes_longer_than_the_ack_is_waited_for() -> None:
    outbox = HeldOutbox()
    rows(outbox, 1, 1)
    async with (
        SmallCenter(IDENTITY, commit_s=0.8) as center,
        running(make_uplink(outbox, center.port, Heard())),
    ):
        await until(lambda: outbox.depth() == 0)
        assert len(center.posts) == 1


@pytest.mark.parametrize(
    "lie",
    [
        lambda ids: ids[:16],
        lambda ids: ids[16:] + ids[:16],
        lambda ids: ids + ids[:16],
        lambda _: b"",
    ],
    ids=["fewer", "swapped", "more", "none"],
)
async def test_a_reply_that_names_other_records_delivers_nothing(
    lie: Callable[[bytes], bytes],
) -> None:
    outbox = HeldOutbox()
    rows(outbox, 1, 2)
    async with (
        SmallCenter(IDENTITY, reply_ids=lie) as center,
        running(make_uplink(outbox, center.port, Heard())) as uplink,
    ):
        await until(lambda: len(center.posts) >= 2)
        assert outbox.depth() == 2
        await until(lambda: "other records" in uplink.status.why)
        center.reply_ids = lambda ids: ids
        await until(lambda: outbox.depth() == 0)


async def test_an_unprotected_reply_is_not_believed_even_when_it_names_the_records() -> None:
    outbox = HeldOutbox()
    rows(outbox, 1, 1)
    async with (
        Liar(Lie.CREATED, payload=record(1).id) as liar,
        running(make_uplink(outbox, liar.port, Heard())) as uplink,
    ):
        await until(lambda: "unprotected 2.01" in uplink.status.why)
        await until(lambda: len(liar.got) > 3)
        assert outbox.depth() == 1
        assert uplink.status.last_ok is None


async def test_a_replay_reply_is_answered_at_once_with_a_new_number() -> None:
    outbox = HeldOutbox()
    rows(outbox, 1, 1)
    async with (
        Liar(Lie.UNAUTHORIZED) as liar,
        running(make_uplink(outbox, liar.port, Heard())),
    ):
        await until(lambda: len(liar.got) >= 4)
        assert liar.at_s[3] - liar.at_s[0] < 0.25
        numbers = numbers_of_requests(liar.got)
        assert len(set(numbers)) == len(numbers)
        assert outbox.depth() == 1


async def test_a_center_that_is_not_there_is_not_hammered() -> None:
    # Refused within a millisecond; half a second, one, two: at most a handful in 2.5 s.
    outbox = HeldOutbox()
    rows(outbox, 1, 1)
    port = free_port()
    async with (
        BadNet(("127.0.0.1", port), delay_s=0) as net,
        running(make_uplink(outbox, port, Heard())) as uplink,
    ):
        await until(lambda: uplink.status.failures > 1)
        await asyncio.sleep(1.5)
        assert uplink.status.failures <= 8
        assert net.counts.up == 0
        async with SmallCenter(IDENTITY, port=port) as center:
            await until(lambda: outbox.depth() == 0)
            assert len(center.stored) == 1


async def test_resets_and_unparsable_replies_do_no_harm() -> None:
    async def lied_to(lie: Lie) -> None:
        outbox = HeldOutbox()
        rows(outbox, 1, 1)
        async with (
            Liar(lie) as liar,
            running(make_uplink(outbox, liar.port, Heard())) as uplink,
        ):
            await until(lambda: uplink.status.failures >= 3)
            assert outbox.depth() == 1

    async with asyncio.TaskGroup() as tasks:
        for lie in (Lie.RESET, Lie.GARBAGE, Lie.NOISE):
            tasks.create_task(lied_to(lie))


async def test_a_refused_record_blocks_no_other_and_is_kept() -> None:
    outbox = HeldOutbox()
    rows(outbox, 1, 9)
    heard = Heard()
    async with (
        SmallCenter(IDENTITY, refuse={record(2).id}) as center,
        running(make_uplink(outbox, center.port, heard)) as uplink,
    ):
        await until(lambda: outbox.depth() == 1 and uplink.status.refused == 1)
        assert [refused.seq for refused, _ in heard.refused] == [2]
        assert heard.refused[0][1].startswith("4.00")
        assert record(2).id in outbox.rows
        rows(outbox, 10, 12)
        uplink.notify()
        await until(lambda: outbox.depth() == 1)
        assert len(center.stored) == 11


async def test_a_restarted_center_is_met_through_its_echo() -> None:
    outbox = HeldOutbox()
    center = SmallCenter(IDENTITY)
    uplink = make_uplink(outbox, center.port, Heard())
    async with running(uplink):
        for run in range(3):
            async with center:
                rows(outbox, 10 * run + 1, 10 * run + 10)
                uplink.notify()
                await until(lambda: outbox.depth() == 0)
    assert len(center.stored) == 30


async def test_a_restarted_gateway_never_sends_a_number_twice() -> None:
    outbox = HeldOutbox()
    async with (
        SmallCenter(IDENTITY, commit_s=0.02) as center,
        BadNet(("127.0.0.1", center.port), loss=0.2, seed=3) as net,
    ):
        for run in range(6):
            rows(outbox, 10 * run + 1, 10 * run + 10)
            uplink = make_uplink(outbox, net.port, Heard())
            async with running(uplink):
                # Stopped in the middle of things, at another point each time.
                enough = len(net.seen) + run + 1
                await until(partial(lambda sent: len(net.seen) >= sent, enough))
        async with running(make_uplink(outbox, net.port, Heard())):
            await until(lambda: outbox.depth() == 0, seconds=30)
    assert len(center.stored) == 60
    datagrams = set(net.seen)
    numbers = numbers_of_requests(list(datagrams))
    assert len(set(numbers)) == len(numbers)


async def test_a_full_disk_changes_the_keys_of_each_run_and_silences_nothing() -> None:
    outbox = HeldOutbox()
    outbox.reserved = 4_096
    outbox.full = True
    async with SmallCenter(IDENTITY) as center:
        for run in range(3):
            rows(outbox, 10 * run + 1, 10 * run + 10)
            async with running(make_uplink(outbox, center.port, Heard())) as uplink:
                await until(lambda: outbox.depth() == 0)
                assert not uplink.status.durable
        assert len(center.id_contexts) == 3
        assert None not in center.id_contexts
        # The disk takes numbers again: the next run is back with the ordinary keys.
        outbox.full = False
        rows(outbox, 31, 31)
        async with running(make_uplink(outbox, center.port, Heard())) as uplink:
            await until(lambda: outbox.depth() == 0)
            assert uplink.status.durable
    assert None in center.id_contexts
    assert outbox.reserved > 4_096
    assert len(center.stored) == 31


async def test_nothing_is_lost_or_doubled_on_a_bad_link() -> None:
    # 15 % loss, 10 % duplicates, reordering, a new source port every half second.
    outbox = HeldOutbox()
    center = SmallCenter(IDENTITY, commit_s=0.01)
    async with (
        BadNet(
            ("127.0.0.1", center.port),
            loss=0.15,
            duplicate=0.10,
            delay_s=0.05,
            rebind_s=0.5,
            seed=20261122,
        ) as net,
        running(make_uplink(outbox, net.port, Heard())) as uplink,
    ):
        seq = 0
        for _ in range(3):
            async with center:
                for _ in range(20):
                    seq += 1
                    rows(outbox, seq, seq)
                    uplink.notify()
                    await asyncio.sleep(0.05)
        async with center:
            await until(lambda: outbox.depth() == 0, seconds=30)
    assert sorted(stored.seq for stored in center.stored.values()) == list(range(1, 61))
    assert net.counts.lost > 3
    assert net.counts.duplicated > 2
    assert net.counts.rebound > 1


async def test_it_works_with_the_real_patience_too() -> None:
    outbox = HeldOutbox()
    rows(outbox, 1, 1)
    async with (
        SmallCenter(IDENTITY) as center,
        running(make_uplink(outbox, center.port, Heard(), (CONFIRMABLE, ONCE))),
    ):
        await until(lambda: outbox.depth() == 0)
        assert len(center.stored) == 1
