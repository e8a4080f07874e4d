"""The clock, whom it believes, and the bell: boot with a wrong clock, jumps both ways."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from edge.bell import Bell
from edge.clock import AnchoredClock, SystemMachine, first_anchor
from edge.driver_faults import elapse
from edge.timekeeper import Timekeeper
from rules.inputs import TimeTrust
from sim.clock import ManualClock

TRUE = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TWO_WEEKS = timedelta(days=14)


class Board(ManualClock):
    """A machine whose date is off by what a test says."""

    def __init__(self, off: timedelta = timedelta(), witness: str | None = None) -> None:
        super().__init__(TRUE)
        self.off = off
        self.witness = witness

    def now(self) -> datetime:
        return super().now() + self.off

    async def sleep_until(self, moment: datetime) -> None:
        await super().sleep_until(moment - self.off)

    def synchronized(self) -> str | None:
        return self.witness


def test_without_a_witness_time_goes_on_from_the_journal() -> None:
    last = TRUE - timedelta(hours=3)
    assert first_anchor(Board(off=-TWO_WEEKS), last, trusted=True) == (last, None)
    assert first_anchor(Board(off=TWO_WEEKS), last, trusted=True) == (last, None)
    assert first_anchor(Board(witness="ntp"), last, trusted=True) == (TRUE, "ntp")
    for witness in ("rtc", "ntp"):
        behind = Board(off=-TWO_WEEKS, witness=witness)
        assert first_anchor(behind, last, trusted=True) == (last, None)
    assert first_anchor(Board(off=-TWO_WEEKS), None, trusted=False) == (TRUE - TWO_WEEKS, None)


@pytest.mark.parametrize("off", [-TWO_WEEKS, TWO_WEEKS])
def test_a_witness_moves_what_was_reckoned_by_a_wrong_clock_before(off: timedelta) -> None:
    """Two runs without one, then one with it: no moment of the first two is left behind."""
    board = Board(witness="ntp")
    clock = AnchoredClock(board, first_anchor(board, TRUE + off, trusted=False)[0])
    assert clock.now() == TRUE + off
    told: list[TimeTrust] = []
    Timekeeper(clock, board, None, told.append).check()
    assert told == [TimeTrust(trusted=True, source="ntp", shift=-off)]


async def test_a_jump_of_the_machines_date_moves_neither_time_nor_sleepers() -> None:
    board = Board()
    clock = AnchoredClock(board, TRUE)
    woken = []

    async def sleep() -> None:
        await clock.sleep_until(TRUE + 10 * MINUTE)
        woken.append(clock.now())

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sleep())
        await asyncio.sleep(0)
        await board.advance(5 * MINUTE)
        board.off = TWO_WEEKS
        await board.advance(4 * MINUTE)
        assert clock.now() == TRUE + 9 * MINUTE
        assert not woken
        await board.advance(MINUTE)
        await asyncio.sleep(0)
        assert woken == [TRUE + 10 * MINUTE]


@pytest.mark.parametrize("off", [-TWO_WEEKS, TWO_WEEKS])
def test_the_centers_time_sets_a_wrong_clock_once(off: timedelta) -> None:
    board = Board(off=off)
    clock = AnchoredClock(board, board.now())
    told: list[TimeTrust] = []
    keeper = Timekeeper(clock, board, None, told.append)
    keeper.center_time(TRUE, timedelta(seconds=1))
    keeper.center_time(TRUE, timedelta(seconds=1))
    assert [(item.trusted, item.source) for item in told] == [(True, "center")]
    assert abs(clock.now() - TRUE) <= timedelta(seconds=1)
    assert told[0].shift == clock.now() - (TRUE + off)


def test_a_slow_reply_says_less_about_the_time() -> None:
    board = Board()
    clock = AnchoredClock(board, TRUE - timedelta(seconds=20))
    told: list[TimeTrust] = []
    keeper = Timekeeper(clock, board, "ntp", told.append)
    keeper.center_time(TRUE, timedelta(seconds=60))
    assert not told
    keeper.center_time(TRUE, timedelta(seconds=1))
    assert told[0].shift > timedelta(seconds=19)


def test_ntp_is_not_asked_while_the_center_spoke_lately() -> None:
    board = Board(off=TWO_WEEKS, witness="ntp")
    clock = AnchoredClock(board, TRUE)
    told: list[TimeTrust] = []
    keeper = Timekeeper(clock, board, None, told.append)
    keeper.center_time(TRUE, timedelta())
    keeper.check()
    assert len(told) == 1
    assert keeper.source == "center"


def test_ntp_confirms_a_clock_that_nobody_vouched_for() -> None:
    board = Board()
    clock = AnchoredClock(board, TRUE - timedelta(hours=5))
    told: list[TimeTrust] = []
    keeper = Timekeeper(clock, board, None, told.append)
    keeper.check()
    assert not told
    board.witness = "ntp"
    keeper.check()
    assert told == [TimeTrust(trusted=True, source="ntp", shift=timedelta(hours=5))]
    assert clock.now() == TRUE


class Rushing(Board):
    """A machine on which a second passes with any reading."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = timedelta()
        self.asked: list[datetime] = []

    def now(self) -> datetime:
        self.passed += timedelta(seconds=1)
        return TRUE + self.passed

    def boottime_us(self) -> int:
        return (self.now() - TRUE) // timedelta(microseconds=1)

    async def sleep_until(self, moment: datetime) -> None:
        self.asked.append(moment)


async def test_what_passes_between_two_readings_wakes_nobody_late() -> None:
    board = Rushing()
    clock = AnchoredClock(board, TRUE + board.passed)
    moment = clock.at((20 * MINUTE) // timedelta(microseconds=1))
    end = TRUE + 20 * MINUTE
    await clock.sleep_until(moment)
    assert max(board.asked) <= end

    board.asked.clear()
    latest = TRUE + board.passed + timedelta(seconds=1) + MINUTE
    await elapse(board, MINUTE)
    assert max(board.asked) <= latest


async def test_the_bell_rings_at_the_earliest_deadline_and_not_for_later_ones() -> None:
    board = Board()
    rung: list[datetime] = []
    clock = AnchoredClock(board, TRUE)
    bell = Bell(clock, lambda: rung.append(clock.now()))
    async with asyncio.TaskGroup() as tasks:
        ringing = tasks.create_task(bell.run())
        bell.set(TRUE + 10 * MINUTE)
        await board.advance(timedelta())
        bell.set(TRUE + 5 * MINUTE)
        await board.advance(4 * MINUTE)
        assert not rung
        await board.advance(2 * MINUTE)
        assert rung == [TRUE + 5 * MINUTE]
        bell.set(None)
        await board.advance(timedelta(days=1))
        assert len(rung) == 1
        bell.set(TRUE)
        await board.advance(timedelta())
        assert len(rung) == 2
        ringing.cancel()


async def test_the_bell_follows_a_clock_that_is_set() -> None:
    board = Board()
    clock = AnchoredClock(board, TRUE)
    rung: list[datetime] = []
    bell = Bell(clock, lambda: rung.append(clock.now()))
    async with asyncio.TaskGroup() as tasks:
        ringing = tasks.create_task(bell.run())
        bell.set(TRUE + 10 * MINUTE)
        await board.advance(MINUTE)
        clock.set(TRUE - TWO_WEEKS)
        bell.set(TRUE - TWO_WEEKS + 2 * MINUTE, anew=True)
        await board.advance(MINUTE)
        assert not rung
        await board.advance(MINUTE)
        assert rung == [TRUE - TWO_WEEKS + 2 * MINUTE]
        ringing.cancel()


def test_this_machine_answers() -> None:
    machine = SystemMachine()
    assert machine.synchronized() in {"ntp", "rtc", None}
    assert machine.boottime_us() > 0
