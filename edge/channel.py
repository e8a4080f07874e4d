"""One way to the center: a request goes out under OSCORE, and an answer comes back or does not.

A CoAP context of aiocoap lives here until the first exchange that brings no answer. What is wrong
by then cannot be told from outside (an exchange that still retransmits and holds up the next, a
source port that a NAT has forgotten, an address the network has taken back), and a new context is
one socket.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address

from aiocoap.credentials import CredentialsMap
from aiocoap.message import Message
from aiocoap.numbers.codes import POST, UNAUTHORIZED
from aiocoap.numbers.constants import Reliable, TransportTuning, Unreliable
from aiocoap.oscore import NotAProtectedMessage
from aiocoap.protocol import Context
from aiocoap.transports.oscore import OSCOREAddress

from edge.answer import Answer, NoAnswer
from protocol.oscore import SecurityContext

CBOR = 60
"Content-Format application/cbor (RFC 8949, 9.3)."
NUMBERS_PER_ASK = 4
"A request, its repetition with an Echo, and both once more after a replay reply."
LOOK_UP_AFTER = 8
"Requests in a row without an answer, until the center's name is looked up again."

_TURNS_TO_CONNECT = 20

_LOGGER = "coap-uplink"
# aiocoap warns of every datagram that it cannot use: a stranger could fill the disk with it.
logging.getLogger(_LOGGER).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Transport:
    """What carries CoAP."""

    scheme: str
    layer: str
    "aiocoap's name of it."


UDP = Transport("coap", "simple6")
"""Connected sockets: the kernel drops what does not come from the center, refusals are heard at
once, and a kernel without IPv6 will do (aiocoap's `udp6` needs it)."""


class _Confirmable(Reliable):
    # The outbox is the retry loop, so an exchange is short: 10.5 s at the most.
    ACK_TIMEOUT = 1.0
    MAX_RETRANSMIT = 2


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request is sent, and for how long an answer is waited for."""

    tuning: TransportTuning
    patience_s: float


CONFIRMABLE = Manner(_Confirmable(), patience_s=12.0)
"The patience outlasts the exchange: after an empty ACK aiocoap alone would wait for ever."
ONCE = Manner(Unreliable(), patience_s=5.0)


async def look_up(host: str) -> str:
    """The address of a name.

    Raises:
        OSError: the name is not known, or not now.

    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    return str(found[0][4][0])


class Destination:
    """Where the center is: its address, looked up once and kept, for DNS fails with the link."""

    def __init__(
        self, host: str, port: int, resolve: Callable[[str], Awaitable[str]] = look_up
    ) -> None:
        self.host = host
        self.port = port
        self._resolve = resolve
        self._address: str | None = None

    async def address(self) -> str:
        """The center's address, in brackets if it is IPv6.

        Raises:
            OSError: the name is not known, or not now.

        """
        if self._address is None:
            try:
                self._address = _bracketed(str(ip_address(self.host)))
            except ValueError:
                self._address = _bracketed(await self._resolve(self.host))
        return self._address

    async def look_up_again(self) -> None:
        """The center may have moved: look the name up, and keep the old address if it fails."""
        kept, self._address = self._address, None
        try:
            await self.address()
        except OSError:
            self._address = kept


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


class _One(CredentialsMap):
    """Every request goes out under one security context."""

    def __init__(self, security: SecurityContext) -> None:
        super().__init__()
        self.security = security

    def credentials_from_request(self, msg: Message) -> SecurityContext:  # noqa: ARG002 -- aiocoap's signature
        return self.security


class Channel:
    """Requests to the center, one after the other."""

    def __init__(
        self, destination: Destination, manner: Manner, transport: Transport = UDP
    ) -> None:
        self._destination = destination
        self._manner = manner
        self._transport = transport
        self._coap: Context | None = None
        self._unanswered = 0

    async def ask(self, path: str, payload: bytes, security: SecurityContext) -> Answer | NoAnswer:
        """POST to `path`; returns within twice the manner's patience.

        `security` must have four numbers reserved.
        """
        outcome = await self._exchange(path, payload, security)
        if isinstance(outcome, NoAnswer) and outcome.replayed:
            outcome = await self._exchange(path, payload, security)
        self._unanswered = self._unanswered + 1 if isinstance(outcome, NoAnswer) else 0
        if self._unanswered % LOOK_UP_AFTER == LOOK_UP_AFTER - 1:
            await self._destination.look_up_again()
        return outcome

    async def close(self) -> None:
        """End what is under way and give the socket back."""
        coap, self._coap = self._coap, None
        if coap is not None:
            await coap.shutdown()

    async def _exchange(
        self, path: str, payload: bytes, security: SecurityContext
    ) -> Answer | NoAnswer:
        try:
            address = await self._destination.address()
            coap = await self._open(security)
        except OSError as error:
            return NoAnswer(f"{type(error).__name__}: {error}")
        message = Message(
            code=POST,
            uri=f"{self._transport.scheme}://{address}:{self._destination.port}/{path}",
            payload=payload,
            content_format=CBOR,
            transport_tuning=self._manner.tuning,
        )
        response = coap.request(message, handle_blockwise=False).response
        response.add_done_callback(_heed)
        try:
            # Not wait_for: it would cancel the response, and aiocoap goes on sending all the same.
            await asyncio.wait({response}, timeout=self._manner.patience_s)
            outcome = _believed(response, security)
        finally:
            if not response.done():
                await self._give_up(response)
        if isinstance(outcome, NoAnswer):
            await self.close()
        return outcome

    async def _open(self, security: SecurityContext) -> Context:
        if self._coap is None:
            self._coap = await Context.create_client_context(
                loggername=_LOGGER, transports=["oscore", self._transport.layer]
            )
        self._coap.client_credentials = _One(security)
        return self._coap

    async def _give_up(self, response: asyncio.Future[Message]) -> None:
        # Shut down while it connects, aiocoap forgets the socket. To connect to an address takes
        # no time but a few turns of the loop.
        for _ in range(_TURNS_TO_CONNECT):
            await asyncio.sleep(0)
        await self.close()
        # The shutdown ends the request with an error.
        await asyncio.wait({response}, timeout=1)


def _heed(response: asyncio.Future[Message]) -> None:
    # Whoever asked may be cancelled by now, and asyncio reports an error that nobody took.
    if not response.cancelled():
        response.exception()


def channels_to(host: str, port: int) -> tuple[Channel, Channel]:
    """The two channels of an uplink: for records, and for heartbeats."""
    destination = Destination(host, port)
    return Channel(destination, CONFIRMABLE), Channel(destination, ONCE)


def _believed(response: asyncio.Future[Message], security: SecurityContext) -> Answer | NoAnswer:
    if not response.done():
        return NoAnswer("no answer in time")
    error = response.exception()
    if isinstance(error, NotAProtectedMessage):
        code = error.plain_message.code
        return NoAnswer(f"unprotected {code}", replayed=code == UNAUTHORIZED)
    if error is not None:
        # Of any type: what aiocoap trips over in a datagram comes out here as it is. Of what the
        # network does, its cause says more.
        cause = error.__cause__ or error
        return NoAnswer(f"{type(cause).__name__}: {cause}"[:200])
    message = response.result()
    remote = message.remote
    if not isinstance(remote, OSCOREAddress) or remote.security_context is not security:
        return NoAnswer(f"unprotected {message.code}")
    assert message.code is not None
    return Answer(message.code, message.payload)
