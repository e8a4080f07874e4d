"""Where the driver processes meet the gateway: observations in, the device table and commands out.

Each driver is read in bursts, one burst a turn, so that none can keep another or the gateway
waiting; what the inbox cannot take of it stays in its socket. A driver that does not read, says
nothing at first or sends rubbish three times in a row is hung up on, and may come again.
"""

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from edge import packets
from edge.driver_faults import Clock, DriverFaults, elapse
from edge.driver_table import may_say, table
from edge.inbox import Inbox
from edge.receptions import Receptions as Received
from edge.status import DriverStatus
from edge.surveys import Surveys
from rules.air import Reception, Receptions, Settings, Sighting, Survey
from rules.alarm import AlarmKind
from rules.command import Command
from rules.device import Link
from rules.errors import FrameError
from rules.inputs import CommandResult, Technical
from rules.observation import URGENT, DeviceId, Observation
from rules.wire import (
    MAX_BYTES,
    DriverFault,
    Hello,
    KeyedDevice,
    Message,
    Observed,
    Order,
    decode,
    encode,
)

HELLO_WITHIN_S = 5.0
CONNECTIONS_MAX = 16
"One a link is needed; the rest is room for those that are being replaced."
_NOTHING_SET: Mapping[Link, Settings] = MappingProxyType({})
_SPOILT_MAX = 3
_HEEDED = timedelta(seconds=1)
"Each begin and end of a survey makes radios listen anew, and they are deaf for that moment."
_HEEDED_US = _HEEDED // timedelta(microseconds=1)
_ITS_OWN = frozenset(
    {
        AlarmKind.DRIVER_LOST,
        AlarmKind.RADIO_LOST,
        AlarmKind.FRAMES_REFUSED,
        AlarmKind.JOURNAL_RESTORED,
        AlarmKind.DISK_FAILING,
    }
)
"""What a driver knows better than the gateway: its radio, its frames and its own files. All else
is judged here, or a driver could say that a home is no longer blind."""
_LATE_AT_MOST = timedelta(hours=1)
"A driver holds no observation for so long; an older stamp is wrong."

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Radio:
    """One link: its driver of the moment, if there is one, and what is wrong with it."""

    link: Link
    faults: DriverFaults
    driver: str = ""
    peer: socket.socket | None = None
    refused: int = 0


class DriverSocket:
    """The gateway's end of the driver socket."""

    def __init__(
        self,
        listener: socket.socket,
        inbox: Inbox,
        clock: Clock,
        devices: Sequence[KeyedDevice],
        settings: Mapping[Link, Settings] = _NOTHING_SET,
    ) -> None:
        """Take over `listener`, made by `edge.packets.listen`; `run` closes it.

        Args:
            listener: where drivers come.
            inbox: where what they tell goes.
            clock: the gateway's.
            devices: all of the home.
            settings: what the driver of a link is told before its devices.

        """
        self._listener = listener
        self._inbox = inbox
        self._clock = clock
        self._settings = settings
        self._radios: dict[Link, _Radio] = {}
        self._connections = 0
        self._table: dict[DeviceId, KeyedDevice] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._received = Received()
        self._survey_us = 0
        "Drivers survey until then, by boot time."
        self._survey_asked_us = 0
        self._surveying_since_us = 0
        self._ending: asyncio.Task[None] | None = None
        self.surveys = Surveys(self._survey)
        self.devices_changed(devices)

    async def run(self) -> None:
        """Serve drivers until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                for link in Link:
                    faults = DriverFaults(link, self._inbox, self._clock, tasks)
                    self._radios[link] = _Radio(link, faults)
                self._look_for_drivers()
                try:
                    await self._accept(tasks)
                finally:
                    # From here on no driver is missed: the group takes no more tasks.
                    self._tasks = None
        finally:
            packets.unlisten(self._listener)

    def send(self, command: Command) -> bool:
        """Pass a command to the driver of its device; False if none will have it."""
        keyed = self._table.get(command.device)
        radio = None if keyed is None else self._radios.get(keyed.device.link)
        if radio is None or radio.peer is None:
            return False
        left_us = (command.expires - self._clock.now()) // timedelta(microseconds=1)
        return self._send(radio.peer, Order(command, self._clock.boottime_us() + left_us))

    def listened_to(self, device: DeviceId) -> bool:
        """Whether the driver of a device is there."""
        keyed = self._table.get(device)
        radio = None if keyed is None else self._radios.get(keyed.device.link)
        return radio is not None and radio.peer is not None

    def receptions(self) -> dict[DeviceId, Reception]:
        """How each device is received where it is received best, as far as it was told."""
        return self._received.best(self._clock.boottime_us())

    def _survey(self, length: timedelta) -> None:
        """Have all drivers tell who is about, for so long from now.

        What changes little is not told, and the end of one that has just begun waits: nobody who
        asks without pause keeps a radio from hearing.
        """
        at_us = self._clock.boottime_us()
        self._survey_asked_us = at_us + length // timedelta(microseconds=1)
        if length:
            if self._survey_asked_us - self._survey_us < _HEEDED_US:
                return
            if self._survey_us <= at_us:
                self._surveying_since_us = at_us
            self._tell_survey()
        elif self._tasks is None or at_us - self._surveying_since_us >= _HEEDED_US:
            self._tell_survey()
        elif self._ending is None:
            self._ending = self._tasks.create_task(self._end_survey(), name="survey ends")

    async def _end_survey(self) -> None:
        """End it, if nobody has asked for it again meanwhile."""
        await elapse(self._clock, _HEEDED)
        self._ending = None
        if self._survey_asked_us <= self._clock.boottime_us():
            self._tell_survey()

    def _tell_survey(self) -> None:
        self._survey_us = self._survey_asked_us
        for radio in self._radios.values():
            if radio.peer is not None:
                self._send(radio.peer, Survey(self._survey_us))

    def devices_changed(self, devices: Sequence[KeyedDevice]) -> None:
        """Give every driver its new table.

        Raises:
            ConfigError: the devices of one link do not fit into a packet; the old table stands.

        """
        tables = {link: table(link, devices) for link in Link}
        self._table = {keyed.device.id: keyed for keyed in devices}
        self._received.retain(self._table.keys())
        for link, radio in self._radios.items():
            if radio.peer is not None:
                self._send(radio.peer, tables[link])
        self._look_for_drivers()

    @staticmethod
    def check(devices: Sequence[KeyedDevice]) -> None:
        """Whether `devices_changed` would take these.

        Raises:
            ConfigError: as there.

        """
        for link in Link:
            table(link, devices)

    def drivers(self) -> tuple[DriverStatus, ...]:
        """The drivers of all links that have devices or had a driver."""
        wanted = self._links()
        return tuple(
            DriverStatus(
                radio.link,
                radio.driver,
                radio.peer is not None,
                self._inbox.dropped_of(radio.faults.source),
                radio.refused,
            )
            for radio in self._radios.values()
            if radio.link in wanted or radio.driver
        )

    def _links(self) -> set[Link]:
        return {keyed.device.link for keyed in self._table.values()}

    def _look_for_drivers(self) -> None:
        """Miss a driver where there are devices, and only there."""
        if self._tasks is None:
            return
        wanted = self._links()
        for link, radio in self._radios.items():
            if radio.peer is not None:
                continue
            if link in wanted:
                radio.faults.missing()
            else:
                self._tasks.create_task(radio.faults.not_missed(), name=f"{link} not needed")

    def _send(self, peer: socket.socket, message: Message) -> bool:
        if packets.send(peer, encode(message)):
            return True
        # A driver that does not read is stuck; it will come again, or be missed.
        packets.hang_up(peer)
        return False

    async def _accept(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            peer = await packets.accept(self._listener)
            if self._connections >= CONNECTIONS_MAX:
                peer.close()
                continue
            self._connections += 1
            tasks.create_task(self._serve(peer), name="driver")

    async def _serve(self, peer: socket.socket) -> None:
        try:
            with peer:
                hello = await self._hello(peer)
                if hello is not None:
                    await self._attend(peer, hello)
        finally:
            self._connections -= 1

    async def _hello(self, peer: socket.socket) -> Hello | None:
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                packet = await packets.receive_one(peer, MAX_BYTES)
            if not packet:
                return None
            message = decode(packet)
        except TimeoutError:
            _log.warning("a driver connected and said nothing")
        except FrameError as error:
            _log.warning("a driver connected with rubbish: %s", error)
        else:
            if isinstance(message, Hello):
                return message
            _log.warning("a driver connected without a hello")
        return None

    async def _attend(self, peer: socket.socket, hello: Hello) -> None:
        radio = self._radios[hello.link]
        if radio.peer is not None:
            _log.warning("%s: replaced by %s", radio.faults.source, hello.driver)
            packets.hang_up(radio.peer)
        radio.peer, radio.driver = peer, hello.driver
        settings = self._settings.get(hello.link)
        told = settings is None or self._send(peer, settings)
        if told and self._send(peer, table(hello.link, list(self._table.values()))):
            await radio.faults.not_missed()
            radio.faults.listened_to()
            if self._clock.boottime_us() < self._survey_us:
                self._send(peer, Survey(self._survey_us))
            await self._read(peer, radio)
        if radio.peer is peer:
            radio.peer = None
            self._look_for_drivers()

    async def _read(self, peer: socket.socket, radio: _Radio) -> None:
        spoilt = 0
        while burst := await packets.receive(peer, MAX_BYTES):
            for packet in burst:
                try:
                    message = decode(packet)
                except FrameError as error:
                    radio.refused += 1
                    spoilt += 1
                    await radio.faults.refuse("packets of its driver", str(error))
                    if spoilt == _SPOILT_MAX:
                        return
                else:
                    spoilt = 0
                    await self._take(message, radio)

    async def _take(self, message: Message, radio: _Radio) -> None:
        item: Observation | Technical | CommandResult
        urgent = True
        match message:
            case Observed():
                if not await self._is_its_own(message.device, radio):
                    return
                if not may_say(self._table[message.device].device, message.phenomenon):
                    radio.refused += 1
                    told = f"{message.phenomenon} of {message.device}"
                    await radio.faults.refuse("what its devices cannot observe", told)
                    return
                item = self._observation(message)
                urgent = item.phenomenon in URGENT
            case DriverFault(kind, scope, present, said):
                if not await self._may_claim(kind, scope, radio):
                    return
                item = Technical(kind, scope, present, said)
            case CommandResult():
                item = message
            case Sighting() | Receptions():
                await self._show(message, radio)
                return
            case _:
                radio.refused += 1
                await radio.faults.refuse("packets of its driver", "a packet of the gateway's")
                return
        source = radio.faults.source
        if not self._inbox.put(item, urgent=urgent, source=source):
            await self._inbox.put_waiting(item, urgent=urgent, source=source)

    async def _show(self, message: Sighting | Receptions, radio: _Radio) -> None:
        """Keep what only technicians look at away from everything that decides."""
        if isinstance(message, Receptions):
            told = message.receptions
            own = [one for one in told if await self._is_its_own(one.device, radio)]
            self._received.take(own, self._clock.boottime_us())
        elif message.device is None or await self._is_its_own(message.device, radio):
            self.surveys.tell(message)

    async def _may_claim(self, kind: AlarmKind, scope: DeviceId | None, radio: _Radio) -> bool:
        """Whether a driver may say that something is wrong, or is no more."""
        if kind not in _ITS_OWN or scope is None:
            radio.refused += 1
            await radio.faults.refuse("a driver's claim", f"{kind} of {scope}")
            return False
        its_part = f"{scope}:".startswith(f"{radio.faults.source}:")
        return its_part or await self._is_its_own(scope, radio)

    async def _is_its_own(self, device: DeviceId, radio: _Radio) -> bool:
        """Whether a device is this driver's. One that nobody has was just removed."""
        keyed = self._table.get(device)
        if keyed is not None and keyed.device.link is radio.link:
            return True
        radio.refused += 1
        if keyed is not None:
            await radio.faults.refuse("another driver's device", device)
        return False

    def _observation(self, seen: Observed) -> Observation:
        now = self._clock.now()
        age = timedelta(microseconds=self._clock.boottime_us() - min(seen.boottime_us, 1 << 62))
        at = now - min(max(age, timedelta()), _LATE_AT_MOST)
        return Observation(seen.device, seen.phenomenon, seen.value, at, now, seen.quality)
