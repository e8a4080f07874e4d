"""What is done to processes and disks is done, and nothing of it is left."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from edge.journal import Files, recover
from rules.errors import ConfigError
from sim.rig import disk, network, tracer
from sim.rig.network import Network
from tests.edge.full_disk import begun

pytestmark = pytest.mark.processes

GONE = 99_999_999
"No process has this number."
WRITER = """
import os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
print("ready", flush=True)
for line in sys.stdin:
    try:
        os.pwrite(file, line.encode(), os.fstat(file).st_size)
    except OSError as error:
        print(error.errno, flush=True)
    else:
        print("written", flush=True)
"""


class Writer:
    """Writes a line to a file when it is told to."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, path: Path) -> "Writer":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITER, str(path)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        writer = cls(process)
        assert await writer.said() == "ready"
        return writer

    async def said(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(10):
            return (await self.process.stdout.readline()).decode().strip()

    async def write(self) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(b"line\n")
        return await self.said()


@pytest.mark.skipif(not tracer.possible(), reason="strace cannot trace processes here")
async def test_writes_fail_and_the_last_one_kills(tmp_path: Path) -> None:
    writer = await Writer.start(tmp_path / "file")
    hand = tracer.Tracer()
    assert await writer.write() == "written"
    await hand.put(writer.process.pid, [tracer.refusing("ENOSPC")])
    assert await writer.write() == "28"
    await hand.put(writer.process.pid, [tracer.slow(0.001)])
    assert await writer.write() == "written"
    await hand.put(writer.process.pid, [tracer.cut_at(3)])
    assert [await writer.write() for _ in range(3)] == ["written", "written", ""]
    assert await writer.process.wait() == -signal.SIGKILL
    await hand.lift()
    assert (tmp_path / "file").read_text() == "line\n" * 4


async def test_a_limit_on_the_size_of_files_is_set_and_lifted(tmp_path: Path) -> None:
    writer = await Writer.start(tmp_path / "file")
    disk.limit(writer.process.pid, full=True)
    assert await writer.write() == "27"
    disk.limit(writer.process.pid, full=False)
    assert await writer.write() == "written"
    writer.process.terminate()
    await writer.process.wait()


@pytest.mark.root
def test_a_small_card_fills_and_goes(tmp_path: Path) -> None:
    with disk.small_card(tmp_path) as made:
        if not made:
            pytest.skip("this kernel lets nobody mount")
        assert os.path.ismount(tmp_path)
        disk.fill(tmp_path)
        with pytest.raises(OSError, match="No space"):
            (tmp_path / "more").write_bytes(bytes(65_536))
        disk.make_room(tmp_path)
        (tmp_path / "more").write_bytes(bytes(65_536))
    assert not os.path.ismount(tmp_path)


@pytest.mark.root
def test_the_card_of_a_rig_that_is_gone_is_removed(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", f"ongi-rig-{GONE}", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this kernel lets nobody mount")
    disk.remove_left_over()
    assert not os.path.ismount(tmp_path)


@pytest.mark.root
async def test_the_namespace_of_a_rig_that_is_gone_is_removed() -> None:
    if shutil.which("ip") is None:
        pytest.skip("there is no ip")
    name = f"ongi-rig-{GONE}-1"
    add = await asyncio.create_subprocess_exec("ip", "netns", "add", name)
    if await add.wait():
        pytest.skip("this kernel makes no network namespaces")
    await network.remove_left_over()
    assert not is_there(name)


def is_there(namespace: str) -> bool:
    return Path("/run/netns", namespace).exists()


def test_namespaces_that_cannot_be_had_are_refused_or_done_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert network.chosen(Network.AUTO) is Network.LOOPBACK
    with pytest.raises(ConfigError, match=r"namespaces without .*--network loopback"):
        network.chosen(Network.NAMESPACES)


@pytest.mark.parametrize("seed", range(6))
def test_a_journal_is_damaged(tmp_path: Path, seed: int) -> None:
    begun(tmp_path).close()
    journal = tmp_path / "journal.sqlite"
    assert recover(Files(journal)).damage == ""
    for further in range(5):
        # A draw may spare all tables.
        disk.damage(journal, Random(f"{seed}/{further}"))
    assert recover(Files(journal)).damage
