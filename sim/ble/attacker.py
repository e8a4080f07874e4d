"""Strangers within range of a home: who sends in a device's name, and who connects to a node.

None of them has a key. What is not theirs they have recorded. They are here to be refused; see
tests/drivers/ble/test_attacks.py.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import Final, TypeVar

from bumble.device import Connection

from rules.errors import LinkLost
from sim.ble.frame import Frame, flags, service_data
from sim.ble.gatt import Link, Peer
from sim.ble.node_rules import NodeRules
from sim.ble.peripherals.bthome import UUID16
from sim.ble.peripherals.node import CHALLENGE, COMMAND, DATA, RESULT, Flash, PlugNode
from sim.ble.peripherals.sensor import Antenna, address_bytes

_HEARS_WITHIN_S: Final = 5.0
_LEAVES_WITHIN_S: Final = 1.0
_ANSWERED_WITHIN_S: Final = 2.0
_ENCRYPTED: Final = b"\x41"
"BTHome version 2, encrypted."

T = TypeVar("T")


class Sender:
    """Sends frames in whosever name, so often; a `sim.ble.broadcast.Source`."""

    def __init__(
        self, frames: Callable[[], Iterable[Frame]], start: datetime, every: timedelta
    ) -> None:
        """Ask `frames` anew each time."""
        self.sent = 0
        self._frames = frames
        self._due = start
        self._every = every

    def next_due(self) -> datetime:
        """See `sim.ble.broadcast.Source`."""
        return self._due

    def emit(self, now: datetime) -> list[Frame]:
        """See `sim.ble.broadcast.Source`."""
        while self._due <= now:
            self._due += self._every
        frames = list(self._frames())
        self.sent += len(frames)
        return frames


def forged(address: str, random: Random) -> Frame:
    """A frame that looks like the device's own: encrypted, with a counter far ahead."""
    sealed = random.randbytes(6) + random.randbytes(2) + b"\xff\xff" + random.randbytes(4)
    return Frame(address, flags() + service_data(UUID16, _ENCRYPTED + sealed), connectable=True)


class Stranger:
    """A telephone in the corridor that connects to nodes."""

    def __init__(self, link: Link, address: str) -> None:
        self.address = address
        self._link = link
        self._peer: Peer | None = None
        self._node = ""
        self._lost = asyncio.Event()
        self._handles: dict[str, int] = {}

    async def connect(self, node: str) -> None:
        """Connect to a node as soon as its place is free.

        Raises:
            LinkLost: it was not, within five seconds.

        """
        self._node = node
        error: LinkLost | None = None
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(self._hear(node), name="stranger hears")
            try:
                self._peer = await self._link.connect(self.address, node, _HEARS_WITHIN_S)
            except LinkLost as lost:
                error = lost
            hearing.cancel()
        if error is not None:
            raise error
        await self._discover()

    async def _discover(self) -> None:
        assert self._peer is not None
        lost = self._lost = asyncio.Event()
        self._peer.on_lost(lost.set)
        await self._answered(self._peer.discover())
        self._handles = {
            part.uuid: part.handle for service in self._peer.services for part in service.parts
        }

    async def challenge(self) -> bytes:
        """Read what the node wants answered.

        Raises:
            LinkLost: it has ended the connection.

        """
        return await self._answered(self._connected().read(self._handle(CHALLENGE)))

    async def command(self, frame: bytes) -> bytes:
        """Write whatever bytes; the node's answer.

        Raises:
            LinkLost: it has ended the connection.

        """
        peer = self._connected()
        await self._answered(peer.write(self._handle(COMMAND), frame, response=True))
        return await self._answered(peer.read(self._handle(RESULT)))

    async def data(self, piece: bytes) -> bytes:
        """Write a piece of an update; what the node says of it.

        Raises:
            LinkLost: it has ended the connection.

        """
        peer = self._connected()
        await self._answered(peer.write(self._handle(DATA), piece, response=True))
        return await self._answered(peer.read(self._handle(DATA)))

    async def leave(self) -> None:
        """End the connection."""
        if self._peer is not None and not self._lost.is_set():
            with suppress(LinkLost, TimeoutError):
                async with asyncio.timeout(_LEAVES_WITHIN_S):
                    await self._peer.disconnect()

    async def hold(self, node: str, until: asyncio.Event) -> int:
        """Connect again and again, as soon as it is dropped; how often it was connected."""
        held = 0
        while not until.is_set():
            try:
                await self.connect(node)
                held += 1
                while not until.is_set():
                    await self.challenge()
                    await asyncio.sleep(0.05)
            except LinkLost:
                continue
        await self.leave()
        return held

    async def _answered(self, work: Coroutine[None, None, T]) -> T:
        """What comes of it; where nothing does, the connection is given up."""
        try:
            async with asyncio.timeout(_ANSWERED_WITHIN_S):
                return await work
        except TimeoutError as error:
            self._link.cut(self.address, self._node)
            raise LinkLost("no answer") from error

    def _handle(self, uuid: str) -> int:
        handle = self._handles.get(uuid)
        if handle is None:
            raise LinkLost("dropped before it was looked around in")
        return handle

    def _connected(self) -> Peer:
        assert self._peer is not None
        if self._lost.is_set():
            raise LinkLost("dropped")
        return self._peer

    async def _hear(self, node: str) -> None:
        # He is near, and hears each of its adverts, of which there are more than those that count.
        while True:
            self._link.hear(self.address, node)
            await asyncio.sleep(0.01)


class FalseNode(PlugNode):
    """Stands at a node's address, with its service and without its key."""

    def __init__(
        self,
        address: str,
        key: bytes,
        antenna: Antenna,
        clock: Callable[[], datetime],
        *,
        random: Random,
        flash: Flash | None = None,
    ) -> None:
        """As `PlugNode`; its key is a guess."""
        self.challenges: Callable[[], bytes] | None = None
        "In place of those that it makes itself with a wrong key."
        self.answers: Callable[[bytes], bytes] = lambda frame: frame
        self._left = asyncio.Event()
        self.hangs = False
        "It answers no command at all."
        super().__init__(address, key, antenna, clock, random=random, flash=flash)

    def _boot(self) -> None:
        super()._boot()
        self.rules = _FalseRules(self)

    def _gone(self, reason: int) -> None:
        self._left.set()
        super()._gone(reason)

    async def _command(self, connection: Connection, frame: bytes) -> None:
        if self.hangs:
            self.written.append(bytes(frame))
            self._left.clear()
            await self._left.wait()
            return
        await super()._command(connection, frame)


class _FalseRules(NodeRules):
    """Answers what it likes, drops nobody, does nothing."""

    def __init__(self, node: FalseNode) -> None:
        super().__init__(
            node.key,
            address_bytes(node.address),
            node.flash,
            lambda _op, _argument: 0,
            lambda: 7,
            bytes,
        )
        self._node = node

    def connect(self, at_ms: int) -> None:
        super().connect(at_ms)
        if self._node.challenges is not None:
            self.challenge = self._node.challenges()

    def write(self, frame: bytes, at_ms: int) -> bytes:
        del at_ms
        self.result = self._node.answers(bytes(frame))
        if self._node.challenges is not None:
            self.challenge = self._node.challenges()
        return self.result

    def tick(self, at_ms: int) -> bool:
        del at_ms
        return False
