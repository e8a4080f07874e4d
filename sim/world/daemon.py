"""One run of a gateway: the production parts of `edge.app`, from a start to a power cut.

What is left out is what only an event loop needs: sockets, the inbox, OSCORE. The order of a start
is that of `edge.app`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from edge.answer import Answer, NoAnswer
from edge.clock import AnchoredClock, first_anchor
from edge.delivery import Delivery
from edge.gateway import Gateway
from edge.happening import Happening
from edge.heartbeats import Heartbeats, Origin
from edge.house import House, Surroundings
from edge.journal import Found, Journal, Store
from edge.outbox import JournalFailing, OutboxRow
from edge.timekeeper import Timekeeper
from protocol.heartbeat import encode_heartbeat
from protocol.identity import GatewayIdentity
from protocol.records import encode_batch
from rules.command import Command
from rules.device import Device
from rules.events import Event
from rules.inputs import Boot, DeviceChanged, Input, Tick
from rules.observation import DeviceId, Observation, Phenomenon, Quality, Value
from rules.rulebook import Rulebook
from sim.world.bell import Bell
from sim.world.disk import Disk
from sim.world.history import TracedEngine
from sim.world.machine import Machine
from sim.world.timeline import Timeline
from sim.world.way import CONFIRMABLE, ONCE, Manner

VERSION = "simulated"
_US = timedelta(microseconds=1)
_SEQUENCE_CHUNK = 512

Carried = Callable[[Answer | NoAnswer], None]
Ask = Callable[[Manner, str, bytes, Carried], None]
"Carries a request of a path and a payload to the center, and tells what came of it."


@dataclass(frozen=True, slots=True)
class Outside:
    """What a daemon acts upon."""

    ask: Ask
    send: Callable[[Command], bool]
    tell: Callable[[Happening], None]
    queued: Callable[[Sequence[OutboxRow], bool], None]
    "Records were put into the outbox; whether durably."


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run is made of; a test plants a bug by another one of them."""

    engine: type[TracedEngine] = TracedEngine
    journal: type[Journal] = Journal
    clock: type[AnchoredClock] = AnchoredClock
    gateway: type[Gateway] = Gateway
    delivery: type[Delivery] = Delivery
    house: type[House] = House


class Daemon:
    """Runs from its making on; `put` and the timeline drive it until `stop`."""

    def __init__(  # noqa: PLR0913 -- the parts of a gateway
        self,
        timeline: Timeline,
        machine: Machine,
        disk: Disk,
        found: Found,
        *,
        identity: GatewayIdentity,
        book: Rulebook,
        devices: tuple[Device, ...],
        random: Random,
        outside: Outside,
        parts: Parts,
        guard: Callable[["Daemon", Callable[[], object]], None],
    ) -> None:
        """`guard` carries out what the timeline asks for, and catches a power cut."""
        self._timeline = timeline
        self._guard = guard
        self._machine = machine
        self._random = random
        self._outside = outside
        self._alive = True
        self.journal = parts.journal(Store(disk, found, machine.now()), found, None)
        stored = self.journal.load()
        self.engine = parts.engine.restored(book, stored.snapshot, stored.events)
        disk.engine = self.engine
        anchor, source = first_anchor(
            machine, stored.last_moment, trusted=self.engine.state.trusted
        )
        self.clock = parts.clock(machine, anchor)
        self.boot = self.journal.new_boot()
        noted = _Noted(self.journal, outside.queued)
        gateway = parts.gateway(self.engine, noted, identity, self.boot, random.randbytes)
        self.bell = Bell(timeline, machine, self.clock, self._ring)
        self.house = parts.house(
            gateway,
            self.journal,
            self.clock,
            self.bell,
            Surroundings(outside.send, self._notify, outside.tell),
        )
        self.timekeeper = Timekeeper(self.clock, machine, source, self.house.put)
        self._records = parts.delivery(
            self.journal,
            self._between,
            refused=self.house.refused,
            delivered=self._delivered,
        )
        self._beats = Heartbeats(
            self.journal,
            Origin(self.boot, VERSION, lambda: self.engine.state.trusted),
            self._between,
            news=self.house.news,
            center_time=self.timekeeper.center_time,
        )
        self._records_at: datetime | None = None
        self._beats_at: datetime | None = None
        self._asked = 0
        self._start = (stored, anchor, source, devices)
        self._gateway = gateway

    def start(self) -> None:
        """Tell the engine of the start, and open the doors."""
        stored, anchor, source, devices = self._start
        last = stored.last_moment
        down = anchor - last if source is not None and last is not None else None
        self._gateway.reissue(stored.events, self.clock.now(), self.clock.boottime_us())
        trusted = source is not None
        known = self.engine.state.next_serial
        serial = self.journal.first_serial(known, down, self._random.randbytes)
        self.house.put(Boot(self.boot, down or timedelta(), trusted, serial, stored.lost))
        self.house.found_at_start(self.journal.recovery.what)
        self.house.put(DeviceChanged(devices))
        self._keep_time()
        self._notify()
        self._beats.soon(self._seconds())
        self._look()

    def put(self, item: Input) -> list[Event]:
        """Decide on one item."""
        return self.house.put(item)

    def observe(
        self, device: DeviceId, phenomenon: Phenomenon, value: Value, quality: Quality
    ) -> list[Event]:
        """Decide on what the driver has just heard: it stamps what it hears when it hears it."""
        now = self.clock.now()
        return self.house.put(Observation(device, phenomenon, value, now, now, quality))

    def stop(self) -> None:
        """The power is gone: nothing of this run happens any more."""
        self._alive = False
        self.bell.silence()

    # ------------------------------------------------------------------------------- its tasks

    def _ring(self) -> None:
        self._guard(self, self._tick)

    def _tick(self) -> None:
        self.house.put(Tick())
        self._look()

    def _keep_time(self) -> None:
        if not self._alive:
            return
        self._guard(self, self.timekeeper.check)
        if self._alive:
            self._timeline.after(
                self._machine.true_span(self.timekeeper.check_after), self._keep_time
            )

    def _notify(self) -> None:
        self._records.notify(self._seconds())
        self._look()

    def _look(self) -> None:
        """See to it that both flows are asked when they are due."""
        self._records_at = self._planned(self._records.due_s(), self._records_at, self._deliver)
        self._beats_at = self._planned(self._beats.due_s(), self._beats_at, self._beat)

    def _planned(
        self, due_s: float | None, planned: datetime | None, act: Callable[[], None]
    ) -> datetime | None:
        if due_s is None:
            return planned
        left = timedelta(seconds=max(0.0, due_s - self._seconds()))
        at = self._timeline.now + self._machine.true_span(left)
        if planned is not None and planned <= at:
            return planned
        self._timeline.at(at, act)
        return at

    def _deliver(self) -> None:
        if self._alive and self._timeline.now == self._records_at:
            self._records_at = None
            self._guard(self, self._send_records)

    def _send_records(self) -> None:
        due_s = self._records.due_s()
        if due_s is not None and due_s <= self._seconds():
            batch = self._records.next(self._seconds())
            if batch:
                payload = encode_batch([row.signed for row in batch])
                self._ask(CONFIRMABLE, "e", payload, self._records_answered)
        self._look()

    def _records_answered(self, answer: Answer | NoAnswer) -> None:
        self._records.answered(answer, self._seconds(), self.clock.now())

    def _delivered(self, rows: Sequence[OutboxRow]) -> None:
        self._beats.soon(self._seconds())
        self.house.delivered(rows)

    def _beat(self) -> None:
        if self._alive and self._timeline.now == self._beats_at:
            self._beats_at = None
            self._guard(self, self._send_beat)

    def _send_beat(self) -> None:
        due_s = self._beats.due_s()
        if due_s is not None and due_s <= self._seconds():
            sent_us = self.clock.boottime_us()
            beat = self._beats.beat(self.clock.now(), sent_us)

            def answered(answer: Answer | NoAnswer) -> None:
                trip = (self.clock.boottime_us() - sent_us) * _US
                if self._beats.answered(answer, self._seconds(), trip):
                    self._records.notify(self._seconds())

            self._ask(ONCE, "h", encode_heartbeat(beat), answered)
        self._look()

    def _ask(self, manner: Manner, path: str, payload: bytes, answered: Carried) -> None:
        self._reserve()

        def back(answer: Answer | NoAnswer) -> None:
            if self._alive:
                answered(answer)
                self._look()

        self._outside.ask(manner, path, payload, back)

    def _reserve(self) -> None:
        """Note OSCORE numbers as the real uplink does, a chunk at a time."""
        if self._asked % _SEQUENCE_CHUNK == 0:
            try:
                self.journal.reserve_sequence(self.journal.sequence() + _SEQUENCE_CHUNK)
            except JournalFailing:
                # The real one takes keys of its own for this run.
                self._asked = 0
                return
        self._asked += 1

    def _between(self, least: float, most: float) -> float:
        return least + (most - least) * self._random.random()

    def _seconds(self) -> float:
        return self._machine.boottime_us() / 1e6


class _Noted:
    """The journal as the gateway writes on it; says which records it was given."""

    def __init__(
        self, journal: Journal, queued: Callable[[Sequence[OutboxRow], bool], None]
    ) -> None:
        self._journal = journal
        self._queued = queued
        self.save = journal.save
        self.record_id = journal.record_id
        self.keep_good_copy = journal.keep_good_copy
        self.prune = journal.prune

    def append(self, events: Sequence[Event], rows: Sequence[OutboxRow], now: datetime) -> None:
        self._journal.append(events, rows, now)
        if rows:
            self._queued(rows, self._journal.durable)
