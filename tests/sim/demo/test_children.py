"""The processes of a run: they stop when told, when the launcher is gone, and are missed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sim.air.told import Message
from sim.clock import MasterClock
from sim.demo.children import Child, Crew
from sim.demo.folders import Folders

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
    arguments = ["--data", str(folders.data), "--port", "0", "--coap-port", "0"]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        crew = Crew(folders.logs, group)
        try:
            child = await crew.start("center", arguments, _silent)
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


async def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    folders = _folders(tmp_path)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        crew = Crew(folders.logs, group)
        await crew.start("gateway", ["--data", str(folders.data)], _silent)
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
