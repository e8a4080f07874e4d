"""One request and its answer, or none: what a channel makes of a bad center and a bad link."""

import asyncio
import errno
import gc
import os
import socket
from dataclasses import replace

import pytest

from edge.answer import Answer, NoAnswer
from edge.channel import LOOK_UP_AFTER, Channel, Destination, channels_to
from protocol.oscore import SecurityContext, gateway_context
from tests.support.center import SmallCenter, free_port
from tests.support.liar import Liar, Lie
from tests.support.uplink import HASTY, HASTY_ONCE, IDENTITY

pytestmark = pytest.mark.wall

IMPATIENT = replace(HASTY, patience_s=0.3)


def security() -> SecurityContext:
    return gateway_context(IDENTITY, 0, lambda _: None)


async def test_after_an_empty_ack_and_silence_the_next_request_is_not_held_up() -> None:
    async with Liar(Lie.EMPTY_ACK) as liar:
        channel = Channel(Destination("127.0.0.1", liar.port), IMPATIENT)
        context = security()
        for _ in range(3):
            answer = await channel.ask("e", b"record", context)
            assert answer == NoAnswer("no answer in time")
        # One datagram for each request, none repeated, each from a socket of its own.
        assert len(liar.got) == len(set(liar.ports)) == 3


async def test_an_exchange_that_was_given_up_sends_no_more() -> None:
    async with Liar(Lie.SILENCE) as liar:
        channel = Channel(Destination("127.0.0.1", liar.port), IMPATIENT)
        await channel.ask("e", b"record", security())
        sent = len(liar.got)
        assert sent >= 1
        await asyncio.sleep(1.2)
        assert len(liar.got) == sent


@pytest.mark.parametrize("lie", [Lie.RESET, Lie.CREATED, Lie.GARBAGE], ids=lambda lie: lie.name)
async def test_a_lie_ends_the_request_early_and_is_not_believed(lie: Lie) -> None:
    async with Liar(lie, payload=b"payload") as liar:
        channel = Channel(Destination("127.0.0.1", liar.port), HASTY)
        answer = await asyncio.wait_for(channel.ask("e", b"record", security()), timeout=1)
        assert isinstance(answer, NoAnswer)
        assert answer.why


async def test_a_refusal_says_what_it_is() -> None:
    channel = Channel(Destination("127.0.0.1", free_port()), HASTY)
    answer = await asyncio.wait_for(channel.ask("e", b"record", security()), timeout=1)
    assert isinstance(answer, NoAnswer)
    assert answer.why.startswith("ConnectionRefusedError")


async def test_noise_is_skipped() -> None:
    async with Liar(Lie.NOISE) as liar:
        channel = Channel(Destination("127.0.0.1", liar.port), HASTY)
        answer = await channel.ask("e", b"record", security())
        assert isinstance(answer, NoAnswer)
        assert len(liar.got) == 3


@pytest.mark.parametrize("manner", [HASTY, HASTY_ONCE], ids=["confirmable", "once"])
async def test_a_cancelled_request_leaves_nothing_behind(
    manner: object, caplog: pytest.LogCaptureFixture
) -> None:
    # The fixture of conftest finds left tasks, `-W error` open sockets, caplog asyncio's laments.
    async with Liar(Lie.SILENCE) as liar:
        for steps in range(25):
            channel = Channel(Destination("127.0.0.1", liar.port), manner)  # type: ignore[arg-type]  # parametrized
            task = asyncio.get_running_loop().create_task(channel.ask("e", b"record", security()))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            await channel.close()
    assert caplog.records == []


async def test_a_request_cancelled_while_it_gives_up_leaves_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Liar(Lie.SILENCE) as liar:
        for steps in range(30):
            manner = replace(HASTY, patience_s=0.02)
            channel = Channel(Destination("127.0.0.1", liar.port), manner)
            task = asyncio.get_running_loop().create_task(channel.ask("e", b"record", security()))
            await asyncio.wait({task}, timeout=0.02)
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            await channel.close()
            for _ in range(30):
                await asyncio.sleep(0)
    gc.collect()
    assert caplog.records == []


async def test_an_answer_is_the_centers_own() -> None:
    async with SmallCenter(IDENTITY) as center:
        records, beats = channels_to("127.0.0.1", center.port)
        context = security()
        answer = await beats.ask("h", b"rubbish", context)
        assert isinstance(answer, Answer)
        assert not answer.code.is_successful()
        assert isinstance(await records.ask("nowhere", b"", context), Answer)
        await records.close()
        await beats.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
async def test_an_ipv6_literal_is_an_address() -> None:
    assert await Destination("2001:db8::1", 5683).address() == "[2001:db8::1]"
    channel = Channel(Destination("::1", free_port()), HASTY)
    assert isinstance(await channel.ask("e", b"record", security()), NoAnswer)
    await channel.close()


async def test_a_kernel_without_ipv6_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    ordinary = socket.socket

    def without_ipv6(family: int = socket.AF_INET, *rest: int, **named: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "address family not supported")
        return ordinary(family, *rest, **named)

    async with SmallCenter(IDENTITY) as center:
        monkeypatch.setattr(socket, "socket", without_ipv6)
        channel = Channel(Destination("127.0.0.1", center.port), HASTY)
        assert isinstance(await channel.ask("nowhere", b"", security()), Answer)
        await channel.close()


async def test_a_name_is_looked_up_once_and_again_only_after_a_long_silence() -> None:
    asked: list[str] = []

    async def resolve(host: str) -> str:
        asked.append(host)
        if len(asked) == 2:
            raise socket.gaierror("temporary failure")
        return "127.0.0.1"

    channel = Channel(Destination("center.example", free_port(), resolve), HASTY)
    context = gateway_context(IDENTITY, 0, lambda _: None)
    for _ in range(LOOK_UP_AFTER - 2):
        await channel.ask("e", b"record", context)
    assert asked == ["center.example"]
    for _ in range(LOOK_UP_AFTER):
        answer = await channel.ask("e", b"record", context)
        # The look-up that failed did not lose the address.
        assert isinstance(answer, NoAnswer)
        assert "gaierror" not in answer.why
    assert len(asked) == 2


async def test_an_unknown_name_is_no_answer() -> None:
    async def resolve(host: str) -> str:
        raise socket.gaierror(f"{host} not known")

    channel = Channel(Destination("center.example", 5683, resolve), HASTY)
    answer = await channel.ask("e", os.urandom(4), security())
    assert isinstance(answer, NoAnswer)
    assert "not known" in answer.why
