"""The driver's end of the gateway's socket: one connection after the other, for ever.

One packet of an AF_UNIX SOCK_SEQPACKET socket is one message of `rules.wire`.
"""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from drivers.pending import Outgoing, Pending, is_urgent
from rules import wire
from rules.air import Settings, Survey
from rules.errors import FrameError, LinkLost
from rules.wire import Devices, Hello, Order

_log = logging.getLogger(__name__)

_BACKOFF_S_FIRST: Final = 0.1
_BACKOFF_S_MAX: Final = 2.0
"The gateway is on this machine and an SOS may be waiting: no longer than this."

_UNCONFIRMED_S: Final = 10.0
"What a gateway that dies has left unread in the socket is lost with it: urgent messages of the\
 last seconds go out again on the next connection, with the boot time they had."

_INCOMING: Final = 64

Incoming = Devices | Order | Settings | Survey
"What a gateway tells a driver."


class GatewayLink:
    """Connects, says hello, sends what is pending, hands on what comes in."""

    def __init__(
        self, path: Path, hello: Hello, pending: Pending, jitter: Callable[[], float]
    ) -> None:
        """`jitter` gives random numbers from 0 to 1."""
        self._path = path
        self._hello = hello
        self._pending = pending
        self._jitter = jitter
        self._failures = 0
        self._told_dropped = 0
        self._sent: deque[tuple[float, Outgoing]] = deque()
        self.incoming: asyncio.Queue[Incoming] = asyncio.Queue(_INCOMING)
        "When it is full nothing more is read, and the gateway's own bound applies."

    async def run(self) -> None:
        """Stay connected until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                # A task of its own, and not awaited itself: on Python 3.11 a group that is failing
                # swallows the cancellation of its parent, which must not be this one.
                await asyncio.wait((group.create_task(self._attempt(), name="gateway"),))
                self._send_again()
                await asyncio.sleep(self._backoff_s())

    async def _attempt(self) -> None:
        """One connection, if there can be one."""
        with socket.socket(
            socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK
        ) as connection:
            try:
                await self._converse(connection)
            except* (OSError, FrameError) as errors:
                _log.info("%s: %s", self._path, "; ".join(map(str, errors.exceptions)))

    async def _converse(self, connection: socket.socket) -> None:
        """One connection from hello to its end.

        Raises:
            ExceptionGroup: of OSError or FrameError, how it ended.

        """
        async with asyncio.TaskGroup() as group:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(connection, str(self._path))
            await loop.sock_sendall(connection, wire.encode(self._hello))
            group.create_task(self._receive(connection), name="receive from gateway")
            group.create_task(self._send(connection), name="send to gateway")

    async def _receive(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while packet := await loop.sock_recv(connection, wire.MAX_BYTES + 1):
            message = wire.decode(packet)
            if not isinstance(message, Incoming):
                raise FrameError(f"a {type(message).__name__} is not for a driver")
            self._failures = 0
            await self.incoming.put(message)
        raise LinkLost("the gateway closed the connection")

    async def _send(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = await self._pending.take()
            try:
                await loop.sock_sendall(connection, wire.encode(message))
            except BaseException:
                # Also when cancelled: what was taken and not sent must not be lost.
                self._pending.put_back(message)
                raise
            self._remember(message, loop.time())
            self._tell_dropped()

    def _remember(self, message: Outgoing, at_s: float) -> None:
        while self._sent and at_s - self._sent[0][0] > _UNCONFIRMED_S:
            self._sent.popleft()
        if is_urgent(message):
            self._sent.append((at_s, message))

    def _send_again(self) -> None:
        now_s = asyncio.get_running_loop().time()
        while self._sent:
            at_s, message = self._sent.pop()
            if now_s - at_s <= _UNCONFIRMED_S:
                self._pending.put_back(message)

    def _tell_dropped(self) -> None:
        dropped = self._pending.dropped + self._pending.urgent_dropped
        if dropped > self._told_dropped and len(self._pending) == 0:
            _log.warning(
                "the gateway did not keep up: %d periodic and %d urgent messages dropped so far",
                self._pending.dropped,
                self._pending.urgent_dropped,
            )
            self._told_dropped = dropped

    def _backoff_s(self) -> float:
        longest = min(_BACKOFF_S_FIRST * (1 << self._failures), _BACKOFF_S_MAX)
        self._failures = min(self._failures + 1, 10)
        return longest * (0.5 + self._jitter() / 2)
