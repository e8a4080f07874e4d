"""One item at a time: decide, make it durable, and only then let others act.

`Gateway.handle` is synchronous, so it runs whole or not at all, and the simulator calls it without
an event loop. It is the only writer of engine and journal.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from edge.outbox import OutboxRow
from protocol.identity import GatewayIdentity
from protocol.records import encode, record_of, uuid7
from protocol.signature import sign
from rules.alarm import AlarmKind, Category
from rules.codec import moment_us
from rules.engine import Engine
from rules.events import SOFT, Escalated, Event, LifeSeen, Updated
from rules.inputs import DeviceChanged, Input, TimeTrust

LIFE_SAVED_AFTER = timedelta(seconds=20)
"A sign of life is on disk after this: the most of it that a kill can cost."
HEARD_SAVED_AFTER = timedelta(seconds=60)
"Mere reports are: they only show that devices are live."
_LIFE_AFTER_QUIET = timedelta(minutes=10)
"The first sign of life after so long is saved at once: losing it would bring an alarm forward."
QUIET_SAVED_AFTER = timedelta(minutes=5)
"""Though nothing is heard: a start reckons how long it was down from the last write, and puts off
by as much what it expects of devices and people. Five times rarer than where one is heard."""
_GOOD_COPY_EVERY = timedelta(hours=1)
_DRILL_PRIORITY = 3
_PRIORITIES = {Category.ESCALATION: 1, Category.FAULT: 2, Category.NOTE: 4}


class Journal(Protocol):
    """What the gateway asks of its journal."""

    def append(self, events: Sequence[Event], rows: Sequence[OutboxRow], now: datetime) -> None:
        """Events, some of them hard, and their outbox rows in one transaction."""

    def save(self, snapshot: bytes, now: datetime) -> None:
        """The engine's state, in place of the events before it."""

    def record_id(self, serial: int) -> bytes | None:
        """The id that the record of that serial has."""

    def keep_good_copy(self, now: datetime) -> None:
        """Set a copy aside to fall back on."""

    def prune(self, now: datetime, keep: Collection[int]) -> None:
        """Drop what the center has had for long, but for the serials to `keep`."""


class Gateway:
    """The single writer."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        identity: GatewayIdentity,
        boot: int,
        random: Callable[[int], bytes],
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._identity = identity
        self._signing_key = identity.private_key()
        self._boot = boot
        self._random = random
        self._save_at: datetime | None = None
        self._saved_life: datetime | None = None
        self._good_copy: datetime | None = None
        self._whole = True
        "False within a decision, and for good if a defect broke it off."

    @property
    def engine(self) -> Engine:
        """The engine, to be asked and not to be fed."""
        return self._engine

    def handle(self, item: Input, now: datetime, boottime_us: int) -> list[Event]:
        """Take in one item; what is returned is durable, save for soft events."""
        self._whole = False
        events = self._engine.handle(item, now)
        hard = not all(isinstance(event, SOFT) for event in events)
        if hard:
            # With the soft ones that led to them: a driver says again what a killed gateway may
            # not have read, and by its registers the next one knows old news from a second fire.
            self._journal.append(events, self._rows(events, now, boottime_us), now)
        self._whole = True
        if events:
            self._note_soft(events, now)
        if isinstance(item, TimeTrust | DeviceChanged):
            # The whole registry is one event, which shall not lie beside the state for an hour;
            # and what was planned by the clock of before would wait for ever after a jump back.
            self._save_at, self._good_copy, self._saved_life, hard = now, None, None, False
        if self._save_at is not None and now >= self._save_at and not hard:
            # Else with the tick that comes at once: what was decided is on disk, and a card that
            # takes seconds for the state shall not keep a call for help in the house.
            self.save(now)
        return events

    def reissue(self, events: Sequence[Event], now: datetime, boottime_us: int) -> None:
        """Make the records anew that a broken journal lost while it kept their events."""
        lost = [
            event
            for event in events
            if isinstance(event, Escalated | Updated)
            and self._journal.record_id(event.serial) is None
        ]
        if lost:
            self._journal.append([], self._rows(lost, now, boottime_us), now)

    def next_deadline(self) -> datetime | None:
        """When `Tick` must come at the latest."""
        deadline = self._engine.next_deadline()
        if self._save_at is None:
            return deadline
        return self._save_at if deadline is None else min(self._save_at, deadline)

    def save(self, now: datetime) -> None:
        """Put the state on disk: in batches, and when the gateway stops.

        Not after a decision that broke off: its events were not journaled, so the next run would
        take for told what never left the house.
        """
        if not self._whole:
            return
        self._journal.save(self._engine.snapshot(), now)
        life = self._engine.state.life
        self._saved_life = None if life is None else life.at
        self._save_at = now + QUIET_SAVED_AFTER
        if self._good_copy is None or now - self._good_copy >= _GOOD_COPY_EVERY:
            if self._engine.state.trusted:
                self._journal.prune(now, keep=self._engine.state.cases)
            self._journal.keep_good_copy(now)
            self._good_copy = now
        else:
            # Though nothing more be heard: what was is in the copy within the hour.
            self._save_at = min(self._save_at, self._good_copy + _GOOD_COPY_EVERY)

    def _note_soft(self, events: Sequence[Event], now: datetime) -> None:
        at = now + HEARD_SAVED_AFTER
        for event in events:
            if isinstance(event, LifeSeen):
                last = self._saved_life
                quiet = last is None or event.at - last > _LIFE_AFTER_QUIET
                at = now if quiet and event.counted else min(at, now + LIFE_SAVED_AFTER)
        self._save_at = at if self._save_at is None else min(self._save_at, at)

    def _rows(self, events: Sequence[Event], now: datetime, boottime_us: int) -> list[OutboxRow]:
        rows: dict[int, OutboxRow] = {}
        for event in events:
            if not isinstance(event, Escalated | Updated):
                continue
            refers = None
            if isinstance(event, Updated):
                opening = rows.get(event.refers)
                refers = opening.id if opening else self._journal.record_id(event.refers)
                if refers is None:
                    # The case was lost with a broken journal: the center has nothing to update.
                    continue
            rows[event.serial] = self._row(event, refers, now, boottime_us)
        return list(rows.values())

    def _row(
        self, event: Escalated | Updated, refers: bytes | None, now: datetime, boottime_us: int
    ) -> OutboxRow:
        record = record_of(
            event,
            id=uuid7(moment_us(now) // 1000, self._random(10)),
            gateway=self._identity.gateway,
            boot=self._boot,
            monotonic_ms=boottime_us // 1000,
            time_trusted=self._engine.state.trusted,
            refers=refers,
        )
        signed = sign(encode(record), self._signing_key, self._identity.sender_id)
        return OutboxRow(record.id, event.serial, _priority(event), signed)


def _priority(event: Escalated | Updated) -> int:
    if isinstance(event, Escalated) and event.drill:
        return _DRILL_PRIORITY
    if event.alarm.kind is AlarmKind.SOS:
        return 0
    return _PRIORITIES[event.alarm.kind.category]
