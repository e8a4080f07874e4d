"""What a service says on the bus, no faster than the daemon reads it.

dbus-fast gives a connection up as lost as soon as its socket is full, and a burst of a few hundred
signals fills one. So no more than `_AHEAD_MAX` messages are ever unread: the daemon answers a ping
when it has read what came before.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

from dbus_fast import Message
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

DBUS: Final = "org.freedesktop.DBus"
DBUS_PATH: Final = "/org/freedesktop/DBus"

WAITING_MAX: Final = 20_000
"Of which `behind` tells: some seconds of the busiest air."

_AHEAD_MAX: Final = 64
"A message of ours takes 1 to 2 KiB of the 208 KiB of a socket."


class Outbox:
    """Sends in order on one connection. `run` must run."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._waiting: deque[Message] = deque()
        self._ahead = 0
        self._written: asyncio.Future[None] | None = None
        "Of a message that did not fit into the socket."
        self._full = asyncio.Event()

    @property
    def behind(self) -> bool:
        """Whether so much waits that what can be left out should be."""
        return len(self._waiting) >= WAITING_MAX

    def put(self, message: Message) -> None:
        """Send after all that was put before."""
        if self._full.is_set():
            self._waiting.append(message)
        else:
            self._send(message)

    async def run(self) -> None:
        """Send what waits, as it is read, until the connection is lost."""
        # That it is lost, its owner learns from the connection itself.
        with suppress(OSError, EOFError, DBusFastError):
            while True:
                await self._full.wait()
                await self._read()
                self._ahead = 0
                self._full.clear()
                while self._waiting and not self._full.is_set():
                    self._send(self._waiting.popleft())

    async def _read(self) -> None:
        """Until the daemon has read everything."""
        written, self._written = self._written, None
        if written is not None:
            await written
        await self._bus.call(
            Message(destination=DBUS, path=DBUS_PATH, interface=f"{DBUS}.Peer", member="Ping")
        )

    def _send(self, message: Message) -> None:
        if not self._bus.connected:
            return
        written = self._bus.send(message)
        self._ahead += 1
        if not written.done():
            self._written = written
        else:
            # Taken note of, or asyncio complains.
            _ = written.exception()
        if self._written is not None or self._ahead >= _AHEAD_MAX:
            self._full.set()
