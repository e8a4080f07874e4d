"""Drivers and clients of the local sockets, as tests play them; and waiting with a deadline."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge import packets
from rules.device import Device, Link, Output
from rules.observation import DeviceId, Phenomenon, Press
from rules.wire import MAX_BYTES, Hello, KeyedDevice, Message, Observed, decode, encode

AT = datetime(2026, 11, 22, 5, 20, tzinfo=UTC)
DEADLINE_S = 10.0


def device(
    id_: str,
    *phenomena: Phenomenon,
    link: Link = Link.BLE,
    outputs: frozenset[Output] = frozenset(),
    keyed: bool = True,
) -> Device:
    return Device(
        id=DeviceId(id_),
        link=link,
        address=f"A4:C1:38:00:00:{sum(id_.encode()) % 256:02X}",
        model="plug",
        room="거실",
        phenomena=frozenset(phenomena or {Phenomenon.POWER_W}),
        report_every=timedelta(minutes=10),
        outputs=outputs,
        keyed=keyed,
    )


KETTLE = KeyedDevice(device("kettle", Phenomenon.POWER_W, Phenomenon.BUTTON), bytes(range(16)))
LAMP = KeyedDevice(device("lamp", outputs=frozenset({Output.LIGHT})), bytes(16))
BELL = KeyedDevice(device("bell", Phenomenon.SOS, link=Link.ZIGBEE, keyed=False), None)
HOME = (KETTLE, LAMP, BELL)


async def settle() -> None:
    """Let everybody run up to their next wait."""
    for _ in range(30):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """Give others their turns until something holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 -- of what is awaited nobody tells
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def running(coroutine: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run something beside the block, and cancel it at its end; what it raised is raised then."""
    # No task group: a fixture's two halves run in two tasks.
    task = asyncio.get_running_loop().create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Peer:
    """One end of a connection, made by hand."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    @classmethod
    async def at(cls, path: Path) -> "Peer":
        return cls(await packets.connect(path))

    def send(self, packet: bytes) -> None:
        """Send without waiting.

        Raises:
            BlockingIOError: the other end does not read.

        """
        self.connection.send(packet)

    async def receive(self) -> bytes:
        """The next packet; nothing at the connection's end."""
        async with asyncio.timeout(DEADLINE_S):
            return await packets.receive_one(self.connection, MAX_BYTES)

    def close(self) -> None:
        self.connection.close()


class Driver(Peer):
    """A driver of one link."""

    @classmethod
    async def of(cls, path: Path, link: Link = Link.BLE, name: str = "test") -> "Driver":
        """Connect and say hello."""
        driver = cls(await packets.connect(path))
        driver.tell(Hello(name, link))
        return driver

    def tell(self, message: Message) -> None:
        self.send(encode(message))

    async def told(self) -> Message:
        return decode(await self.receive())


def power(watts: float, boottime_us: int, id_: str = "kettle") -> Observed:
    return Observed(DeviceId(id_), Phenomenon.POWER_W, watts, boottime_us)


def sos(boottime_us: int, id_: str = "bell") -> Observed:
    return Observed(DeviceId(id_), Phenomenon.SOS, True, boottime_us)


def pressed(boottime_us: int, id_: str = "kettle") -> Observed:
    return Observed(DeviceId(id_), Phenomenon.BUTTON, Press.SINGLE, boottime_us)
