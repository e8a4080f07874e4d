"""The uplink: records until the center has persisted them, and heartbeats with time and news back.

Two flows, each with a CoAP context of its own so that neither waits for the other's exchange. At
most one exchange of each is under way.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from aiocoap.numbers.codes import (
    BAD_REQUEST,
    CHANGED,
    CONFLICT,
    CREATED,
    FORBIDDEN,
    REQUEST_ENTITY_TOO_LARGE,
)

from edge.batches import Batches
from edge.channel import NUMBERS_PER_ASK, Answer, Channel, NoAnswer
from edge.outbox import JournalFailing, Outbox, OutboxRow
from protocol.heartbeat import (
    DEFAULT_INTERVAL_S,
    Heartbeat,
    HeartbeatReply,
    News,
    decode_reply,
    encode_heartbeat,
)
from protocol.identity import GatewayIdentity
from protocol.oscore import (
    ID_CONTEXT_BYTES,
    SecurityContext,
    emergency_context,
    gateway_context,
)
from protocol.records import encode_batch
from rules.errors import FrameError

_DELIVERED = (CREATED, CHANGED)
_REFUSED = (BAD_REQUEST, FORBIDDEN, CONFLICT, REQUEST_ENTITY_TOO_LARGE)
"Said of the record itself. Everything else may pass, and is tried again soon."

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_SHORTEST_GAP_S = 0.25
"Between two attempts, even where each new alarm asks for one."
_BEAT_GAP_S = 1.0
_HASTY_BEATS = 4
"Unanswered heartbeats that are repeated soon, after a quarter of the interval at most."


class Clock(Protocol):
    """What the uplink asks of the gateway's clock."""

    def now(self) -> datetime:
        """Aware UTC; it may be wrong."""

    def boottime_us(self) -> int:
        """Boot time in microseconds; it only runs on."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a heartbeat says of the gateway itself."""

    boot: int
    version: str
    time_trusted: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Reports:
    """Where the uplink puts what it learns. None of these may block."""

    news: Callable[[Sequence[News]], None]
    "Taken and closed cases; the same ones again until their tokens are in `Outbox.news_seen`."
    center_time: Callable[[datetime, timedelta], None]
    "The center's authenticated time, and the round trip within which it was read."
    refused: Callable[[OutboxRow, str], None]
    "The center refuses this record, once for each; it stays in the outbox and is tried again."
    delivered: Callable[[Sequence[OutboxRow]], None]
    "The center has persisted these; the outbox knows it already."


@dataclass(frozen=True, slots=True)
class Status:
    """What `ongi status` shows of the uplink."""

    last_ok: datetime | None
    "When the center last answered, by the gateway's clock."
    failures: int
    "Requests in a row that brought nothing, of the flow that fares worse."
    why: str
    "What went wrong last; empty while all is well."
    interval_s: int
    refused: int
    "Records that the center does not take."
    durable: bool
    "False while the disk takes no OSCORE numbers and keys of this run are used instead."


@dataclass(slots=True)
class _Flow:
    """How one kind of request fares."""

    failures: int = 0
    why: str = ""

    def worked(self) -> None:
        self.failures = 0
        self.why = ""

    def failed(self, why: str) -> None:
        self.failures += 1
        self.why = why


class Uplink:
    """Delivers the outbox and keeps the center told that the gateway lives."""

    def __init__(
        self,
        identity: GatewayIdentity,
        outbox: Outbox,
        clock: Clock,
        random: Callable[[int], bytes],
        channels: tuple[Channel, Channel],
        origin: Origin,
        reports: Reports,
    ) -> None:
        """`channels` carry records and heartbeats; `random(n)` gives n unpredictable bytes."""
        self._identity = identity
        self._outbox = outbox
        self._clock = clock
        self._random = random
        self._records, self._beats = channels
        self._origin = origin
        self._reports = reports
        self._batches = Batches()
        self._wake = asyncio.Event()
        self._beat_soon = asyncio.Event()
        self._security = gateway_context(identity, outbox.sequence(), outbox.reserve_sequence)
        self._durable = True
        self._interval_s = DEFAULT_INTERVAL_S
        self._last_ok: datetime | None = None
        self._delivering = _Flow()
        self._beating = _Flow()

    def notify(self) -> None:
        """The outbox has grown: send at once."""
        self._wake.set()

    @property
    def status(self) -> Status:
        """How it stands now."""
        return Status(
            last_ok=self._last_ok,
            failures=max(self._delivering.failures, self._beating.failures),
            why=self._delivering.why or self._beating.why,
            interval_s=self._interval_s,
            refused=self._batches.refused_count,
            durable=self._durable,
        )

    async def run(self) -> None:
        """Deliver and beat until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._deliver(), name="uplink records")
                tasks.create_task(self._beat(), name="uplink heartbeats")
        finally:
            await self._records.close()
            await self._beats.close()

    # --- records -----------------------------------------------------------------------------

    async def _deliver(self) -> None:
        while True:
            self._wake.clear()
            at_s = _seconds()
            batch = self._batches.choose(self._outbox.pending(self._batches.look_at), at_s)
            if not batch:
                await _within(self._wake, self._batches.next_retry_in_s(at_s))
                continue
            answer = await self._ask(self._records, "e", encode_batch([r.signed for r in batch]))
            wrong = _what_is_wrong(answer, batch)
            if not wrong:
                self._persisted(batch)
            elif isinstance(answer, Answer) and answer.code in _REFUSED:
                self._refuse(batch, answer)
            else:
                self._delivering.failed(wrong)
                await self._pause(self._delivering.failures)

    def _persisted(self, batch: Sequence[OutboxRow]) -> None:
        self._outbox.delivered([row.id for row in batch], self._clock.now())
        self._batches.deliver(batch)
        self._delivering.worked()
        # The center has a case now: its reply may ask for quicker heartbeats.
        self._beat_soon.set()
        self._reports.delivered(batch)

    def _refuse(self, batch: Sequence[OutboxRow], answer: Answer) -> None:
        self._delivering.worked()
        first_time = self._batches.refuse(batch, _seconds())
        if first_time is not None:
            self._reports.refused(first_time, str(answer.code))

    async def _pause(self, unanswered: int) -> None:
        # Cut short by a new alarm and by the first heartbeat that comes through again.
        longest_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(unanswered - 1, 10))
        pause_s = longest_s * self._between(0.5, 1.0)
        await asyncio.sleep(min(_SHORTEST_GAP_S, pause_s))
        await _within(self._wake, pause_s - _SHORTEST_GAP_S)

    # --- heartbeats --------------------------------------------------------------------------

    async def _beat(self) -> None:
        while True:
            self._beat_soon.clear()
            sent_us = self._clock.boottime_us()
            answer = await self._ask(self._beats, "h", encode_heartbeat(self._heartbeat()))
            trip = timedelta(microseconds=self._clock.boottime_us() - sent_us)
            try:
                reply = _reply(answer)
            except FrameError as error:
                self._beating.failed(f"heartbeat: {error}")
            else:
                self._take_in(reply, trip)
                if self._beating.failures:
                    # The center is back: records need not wait out their pause.
                    self._wake.set()
                self._beating.worked()
            pause_s = self._beat_pause_s() * self._between(0.9, 1.0)
            await asyncio.sleep(min(_BEAT_GAP_S, pause_s))
            await _within(self._beat_soon, pause_s - _BEAT_GAP_S)

    def _beat_pause_s(self) -> float:
        failures = self._beating.failures
        if 0 < failures <= _HASTY_BEATS:
            # One datagram lost, or the network not up yet at boot: the center counts to three.
            return min(self._interval_s / 4, 2.0**failures)
        return self._interval_s

    def _heartbeat(self) -> Heartbeat:
        first, last = self._outbox.retained()
        return Heartbeat(
            boot=self._origin.boot,
            monotonic_ms=self._clock.boottime_us() // 1000,
            wall=self._clock.now(),
            time_trusted=self._origin.time_trusted(),
            outbox_depth=self._outbox.depth(),
            first_seq=first,
            last_seq=last,
            news_seen=self._outbox.news_seen(),
            version=self._origin.version,
        )

    def _take_in(self, reply: HeartbeatReply, trip: timedelta) -> None:
        self._interval_s = reply.interval_s
        self._reports.center_time(reply.now, trip)
        if reply.news:
            self._reports.news(reply.news)
        again = [self._outbox.send_again(first, last) for first, last in reply.missing]
        if any(again):
            self._wake.set()

    # --- both --------------------------------------------------------------------------------

    async def _ask(self, channel: Channel, path: str, payload: bytes) -> Answer | NoAnswer:
        answer = await channel.ask(path, payload, self._reserved())
        if isinstance(answer, Answer):
            self._last_ok = self._clock.now()
        return answer

    def _reserved(self) -> SecurityContext:
        try:
            self._security.reserve(NUMBERS_PER_ASK)
        except JournalFailing:
            # A number that is not noted could come back after a restart. Fresh keys have none.
            id_context = self._random(ID_CONTEXT_BYTES)
            self._security = emergency_context(self._identity, id_context)
            self._durable = False
        return self._security

    def _between(self, least: float, most: float) -> float:
        share = int.from_bytes(self._random(4), "big") / 2**32
        return least + (most - least) * share


def _what_is_wrong(answer: Answer | NoAnswer, batch: Sequence[OutboxRow]) -> str:
    if isinstance(answer, NoAnswer):
        return answer.why
    if answer.code not in _DELIVERED:
        return str(answer.code)
    if answer.payload != b"".join(row.id for row in batch):
        return f"{answer.code} for other records"
    return ""


def _reply(answer: Answer | NoAnswer) -> HeartbeatReply:
    if isinstance(answer, NoAnswer):
        raise FrameError(answer.why)
    if not answer.code.is_successful():
        raise FrameError(str(answer.code))
    return decode_reply(answer.payload)


def _seconds() -> float:
    return asyncio.get_running_loop().time()


async def _within(event: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
