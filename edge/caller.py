"""The other end of the control socket: asks the running gateway."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from edge import packets
from edge.control_wire import (
    MAX_BYTES,
    Decided,
    Done,
    GetStatus,
    ListDevices,
    Listed,
    News,
    Refused,
    RemoveDevice,
    Request,
    Scan,
    Watch,
    decode_answer,
    decode_news,
    encode_request,
)
from edge.status import Status
from rules.air import Sighting
from rules.device import Device
from rules.errors import FrameError, LinkLost
from rules.events import Event
from rules.inputs import Away, Drill, Identify, Shelve
from rules.observation import DeviceId
from rules.wire import KeyedDevice

T = TypeVar("T", Status, Listed, Decided, Done)

ANSWER_WITHIN_S = 10.0
"A gateway answers between two items; past this it hangs."
_RENEW_EVERY_S = 10.0


class NotRunning(LinkLost):
    """No gateway listens there."""


class RequestRefused(Exception):  # noqa: N818 -- names what happened
    """The gateway will not do it; `refused` says why."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.why)
        self.refused = refused


class Caller:
    """One connection to a gateway; one request at a time.

    Every call raises `LinkLost` when the gateway is gone or silent, and `FrameError` when it
    speaks another version.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._number = 0

    async def status(self) -> Status:
        """How everything is."""
        return await self._ask(GetStatus(), Status)

    async def devices(self) -> tuple[Device, ...]:
        """What stands in the registry."""
        return (await self._ask(ListDevices(), Listed)).devices

    async def add(self, device: KeyedDevice) -> None:
        """Enter a device into the registry.

        Raises:
            RequestRefused: it does not fit in.

        """
        await self._ask(device, Done)

    async def remove(self, id_: DeviceId) -> None:
        """Take a device out of the registry.

        Raises:
            RequestRefused: there is none of that name.

        """
        await self._ask(RemoveDevice(id_), Done)

    async def put(self, item: Away | Shelve | Drill | Identify) -> Sequence[Event]:
        """Have an item decided on.

        Raises:
            RequestRefused: it leads to nothing.

        """
        return (await self._ask(item, Decided)).events

    async def watch(self, *, observations: bool = False) -> AsyncGenerator[News, None]:
        """A status at once; then what happens, and a status after all that matters.

        Ends when the gateway hangs up.
        """
        await self._ask(Watch(observations), Done)
        while packet := await packets.receive_one(self._connection, MAX_BYTES):
            yield decode_news(packet)

    async def scan(self) -> AsyncGenerator[Sighting, None]:
        """Who is heard by the radios, about once a second each; renewed while it is read.

        Ends when the gateway hangs up, as it does after an hour.
        """
        await self._ask(Scan(), Done)
        again = encode_request(self._number, Scan())
        time = asyncio.get_running_loop().time
        due_s = time() + _RENEW_EVERY_S
        while True:
            if time() >= due_s:
                due_s = time() + _RENEW_EVERY_S
                if not await packets.send_within(self._connection, again, ANSWER_WITHIN_S):
                    return
            # What waits already is read without a turn of the loop, and others need theirs.
            await asyncio.sleep(0)
            packet = await packets.receive_by(self._connection, MAX_BYTES, due_s)
            if packet is None:
                continue
            if not packet:
                return
            news = decode_news(packet)
            if not isinstance(news, Sighting):
                raise FrameError("no sighting")
            yield news

    async def _ask(self, request: Request, kind: type[T]) -> T:
        self._number += 1
        packet = encode_request(self._number, request)
        if not await packets.send_within(self._connection, packet, ANSWER_WITHIN_S):
            raise LinkLost("the gateway has gone")
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answered = await packets.receive_one(self._connection, MAX_BYTES)
        except TimeoutError as error:
            raise LinkLost("the gateway does not answer") from error
        if not answered:
            raise LinkLost("the gateway has gone")
        answer = decode_answer(answered, self._number, request)
        if isinstance(answer, Refused):
            raise RequestRefused(answer)
        if not isinstance(answer, kind):
            raise FrameError(f"no {kind.__name__}")
        return answer


@asynccontextmanager
async def called(path: Path) -> AsyncIterator[Caller]:
    """A connection to the gateway whose control socket is at `path`.

    Raises:
        NotRunning: nobody listens there.
        PermissionError: this user may not ask.
        ConfigError: the path is too long for a socket.

    """
    try:
        connection = await packets.connect(path)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunning(str(path)) from error
    with connection:
        yield Caller(connection)
