import asyncio
from datetime import UTC, datetime, timedelta

from drivers.clock import SystemClock
from drivers.pending import LIMIT, URGENT_LIMIT, Pending
from rules.inputs import CommandResult
from rules.observation import DeviceId, Phenomenon
from rules.wire import Observed


def report(number: int) -> Observed:
    return Observed(DeviceId("plug"), Phenomenon.POWER_W, float(number), number)


def call(number: int) -> Observed:
    return Observed(DeviceId("sos"), Phenomenon.SOS, True, number)


async def test_urgent_before_periodic_each_in_its_order() -> None:
    pending = Pending()
    for number in range(3):
        pending.put(report(number))
        pending.put(call(number))
    pending.put(CommandResult(7))
    taken = [await pending.take() for _ in range(7)]
    assert taken[:4] == [call(0), call(1), call(2), CommandResult(7)]
    assert taken[4:] == [report(0), report(1), report(2)]


async def test_when_it_is_full_the_oldest_report_goes_and_is_counted() -> None:
    pending = Pending()
    for number in range(LIMIT + 10):
        pending.put(report(number))
    assert len(pending) == LIMIT
    assert pending.dropped == 10
    assert await pending.take() == report(10)


async def test_urgent_messages_take_the_places_of_reports_and_then_more() -> None:
    pending = Pending()
    for number in range(LIMIT):
        pending.put(report(number))
    for number in range(URGENT_LIMIT):
        pending.put(call(number))
    assert pending.urgent_dropped == 0
    assert pending.dropped == LIMIT
    assert len(pending) == URGENT_LIMIT
    pending.put(report(0))
    assert len(pending) == URGENT_LIMIT
    pending.put(call(URGENT_LIMIT))
    assert pending.urgent_dropped == 1
    assert await pending.take() == call(1)


async def test_what_could_not_be_sent_is_the_next_again() -> None:
    pending = Pending()
    pending.put(call(1))
    pending.put(call(2))
    pending.put_back(await pending.take())
    assert await pending.take() == call(1)


async def test_it_waits_for_the_first_message() -> None:
    pending = Pending()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        taken = group.create_task(pending.take())
        await asyncio.sleep(0)
        pending.put(call(1))
    assert taken.result() == call(1)


async def test_the_clock_of_a_real_machine() -> None:
    clock = SystemClock()
    boot_us, now = clock.boottime_us(), clock.now()
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=10)
    async with asyncio.timeout(10):
        await clock.sleep_until(now - timedelta(days=1))
        await clock.sleep_until(now + timedelta(milliseconds=20))
    assert clock.now() >= now + timedelta(milliseconds=20)
    assert clock.boottime_us() >= boot_us + 20_000
