"""Where a driver's Bluetooth adapter would be: frames come from the rig, commands go to it.

The air outlives the driver: it is the rig's, and what it says while no driver listens is lost.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

from drivers.ble import RawAdvert
from rules.air import Proxy, Reception, Sighting
from rules.codec import parse, plain
from rules.command import Command, Refusal
from rules.device import Device
from rules.errors import FrameError
from rules.wire import KeyedDevice

_WAITING_MAX: Final = 4_096


def advert_line(advert: RawAdvert) -> bytes:
    """A frame, for the driver."""
    body = [
        advert.address,
        advert.uuid16,
        advert.service_data.hex(),
        advert.rssi_dbm,
        advert.boottime_us,
    ]
    return json.dumps({"advert": body}).encode() + b"\n"


def performed_line(number: int, refusal: Refusal | None) -> bytes:
    """What came of a command, for the driver."""
    return json.dumps({"performed": [number, refusal]}).encode() + b"\n"


def perform_line(number: int, command: Command) -> bytes:
    """A command, for the rig."""
    return json.dumps({"perform": [number, plain(command)]}).encode() + b"\n"


def command_of(line: bytes) -> tuple[int, Command] | None:
    """The command of a line; None if it is none.

    Raises:
        FrameError: it says that it is one.

    """
    match _loads(line):
        case {"perform": [int(number), body]}:
            return number, parse(body, Command)
        case _:
            return None


class Antenna:
    """A `drivers.process.Radio`."""

    def __init__(self, say: Callable[[bytes], None]) -> None:
        """`say` tells the rig a line."""
        self._say = say
        self._numbers = itertools.count(1)
        self._adverts: asyncio.Queue[RawAdvert] = asyncio.Queue(_WAITING_MAX)
        self._asked: dict[int, asyncio.Future[Refusal | None]] = {}

    def hear(self, line: bytes) -> None:
        """Take in what the rig says."""
        match _loads(line):
            case {
                "advert": [str(address), int(uuid16), str(data), int(rssi_dbm), int(boottime_us)]
            }:
                advert = RawAdvert(address, uuid16, bytes.fromhex(data), rssi_dbm, boottime_us)
                if not self._adverts.full():
                    self._adverts.put_nowait(advert)
            case {"performed": [int(number), None | str() as refusal]}:
                asked = self._asked.get(number)
                if asked is not None and not asked.done():
                    asked.set_result(None if refusal is None else Refusal(refusal))

    async def adverts(self) -> AsyncIterator[RawAdvert]:
        """Frames as they come."""
        while True:
            yield await self._adverts.get()

    def set_devices(self, devices: Iterable[KeyedDevice]) -> None:
        """Take the table: the rig's air holds no others."""

    def set_proxies(self, proxies: Iterable[Proxy]) -> None:
        """Take none: the rig's air comes by one way."""

    async def perform(self, command: Command, device: Device) -> Refusal | None:
        """Have the devices of the rig carry out a command."""
        del device
        number = next(self._numbers)
        asked: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()
        self._asked[number] = asked
        try:
            self._say(perform_line(number, command))
            return await asked
        finally:
            del self._asked[number]

    async def survey(self, for_s: float) -> None:
        """Hear nobody: there is nobody else about."""

    def sightings(self) -> list[Sighting]:
        """Nobody."""
        return []

    def receptions(self) -> list[Reception]:
        """Nothing is known of them: these adverts come without a radio."""
        return []


def _loads(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError as error:
        raise FrameError(f"no line of an antenna: {line[:60]!r}") from error
