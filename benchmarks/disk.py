"""What 1,000 routine observations at 50/s write to the device, and how often they flush it.

A child process does the work on a real disk. Its bytes are those that the kernel counts as written
by it, flushes are what strace sees of fsync and fdatasync. Floor: a child that appends 64 bytes an
observation to a file and flushes it as often as ours saves its state.
"""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.throughput import engine_of, reading, sensors
from edge.gateway import HEARD_SAVED_AFTER, Gateway
from edge.journal import Journal
from protocol.identity import new_identity

_DEVICES = 40
_OBSERVATIONS = 10_000
_STEP = timedelta(milliseconds=20)
_START = datetime(2026, 7, 1, tzinfo=UTC)
_RECORD = 64
_FLUSH = re.compile(r"\b(?:fsync|fdatasync)\(")


def measure() -> tuple[tuple[float, float | None], tuple[float, float | None]]:
    """Bytes and flushes for each 1,000 observations: ours, the floor's."""
    return _child("ours"), _child("floor")


def _child(which: str) -> tuple[float, float | None]:
    per_1000 = _OBSERVATIONS / 1000
    # Not in memory: a tmpfs has no device behind it.
    with TemporaryDirectory(dir=Path.cwd()) as folder:
        command = [sys.executable, "-m", "benchmarks.disk", which, folder]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        written = float(printed) / per_1000
    if shutil.which("strace") is None:
        return written, None
    with TemporaryDirectory(dir=Path.cwd()) as folder:
        command = [sys.executable, "-m", "benchmarks.disk", which, folder]
        traced = subprocess.run(
            ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", *command],
            check=True,
            capture_output=True,
            text=True,
        ).stderr
    return written, len(_FLUSH.findall(traced)) / per_1000


def _written() -> int:
    """Bytes that this process has sent to the device. Ref: proc(5), /proc/pid/io."""
    for line in Path("/proc/self/io").read_text().splitlines():
        name, _, value = line.partition(": ")
        if name == "write_bytes":
            return int(value)
    raise RuntimeError("this kernel does not count written bytes")


def _ours(folder: Path) -> int:
    devices = sensors(_DEVICES)
    journal = Journal.open(folder / "journal.sqlite", _START)
    identity = new_identity("benchmark-1", b"\x01", os.urandom)
    gateway = Gateway(engine_of(devices), journal, identity, journal.new_boot(), os.urandom)
    gateway.save(_START)
    before = _written()
    for number in range(_OBSERVATIONS):
        now = _START + number * _STEP
        seen = reading(devices[number % _DEVICES].id, 20.0 + number % 3, now)
        gateway.handle(seen, now, number)
    written = _written() - before
    journal.close()
    return written


def _floor(folder: Path) -> int:
    every = HEARD_SAVED_AFTER // _STEP
    before = _written()
    with (folder / "log").open("wb", buffering=_RECORD * every) as log:
        for number in range(_OBSERVATIONS):
            log.write(bytes(_RECORD))
            if number % every == every - 1:
                log.flush()
                os.fdatasync(log.fileno())
    return _written() - before


if __name__ == "__main__":
    print({"ours": _ours, "floor": _floor}[sys.argv[1]](Path(sys.argv[2])))
