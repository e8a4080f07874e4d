"""The uplink: records until the center has persisted them, and heartbeats with time and news back.

Two flows, each with a CoAP context of its own so that neither waits for the other's exchange. At
most one exchange of each is under way.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from edge.answer import Answer, NoAnswer
from edge.channel import NUMBERS_PER_ASK, Channel
from edge.delivery import Delivery
from edge.heartbeats import Heartbeats, Origin
from edge.outbox import JournalFailing, Outbox, OutboxRow
from protocol.heartbeat import News, encode_heartbeat
from protocol.identity import GatewayIdentity
from protocol.oscore import (
    ID_CONTEXT_BYTES,
    SecurityContext,
    emergency_context,
    gateway_context,
)
from protocol.records import encode_batch


class Clock(Protocol):
    """What the uplink asks of the gateway's clock."""

    def now(self) -> datetime:
        """Aware UTC; it may be wrong."""

    def boottime_us(self) -> int:
        """Boot time in microseconds; it only runs on."""


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
        self._clock = clock
        self._random = random
        self._records, self._beats = channels
        self._report_delivered = reports.delivered
        self._delivery = Delivery(
            outbox, self._between, refused=reports.refused, delivered=self._delivered
        )
        self._heartbeats = Heartbeats(
            outbox,
            origin,
            self._between,
            news=reports.news,
            center_time=reports.center_time,
        )
        self._wake = asyncio.Event()
        self._beat_soon = asyncio.Event()
        self._security = gateway_context(identity, outbox.sequence(), outbox.reserve_sequence)
        self._durable = True
        self._last_ok: datetime | None = None

    def notify(self) -> None:
        """The outbox has grown: send at once."""
        self._wake.set()

    @property
    def status(self) -> Status:
        """How it stands now."""
        return Status(
            last_ok=self._last_ok,
            failures=max(self._delivery.failures, self._heartbeats.failures),
            why=self._delivery.why or self._heartbeats.why,
            interval_s=self._heartbeats.interval_s,
            refused=self._delivery.refused_count,
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

    async def _deliver(self) -> None:
        delivery = self._delivery
        delivery.notify(_seconds())
        while True:
            if self._wake.is_set():
                self._wake.clear()
                delivery.notify(_seconds())
            batch = delivery.next(_seconds())
            if batch:
                body = encode_batch([row.signed for row in batch])
                answer = await self._ask(self._records, "e", body)
                delivery.answered(answer, _seconds(), self._clock.now())
            else:
                await _set_by(self._wake, delivery.due_s())

    def _delivered(self, rows: Sequence[OutboxRow]) -> None:
        # The center has a case now: its reply may ask for quicker heartbeats.
        self._beat_soon.set()
        self._report_delivered(rows)

    async def _beat(self) -> None:
        heartbeats = self._heartbeats
        heartbeats.soon(_seconds())
        while True:
            if self._beat_soon.is_set():
                self._beat_soon.clear()
                heartbeats.soon(_seconds())
            due_s = heartbeats.due_s()
            if due_s is None or due_s > _seconds():
                await _set_by(self._beat_soon, due_s)
                continue
            sent_us = self._clock.boottime_us()
            beat = encode_heartbeat(heartbeats.beat(self._clock.now(), sent_us))
            answer = await self._ask(self._beats, "h", beat)
            trip = timedelta(microseconds=self._clock.boottime_us() - sent_us)
            if heartbeats.answered(answer, _seconds(), trip):
                self._wake.set()

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


def _seconds() -> float:
    return asyncio.get_running_loop().time()


async def _set_by(event: asyncio.Event, at_s: float | None) -> None:
    try:
        async with asyncio.timeout_at(at_s):
            await event.wait()
    except TimeoutError:
        return
