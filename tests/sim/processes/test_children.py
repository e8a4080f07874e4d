"""The processes of a run: they stop when told, when the launcher is gone, and are missed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sim.air.told import Message
from sim.clock import MasterClock
from sim.demo.folders import Folders
from sim.processes.children import Child, Crew, Died, Program, messages

pytestmark = pytest.mark.processes

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def _folders(tmp_path: Path) -> Folders:
    folders = Folders(tmp_path)
    folders.logs.mkdir()
    MasterClock(folders.clock, NOW)
    return folders


@asynccontextmanager
async def _center(tmp_path: Path) -> AsyncIterator[tuple[Crew, Child]]:
    folders = _folders(tmp_path)
    data = ("--data", str(folders.data))
    program = Program(("sim", "center", *data, "--port", "0", "--coap-port", "0"))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        crew = Crew(folders.logs, group)
        try:
            child = await crew.start("center", program, messages(_silent))
            assert (await child.ready).web_port > 0
            yield crew, child
        finally:
            await crew.stop()


def _silent(message: Message) -> None:
    pytest.fail(f"it said {message}")


def _is_running(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def test_a_child_is_stopped_and_leaves_its_log(tmp_path: Path) -> None:
    async with _center(tmp_path) as (crew, child):
        assert _is_running(child.pid)
    assert not _is_running(child.pid)
    assert not crew.died.done()
    assert b"startup complete" in (tmp_path / "logs" / "center.log").read_bytes()


async def test_a_child_ignores_the_terminal_s_interrupt(tmp_path: Path) -> None:
    async with _center(tmp_path) as (crew, child):
        os.kill(child.pid, signal.SIGINT)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await asyncio.shield(crew.died)


async def test_a_child_that_dies_is_missed(tmp_path: Path) -> None:
    async with _center(tmp_path) as (crew, child):
        os.kill(child.pid, signal.SIGKILL)
        died = await crew.died
        assert (died.name, died.status) == ("center", -signal.SIGKILL)


async def test_a_child_that_is_killed_is_not_missed_and_starts_again(tmp_path: Path) -> None:
    folders = _folders(tmp_path)
    program = Program(
        ("sim", "center", "--data", str(folders.data), "--port", "0", "--coap-port", "0")
    )
    died: list[Died] = []
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        crew = Crew(folders.logs, group)
        try:
            for _ in range(2):
                child = await crew.start("center", program, messages(_silent), died=died.append)
                await child.ready
                await child.kill()
                assert (child.alive, crew.alive) == (False, 0)
            child = await crew.start("center", program, messages(_silent), died=died.append)
            await child.ready
            os.kill(child.pid, signal.SIGKILL)
            await wait_for(lambda: bool(died))
        finally:
            await crew.stop()
    assert [one.status for one in died] == [-signal.SIGKILL]
    assert not crew.died.done()


async def wait_for(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0.01)


async def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    folders = _folders(tmp_path)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        crew = Crew(folders.logs, group)
        program = Program(("sim", "gateway", "--data", str(folders.data)))
        await crew.start("gateway", program, messages(_silent))
        died = await crew.died
        await crew.stop()
    assert died.status == 1
    assert "site.toml" in died.tail[-1]
    assert "Traceback" not in " ".join(died.tail)


def test_a_child_ends_with_the_launcher(tmp_path: Path) -> None:
    data = str(_folders(tmp_path).data)
    with subprocess.Popen(
        [sys.executable, "-m", "sim", "center", "--data", data, "--port", "0", "--coap-port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as center:
        assert center.stdout is not None
        assert b"Ready" in center.stdout.readline()
        assert center.stdin is not None
        center.stdin.close()
        assert center.wait(30) == 0
