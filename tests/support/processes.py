"""Real gateways and centers as processes: prepared on disk, started, killed, started again.

Nothing here waits for a fixed time: a process is ready when its socket answers.
"""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Protocol, TypeVar

from aiocoap.message import Message
from aiocoap.numbers.codes import EMPTY
from aiocoap.numbers.types import Type

from central.app import DATABASE, make_folder
from drivers.clock import SystemClock
from drivers.link import GatewayLink
from drivers.pending import Pending
from edge import devices as written
from edge.caller import NotRunning, called
from edge.config import IDENTITY_FILE
from edge.status import Status
from protocol.identity import GatewayIdentity
from protocol.records import Record, decode
from protocol.signature import verify
from rules.device import Device, EvidenceRole, Link, Output
from rules.errors import LinkLost
from rules.inputs import CommandResult
from rules.observation import DeviceId, Phenomenon, Value
from rules.wire import Hello, Observed, Order
from tests.central.receiving import enrol, identity

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 30.0
"Real seconds for what takes a fraction of one on an idle machine."
_LOOK_S = 0.02

T = TypeVar("T")


class BootTime(Protocol):
    """What a driver stamps with."""

    def boottime_us(self) -> int: ...


def device(
    name: str,
    *phenomena: Phenomenon,
    link: Link = Link.BLE,
    room: str = "거실",
    report_every: timedelta = timedelta(hours=12),
    evidence: EvidenceRole = EvidenceRole.HAND,
    outputs: frozenset[Output] = frozenset(),
) -> Device:
    """A device with an address of its own. Its contract is so long that nobody misses it."""
    number = zlib.crc32(name.encode()).to_bytes(4, "big")
    prefix = bytes.fromhex("00124b00" if link is Link.ZIGBEE else "a4c1")
    return Device(
        id=DeviceId(name),
        link=link,
        address=(prefix + number).hex(":").upper(),
        model="test",
        room=room,
        phenomena=frozenset(phenomena),
        report_every=report_every,
        evidence=evidence,
        outputs=outputs,
    )


@dataclass(frozen=True, slots=True)
class Site:
    """One home and its center on disk."""

    home: Path
    data: Path
    identity: GatewayIdentity

    @property
    def drivers(self) -> Path:
        return self.home / "run" / "driver.sock"

    @property
    def control(self) -> Path:
        return self.home / "run" / "control.sock"


async def prepare(
    home: Path,
    data: Path,
    devices: Iterable[Device],
    port: int,
    rules: str = "",
    keys: Mapping[DeviceId, bytes] = MappingProxyType({}),
) -> Site:
    """Write the files of a home whose center is at `port`, and enrol it there.

    `rules` is TOML: the tables below `[rules]`. `keys` are those of keyed devices.
    """
    who = identity()
    make_folder(data)
    await enrol(data, who)
    (home / "keys").mkdir(parents=True)
    who.save(home / IDENTITY_FILE)
    site = f'[site]\nid = "{who.gateway}"\nname = "시험"\npreset = "living-alone"\n'
    center = f'[center]\nhost = "127.0.0.1"\nport = {port}\n'
    (home / "site.toml").write_text(site + center + rules, encoding="utf-8")
    documents = {str(n): written.document(each) for n, each in enumerate(devices, 1)}
    registry = json.dumps({"devices": documents}, ensure_ascii=False)
    (home / "registry.json").write_text(registry, encoding="utf-8")
    (home / "keys" / "devices.json").touch(mode=0o600)
    hexes = {name: key.hex() for name, key in keys.items()}
    (home / "keys" / "devices.json").write_text(json.dumps(hexes), encoding="utf-8")
    return Site(home, data, who)


def stored_records(site: Site) -> list[Record]:
    """All that the center has stored, in the order of arrival, proven to be this gateway's."""
    with closing(sqlite3.connect(site.data / DATABASE)) as database:
        rows = database.execute("select signed from records order by arrival").fetchall()
    key = site.identity.entry().verifying_key()
    return [decode(verify(signed, lambda _: key)[1]) for (signed,) in rows]


class Process:
    """One process. What it says is added to a file."""

    def __init__(self, arguments: Sequence[str], log: Path, **environment: str) -> None:
        self._arguments = arguments
        self._log = log
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def said(self) -> str:
        """All its log, of every start."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    async def start(self) -> None:
        assert not self.alive
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                cwd=ROOT,
                # Those that end with whoever started them end with us.
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=os.environ | {"LC_ALL": "C.UTF-8"} | self._environment,
            )

    async def kill(self) -> None:
        """No chance to tidy up."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        async with asyncio.timeout(DEADLINE_S):
            await self._process.wait()

    async def stop(self) -> None:
        """In order, as systemd does; fails if it does not end so."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            status = await self._process.wait()
        assert status == 0, self.said[-4000:]

    def check(self) -> None:
        """Fail with its last words if it ended by itself."""
        assert self.alive, self.said[-4000:]


class GatewayProcess(Process):
    """The daemon of a site. With `clock` and `machine` (files) it runs on other time."""

    def __init__(
        self, site: Site, log: Path, *, clock: Path | None = None, machine: Path | None = None
    ) -> None:
        arguments = ["-m", "ongi", "gateway", "--home", str(site.home)]
        if clock is not None:
            arguments = ["-m", "tests.processes.ends", "gateway", str(site.home)]
            arguments += ["--clock", str(clock)]
        if machine is not None:
            arguments += ["--machine", str(machine)]
        # As systemd gives it; else a gateway that was killed would leave a folder in /dev/shm.
        memory = site.data.parent / "memory"
        memory.mkdir(exist_ok=True)
        super().__init__(arguments, log, RUNTIME_DIRECTORY=str(memory))
        self._site = site

    async def status(self) -> Status:
        """What it says of itself, as soon as it says anything."""

        async def ask() -> Status | None:
            self.check()
            try:
                async with called(self._site.control) as caller:
                    return await caller.status()
            except (NotRunning, LinkLost):
                return None

        return await eventually(ask)

    async def ready(self) -> None:
        """Wait until it listens."""
        await self.status()


class CenterProcess(Process):
    """The center of a site."""

    def __init__(
        self, site: Site, port: int, log: Path, *, interval_s: int = 5, clock: Path | None = None
    ) -> None:
        ports = ["--coap-port", str(port), "--interval", str(interval_s)]
        serve = ["-m", "ongi", "center", "serve", "--data", str(site.data)]
        serve += ["--coap-host", "127.0.0.1", "--web-port", "0"]
        if clock is not None:
            serve = ["-m", "tests.processes.ends", "center", str(site.data), "--clock", str(clock)]
        super().__init__([*serve, *ports], log)
        self._port = port

    async def ready(self) -> None:
        """Wait until it answers a CoAP ping (RFC 7252, 4.3)."""
        ping = Message(code=EMPTY, _mtype=Type.CON, _mid=0x5050).encode()

        async def ask() -> bool | None:
            self.check()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
                asker.setblocking(False)
                asker.connect(("127.0.0.1", self._port))
                asker.send(ping)
                try:
                    async with asyncio.timeout(0.3):
                        answer = await asyncio.get_running_loop().sock_recv(asker, 100)
                except (TimeoutError, ConnectionRefusedError):
                    return None
            return bool(answer) or None

        await eventually(ask)


@asynccontextmanager
async def running(*processes: Process) -> AsyncIterator[None]:
    """Start them in this order and kill what is left of them in the end."""
    try:
        for process in processes:
            await process.start()
        for process in processes:
            if isinstance(process, GatewayProcess | CenterProcess):
                await process.ready()
        yield
    finally:
        for process in processes:
            if process.alive:
                await process.kill()


class Driver:
    """A driver's end of the gateway's socket: the production link, and a test as its radio.

    It obeys every command at once.
    """

    def __init__(self, site: Site, link: Link = Link.BLE, clock: BootTime | None = None) -> None:
        self.pending = Pending()
        self.orders: list[Order] = []
        self._clock: BootTime = clock or SystemClock()
        hello = Hello(link.value, link)
        self._link = GatewayLink(site.drivers, hello, self.pending, Random(1).random)

    def see(self, device: str, phenomenon: Phenomenon, value: Value) -> None:
        """Observe something now."""
        stamp = self._clock.boottime_us()
        self.pending.put(Observed(DeviceId(device), phenomenon, value, stamp))

    async def run(self) -> None:
        """Drive until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.run(), name="driver link")
            tasks.create_task(self._obey(), name="driver commands")

    async def _obey(self) -> None:
        while True:
            message = await self._link.incoming.get()
            if isinstance(message, Order):
                self.orders.append(message)
                self.pending.put(CommandResult(message.command.id))


@asynccontextmanager
async def driving(*drivers: Driver) -> AsyncIterator[None]:
    """Let drivers run meanwhile."""
    loop = asyncio.get_running_loop()
    tasks = {loop.create_task(driver.run(), name="driver") for driver in drivers}
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()


async def eventually(ask: Callable[[], Awaitable[T | None]], seconds: float = DEADLINE_S) -> T:
    """Ask until there is an answer; fail when there is none in time."""
    async with asyncio.timeout(seconds):
        while True:
            answer = await ask()
            if answer is not None:
                return answer
            await asyncio.sleep(_LOOK_S)
