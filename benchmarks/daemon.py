"""The daemon as a process: cold start to the first decision, resident memory, idle wake-ups.

A home of 100 rules on 50 thermometers, a real driver socket, an uplink to a port where nobody
answers. Floor: a bare asyncio process that loads CBOR and SQLite and answers on one socket.
"""

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cbor2

from benchmarks.throughput import sensors
from edge import caller
from edge.registry import Registry
from protocol.identity import new_identity
from rules import wire
from rules.device import Link
from rules.observation import DeviceId, Phenomenon

_RULES = 100
_LOAD = 20_000
_SETTLE_S = 5.0
_IDLE_S = 20.0
_PATIENCE_S = 30.0
_KIB_PER_MIB = 1024
_SITE = """\
[site]
id = "benchmark-1"
name = "benchmark"
preset = "living-alone"
[center]
host = "127.0.0.1"
port = {port}
"""
_FLOOR = """
import asyncio, cbor2, socket, sqlite3, sys
async def main():
    loop = asyncio.get_running_loop()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.setblocking(False)
    listener.bind(sys.argv[1])
    listener.listen()
    peer, _ = await loop.sock_accept(listener)
    while packet := await loop.sock_recv(peer, 65536):
        cbor2.loads(packet)
        if len(packet) < 8:
            await loop.sock_sendall(peer, packet)
asyncio.run(main())
"""
Measured = tuple[float, float, float, float]
"MiB at rest, MiB after the load, seconds to the first decision, wake-ups a second at rest."


def measure() -> tuple[Measured, Measured]:
    """Ours, the floor's."""
    with TemporaryDirectory() as folder:
        ours = asyncio.run(_ours(Path(folder)))
    with TemporaryDirectory() as folder:
        floor = asyncio.run(_floor(Path(folder)))
    return ours, floor


async def _ours(home: Path) -> Measured:
    devices = sensors(_RULES // 2)
    with _unanswered() as port:
        (home / "site.toml").write_text(_SITE.format(port=port))
        (home / "keys").mkdir()
        new_identity("benchmark-1", b"\x01", os.urandom).save(home / "keys" / "uplink.toml")
        registry = Registry.load(home)
        for device in devices:
            registry.add_device(device, None)
        command = [sys.executable, "-m", "ongi", "gateway", "--home", str(home)]
        with _started(command) as process:
            peer = await _connected(home / "run" / "driver.sock")
            with peer:
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(peer, wire.encode(wire.Hello("benchmark", Link.BLE)))
                await loop.sock_recv(peer, wire.MAX_BYTES)
                await _send(peer, devices[0].id, 0)
                began = await _first_decision(home)
                idle = _resident_mib(process.pid)
                for number in range(_LOAD):
                    await _send(peer, devices[number % len(devices)].id, number)
                await asyncio.sleep(_SETTLE_S)
                loaded = _resident_mib(process.pid)
                return idle, loaded, began - _started_at(process), await _wakeups(process.pid)


async def _floor(folder: Path) -> Measured:
    path = folder / "floor.sock"
    with _started([sys.executable, "-c", _FLOOR, str(path)]) as process:
        peer = await _connected(path)
        with peer:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(peer, cbor2.dumps(1))
            await loop.sock_recv(peer, wire.MAX_BYTES)
            began = time.monotonic()
            idle = _resident_mib(process.pid)
            for number in range(_LOAD):
                await _send(peer, sensors(1)[0].id, number)
            await asyncio.sleep(_SETTLE_S)
            loaded = _resident_mib(process.pid)
            return idle, loaded, began - _started_at(process), await _wakeups(process.pid)


async def _first_decision(home: Path) -> float:
    """When the first observation was seen decided on: its device is live then."""
    async with caller.called(home / "run" / "control.sock") as gateway:
        while True:
            status = await gateway.status()
            if any(device.last_seen for device in status.devices):
                return time.monotonic()
            await asyncio.sleep(0.002)


async def _send(peer: socket.socket, device: DeviceId, number: int) -> None:
    celsius = 20.0 + number % 300 / 100
    at_us = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    seen = wire.Observed(device, Phenomenon.TEMPERATURE_C, celsius, at_us)
    await asyncio.get_running_loop().sock_sendall(peer, wire.encode(seen))


async def _connected(path: Path) -> socket.socket:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
            try:
                await loop.sock_connect(peer, str(path))
            except (FileNotFoundError, ConnectionRefusedError):
                peer.close()
                await asyncio.sleep(0.002)
            else:
                return peer


@contextmanager
def _unanswered() -> Iterator[int]:
    """A port that takes datagrams and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        yield hole.getsockname()[1]


@contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _started_at(process: subprocess.Popen[bytes]) -> float:
    """When the kernel made the process, by the monotonic clock. Ref: proc(5), stat, field 22."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return since_boot - time.clock_gettime(time.CLOCK_BOOTTIME) + time.monotonic()


def _resident_mib(pid: int) -> float:
    return _field(Path(f"/proc/{pid}/status"), "VmRSS") / _KIB_PER_MIB


async def _wakeups(pid: int) -> float:
    before = _switches(pid)
    await asyncio.sleep(_IDLE_S)
    return (_switches(pid) - before) / _IDLE_S


def _switches(pid: int) -> int:
    """Voluntary switches of all threads: each is one return from waiting."""
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    return sum(_field(task, "voluntary_ctxt_switches") for task in tasks)


def _field(status: Path, name: str) -> int:
    """A number of a status file. Ref: proc(5), /proc/pid/status."""
    found = re.search(rf"^{name}:\s+(\d+)", status.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])
