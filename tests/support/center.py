"""A small center for the uplink's tests: real UDP, real OSCORE, a dictionary for a store."""

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiocoap.message import Message
from aiocoap.numbers.codes import BAD_REQUEST, CHANGED, CREATED, UNAUTHORIZED
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper
from aiocoap.protocol import Context
from aiocoap.resource import Resource, Site
from aiocoap.transports.oscore import OSCOREAddress

from protocol.heartbeat import Heartbeat, HeartbeatReply, News, decode_heartbeat, encode_reply
from protocol.identity import GatewayIdentity
from protocol.oscore import CenterContexts
from protocol.records import Record, decode, decode_batch
from protocol.signature import verify
from tests.support.outbox import MOMENT

# Otherwise a second center on the port would take half of the first one's datagrams.
os.environ["AIOCOAP_REUSE_PORT"] = "0"

_EMPTY_ACK_SENT_S = 0.15
"aiocoap sends an empty ACK when a request has waited for 0.1 s."


def free_port() -> int:
    """A UDP port that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class SmallCenter:
    """Use as `async with`; leaving and entering again is a restart that keeps only the store."""

    identity: GatewayIdentity
    port: int = field(default_factory=free_port)
    stored: dict[bytes, Record] = field(default_factory=dict)
    posts: list[tuple[bytes, ...]] = field(default_factory=list)
    "Ids of each POST that was read, in the order of arrival."
    beats: list[Heartbeat] = field(default_factory=list)
    beat_ports: list[str] = field(default_factory=list)
    id_contexts: set[bytes | None] = field(default_factory=set)
    refuse: set[bytes] = field(default_factory=set)
    "Ids that are answered 4.00, with everything that comes with them."
    commit_s: float = 0.0
    "How long a commit takes."
    forget: bool = False
    "Commits, and then never answers."
    reply_ids: Callable[[bytes], bytes] = lambda ids: ids
    "What a reply names, given what it should."
    interval_s: int = 1
    news: tuple[News, ...] = ()
    missing: tuple[tuple[int, int], ...] = ()
    beat_payload: bytes | None = None
    "Sent instead of a proper heartbeat reply."
    deaf_to_beats: bool = False
    in_flight_most: int = 0
    noted: int = 0
    runs: int = 0
    _in_flight: int = 0
    _coap: Context | None = None

    async def __aenter__(self) -> Self:
        """Serve."""
        self.runs += 1
        entries = {self.identity.sender_id: self.identity.entry()}
        contexts = CenterContexts(
            entries.get, self.noted, self._note, self.runs.to_bytes(8, "big")
        )
        site = Site()
        site.add_resource(["e"], _Records(self))
        site.add_resource(["h"], _Beats(self))
        self._coap = await Context.create_server_context(
            OscoreSiteWrapper(site, contexts),
            bind=("127.0.0.1", self.port),
            server_credentials=contexts,
            transports=["udp6"],
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        assert self._coap is not None
        # Deaf first: aiocoap's server stumbles over requests that it still has when it shuts down.
        udp = self._coap.request_interfaces[0].token_interface.message_interface.transport
        asyncio.get_running_loop().remove_reader(udp.get_extra_info("socket"))
        await asyncio.sleep(_EMPTY_ACK_SENT_S)
        await self._coap.shutdown()

    def _note(self, upto: int) -> None:
        self.noted = upto

    async def take(self, request: Message) -> Message:
        """POST /e."""
        remote = request.remote
        if not isinstance(remote, OSCOREAddress):
            return Message(code=UNAUTHORIZED)
        self.id_contexts.add(remote.security_context.id_context)
        self._in_flight += 1
        self.in_flight_most = max(self.in_flight_most, self._in_flight)
        try:
            return await self._persist(request.payload)
        finally:
            self._in_flight -= 1

    async def _persist(self, body: bytes) -> Message:
        entry = self.identity.entry()
        records = [
            decode(verify(signed, lambda _: entry.verifying_key())[1])
            for signed in decode_batch(body)
        ]
        ids = tuple(record.id for record in records)
        self.posts.append(ids)
        if self.refuse.intersection(ids):
            return Message(code=BAD_REQUEST)
        await asyncio.sleep(self.commit_s)
        new = not self.stored.keys() >= set(ids)
        self.stored.update((record.id, record) for record in records)
        if self.forget:
            await asyncio.Event().wait()
        return Message(code=CREATED if new else CHANGED, payload=self.reply_ids(b"".join(ids)))

    async def hear(self, request: Message) -> Message:
        """POST /h."""
        if not isinstance(request.remote, OSCOREAddress):
            return Message(code=UNAUTHORIZED)
        self.beats.append(decode_heartbeat(request.payload))
        self.beat_ports.append(request.remote.hostinfo)
        if self.deaf_to_beats:
            await asyncio.Event().wait()
        reply = HeartbeatReply(MOMENT, self.interval_s, self.news, self.missing)
        return Message(code=CHANGED, payload=self.beat_payload or encode_reply(reply))


class _Records(Resource):
    def __init__(self, center: SmallCenter) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # aiocoap
        self._center = center

    async def render_post(self, request: Message) -> Message:
        return await self._center.take(request)


class _Beats(Resource):
    def __init__(self, center: SmallCenter) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # aiocoap
        self._center = center

    async def render_post(self, request: Message) -> Message:
        return await self._center.hear(request)
