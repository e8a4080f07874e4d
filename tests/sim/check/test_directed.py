"""Directed runs: each defect that a storm seldom brings to light is found by one, at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import pytest

from central.sql import records
from central.store import Store
from central.vigil import Turn, Vigil
from edge.gateway import Gateway
from edge.house import House
from protocol.heartbeat import News
from protocol.records import Record
from rules.alarm import AlarmState
from rules.engine import Engine
from rules.events import Event
from rules.hazard import KINDS as HAZARDS
from rules.inputs import Away, Boot, Input, TimeTrust
from rules.registers import Alarm
from sim.check import (
    check,
    collapses,
    doubled,
    hazards,
    liveness,
    remembering,
    supervision,
    time_jumps,
)
from sim.check.directed import main
from sim.check.moments import DIRECTED
from sim.world.daemon import Parts
from sim.world.history import TracedEngine
from sim.world.run import Bugs

NEVER: Final = timedelta(days=1_000)


class AcknowledgesFirst(Store):
    """Answers before what it answers about is committed."""

    async def persist(
        self, gateway: str, batch: Sequence[tuple[Record, bytes]], now: datetime
    ) -> list[bool]:
        change = partial(records.persist, gateway=gateway, records=batch, now=now)
        self._database.submit(change)
        return [True for _ in batch]


class Counts(TracedEngine):
    """Goes on from the serials of its own state alone."""

    def handle(self, item: Input, now: datetime) -> list[Event]:
        if isinstance(item, Boot):
            item = replace(item, next_serial=1)
        return super().handle(item, now)


class ConfirmsFirst(House):
    """Confirms news before it is journaled."""

    def news(self, news: Sequence[News]) -> None:
        self._journal.remember_news([one.token for one in news])
        super().news(news)


class NeverReissues(Gateway):
    """Leaves records lost that a broken journal has lost."""

    def reissue(self, events: Sequence[Event], now: datetime, boottime_us: int) -> None:
        pass


def holding(engine: Engine) -> Iterator[Alarm]:
    """Dangers that stand and are not yet raised."""
    for alarm in engine.state.alarms.values():
        if alarm.key.kind in HAZARDS and alarm.present and alarm.state is AlarmState.NORMAL:
            yield alarm


class HoldsByTheDate(TracedEngine):
    """Leaves the beginning of a danger at its old date when the clock is set."""

    def handle(self, item: Input, now: datetime) -> list[Event]:
        before = {alarm.key: alarm.changed_at for alarm in holding(self)}
        events = super().handle(item, now)
        if isinstance(item, TimeTrust):
            for alarm in holding(self):
                alarm.changed_at = before[alarm.key]
        return events


class ForgetsHolds(TracedEngine):
    """Does not count on after a start."""

    def handle(self, item: Input, now: datetime) -> list[Event]:
        if isinstance(item, Boot):
            for alarm in holding(self):
                alarm.changed_at += NEVER
        return super().handle(item, now)


class ForgetsTheEnd(TracedEngine):
    """Takes every absence for one without an end."""

    def handle(self, item: Input, now: datetime) -> list[Event]:
        if isinstance(item, Away):
            item = replace(item, until=None)
        return super().handle(item, now)


class ForgetsTheEndAtAStart(TracedEngine):
    """Knows no end any more of an absence from before its start."""

    def handle(self, item: Input, now: datetime) -> list[Event]:
        away = self.state.away
        if isinstance(item, Boot) and away is not None:
            self.state.away = replace(away, until=None)
        return super().handle(item, now)


class Deaf(Vigil):
    """Never misses anybody."""

    def passed(self, seconds: float, now: datetime) -> None:
        pass


class Hasty(Vigil):
    """Misses whoever is late once."""

    def passed(self, seconds: float, now: datetime) -> None:
        super().passed(3 * seconds, now)


class Resentful(Vigil):
    """Does not take back what it said."""

    def turns(self) -> list[Turn]:
        return [turn for turn in super().turns() if turn.silent]


@dataclass(frozen=True, slots=True)
class Planted:
    """A defect, the run that brings it to light, and the promises that it breaks there."""

    run: str
    bugs: Bugs
    breaks: frozenset[str]


def planted(run: str, bugs: Bugs, *breaks: str) -> Planted:
    return Planted(run, bugs, frozenset(breaks))


_SILENT: Final = "uplink-cut-for-long-and-for-short"
_AWAY: Final = "collapse-after-an-announced-absence"
PLANTED: Final = {
    "a center that acknowledges before it commits": planted(
        "center-dies-as-it-takes-a-record",
        Bugs(store=AcknowledgesFirst),
        remembering.NAME,
    ),
    "a gateway that uses serials again": planted(
        "card-damaged-after-a-record-went", Bugs(Parts(engine=Counts)), doubled.NAME
    ),
    "a gateway that confirms news first": planted(
        "power-cut-as-news-comes", Bugs(Parts(house=ConfirmsFirst)), liveness.NAME
    ),
    "a gateway that makes no record anew": planted(
        "card-damaged-while-a-record-waits", Bugs(Parts(gateway=NeverReissues)), remembering.NAME
    ),
    "a hold by the date": planted(
        "clock-set-within-a-hold",
        Bugs(Parts(engine=HoldsByTheDate)),
        hazards.NAME,
        time_jumps.NAME,
    ),
    "a hold that ends with its run": planted(
        "restart-within-a-hold", Bugs(Parts(engine=ForgetsHolds)), hazards.NAME
    ),
    "an absence whose end is not heard": planted(
        _AWAY, Bugs(Parts(engine=ForgetsTheEnd)), collapses.NAME
    ),
    "an absence whose end is lost at a start": planted(
        _AWAY, Bugs(Parts(engine=ForgetsTheEndAtAStart)), collapses.NAME
    ),
    "a vigil that misses nobody": planted(_SILENT, Bugs(vigil=Deaf), supervision.NAME),
    "a vigil that misses who was heard": planted(_SILENT, Bugs(vigil=Hasty), supervision.NAME),
    "a vigil that takes nothing back": planted(_SILENT, Bugs(vigil=Resentful), supervision.NAME),
}


def broken(run: str, bugs: Bugs | None = None) -> set[str]:
    return {violation.checker for violation in check(DIRECTED[run].carry_out(bugs))}


@pytest.mark.parametrize("run", DIRECTED)
def test_a_directed_run_keeps_every_promise(run: str) -> None:
    assert broken(run) == set()


@pytest.mark.once
@pytest.mark.parametrize("one", PLANTED.values(), ids=PLANTED)
def test_a_planted_defect_is_found(one: Planted) -> None:
    assert one.breaks <= broken(one.run, one.bugs)


def test_every_directed_run_finds_something() -> None:
    assert {one.run for one in PLANTED.values()} == DIRECTED.keys()


def test_some_are_carried_out_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restart-within-a-hold", "--language", "en"]) == 0
    assert capsys.readouterr().out == "Directed runs: 1, failed: 0\n"


def test_all_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.count("\n") == len(DIRECTED)


def test_who_names_none_is_told_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["restart", "--language", "en"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "'restart'" in said
    assert all(name in said for name in DIRECTED)
