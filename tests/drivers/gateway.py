"""The gateway's end of the driver socket, by hand: a real SEQPACKET socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from drivers.ble import RawAdvert
from drivers.ble.keeper import RadioState
from drivers.clock import Clock
from drivers.process import run
from rules import wire
from rules.air import Proxy, Reception, Settings, Sighting
from rules.command import Command, Refusal
from rules.device import Device, Link
from rules.wire import Devices, Hello, KeyedDevice, Message

DEADLINE_S = 10.0


class GatewayEnd:
    """Listens; each `accept` is one connection of the driver."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._path = path
        self._listener = _seqpacket()
        self._listener.bind(str(path))
        self._listener.listen(4)
        self._connection: socket.socket | None = None

    async def accept(self, *devices: KeyedDevice, settings: Settings | None = None) -> Hello:
        """Take the next connection and its hello; tell it settings and devices."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE_S):
            self._connection, _ = await loop.sock_accept(self._listener)
            hello = await self.next()
        assert isinstance(hello, Hello)
        if settings is not None:
            await self.send(settings)
        await self.send(Devices(devices))
        return hello

    async def next(self) -> Message:
        return wire.decode(await self.packet())

    async def packet(self) -> bytes:
        """The next packet; empty when the driver has hung up."""
        assert self._connection is not None
        async with asyncio.timeout(DEADLINE_S):
            return await asyncio.get_running_loop().sock_recv(self._connection, wire.MAX_BYTES + 1)

    async def send(self, message: Message) -> None:
        await self.send_bytes(wire.encode(message))

    async def send_bytes(self, packet: bytes) -> None:
        assert self._connection is not None
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.get_running_loop().sock_sendall(self._connection, packet)

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def die(self) -> None:
        self.hang_up()
        self._listener.close()
        self._path.unlink(missing_ok=True)


class Air:
    """A radio made of a queue; `perform` does what the test has set."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[RawAdvert | RadioState] = asyncio.Queue()
        self.devices: tuple[KeyedDevice, ...] = ()
        self.proxies: tuple[Proxy, ...] = ()
        self.performed: list[Command] = []
        self.refusal: Refusal | None = None
        self.error: Exception | None = None
        self.started = asyncio.Semaphore(0)
        "Released by each command that is begun."
        self.answers = asyncio.Event()
        self.answers.set()
        self.surveys: list[float] = []
        self.around: list[Sighting] = []
        "Heard anew each time that they are asked for, while a survey lasts."
        self.received: list[Reception] = []

    async def adverts(self) -> AsyncIterator[RawAdvert | RadioState]:
        while True:
            yield await self.queue.get()
            self.queue.task_done()

    def set_devices(self, devices: Iterable[KeyedDevice]) -> None:
        self.devices = tuple(devices)

    def set_proxies(self, proxies: Iterable[Proxy]) -> None:
        self.proxies = tuple(proxies)

    async def perform(self, command: Command, device: Device) -> Refusal | None:
        assert command.device == device.id
        self.performed.append(command)
        self.started.release()
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        return self.refusal

    async def survey(self, for_s: float) -> None:
        self.surveys.append(for_s)

    def sightings(self) -> list[Sighting]:
        return list(self.around)

    def receptions(self) -> list[Reception]:
        return list(self.received)


@asynccontextmanager
async def driver(folder: Path, air: Air, clock: Clock) -> AsyncIterator[asyncio.Task[None]]:
    """A BLE driver under way, stopped at the end; its state is in `folder`/drivers."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            run(
                Link.BLE,
                folder / "driver.sock",
                folder / "drivers",
                air,
                clock,
                jitter=lambda: 0.0,
            )
        )
        try:
            yield task
        finally:
            task.cancel()


def _seqpacket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
