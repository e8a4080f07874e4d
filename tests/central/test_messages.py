import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiocoap.message import Message
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type
from hypothesis import example, given
from hypothesis import strategies as st

from central.coap import RECENT_MAX, UNDER_WAY_MAX, Messages
from central.udp import Peer

DEADLINE_S = 5.0


@dataclass
class Server:
    """The message layer over a wire that a test looks at."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    unparsable: int = 0
    dropped: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def respond(self, request: Message, _peer: Peer) -> Message | None:
        self.asked.append(request.opt.uri_path)
        await self.answers.wait()
        return None if request.opt.uri_path == ("silence",) else Message(code=Code.CHANGED)

    def no_coap(self, _peer: Peer) -> None:
        self.unparsable += 1

    def drop(self, _peer: Peer) -> None:
        self.dropped += 1

    def send(self, data: bytes, _peer: Peer) -> None:
        self.sent.append(Message.decode(data))

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def wait_for(self, count: int) -> list[Message]:
        async with asyncio.timeout(DEADLINE_S):
            while len(self.sent) < count:  # noqa: ASYNC110 -- what is waited for has no event
                await asyncio.sleep(0.01)
        return self.sent


@asynccontextmanager
async def wired(*, answering: bool = True) -> AsyncIterator[tuple[Server, Messages]]:
    server = Server()
    if answering:
        server.answers.set()
    async with asyncio.TaskGroup() as tasks:
        messages = Messages(tasks, server.respond, unparsable=server.no_coap, dropped=server.drop)
        messages.send = server.send
        yield server, messages
        server.answers.set()


def peer(port: int = 1) -> Peer:
    return Peer(("192.0.2.1", port), ())


def frame(mid: int, path: str = "x", kind: Type = Type.CON) -> bytes:
    message = Message(code=Code.POST)
    message.opt.uri_path = (path,)
    message.mid, message.mtype, message.token = mid, kind, mid.to_bytes(2, "big")
    datagram: bytes = message.encode()
    return datagram


async def test_a_con_is_answered_in_its_ack_and_a_non_by_a_non() -> None:
    async with wired() as (server, messages):
        messages.received(frame(7), peer())
        messages.received(frame(8, kind=Type.NON), peer())
        ack, non = await server.wait_for(2)
    assert (ack.mtype, ack.mid, ack.token) == (Type.ACK, 7, b"\0\7")
    assert (non.mtype, non.token) == (Type.NON, b"\0\x08")


async def test_a_slow_answer_is_announced_and_then_comes_by_itself() -> None:
    async with wired(answering=False) as (server, messages):
        messages.received(frame(7), peer())
        (empty,) = await server.wait_for(1)
        assert (empty.mtype, empty.mid, empty.code) == (Type.ACK, 7, Code.EMPTY)
        server.answers.set()
        _, answer = await server.wait_for(2)
    assert (answer.mtype, answer.token, answer.code) == (Type.NON, b"\0\7", Code.CHANGED)


async def test_a_repeated_request_is_handled_once() -> None:
    async with wired(answering=False) as (server, messages):
        for _ in range(3):
            messages.received(frame(7), peer())
        messages.received(frame(8, kind=Type.NON), peer())
        messages.received(frame(8, kind=Type.NON), peer())
        await server.settle()
        server.answers.set()
        await server.wait_for(2)
        messages.received(frame(7), peer())
        messages.received(frame(8, kind=Type.NON), peer())
        await server.settle()
    assert len(server.asked) == 2
    # The repeated CON got its answer once more; a repeated NON gets nothing.
    assert [message.mtype for message in server.sent] == [Type.ACK, Type.NON, Type.ACK]


async def test_the_same_number_from_another_port_is_another_request() -> None:
    async with wired() as (server, messages):
        messages.received(frame(7), peer(1))
        messages.received(frame(7), peer(2))
        await server.wait_for(2)
    assert len(server.asked) == 2


async def test_silence_may_be_the_answer() -> None:
    async with wired() as (server, messages):
        messages.received(frame(7, "silence"), peer())
        messages.received(frame(8), peer())
        (only,) = await server.wait_for(1)
        await server.settle()
    assert only.mid == 8
    assert len(server.sent) == 1


async def test_what_is_remembered_has_a_bound() -> None:
    async with wired() as (server, messages):
        for mid in range(RECENT_MAX + 1):
            messages.received(frame(mid), peer())
            await server.settle()
        asked = len(server.asked)
        messages.received(frame(RECENT_MAX), peer())
        await server.settle()
        assert len(server.asked) == asked
        messages.received(frame(0), peer())
        await server.settle()
    assert len(server.asked) == asked + 1


async def test_what_is_under_way_has_a_bound() -> None:
    async with wired(answering=False) as (server, messages):
        for mid in range(UNDER_WAY_MAX + 3):
            messages.received(frame(mid), peer())
        await server.settle()
        assert server.dropped == 3
        assert len(server.asked) == UNDER_WAY_MAX
        server.answers.set()
        await server.settle()
        # A dropped one is not taken for known when it comes again.
        messages.received(frame(UNDER_WAY_MAX), peer())
        await server.settle()
    assert len(server.asked) == UNDER_WAY_MAX + 1


def test_any_datagram_is_a_request_or_nothing() -> None:
    header = st.builds(
        lambda kind, token, code, rest: bytes([0x40 | kind << 4 | token, code]) + rest,
        st.integers(0, 3),
        st.integers(0, 15),
        st.sampled_from([0, 1, 2, 5, 31, 68, 255]),
        st.binary(max_size=80),
    )

    @example([bytes.fromhex("40020001b1ff"), bytes.fromhex("40020001d1"), bytes.fromhex("4002")])
    @given(st.lists(st.one_of(st.binary(max_size=80), header), max_size=20))
    def property_(datagrams: list[bytes]) -> None:
        async def take() -> None:
            async with wired() as (server, messages):
                for datagram in datagrams:
                    messages.received(datagram, peer())
                await server.settle()

        asyncio.run(take())

    property_()
