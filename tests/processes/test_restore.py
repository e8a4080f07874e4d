"""A center that is put back an hour gets again what it no longer knows."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from central.cases import CaseState
from rules.alarm import AlarmKind
from rules.events import Outcome
from tests.central.receiving import opened
from tests.processes.town import MINUTE, Town, town
from tests.support.processes import ROOT, eventually, stored_records

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]

RULES = '[rules.inactivity]\nlimits = ["5 h"]\nprompt = false\n'
BEFORE, AFTER = range(2), range(2, 7)


async def ongi(*arguments: str) -> None:
    """A command of the center."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "ongi", "center", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def call(there: Town, numbers: range) -> None:
    for number in numbers:
        there.press(number)
    for number in numbers:
        await there.case(AlarmKind.SOS, f"sos-{number}")


async def closed(there: Town, number: int) -> None:
    """A person takes and closes a case; its gateway hears of it."""
    now = there.clock.now()
    case = await there.case(AlarmKind.SOS, f"sos-{number}")
    async with opened(there.site.data) as store:
        await store.take(case.id, "operator", now)
        await store.close(case.id, "operator", Outcome.REAL, "", now)
    await there.status(lambda status: case.id not in {alarm.record for alarm in status.alarms})


async def test_put_back_an_hour_it_gets_again_what_it_no_longer_knows(tmp_path: Path) -> None:
    async with town(tmp_path, RULES) as there:
        data, copy = str(there.site.data), str(tmp_path / "copy.sqlite")
        await call(there, BEFORE)
        await ongi("backup", "--data", data, copy)
        await there.pass_(60 * MINUTE)
        await call(there, AFTER)
        await closed(there, AFTER[0])
        # The home itself has nothing left to send.
        await there.status(lambda status: status.plumbing.outbox_depth == 0)
        stored = stored_records(there.site)
        assert len(stored) == len(BEFORE) + len(AFTER)

        await there.center.kill()
        await ongi("restore", "--data", data, copy)
        assert len(stored_records(there.site)) == len(BEFORE)
        await there.center.start()

        async def all_again() -> bool | None:
            there.gateway.check()
            return len(stored_records(there.site)) >= len(stored) or None

        await eventually(all_again)
        again = stored_records(there.site)
        assert Counter(record.id for record in again) == Counter(record.id for record in stored)
        assert {record.id: record for record in again} == {record.id: record for record in stored}
        # What people did since is lost, and is theirs to do again.
        case = await there.case(AlarmKind.SOS, f"sos-{AFTER[0]}")
        assert case.state is CaseState.WAITING
        # What the gateway tells from now on has numbers that the center takes.
        there.press(7)
        await there.case(AlarmKind.SOS, "sos-7")
