"""The daemon on a disk that is full or read-only: `python -m tests.processes.full_disk CASE DISK`.

DISK is the root of a small file system of its own, in a folder for all else; see `test_full_disk`.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from central.cases import Case, Condition
from rules.alarm import AlarmKind
from tests.edge.full_disk import fill, remount
from tests.processes.town import MINUTE, Town, town
from tests.support.processes import eventually

RULES = '[rules.inactivity]\nlimits = ["90 min"]\nprompt = false\n'
RETRIED_WITHIN = 25 * MINUTE
"After that the journal has tried the disk again, however long it failed."


async def fills_while_it_runs(there: Town, disk: Path) -> None:
    """It fills up under the daemon, which is killed and started again on it."""
    await both_alarms(there, 1)
    filler = fill(disk)
    await both_alarms(there, 2)
    fault = await there.case(AlarmKind.DISK_FAILING)
    assert "space" in repr(fault.explanation)
    fill(disk)
    await there.gateway.kill()
    await there.restart()
    await both_alarms(there, 3)
    filler.unlink()
    await durable_again(there)


async def starts_full(there: Town, disk: Path) -> None:
    """There is no room at all from the start, not even the reserved one."""
    await both_alarms(there, 1)
    await there.gateway.stop()
    (there.site.home / "journal.ballast").unlink()
    filler = fill(disk)
    await there.restart()
    assert not (await there.gateway.status()).plumbing.journal_durable
    await there.case(AlarmKind.DISK_FAILING)
    await both_alarms(there, 2)
    await there.gateway.kill()
    await there.restart()
    await both_alarms(there, 3)
    filler.unlink()
    await durable_again(there)


async def starts_read_only(there: Town, disk: Path) -> None:
    """The file system was mounted read-only, as the kernel does after an error."""
    await both_alarms(there, 1)
    await there.gateway.kill()
    remount(disk, "ro")
    await there.restart()
    assert not (await there.gateway.status()).plumbing.journal_durable
    fault = await there.case(AlarmKind.DISK_FAILING)
    assert "ead-only" in repr(fault.explanation)
    await both_alarms(there, 2)
    await there.gateway.kill()
    await there.restart()
    await both_alarms(there, 3)
    remount(disk, "rw")
    await durable_again(there)


async def both_alarms(there: Town, time: int) -> None:
    """An SOS and, after a silence, an inactivity alarm reach the center, for the nth time."""
    there.press(time)
    await there.case(AlarmKind.SOS, f"sos-{time}")
    await there.live()
    # In two steps, and with a report in between: so the state is saved, or shall be.
    await there.pass_(62 * MINUTE)
    await there.report(written=False)
    await there.pass_(28 * MINUTE)
    await there.nth_case(AlarmKind.INACTIVITY, time)


async def durable_again(there: Town) -> None:
    """There is room: what was decided in memory is on disk, and outlives a kill."""
    there.press(7)
    await there.case(AlarmKind.SOS, "sos-7")
    await there.pass_(RETRIED_WITHIN)
    await there.report(written=False)
    await there.status(lambda status: status.plumbing.journal_durable)

    async def over() -> Case | None:
        case = await there.case(AlarmKind.DISK_FAILING)
        return case if case.condition is Condition.CLEARED else None

    await eventually(over)
    before = await there.gateway.status()
    await there.gateway.kill()
    await there.restart()
    after = await there.gateway.status()
    assert after.plumbing.journal_durable
    assert not after.plumbing.findings
    assert {alarm.key: alarm.serial for alarm in after.alarms} == {
        alarm.key: alarm.serial for alarm in before.alarms
    }
    assert after.boot > before.boot


CASES: dict[str, Callable[[Town, Path], Awaitable[None]]] = {
    case.__name__: case for case in (fills_while_it_runs, starts_full, starts_read_only)
}


async def main(case: str, disk: Path) -> None:
    async with town(disk.parent, RULES, home=disk / "home") as there:
        try:
            await CASES[case](there, disk)
        except BaseException:
            sys.stderr.write(there.gateway.said[-6000:])
            raise
        await there.gateway.stop()


if __name__ == "__main__":
    assert os.path.ismount(sys.argv[2])
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
