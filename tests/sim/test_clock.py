"""The clock that gateway, center and home share in a simulated run."""

import asyncio
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sim.clock import UPTIME_US, ManualClock, MasterClock, SharedClock

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

_READER = """
import sys
from pathlib import Path
from sim.clock import SharedClock
clock = SharedClock(Path(sys.argv[1]))
print("ready", flush=True)
last = clock.now()
reads = 0
for _ in sys.stdin:
    break_at = clock.now()
    for _ in range(20000):
        now = clock.now()
        assert now >= last, (last, now)
        last = now
        reads += 1
    print(last.isoformat(), reads, flush=True)
"""


def test_stands_until_it_is_started_and_at_its_limit(tmp_path: Path) -> None:
    master = MasterClock(tmp_path / "clock", START)
    reader = SharedClock(tmp_path / "clock")
    assert reader.now() == START == master.now()
    assert reader.boottime_us() == UPTIME_US
    assert reader.rate() == 0

    master.run(1e9, until=START + HOUR)
    deadline = time.monotonic() + 5
    while reader.now() < START + HOUR:
        assert time.monotonic() < deadline
    assert reader.now() == START + HOUR
    assert reader.rate() == 0
    assert reader.boottime_us() == UPTIME_US + 3_600_000_000


def test_a_change_of_rate_keeps_the_moment(tmp_path: Path) -> None:
    master = MasterClock(tmp_path / "clock", START)
    reader = SharedClock(tmp_path / "clock")
    for rate in (3600.0, 1.0, 86_400.0, 0.0, 0.5):
        before = reader.now()
        master.run(rate)
        after = reader.now()
        # Ten real seconds at the greater of the two rates would be a broken anchor.
        assert before <= after <= before + timedelta(seconds=10 * 86_400)
    stopped = reader.now()
    master.run(0.0)
    assert reader.now() - stopped < timedelta(seconds=5)


def test_a_limit_in_the_past_stops_the_clock_where_it_is(tmp_path: Path) -> None:
    master = MasterClock(tmp_path / "clock", START)
    master.run(1e6, until=START + HOUR)
    deadline = time.monotonic() + 5
    while master.now() < START + HOUR:
        assert time.monotonic() < deadline
    master.run(1.0, until=START)
    assert master.now() == START + HOUR


def test_a_half_written_setting_is_never_seen(tmp_path: Path) -> None:
    """A master that dies in the middle of a write leaves the setting before it."""
    path = tmp_path / "clock"
    master = MasterClock(path, START)
    written = [path.read_bytes()]
    for hours in (1, 2):
        master.run(1e12, until=START + hours * HOUR)
        while master.now() < START + hours * HOUR:
            pass
        written.append(path.read_bytes())
    before, after = written[-2:]
    changed = [index for index in range(len(after)) if before[index] != after[index]]
    for cut in range(changed[0], changed[-1] + 1):
        path.write_bytes(after[:cut] + before[cut:])
        assert SharedClock(path).now() == START + HOUR
    path.write_bytes(after)
    assert SharedClock(path).now() == START + 2 * HOUR


def test_another_process_reads_the_same_and_never_backwards(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    master = MasterClock(path, START)
    master.run(3600.0)
    with subprocess.Popen(
        [sys.executable, "-c", _READER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        before = master.now()
        child.stdin.write("go\n")
        child.stdin.flush()
        child.stdin.close()
        while child.poll() is None:
            for rate in (80_000.0, 0.0, 1.0, 3600.0):
                master.run(rate)
        seen, reads = child.stdout.readline().split()
        assert child.returncode == 0
        assert int(reads) == 20_000
        assert before <= datetime.fromisoformat(seen)
        # A change reaches the other process a moment late; then both agree again.
        deadline = time.monotonic() + 30
        while master.now() < datetime.fromisoformat(seen):
            assert time.monotonic() < deadline


async def test_a_sleeper_follows_the_rate(tmp_path: Path) -> None:
    master = MasterClock(tmp_path / "clock", START)
    reader = SharedClock(tmp_path / "clock")
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        asleep = group.create_task(reader.sleep_until(START + 1000 * HOUR))
        await asyncio.sleep(0.05)
        assert not asleep.done()
        master.run(1.0)
        await asyncio.sleep(0.05)
        assert not asleep.done()
        master.run(1e9)
    assert reader.now() >= START + 1000 * HOUR


async def test_a_past_moment_needs_no_sleep(tmp_path: Path) -> None:
    MasterClock(tmp_path / "clock", START)
    async with asyncio.timeout(5):
        await SharedClock(tmp_path / "clock").sleep_until(START)


async def test_the_manual_clock_wakes_each_sleeper_at_its_moment() -> None:
    clock = ManualClock(START)
    woke: list[tuple[str, datetime]] = []

    async def sleep_twice(name: str, first: timedelta, second: timedelta) -> None:
        for span in (first, second):
            await clock.sleep_until(clock.now() + span)
            woke.append((name, clock.now()))

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(sleep_twice("a", 2 * HOUR, 2 * HOUR))
        group.create_task(sleep_twice("b", HOUR, 2 * HOUR))
        await asyncio.sleep(0)
        assert clock.sleeping() == 2
        await clock.advance(3 * HOUR)
        assert clock.now() == START + 3 * HOUR
        assert clock.boottime_us() == UPTIME_US + 3 * 3_600_000_000
        await clock.move_to(START + 10 * HOUR)
    assert woke == [
        ("b", START + HOUR),
        ("a", START + 2 * HOUR),
        ("b", START + 3 * HOUR),
        ("a", START + 4 * HOUR),
    ]


async def test_a_date_that_is_set_is_no_time_that_passed() -> None:
    clock = ManualClock(START)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        asleep = group.create_task(clock.sleep_until(START + HOUR))
        await clock.set_date(START - HOUR)
        await clock.advance(HOUR)
        assert not asleep.done()
        await clock.set_date(START + HOUR)
        assert asleep.done()
    assert clock.now() == START + HOUR
    assert clock.boottime_us() == UPTIME_US + 3_600_000_000


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = ManualClock(START)
    task = asyncio.get_running_loop().create_task(clock.sleep_until(START + HOUR))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.sleeping() == 0
    await clock.advance(2 * HOUR)
