"""Defects planted into real parts of a simulated gateway and center: a checker finds each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import pytest

from central.store import Store
from edge.answer import Answer, NoAnswer
from edge.clock import AnchoredClock
from edge.delivery import Delivery
from edge.journal import Journal
from edge.outbox import OutboxRow
from protocol.records import Record
from rules.events import Event
from rules.inputs import Input
from rules.observation import Observation, Phenomenon
from sim.check import (
    check,
    collapses,
    dead_sensors,
    doubled,
    hazards,
    liveness,
    lost,
    time_jumps,
)
from sim.faults.fault import Fault, FaultKind
from sim.world.daemon import Parts
from sim.world.history import TracedEngine
from sim.world.run import Bugs, Plan, run

HOUR: Final = timedelta(hours=1)
COLLAPSES: Final = 39
"With this seed the resident of a home of seven devices collapses 28 h after the start."
CALLS: Final = 30
"With this one the resident presses for help twice after 26 h and a half."


def fault(kind: FaultKind, begin_h: float, end_h: float, amount: float = 0.0) -> Fault:
    home = None if kind.value.startswith("center") else 1
    return Fault(1, kind, home, begin_h * HOUR, (end_h - begin_h) * HOUR, amount)


class DeliveredWithoutAnswer(Delivery):
    """Takes what was sent for delivered."""

    def answered(self, answer: Answer | NoAnswer, at_s: float, now: datetime) -> None:
        batch = self._under_way
        super().answered(answer, at_s, now)
        self._outbox.delivered([row.id for row in batch], now)


class KeepsNothing(Journal):
    """Says that it keeps nothing of what was delivered."""

    def retained(self) -> tuple[int, int]:
        return 0, 0


class GivesUp(Delivery):
    """Does not try again what was not answered."""

    def notify(self, at_s: float) -> None:
        if not self.failures:
            super().notify(at_s)

    def due_s(self) -> float | None:
        return None if self.failures else super().due_s()


class InMemory(Journal):
    """Sends records that are not on the card."""

    def append(self, events: Sequence[Event], rows: Sequence[OutboxRow], now: datetime) -> None:
        super().append(events, [], now)
        self._late = {**self._late_rows(), **{row.id: row for row in rows}}

    def pending(self, limit: int) -> list[OutboxRow]:
        rows = [*super().pending(limit), *self._late_rows().values()]
        return sorted(rows, key=lambda row: (row.priority, row.seq))[:limit]

    def delivered(self, ids: Sequence[bytes], now: datetime) -> None:
        super().delivered(ids, now)
        self._late = {id_: row for id_, row in self._late_rows().items() if id_ not in ids}

    def record_id(self, serial: int) -> bytes | None:
        late = (row.id for row in self._late_rows().values() if row.seq == serial)
        return next(late, None) or super().record_id(serial)

    def _late_rows(self) -> dict[bytes, OutboxRow]:
        late: dict[bytes, OutboxRow] = getattr(self, "_late", {})
        return late


class NeverBlind(TracedEngine):
    """Never asks whether a device keeps its contract."""

    def handle(self, item: Input, now: datetime) -> list[Event]:
        self._trusting()
        events = super().handle(item, now)
        self._trusting()
        return events

    def next_deadline(self) -> datetime | None:
        self._trusting()
        return super().next_deadline()

    def _trusting(self) -> None:
        self._health_check, self._health_known = None, True


class OnceADate(TracedEngine):
    """Debounces calls for help by the date."""

    _called: date | None = None

    def handle(self, item: Input, now: datetime) -> list[Event]:
        if isinstance(item, Observation) and item.phenomenon is Phenomenon.SOS and item.value:
            if self._called == now.date():
                return []
            self._called = now.date()
        return super().handle(item, now)


class JumpsUntold(AnchoredClock):
    """Is set, and says that it was not."""

    def set(self, moment: datetime) -> timedelta:
        super().set(moment)
        return timedelta()


class ForgetsIds(Store):
    """Gives each record that comes an id of its own."""

    _count = 0

    async def persist(
        self, gateway: str, batch: Sequence[tuple[Record, bytes]], now: datetime
    ) -> list[bool]:
        fresh = []
        for record, signed in batch:
            self._count += 1
            fresh.append((replace(record, id=self._count.to_bytes(16, "big")), signed))
        return await super().persist(gateway, fresh, now)


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect, and the harm that brings it to light."""

    bugs: Bugs
    found_by: str
    faults: tuple[Fault, ...] = ()
    seed: int = COLLAPSES


_AWAY = fault(FaultKind.UPLINK_DOWN, 40, 62)
"Over the escalation, 52 h after the start."
PLANTED: Final = {
    "an outbox that marks delivered without an answer": Planted(
        # Else the center notices what is missing, and has it sent again.
        Bugs(Parts(delivery=DeliveredWithoutAnswer, journal=KeepsNothing)),
        lost.NAME,
        (_AWAY,),
    ),
    "records sent before they are durable": Planted(
        Bugs(Parts(journal=InMemory)),
        lost.NAME,
        (_AWAY, replace(fault(FaultKind.POWER_CUT, 56, 57, 1), number=2)),
    ),
    "an outbox that gives up": Planted(Bugs(Parts(delivery=GivesUp)), liveness.NAME, (_AWAY,)),
    "a center that forgets ids": Planted(
        Bugs(store=ForgetsIds),
        doubled.NAME,
        (fault(FaultKind.UPLINK_DUPLICATES, 30, 62, 1.0),),
    ),
    "an engine that is never blind": Planted(
        Bugs(Parts(engine=NeverBlind)),
        dead_sensors.NAME,
        (fault(FaultKind.RADIO_STUCK, 30, 62),),
    ),
    "an engine that says of no collapse that it is blind": Planted(
        Bugs(Parts(engine=NeverBlind)),
        collapses.NAME,
        (fault(FaultKind.RADIO_STUCK, 30, 62),),
    ),
    "a clock whose jump is not told": Planted(
        Bugs(Parts(clock=JumpsUntold)),
        time_jumps.NAME,
        (
            fault(FaultKind.UPLINK_DOWN, 0.5, 40),
            replace(fault(FaultKind.CLOCK_JUMP, 26, 36, 30 * 3600.0), number=2),
        ),
    ),
    "calls debounced by the date": Planted(
        Bugs(Parts(engine=OnceADate)), hazards.NAME, seed=CALLS
    ),
}


def violated(planted: Planted, bugs: Bugs) -> set[str]:
    plan = Plan(planted.seed, (1,), 3, planted.faults)
    return {violation.checker for violation in check(run(plan, bugs=bugs))}


@pytest.mark.once
@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_a_planted_defect_is_found(planted: Planted) -> None:
    assert planted.found_by in violated(planted, planted.bugs)


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_without_the_defect_nothing_is_violated(planted: Planted) -> None:
    assert violated(planted, Bugs()) == set()
