"""A center in the test's own loop, and gateways that speak to it datagram by datagram."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiocoap.message import Message
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type
from aiocoap.oscore import RequestIdentifiers

from central.app import DATABASE, Serving, run
from central.cases import Home
from central.clock import Clock, SystemClock
from central.store import Store
from protocol.heartbeat import Heartbeat, HeartbeatReply, decode_reply, encode_heartbeat
from protocol.identity import GatewayIdentity, new_identity
from protocol.oscore import gateway_context
from protocol.records import Record, RecordKind, encode, encode_batch, sign, uuid7
from rules.alarm import AlarmKind
from rules.events import Stage
from rules.sentence import Say, sentence
from sim.clock import ManualClock

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ANSWER_S = 5.0


class StandingClock(ManualClock):
    """Moves only when the test says so, and then as fast as the real one."""

    def rate(self) -> float:
        return 1.0


def identity(name: str = "home-1") -> GatewayIdentity:
    return new_identity(name, secrets.token_bytes(4), secrets.token_bytes)


async def enrol(data: Path, *identities: GatewayIdentity) -> None:
    """Enrol gateways as the command does, from another connection."""
    async with opened(data) as store:
        for each in identities:
            home = Home(each.gateway, name=f"{each.gateway} 님 댁", phone="02-000-0000")
            await store.enrol(each.entry(), home, "test", NOW)


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[Store]:
    """The store, beside a center that may run."""
    store = await Store.open(data / DATABASE)
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def serving(
    data: Path,
    *,
    clock: Clock | None = None,
    coap_port: int = 0,
    interval_s: int = 60,
    interval: Callable[[], int] | None = None,
) -> AsyncIterator[Serving]:
    """A center with its console on ports of its own."""
    started: asyncio.Future[Serving] = asyncio.get_running_loop().create_future()
    task = asyncio.get_running_loop().create_task(
        run(
            data,
            coap_host="127.0.0.1",
            coap_port=coap_port,
            web_port=0,
            clock=clock or SystemClock(),
            interval=interval or (lambda: interval_s),
            ready=started.set_result,
        ),
        name="center",
    )
    try:
        either: set[asyncio.Future[Any]] = {task, started}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield started.result()
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


def record(  # noqa: PLR0913 -- the fields of a record that tests set
    gateway: str,
    seq: int,
    kind: RecordKind = RecordKind.ESCALATION,
    *,
    refers: bytes | None = None,
    stage: Stage | None = None,
    level: int = 1,
    alarm: AlarmKind = AlarmKind.SOS,
    drill: bool = False,
) -> Record:
    return Record(
        id=uuid7(1_800_000_000_000, os.urandom(10)),
        kind=kind,
        gateway=gateway,
        seq=seq,
        boot=1,
        monotonic_ms=1000 * seq,
        wall=NOW,
        time_trusted=True,
        alarm=alarm,
        scope=None,
        level=level,
        explanation=(sentence(Say.SOS_PRESSED, at=NOW, room="침실"),),
        room="" if refers else "침실",
        activity=b"",
        drill=drill,
        refers=refers,
        stage=stage,
    )


def signed(made: Record, by: GatewayIdentity) -> bytes:
    return sign(encode(made), by.private_key(), by.sender_id)


def heartbeat(
    first_seq: int = 0, last_seq: int = 0, news_seen: tuple[bytes, ...] = ()
) -> Heartbeat:
    return Heartbeat(
        boot=1,
        monotonic_ms=1,
        wall=NOW,
        time_trusted=True,
        outbox_depth=0,
        first_seq=first_seq,
        last_seq=last_seq,
        news_seen=news_seen,
        version="0.1.0",
    )


class NoAnswerError(TimeoutError):
    """Nothing came back in time."""


@dataclass(slots=True)
class Answer:
    """What came back, and whether OSCORE vouches for it."""

    code: Code
    payload: bytes
    protected: bool
    kind: Type


class Sender:
    """One gateway's end, bare: numbers in memory, one socket, nothing sent twice by itself."""

    def __init__(self, who: GatewayIdentity, port: int, start: int = 0) -> None:
        self.who = who
        self.context = gateway_context(who, start, lambda _: None)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", port))
        self._mid = secrets.randbelow(0x10000)

    def close(self) -> None:
        self._socket.close()

    def request(
        self, path: str, payload: bytes, *, echo: bytes | None = None, kind: Type = Type.CON
    ) -> tuple[bytes, RequestIdentifiers]:
        """One protected datagram, and what its answer is checked with."""
        plain = Message(code=Code.POST, payload=payload)
        plain.opt.uri_path = (path,)
        if echo is not None:
            plain.opt.echo = echo
        protected, identifiers = self.context.protect(plain)
        return self.frame(protected, kind), identifiers

    def frame(self, message: Message, kind: Type = Type.CON) -> bytes:
        """A datagram of a message with an ID and token of its own."""
        self._mid = (self._mid + 1) & 0xFFFF
        message.mid, message.mtype, message.token = self._mid, kind, os.urandom(4)
        datagram: bytes = message.encode()
        return datagram

    def send(self, datagram: bytes) -> None:
        # Refused is what the last one met, and nobody is there at this moment: as good as lost.
        with contextlib.suppress(ConnectionRefusedError):
            self._socket.send(datagram)

    async def receive(self, seconds: float = ANSWER_S) -> Message | None:
        """The next datagram, or None in time."""
        try:
            async with asyncio.timeout(seconds):
                data = await asyncio.get_running_loop().sock_recv(self._socket, 4096)
        except (TimeoutError, ConnectionRefusedError):
            return None
        message: Message = Message.decode(data)
        return message

    async def exchange(self, datagram: bytes, seconds: float = ANSWER_S) -> Message | None:
        self.send(datagram)
        return await self.receive(seconds)

    async def ask(
        self, path: str, payload: bytes, kind: Type = Type.CON, seconds: float = ANSWER_S
    ) -> Answer:
        """Ask, prove to be fresh if the center wants that, and decrypt the answer.

        Raises:
            NoAnswerError: none came.

        """
        echo = None
        for _ in range(2):
            datagram, identifiers = self.request(path, payload, echo=echo, kind=kind)
            outer = await self.exchange(datagram, seconds)
            if outer is None:
                raise NoAnswerError
            answer, echo = self.open(outer, identifiers)
            if echo is None:
                return answer
        raise AssertionError("asked for an echo twice")

    def open(self, outer: Message, identifiers: RequestIdentifiers) -> tuple[Answer, bytes | None]:
        assert outer.code is not None
        assert outer.mtype is not None
        if outer.opt.oscore is None:
            return Answer(outer.code, outer.payload, protected=False, kind=outer.mtype), None
        inner, _ = self.context.unprotect(outer, identifiers)
        assert inner.code is not None
        answer = Answer(inner.code, inner.payload, protected=True, kind=outer.mtype)
        return answer, inner.opt.echo if inner.code is Code.UNAUTHORIZED else None

    async def post(self, *records: Record) -> Answer:
        return await self.post_signed([signed(each, self.who) for each in records])

    async def post_signed(self, bodies: Sequence[bytes]) -> Answer:
        return await self.ask("e", encode_batch(bodies))

    async def post_until_taken(self, made: Record) -> None:
        """Post again until the center knows this gateway."""
        async with asyncio.timeout(10):
            while (await self.post(made)).code is not Code.CREATED:  # noqa: ASYNC110 -- no event
                await asyncio.sleep(0.05)

    async def beat(self, beat: Heartbeat | None = None) -> HeartbeatReply:
        answer = await self.ask("h", encode_heartbeat(beat or heartbeat()), Type.NON)
        assert (answer.code, answer.protected) == (Code.CHANGED, True)
        return decode_reply(answer.payload)
