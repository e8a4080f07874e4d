"""A connection to a plug node, by the adapter or proxy that hears it best.

What is asked of a bus that has died fails at once: see `drivers.ble.manager`. An attempt to
connect that does not end when it is cancelled, since it still asks bluetoothd for something, is
cancelled again.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Final

import bleak_retry_connector
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak_retry_connector import BleakClientWithServiceCache, establish_connection

from drivers.ble.manager import RADIO_ERRORS
from drivers.ble.node_frames import CHALLENGE, COMMAND, DATA, RESULT
from drivers.ble.node_session import Part
from rules.errors import LinkLost

_ATTEMPTS: Final = 2
"Of an adapter's own, where one is aborted."
_ANSWERS_WITHIN_S: Final = 3.0
_ENDS_WITHIN_S: Final = 4.0
"BlueZ takes two seconds for it, mostly."
_UNWINDS_WITHIN_S: Final = 0.5
_PIECE_MAX: Final = 244
"What one packet of the radio carries; more is cut up by it."
_RESULTS_MAX: Final = 16
"Whoever notifies more than that between two looks is not the node."

_PARTS: Final = {Part.CHALLENGE: CHALLENGE, Part.RESULT: RESULT, Part.PROGRESS: DATA}


class NodeLink:
    """A connection, subscribed to results."""

    def __init__(self) -> None:
        """Not made yet: see `to`."""
        self._client: BleakClientWithServiceCache | None = None
        self._results: asyncio.Queue[bytes | None] = asyncio.Queue(_RESULTS_MAX)
        self._over = False

    @classmethod
    async def to(cls, device: BLEDevice | None, within_s: float) -> "NodeLink":
        """Connect, and subscribe to results; None is heard by nobody who could.

        Raises:
            LinkLost: not within so long, or lost again at once.

        """
        if device is None:
            raise LinkLost("heard by no radio that can connect")
        link = cls()
        error: BaseException | None = asyncio.CancelledError()
        try:
            error = await _within(within_s, link._connect(device))
        finally:
            if error is not None:
                await link.close()
        if error is not None:
            raise LinkLost(f"not connected: {error!r}")
        return link

    @property
    def alive(self) -> bool:
        """Whether something may be asked of it."""
        client = self._client
        return client is not None and not self._over and client.is_connected

    async def read(self, part: Part) -> bytes:
        """Read a characteristic.

        Raises:
            LinkLost: the connection has ended, or nothing was answered.

        """
        client = self._usable()
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                return bytes(await client.read_gatt_char(_PARTS[part]))
        except RADIO_ERRORS as error:
            raise LinkLost(f"{part.value}: {error!r}") from error

    async def command(self, frame: bytes) -> None:
        """Write a command; results from before it are forgotten.

        Raises:
            LinkLost: the connection has ended, or nothing was answered.

        """
        client = self._usable()
        while not self._results.empty():
            if self._results.get_nowait() is None:
                raise LinkLost("disconnected")
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                await client.write_gatt_char(COMMAND, frame, response=True)
        except RADIO_ERRORS as error:
            raise LinkLost(f"command: {error!r}") from error

    @property
    def room(self) -> int:
        """Bytes that a piece of data may have on this connection.

        Raises:
            LinkLost: the connection has ended.

        """
        part = self._usable().services.get_characteristic(DATA)
        if part is None:
            raise LinkLost("it takes no data")
        return min(part.max_write_without_response_size, _PIECE_MAX)

    async def piece(self, piece: bytes) -> None:
        """Write a piece of data, without response.

        Raises:
            LinkLost: the connection has ended, or takes no more.

        """
        client = self._usable()
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                await client.write_gatt_char(DATA, piece, response=False)
        except RADIO_ERRORS as error:
            raise LinkLost(f"data: {error!r}") from error

    async def result(self, until_s: float) -> bytes | None:
        """The next result that is notified; None: none until then.

        Raises:
            LinkLost: the connection has ended.

        """
        try:
            async with asyncio.timeout_at(until_s):
                value = await self._results.get()
        except TimeoutError:
            return None
        if value is None:
            raise LinkLost("disconnected")
        return value

    async def close(self) -> None:
        """End the connection, and free what it took of this machine; never fails."""
        client, self._client = self._client, None
        self._over = True
        if client is not None:
            # Also where the node has ended it: the client's place on the bus is given back.
            with suppress(*RADIO_ERRORS):
                async with asyncio.timeout(_ENDS_WITHIN_S):
                    await client.disconnect()

    def _usable(self) -> BleakClientWithServiceCache:
        client = self._client
        if client is None or not self.alive:
            raise LinkLost("not connected")
        return client

    async def _connect(self, device: BLEDevice) -> Exception | None:
        try:
            # Looked up at the last moment: habluetooth puts its own class in this place, which
            # chooses between adapters and proxies.
            self._client = await establish_connection(
                bleak_retry_connector.BleakClientWithServiceCache,
                device,
                device.address,
                self._ended,
                max_attempts=_ATTEMPTS,
            )
            await self._usable().start_notify(RESULT, self._take)
        except (*RADIO_ERRORS, LinkLost) as error:
            return error
        return None

    def _take(self, _: BleakGATTCharacteristic, value: bytearray) -> None:
        if not self._results.full():
            self._results.put_nowait(bytes(value))

    def _ended(self, _: BleakClient) -> None:
        self._over = True
        if self._results.full():
            self._results.get_nowait()
        self._results.put_nowait(None)


async def _within(
    seconds: float, work: Coroutine[object, object, Exception | None]
) -> Exception | None:
    """What it comes to; cancelled after so long, and as often as it takes to end it."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work, name="connect to a node")
        try:
            await asyncio.wait((task,), timeout=seconds)
        finally:
            while not task.done():
                task.cancel()
                await asyncio.wait((task,), timeout=_UNWINDS_WITHIN_S)
    return TimeoutError("not in time") if task.cancelled() else task.result()
