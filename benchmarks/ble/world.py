"""A virtual BlueZ with plugs that send to it, and the driver as a process beside it."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final, Protocol

from drivers.ble.bthome import UUID16, mac_of
from rules.air import Settings
from rules.alarm import AlarmKind
from rules.device import Device, Link
from rules.observation import DeviceId, Phenomenon
from rules.wire import MAX_BYTES, Devices, DriverFault, KeyedDevice, Observed, decode, encode
from sim.air import bthome
from sim.ble.bluez import Bluez
from sim.ble.bus import ENVIRONMENT, PrivateBus, private_bus
from sim.ble.frame import Frame, flags, service_data

ADAPTER: Final = "00:1A:7D:DA:71:11"
PLUGS: Final = 50

_NONE: Final = Settings()
_KEY: Final = bytes(range(16))
_POWER: Final = 0x0B
_TURN_S: Final = 0.01
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_MIB: Final = 1 << 20
_FORGED_BYTES: Final = 12


def plugs() -> list[KeyedDevice]:
    """Fifty of our own, each with the same key."""
    return [
        KeyedDevice(
            Device(
                DeviceId(f"plug{number}"),
                Link.BLE,
                _address(number),
                "plug node",
                "room",
                frozenset({Phenomenon.POWER_W}),
                timedelta(minutes=5),
                keyed=True,
            ),
            _KEY,
        )
        for number in range(PLUGS)
    ]


class Ears(Protocol):
    """What hears adverts."""

    def hear(self, adapter: str, frame: Frame, rssi_dbm: int) -> None: ...


@dataclass
class Plugs:
    """Senders: each advert is a new value of the next plug."""

    ears: Ears
    sent: int = 0
    forged: int = 0
    _counters: list[int] = field(default_factory=lambda: [0] * PLUGS)
    _random: Random = field(default_factory=lambda: Random(6))

    async def send(self, rate: int, for_s: float, forged: int = 0) -> None:
        """So many adverts a second, and so many that somebody forges under the first address."""
        async for number in turns(rate, for_s):
            self.one(number % PLUGS)
            for _ in range(forged * (number + 1) // rate - forged * number // rate):
                self._forge()

    def one(self, number: int) -> None:
        """The next value of one plug."""
        self._counters[number] += 1
        counter = self._counters[number]
        mac = mac_of(_address(number))
        assert mac is not None
        data = bthome.encode_object(_POWER, counter % 100_000 / 10)
        self._air(number, bthome.sealed(data, mac, _KEY, counter))
        self.sent += 1

    def _forge(self) -> None:
        self._air(0, b"\x41" + self._random.randbytes(_FORGED_BYTES))
        self.forged += 1

    def _air(self, number: int, data: bytes) -> None:
        self.ears.hear(ADAPTER, Frame(_address(number), flags() + service_data(UUID16, data)), -60)


async def turns(rate: int, for_s: float) -> AsyncIterator[int]:
    """Count up at `rate` a second; what is late, on a busy machine, is made up for."""
    loop = asyncio.get_running_loop()
    begin_s, done = loop.time(), 0
    whole = round(rate * for_s)
    while done < whole:
        for _ in range(min(int((loop.time() - begin_s) * rate), whole) - done):
            yield done
            done += 1
        await asyncio.sleep(_TURN_S)


@asynccontextmanager
async def virtual(*, experimental: bool = True) -> AsyncIterator[tuple[PrivateBus, Bluez, Path]]:
    """A bus, a BlueZ on it that every process started from here finds, and a folder."""
    with tempfile.TemporaryDirectory(prefix="ongi-") as name:
        folder = Path(name)
        async with private_bus(folder) as bus, asyncio.TaskGroup() as group:
            os.environ[ENVIRONMENT] = bus.address
            bluez = Bluez(bus.address, {ADAPTER: 0}, experimental=experimental)
            serving = group.create_task(bluez.run())
            await bluez.up.wait()
            try:
                yield bus, bluez, folder
            finally:
                serving.cancel()


class Process:
    """A child, by what /proc says of it."""

    def __init__(self, *arguments: str) -> None:
        self._child = subprocess.Popen([sys.executable, *arguments], stderr=subprocess.DEVNULL)

    @property
    def cpu_s(self) -> float:
        """Since its start, in user and system."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def rss_mib(self) -> float:
        """At this moment."""
        pages = int(Path(f"/proc/{self._child.pid}/statm").read_text().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / _MIB, 1)

    async def end(self) -> None:
        """Stop it, and wait."""
        # Beside the loop: it stops its scan at a service that is here.
        self._child.terminate()
        await asyncio.to_thread(self._child.wait, 10)


@dataclass
class Gateway:
    """Counts what the driver says, on a real socket."""

    path: Path
    settings: Settings
    observed: int = 0
    faults: int = 0
    "Of frames that were refused."
    lost: set[str] = field(default_factory=set)
    "Adapters and proxies of which it was told, once or more."

    async def run(self) -> None:
        """Take the driver's connection, tell it the plugs, and read."""
        loop = asyncio.get_running_loop()
        kind = socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK
        with socket.socket(socket.AF_UNIX, kind) as listener:
            listener.bind(str(self.path))
            listener.listen(1)
            driver, _ = await loop.sock_accept(listener)
            with driver:
                await loop.sock_recv(driver, MAX_BYTES)
                await loop.sock_sendall(driver, encode(self.settings))
                await loop.sock_sendall(driver, encode(Devices(tuple(plugs()))))
                while packet := await loop.sock_recv(driver, MAX_BYTES):
                    message = decode(packet)
                    if isinstance(message, Observed):
                        self.observed += message.phenomenon is Phenomenon.POWER_W
                    elif isinstance(message, DriverFault) and message.present:
                        self.faults += message.kind is AlarmKind.FRAMES_REFUSED
                        if message.kind is AlarmKind.RADIO_LOST:
                            self.lost.add(str(message.scope).rpartition(":")[2])


@asynccontextmanager
async def driver(
    folder: Path, settings: Settings = _NONE
) -> AsyncIterator[tuple[Process, Gateway]]:
    """`ongi driver ble` and its gateway's end."""
    gateway = Gateway(folder / "driver.sock", settings)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(gateway.run())
        await asyncio.sleep(0)  # Now it is bound.
        arguments = ["--socket", str(gateway.path), "--state", str(folder / "drivers")]
        process = Process("ongi.py", "driver", "ble", *arguments)
        try:
            yield process, gateway
        finally:
            await process.end()
            serving.cancel()


async def until(condition: Callable[[], object], within_s: float) -> float:
    """How long it took; infinite if it was not to be."""
    loop = asyncio.get_running_loop()
    begin_s = loop.time()
    while not condition():
        if loop.time() - begin_s > within_s:
            return float("inf")
        await asyncio.sleep(_TURN_S)
    return loop.time() - begin_s


def _address(number: int) -> str:
    return f"C0:DE:CC:00:00:{number:02X}"
