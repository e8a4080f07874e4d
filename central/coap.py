"""CoAP's message layer for a server that answers each request with one datagram.

Requests come CON or NON; a CON is answered in its ACK, or, when the answer takes longer, by an
empty ACK and a NON of its own. Blocks, observation and requests of our own do not exist here, and
everything that a peer can make grow has a bound. aiocoap keeps every message for 247 s, without
one; its codec is used.

Ref: RFC 7252, 4 (messages), 4.5 (deduplication), 5.2 (responses).
"""

import asyncio
import struct
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiocoap.error import Error, UnparsableMessage
from aiocoap.message import Message
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type

from central.udp import BYTES_MAX, Peer

EXCHANGE_LIFETIME_S = 247.0
"RFC 7252, 4.8.2: after this a Message ID may mean another message."
EMPTY_ACK_DELAY_S = 1.5
"Less than the 2 s after which a peer sends again; a commit is rarely that slow."
RECENT_MAX = 8_192
"Messages remembered. A repeated one that is forgotten fails OSCORE's replay check instead."
UNDER_WAY_MAX = 2_048
"Requests answered at once; those beyond are dropped, and come again."

_RESPONSES = 0x20
"Codes of class 0 are requests (RFC 7252, 12.1)."

Respond = Callable[[Message, Peer], Awaitable[Message | None]]
"Gives the answer to a request, or None where silence is the answer."


@dataclass(slots=True)
class _Exchange:
    until: float
    answer: bytes | None = None


class Messages:
    """Takes datagrams, has requests answered, answers repeated ones without asking again.

    `unparsable` is called for what is no CoAP or more than one frame; `dropped` for requests past
    the bound.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        respond: Respond,
        *,
        unparsable: Callable[[Peer], None],
        dropped: Callable[[Peer], None],
    ) -> None:
        self._tasks = tasks
        self._respond = respond
        self._unparsable = unparsable
        self._dropped = dropped
        self._loop = asyncio.get_running_loop()
        self._recent: OrderedDict[tuple[object, int], _Exchange] = OrderedDict()
        self._under_way = 0
        self._next_id = 0
        self.send: Callable[[bytes, Peer], None] = lambda _data, _peer: None

    def received(self, data: bytes, peer: Peer) -> None:
        """Take one datagram."""
        try:
            message = _parse(data)
        except UnparsableMessage:
            self._unparsable(peer)
            return
        if message.code is Code.EMPTY:
            if message.mtype is Type.CON:
                # A ping (4.3); nothing but a reset answers it.
                self._send(Message(code=Code.EMPTY), Type.RST, message, peer)
            return
        if message.code is None or message.code >= _RESPONSES:
            return
        if message.mtype not in {Type.CON, Type.NON}:
            return
        if self._repeated(message, peer):
            return
        if self._under_way >= UNDER_WAY_MAX:
            self._dropped(peer)
            return
        exchange = self._remember(message, peer)
        if len(data) > BYTES_MAX:
            exchange.answer = self._answer(
                Message(code=Code.REQUEST_ENTITY_TOO_LARGE), message, peer
            )
            return
        self._under_way += 1
        self._tasks.create_task(self._exchange(message, peer, exchange))

    async def _exchange(self, request: Message, peer: Peer, exchange: _Exchange) -> None:
        slow = (
            self._loop.call_later(EMPTY_ACK_DELAY_S, self._acknowledge, request, peer)
            if request.mtype is Type.CON
            else None
        )
        try:
            response = await self._respond(request, peer)
        finally:
            self._under_way -= 1
            if slow is not None:
                slow.cancel()
        if response is not None:
            exchange.answer = self._answer(response, request, peer)

    def _acknowledge(self, request: Message, peer: Peer) -> None:
        self._send(Message(code=Code.EMPTY), Type.ACK, request, peer)
        # What is answered now comes in a message of its own.
        request.mtype = Type.NON

    def _answer(self, response: Message, request: Message, peer: Peer) -> bytes:
        response.token = request.token
        kind = Type.ACK if request.mtype is Type.CON else Type.NON
        return self._send(response, kind, request, peer)

    def _send(self, message: Message, kind: Type, request: Message, peer: Peer) -> bytes:
        message.mtype = kind
        if kind is Type.NON:
            self._next_id = (self._next_id + 1) & 0xFFFF
            message.mid = self._next_id
        else:
            message.mid = request.mid
        data: bytes = message.encode()
        self.send(data, peer)
        return data

    def _repeated(self, message: Message, peer: Peer) -> bool:
        exchange = self._recent.get((peer.address, message.mid))
        if exchange is None or exchange.until < self._loop.time():
            return False
        if exchange.answer is not None and message.mtype is Type.CON:
            self.send(exchange.answer, peer)
        return True

    def _remember(self, message: Message, peer: Peer) -> _Exchange:
        now = self._loop.time()
        while self._recent:
            oldest = next(iter(self._recent.values()))
            if oldest.until >= now and len(self._recent) < RECENT_MAX:
                break
            self._recent.popitem(last=False)
        exchange = _Exchange(now + EXCHANGE_LIFETIME_S)
        self._recent[peer.address, message.mid] = exchange
        self._recent.move_to_end((peer.address, message.mid))
        return exchange


def _parse(data: bytes) -> Message:
    """Decode one datagram.

    Raises:
        UnparsableMessage: it is no CoAP message.

    """
    if len(data) < 4 or data[0] & 0x0F > 8:
        # aiocoap takes the reserved token lengths for lengths (RFC 7252, 3).
        raise UnparsableMessage("too short, or a reserved token length")
    try:
        message: Message = Message.decode(data)
    except (Error, ValueError, IndexError, struct.error) as error:
        raise UnparsableMessage(str(error)) from error
    return message
