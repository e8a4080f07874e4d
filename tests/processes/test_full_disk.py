"""A disk that is full, read-only or takes nothing: calls for help still reach the center."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from rules.alarm import AlarmKind
from tests.edge.test_journal_disk import in_own_mounts
from tests.processes.full_disk import CASES, RULES, both_alarms, durable_again
from tests.processes.town import town

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]


@pytest.mark.once
@pytest.mark.parametrize("case", CASES)
def test_on_a_small_disk(case: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = [sys.executable, "-m", "tests.processes.full_disk", case, str(disk)]
    done = subprocess.run(
        in_own_mounts(disk, *command), capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr


async def test_a_disk_that_refuses_every_write_to_the_running_daemon(tmp_path: Path) -> None:
    async with town(tmp_path, RULES) as there:
        await both_alarms(there, 1)
        unlimited = resource.RLIM_INFINITY
        # No byte may be written to a file any more.
        resource.prlimit(there.gateway.pid, resource.RLIMIT_FSIZE, (0, unlimited))
        await both_alarms(there, 2)
        assert not (await there.gateway.status()).plumbing.journal_durable
        await there.case(AlarmKind.DISK_FAILING)
        resource.prlimit(there.gateway.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
        await durable_again(there)
