"""The gateway's end of the control socket: the only way in for people and programs of this house.

Who may use it is the file's mode. Each client is served in turn with its own requests; one that
does not read its answers is dropped.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Protocol

from edge import packets
from edge.control_wire import (
    MAX_BYTES,
    Answer,
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
    decode_request,
    encode_answer,
    encode_error,
    encode_news,
    refused,
)
from edge.status import Status
from edge.surveys import LASTS, Surveyor, Surveys
from edge.watchers import Lagging, Watcher, Watchers
from rules.alarm import AlarmKey, AlarmKind
from rules.device import Device
from rules.errors import ConfigError, FrameError, Phrase, phrase
from rules.events import SOFT, AwayReason, Event
from rules.inputs import Away, Drill, Identify, Shelve
from rules.observation import DeviceId, Observation
from rules.wire import KeyedDevice

CLIENTS_MAX = 16
READ_WITHIN_S = 5.0
"A client that leaves an answer unread for so long is dropped."
SCAN_S_MAX = 3660.0
"""Scanning costs the neighbourhood's batteries: whoever forgets it in a terminal is hung up on.
`ongi` itself ends after an hour at most."""

_TOO_LONG = phrase("the answer is too long: too many devices, or names that are too long")

_OF_THE_HOME = frozenset(
    {
        AlarmKind.INACTIVITY,
        AlarmKind.HOME_BLIND,
        AlarmKind.MAINS_OUTAGE,
        AlarmKind.TIME_UNTRUSTED,
        AlarmKind.JOURNAL_RESTORED,
        AlarmKind.REGISTRY_RESTORED,
        AlarmKind.DISK_FAILING,
    }
)
"Alarms that have no device."

_log = logging.getLogger(__name__)


class House(Protocol):
    """What the gateway lets people do."""

    def status(self) -> Status:
        """How everything is now."""

    def devices(self) -> Sequence[Device]:
        """What stands in the registry."""

    def put(self, item: Away | Shelve | Drill | Identify) -> Sequence[Event]:
        """Decide on an item; what is returned is journaled."""

    def refusal_to_shelve(self, item: Shelve) -> str | None:
        """Why an alarm cannot be held back, None if it can."""

    def refusal_to_identify(self, device: DeviceId) -> str | None:
        """Why a device cannot show itself, None if it can."""

    def add_device(self, device: KeyedDevice) -> None:
        """Enter a device into the registry and tell its driver.

        Raises:
            ConfigError: it does not fit in.
            OSError: the disk would not take it.

        """

    def remove_device(self, id_: DeviceId) -> None:
        """Take a device out of the registry.

        Raises:
            ConfigError: there is none of that name.
            OSError: the disk would not take it.

        """


class Control:
    """Serves the control socket."""

    def __init__(
        self, listener: socket.socket, house: House, watchers: Watchers, surveys: Surveys
    ) -> None:
        """Take over `listener`, made by `edge.packets.listen`; `run` closes it."""
        self._listener = listener
        self._house = house
        self._watchers = watchers
        self._surveys = surveys
        self._clients = 0

    async def run(self) -> None:
        """Serve clients until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    client = await packets.accept(self._listener)
                    if self._clients >= CLIENTS_MAX:
                        client.close()
                        continue
                    self._clients += 1
                    tasks.create_task(self._serve(client), name="control")
        finally:
            packets.unlisten(self._listener)

    async def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                while packet := await packets.receive_one(client, MAX_BYTES):
                    try:
                        number, request = decode_request(packet)
                    except FrameError as error:
                        _log.warning("refused a request: %s", error)
                        await packets.send_within(client, encode_error(error), READ_WITHIN_S)
                        return
                    answer = encode_answer(number, self._answer(request))
                    if len(answer) > MAX_BYTES:
                        _log.error("an answer of %d bytes", len(answer))
                        answer = encode_answer(number, refused(_TOO_LONG))
                    if not await packets.send_within(client, answer, READ_WITHIN_S):
                        return
                    if isinstance(request, Watch):
                        await self._tell(client, number, request)
                        return
                    if isinstance(request, Scan):
                        await self._scan(client, number)
                        return
                    # What waits already is read without a turn for all others.
                    await asyncio.sleep(0)
        finally:
            self._clients -= 1

    def _answer(self, request: Request) -> Answer:
        match request:
            case GetStatus():
                return self._house.status()
            case ListDevices():
                return Listed(tuple(self._house.devices()))
            case KeyedDevice() | RemoveDevice():
                return self._change(request)
            case Watch() | Scan():
                return Done()
            case Away() | Shelve() | Drill() | Identify():
                return self._decide(request)

    def _change(self, request: KeyedDevice | RemoveDevice) -> Done | Refused:
        try:
            if isinstance(request, KeyedDevice):
                self._house.add_device(request)
            else:
                self._house.remove_device(request.id)
        except ConfigError as error:
            return refused(error.found, error.where, error.right)
        except OSError as error:
            return refused(phrase("the disk does not take it"), where=str(error))
        return Done()

    def _decide(self, request: Away | Shelve | Drill | Identify) -> Decided | Refused:
        why = self._refusal(request)
        if why is not None:
            return refused(why)
        events = tuple(self._house.put(request))
        # An item that leads to nothing was not taken.
        return Decided(events) if events else refused(_without_effect(request))

    def _refusal(self, request: Away | Shelve | Drill | Identify) -> str | None:
        match request:
            case Away(reason=AwayReason.OUTING, ends=False):
                return phrase("an outing is learnt from the door; say trip or hospital")
            case Shelve(alarm):
                if not self._is_alarm(alarm):
                    return phrase("there is no such alarm here; `ongi status` shows them")
                return self._house.refusal_to_shelve(request)
            case Identify(device):
                return self._house.refusal_to_identify(device)
        return None

    def _is_alarm(self, key: AlarmKey) -> bool:
        """Whether an alarm can exist in this home, be it at rest."""
        if key.scope is None:
            return key.kind in _OF_THE_HOME
        devices = {device.id for device in self._house.devices()}
        return key.scope in devices or any(key == one.key for one in self._house.status().alarms)

    async def _tell(self, client: socket.socket, number: int, request: Watch) -> None:
        """Pass on what happens until the client hangs up or falls behind."""
        with self._watchers.watch() as watcher:
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(
                    self._pass_on(client, number, request, watcher), name="watcher"
                )
                gone = tasks.create_task(packets.receive_one(client, 1), name="watcher gone")
                await asyncio.wait({telling, gone}, return_when=asyncio.FIRST_COMPLETED)
                telling.cancel()
                gone.cancel()

    async def _scan(self, client: socket.socket, number: int) -> None:
        """Tell who is heard until the client is gone, silent, or has had an hour of it."""
        with self._surveys.watch() as surveyor:
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(
                    _pass_on_sightings(client, number, surveyor), name="surveyor"
                )
                asking = tasks.create_task(self._renewed(client), name="surveyor asks")
                await asyncio.wait(
                    {telling, asking}, timeout=SCAN_S_MAX, return_when=asyncio.FIRST_COMPLETED
                )
                telling.cancel()
                asking.cancel()

    async def _renewed(self, client: socket.socket) -> None:
        """Go on for as long as the client asks for it."""
        while True:
            try:
                async with asyncio.timeout(LASTS.total_seconds()):
                    packet = await packets.receive_one(client, MAX_BYTES)
                if not packet or not isinstance(decode_request(packet)[1], Scan):
                    return
            except (TimeoutError, FrameError):
                return
            self._surveys.renew()
            # What waits already is read without a turn for all others.
            await asyncio.sleep(0)

    async def _pass_on(
        self, client: socket.socket, number: int, request: Watch, watcher: Watcher
    ) -> None:
        async def send(news: News) -> bool:
            packet = encode_news(number, news)
            if len(packet) > MAX_BYTES:
                _log.error("news of %d bytes: a watcher is hung up on", len(packet))
                return False
            return await packets.send_within(client, packet, READ_WITHIN_S)

        told = self._house.status()
        reading = await send(told)
        try:
            while reading:
                happening = await watcher.next()
                if request.observations or not isinstance(happening, Observation):
                    reading = await send(happening)
                if not watcher.behind and not isinstance(happening, SOFT):
                    reading = reading and await send(self._house.status())
        except Lagging:
            _log.warning("a watcher fell behind")


async def _pass_on_sightings(client: socket.socket, number: int, surveyor: Surveyor) -> None:
    while await packets.send_within(
        client, encode_news(number, await surveyor.next()), READ_WITHIN_S
    ):
        pass


def _without_effect(request: Away | Shelve | Drill | Identify) -> Phrase:
    match request:
        case Away(ends=True):
            return phrase("nobody is announced to be away")
        case Away():
            return phrase("that moment has passed")
        case Shelve():
            return phrase("that moment has passed, and the alarm is not shelved")
        case Drill():
            return phrase("the last drill is still open at the center")
        case Identify():
            return phrase("it cannot show itself now")
