"""A power cut at any moment: what was acknowledged is on the disk. Needs root and loop devices.

Ref: ext4 FS_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: the file system stops at once, and what
was neither synced nor written back is gone, as it is when the power goes.
"""

import fcntl
import os
import random
import select
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.edge.journal_writer import ACK
from tests.edge.journals import escalation, record, reopened, snapshot

CUTS = int(os.environ.get("ONGI_POWER_CUTS", "0"))
_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = struct.pack("I", 2)


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[None]:
    command = ["mount", "-o", "loop,noatime", str(image), str(folder)]
    subprocess.run(command, check=True, timeout=60)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=60)


def cut_power(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, _SHUTDOWN, _NO_LOG_FLUSH)
    finally:
        os.close(descriptor)


@pytest.mark.root
@pytest.mark.processes
@pytest.mark.skipif(not CUTS, reason="mounts loop devices; ONGI_POWER_CUTS=20 runs it")
@pytest.mark.timeout(600)
def test_power_cuts_lose_nothing_acknowledged(tmp_path: Path) -> None:
    draw = random.Random(20261122)
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True, timeout=60)
    for cut in range(CUTS):
        acks = _written_until_the_cut(image, folder, draw.uniform(0.05, 0.8))
        serial, saved = ACK.unpack(acks[len(acks) // ACK.size * ACK.size - ACK.size :][: ACK.size])
        with mounted(image, folder):
            journal = reopened(folder / "gateway", tmp_path / "copy")
            stored = journal.load()
            assert journal.recovery.what == (), cut
            last = stored.next_serial - 1
            assert last >= serial, cut
            after = int(stored.snapshot.split()[0]) if stored.snapshot else 0
            assert after >= saved
            assert not after or stored.snapshot == snapshot(after)
            assert stored.events == [
                event for n in range(after + 1, last + 1) for event in escalation(n)
            ]
            assert journal.record_id(last) == record(last).id
            journal.close()
            if cut % 5 == 4:
                shutil.rmtree(folder / "gateway")


def _written_until_the_cut(image: Path, folder: Path, delay_s: float) -> bytes:
    command = [sys.executable, "-c", WRITER, str(folder / "gateway")]
    with mounted(image, folder), subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert select.select([writer.stdout], [], [], 30)[0]
        select.select([], [], [], delay_s)
        os.set_blocking(writer.stdout.fileno(), False)
        # What was read before the cut was promised before the cut.
        acks = os.read(writer.stdout.fileno(), 1 << 20)
        cut_power(folder)
        writer.kill()
    return acks


WRITER = """
import sys
from pathlib import Path
from tests.edge.journal_writer import write
write(Path(sys.argv[1]), 1)
"""
