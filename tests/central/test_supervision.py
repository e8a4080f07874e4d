import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from central.cases import Case, CaseState, Condition, HistoryWhat, Home, Which
from central.store import Store
from central.supervision import Supervision
from rules.alarm import AlarmKind, Category
from rules.events import Outcome
from rules.sentence import Say
from tests.central.receiving import NOW, StandingClock, heartbeat, identity

SECOND = timedelta(seconds=1)
DEADLINE_S = 5.0


@dataclass
class Watch:
    store: Store
    clock: StandingClock
    supervision: Supervision
    interval_s: int = 60

    def beat(self) -> None:
        self.store.heartbeat("home-1", heartbeat(), self.interval_s, self.clock.now())
        self.supervision.heard("home-1")

    async def cases(self) -> list[Case]:
        return await self.store.cases(state=Which.ALL)

    async def silent(self, *, silent: bool = True) -> Case:
        """Wait until the gateway's row says so; then its newest case."""
        async with asyncio.timeout(DEADLINE_S):
            version = self.store.version
            while (await self.store.gateways())[0].silent is not silent:
                version = await self.store.changed(version)
        return (await self.cases())[0]

    async def nothing(self) -> None:
        """What is to be written has had its turn."""
        await asyncio.sleep(0.05)
        assert await self.cases() == []


@asynccontextmanager
async def watching(path: Path, clock: StandingClock, interval_s: int = 60) -> AsyncIterator[Watch]:
    store = await Store.open(path)
    supervision = Supervision(store, clock, lambda: interval_s)
    await supervision.load()
    task = asyncio.get_running_loop().create_task(supervision.run(), name="supervision")
    while not clock.sleeping():  # noqa: ASYNC110 -- what is waited for has no event
        await asyncio.sleep(0)
    try:
        yield Watch(store, clock, supervision, interval_s)
    finally:
        task.cancel()
        await asyncio.wait({task})
        await store.aclose()


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    path = tmp_path / "center.sqlite"
    store = await Store.open(path)
    await store.enrol(identity("home-1").entry(), Home("home-1", "햇살빌라 204호"), "test", NOW)
    await store.aclose()
    return path


async def test_three_missed_heartbeats_are_a_fault_that_says_when_it_was_last_heard(
    path: Path,
) -> None:
    clock = StandingClock(NOW)
    async with watching(path, clock) as watch:
        watch.beat()
        last = clock.now()
        await clock.advance(180 * SECOND)
        await watch.nothing()
        await clock.advance(3 * SECOND)
        case = await watch.silent()
        assert (case.alarm, case.category) == (AlarmKind.GATEWAY_SILENT, Category.FAULT)
        assert (case.state, case.home.name) == (CaseState.WAITING, "햇살빌라 204호")
        (sentence,) = case.explanation
        assert sentence.say is Say.GATEWAY_SILENT
        assert dict(sentence.arguments) == {"last": last, "missed": 3}


async def test_a_silent_gateway_is_one_case_however_long_it_lasts(path: Path) -> None:
    clock = StandingClock(NOW)
    async with watching(path, clock) as watch:
        watch.beat()
        await clock.advance(200 * SECOND)
        await watch.silent()
        await clock.advance(2000 * SECOND)
        await asyncio.sleep(0.05)
        assert len(await watch.cases()) == 1


async def test_the_next_heartbeat_clears_it_and_a_person_closes_it(path: Path) -> None:
    clock = StandingClock(NOW)
    async with watching(path, clock) as watch:
        watch.beat()
        await clock.advance(200 * SECOND)
        await watch.silent()
        watch.beat()
        case = await watch.silent(silent=False)
        assert (case.state, case.condition) == (CaseState.WAITING, Condition.CLEARED)
        assert case.history[-1].explanation[0].say is Say.GATEWAY_BACK


async def test_silent_once_more_is_the_same_case_while_it_is_open(path: Path) -> None:
    clock = StandingClock(NOW)
    async with watching(path, clock) as watch:
        for silent in (True, False, True):
            if silent:
                watch.beat()
                await clock.advance(200 * SECOND)
            else:
                watch.beat()
            await watch.silent(silent=silent)
        (case,) = await watch.cases()
        assert case.condition is Condition.ACTIVE
        assert [entry.what for entry in case.history] == [
            HistoryWhat.PERSISTED,
            HistoryWhat.CLEARED,
            HistoryWhat.AGAIN,
        ]


async def test_closed_while_still_silent_it_stays_closed_until_the_next_silence(
    path: Path,
) -> None:
    clock = StandingClock(NOW)
    async with watching(path, clock) as watch:
        watch.beat()
        await clock.advance(200 * SECOND)
        case = await watch.silent()
        await watch.store.close(case.id, "lee", Outcome.TECHNICAL, "router changed", clock.now())
        await clock.advance(1000 * SECOND)
        await asyncio.sleep(0.05)
        assert [case.state for case in await watch.cases()] == [CaseState.CLOSED]
        watch.beat()
        await watch.silent(silent=False)
        await clock.advance(200 * SECOND)
        await watch.silent()
        assert len(await watch.cases()) == 2


async def test_a_gateway_that_was_never_heard_is_not_silent(path: Path) -> None:
    clock = StandingClock(NOW)
    async with watching(path, clock) as watch:
        await clock.advance(2000 * SECOND)
        await watch.nothing()


async def test_after_a_restart_of_the_center_there_is_a_full_grace(path: Path) -> None:
    clock = StandingClock(NOW)
    async with watching(path, clock) as watch:
        watch.beat()
    await clock.advance(timedelta(hours=9))
    async with watching(path, clock) as watch:
        await clock.advance(180 * SECOND)
        await watch.nothing()
        await clock.advance(3 * SECOND)
        case = await watch.silent()
        assert dict(case.explanation[0].arguments)["last"] == NOW


async def test_a_gateway_silent_before_a_restart_is_cleared_after_it(path: Path) -> None:
    clock = StandingClock(NOW)
    async with watching(path, clock) as watch:
        watch.beat()
        await clock.advance(200 * SECOND)
        await watch.silent()
    async with watching(path, clock) as watch:
        watch.beat()
        case = await watch.silent(silent=False)
        assert case.condition is Condition.CLEARED


class SuspendedClock(StandingClock):
    """Of a machine that slept for `asleep`, and woke nobody meanwhile."""

    asleep = timedelta()

    def now(self) -> datetime:
        return super().now() + self.asleep

    def boottime_us(self) -> int:
        return super().boottime_us() + self.asleep // timedelta(microseconds=1)

    async def sleep_until(self, moment: datetime) -> None:
        await super().sleep_until(moment - self.asleep)


async def test_a_center_that_did_not_run_blames_nobody(path: Path) -> None:
    clock = SuspendedClock(NOW)
    async with watching(path, clock) as watch:
        watch.beat()
        clock.asleep = timedelta(hours=1)
        await clock.advance(170 * SECOND)
        await watch.nothing()
        await clock.advance(20 * SECOND)
        await watch.silent()


class ChangingClock(StandingClock):
    speed = 3600.0

    def rate(self) -> float:
        return self.speed


async def test_silence_is_counted_in_real_seconds_under_a_clock_that_changes(path: Path) -> None:
    clock = ChangingClock(NOW)
    async with watching(path, clock, interval_s=2) as watch:
        watch.beat()
        await clock.advance(timedelta(hours=6))
        # Six hours have passed there, and six seconds here.
        await watch.nothing()
        await clock.advance(timedelta(hours=3))
        await watch.silent()


async def test_a_clock_that_slows_down_makes_nobody_silent_and_keeps_the_watch(
    path: Path,
) -> None:
    clock = ChangingClock(NOW)
    async with watching(path, clock, interval_s=2) as watch:
        watch.beat()
        await clock.advance(timedelta(hours=6))
        clock.speed = 1.0
        await watch.nothing()
        async with asyncio.timeout(DEADLINE_S):
            while not (await watch.cases()):
                await clock.advance(SECOND)
                await asyncio.sleep(0.05)
        assert clock.now() - NOW > timedelta(hours=6, seconds=1)
