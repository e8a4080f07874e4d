"""Commands to the plug nodes of a home: each by the session of `node_session`, over a connection.

A node takes one connection at a time, so its commands wait for one another, and the next takes
over the connection of the one before. What is known is told at once: to end a connection takes
BlueZ up to two seconds. A node that is not heard is waited for, and keeps no other from being
connected to.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

from bleak.backends.device import BLEDevice

from drivers.ble.bthome import KEY_BYTES, mac_of
from drivers.ble.node_counters import SentCounters
from drivers.ble.node_frames import NodeKeys, NodeOrder, Op, keys_of, order_of
from drivers.ble.node_link import NodeLink
from drivers.ble.node_session import (
    REFUSALS,
    Connect,
    Finished,
    NodeSession,
    Outcome,
    Part,
    Read,
    Step,
    Unbelieved,
    Write,
)
from drivers.ble.node_transfer import Transfer
from drivers.guard import key_id
from rules.command import Command, Refusal
from rules.device import Device
from rules.errors import LinkLost
from rules.models import model_of
from rules.wire import KeyedDevice

_log = logging.getLogger(__name__)

_CAP_S: Final = 8.0
"Of a command, with all that it waits for: less than the ten seconds that the gateway gives it."
_CONNECTS_WITHIN_S: Final = 4.0
"Then anew: a node that somebody holds is free after 5 s, and what BlueZ is stuck in is given up."
_HEARD_WITHIN_S: Final = 3.0
"Else it is waited for first: a node says something each second."
_WINDOW: Final = 32
"Pieces of data between two looks at what has come, and between two chances for a command."
_FRUITLESS_MAX: Final = 5
_DOUBTS_MAX: Final = 2
"Commitments that nobody proved."
_AT_ONCE: Final = 4
"Connections of all adapters; the cheapest adapter takes five."


class _Line:
    """One node, with its place: who has the lock has its connection."""

    def __init__(self, device: Device, keys: NodeKeys, id_: bytes) -> None:
        self.device = device
        self.keys = keys
        self.id_ = id_
        "Of its key: see `drivers.guard.key_id`."
        self.lock = asyncio.Lock()
        self.wanted = 0
        "So many want its connection next."
        self.link: NodeLink | None = None
        self.heard = asyncio.Event()
        "Cleared by who wants to hear it anew."
        self.heard_s = -_HEARD_WITHIN_S

    async def close(self) -> None:
        link, self.link = self.link, None
        if link is not None:
            await link.close()

    async def leave(self) -> None:
        """End the connection before the next has its turn."""
        try:
            await self.close()
        finally:
            self.lock.release()


class Nodes:
    """The nodes of one home, as the driver reaches them; `run` must run."""

    def __init__(self, counters: SentCounters, tell: Callable[[Unbelieved], None]) -> None:
        """Know none yet; `tell` is told of each frame that was not believed."""
        self._counters = counters
        self._tell = tell
        self._lines: dict[str, _Line] = {}
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._find: Callable[[str], BLEDevice | None] = _nobody
        self._group: asyncio.TaskGroup | None = None
        self._up = asyncio.Event()
        if counters.finding is not None:
            _log.error("%s", counters.finding)

    async def run(self, find: Callable[[str], BLEDevice | None]) -> None:
        """Reach them until cancelled; `find` is what the library knows of an address."""
        self._find = find
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._up.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    self._group = None
                    self._up.clear()
        finally:
            self._find = _nobody
            for line in list(self._lines.values()):
                await line.close()
            self._counters.close()

    def set_devices(self, devices: Iterable[KeyedDevice]) -> None:
        """Take over the home's devices; a command that is under way is finished."""
        before, self._lines = self._lines, {}
        for keyed in devices:
            address = keyed.device.address.upper()
            line = _line(keyed)
            known = before.get(address)
            if line is not None and known is not None and known.id_ == line.id_:
                known.device = line.device
                line = known
            if line is not None:
                self._lines[address] = line

    def heard(self, address: str) -> bool:
        """An advert came from there; whether it is a node of the home."""
        line = self._lines.get(address)
        if line is None:
            return False
        line.heard_s = asyncio.get_running_loop().time()
        line.heard.set()
        return True

    async def perform(self, command: Command, device: Device) -> Refusal | None:
        """Have a node do something; None when it says, with its key, that it is done.

        Raises:
            LinkLost: it was not reached in time, or nobody who could prove to be it.

        """
        until_s = asyncio.get_running_loop().time() + _CAP_S
        line = self._lines.get(device.address.upper())
        order = order_of(command)
        if line is None or order is None or command.output not in line.device.outputs:
            return Refusal.UNSUPPORTED
        async with self._turn(line, until_s):
            end = await self._asked(line, order, until_s)
        return self._told(line.device, end)

    async def send(self, device: Device, transfer: Transfer) -> Refusal | None:
        """Write a configuration or an update into a node, and have it committed.

        Goes on where a connection was cut; commands to the node come between. None when the node
        says, with its key, that it has taken all of it.

        Raises:
            LinkLost: it was not reached several times in a row, or took something else for it.

        """
        line = self._lines.get(device.address.upper())
        if line is None:
            return Refusal.UNSUPPORTED
        line.wanted += 1
        try:
            return await self._sent(line, transfer)
        finally:
            line.wanted -= 1
            async with self._turn(line, math.inf):
                pass  # Who leaves last ends the connection.

    async def confirm(self, device: Device) -> Refusal | None:
        """Tell a node that its new program is well.

        Raises:
            LinkLost: it was not reached in time, or nobody who could prove to be it.

        """
        line = self._lines.get(device.address.upper())
        if line is None:
            return Refusal.UNSUPPORTED
        until_s = asyncio.get_running_loop().time() + _CAP_S
        async with self._turn(line, until_s):
            end = await self._asked(line, NodeOrder(Op.UPDATE_CONFIRM, 0), until_s)
        return self._told(line.device, end)

    async def _sent(self, line: _Line, transfer: Transfer) -> Refusal | None:
        announced: NodeLink | None = None
        furthest, fruitless, doubts = -1, 0, 0
        while True:
            lost = LinkLost("it takes nothing")
            try:
                async with self._turn(line, math.inf):
                    announced, ended = await self._sent_on(line, transfer, announced)
                    if ended is not None:
                        return self._told(line.device, ended)
            except LinkLost as error:
                announced, lost = None, error
                if transfer.whole:
                    transfer.doubted()
                    furthest, doubts = -1, doubts + 1
            fruitless = 0 if transfer.at > furthest else fruitless + 1
            furthest = max(furthest, transfer.at)
            if fruitless >= _FRUITLESS_MAX or doubts >= _DOUBTS_MAX:
                raise lost

    async def _sent_on(
        self, line: _Line, transfer: Transfer, announced: NodeLink | None
    ) -> tuple[NodeLink, Finished | None]:
        """Write a few pieces, on a connection in which they were announced.

        Raises:
            LinkLost: the connection has ended, or the commitment was not proven.

        """
        until_s = asyncio.get_running_loop().time() + _CAP_S
        if announced is None or announced is not line.link or not announced.alive:
            end = await self._asked(line, transfer.announcement, until_s)
            announced = line.link
            if announced is None or REFUSALS[end.outcome] is Refusal.UNREACHABLE:
                raise LinkLost(end.outcome.value)
            if end.outcome is not Outcome.DONE:
                return announced, end
        transfer.seen(await announced.read(Part.PROGRESS))
        if not transfer.whole:
            for piece in transfer.pieces(announced.room, _WINDOW):
                await announced.piece(piece)
            return announced, None
        end = await self._asked(line, transfer.commitment, until_s)
        if REFUSALS[end.outcome] is Refusal.UNREACHABLE:
            raise LinkLost(end.outcome.value)
        return announced, end

    @asynccontextmanager
    async def _turn(self, line: _Line, until_s: float) -> AsyncIterator[None]:
        """Wait for those before; let the next have the connection if it is still good.

        Raises:
            LinkLost: they take too long.

        """
        line.wanted += 1
        try:
            async with asyncio.timeout_at(None if until_s == math.inf else until_s):
                await line.lock.acquire()
        except TimeoutError:
            raise LinkLost("others are still at it") from None
        finally:
            line.wanted -= 1
        well = False
        try:
            yield
            well = True
        finally:
            if well and line.wanted and line.link is not None and line.link.alive:
                line.lock.release()
            elif self._group is None:
                await line.leave()
            else:
                self._group.create_task(line.leave(), name="leave a node")

    def _told(self, device: Device, end: Finished) -> Refusal | None:
        for why in end.refused:
            self._tell(Unbelieved(device.id, why))
        if self._counters.failing is not None:
            _log.error("%s", self._counters.failing)
        if end.outcome is Outcome.EXHAUSTED:
            _log.error("%s: its counters are used up, it needs a new key", device.id)
        refusal = REFUSALS[end.outcome]
        if refusal is Refusal.UNREACHABLE:
            raise LinkLost(end.outcome.value)
        return refusal

    async def _asked(self, line: _Line, order: NodeOrder, until_s: float) -> Finished:
        """Do what the session of a command says until it has ended."""
        session = NodeSession(line.keys, order, self._counters, line.id_, until_s)
        time = asyncio.get_running_loop().time
        step = session.start(time())
        if isinstance(step, Connect) and line.link is not None and line.link.alive:
            step = session.connected(time())
        while not isinstance(step, Finished):
            try:
                if isinstance(step, Connect):
                    await line.close()
                    line.link = await self._connected(line, until_s)
                    step = session.connected(time())
                else:
                    assert line.link is not None
                    step = await _carried(session, step, line.link)
            except LinkLost as lost:
                _log.info("%s: %s", line.device.id, lost)
                step = session.disconnected(time())
        return step

    async def _connected(self, line: _Line, until_s: float) -> NodeLink:
        """Connect, once the node is heard.

        Raises:
            LinkLost: it was not heard, or not connected to.

        """
        loop = asyncio.get_running_loop()
        if loop.time() - line.heard_s >= _HEARD_WITHIN_S:
            line.heard.clear()
        try:
            async with asyncio.timeout_at(until_s):
                await self._up.wait()
                await line.heard.wait()
                await self._at_once.acquire()
        except TimeoutError:
            raise LinkLost("not heard") from None
        try:
            within_s = min(_CONNECTS_WITHIN_S, until_s - loop.time())
            return await NodeLink.to(self._find(line.device.address), within_s)
        except LinkLost:
            # Tried again when it is heard again: that paces it, and shows that it is there.
            line.heard.clear()
            raise
        finally:
            self._at_once.release()


def _line(keyed: KeyedDevice) -> _Line | None:
    """A line to a device that takes commands; None if it does not, or has no key."""
    device = keyed.device
    model, mac = model_of(device.model), mac_of(device.address)
    if model is None or mac is None or keyed.key is None or len(keyed.key) != KEY_BYTES:
        return None
    if not model.outputs & device.outputs:
        return None
    return _Line(device, keys_of(keyed.key, mac), key_id(mac, keyed.key))


def _nobody(_: str) -> None:
    """Nothing is known of any address while there is no radio."""


async def _carried(session: NodeSession, step: Step, link: NodeLink) -> Step:
    """Carry out a step on a connection, and tell the session what came of it.

    Raises:
        LinkLost: the connection has ended.

    """
    time = asyncio.get_running_loop().time
    match step:
        case Read(Part.CHALLENGE):
            return session.challenge_read(await link.read(Part.CHALLENGE), time())
        case Read(part):
            return session.result_came(await link.read(part), time())
        case Write(frame):
            await link.command(frame)
            return session.passed(time())
    due_s = session.next_deadline()
    assert due_s is not None
    value = await link.result(due_s)
    return session.passed(time()) if value is None else session.result_came(value, time())
