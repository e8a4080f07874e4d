"""One BLE driver process: radio to gateway, and the gateway's commands to the radio."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from drivers.ble import BleAdapter, RawAdvert
from drivers.ble.bthome import mac_of
from drivers.ble.keeper import RadioState, Trouble
from drivers.ble.node_session import Unbelieved
from drivers.ble.waiting import Waiting
from drivers.clock import Clock, elapse
from drivers.guard import CounterGuard
from drivers.link import GatewayLink, Incoming
from drivers.pending import Pending
from rules.air import Proxy, Reception, Receptions, Settings, Sighting, Survey
from rules.alarm import AlarmKind
from rules.command import Command, Refusal
from rules.device import Device, Link
from rules.errors import LinkLost
from rules.inputs import CommandResult
from rules.observation import DeviceId
from rules.sentence import Say, sentence
from rules.wire import Devices, DriverFault, Hello, KeyedDevice, Order

_log = logging.getLogger(__name__)

_MICROSECONDS: Final = 1_000_000
_HOUSEKEEPING: Final = timedelta(minutes=5)

_RECEPTIONS_EVERY_US: Final = 600_000_000
_RECEPTIONS_LOOKED_AT: Final = timedelta(minutes=1)
_RECEPTIONS_A_PACKET: Final = 100
"About 25,000 bytes with long names; a packet holds 65,536."
SURVEY_S_MAX: Final = 60.0
"However long a gateway asks for: one that is still there asks again."
_SIGHTINGS_EVERY_S: Final = 1.0

_SAID: Final = {
    Trouble.GONE: Say.RADIO_GONE,
    Trouble.SILENT: Say.RADIO_SILENT,
    Trouble.LOST: Say.PROXY_LOST,
    Trouble.REFUSED: Say.PROXY_REFUSED,
}

_COMMANDS_MAX: Final = 32
_EARLY_MAX: Final = 4_096
_EARLY_OF_ONE: Final = 128
"Of one address: neighbours' sensors do not push the home's own out."
_EARLY_OF_KNOWN: Final = 512


class Radio(Protocol):
    """What hears adverts and reaches devices."""

    def adverts(self) -> AsyncIterator[RawAdvert | RadioState | Unbelieved]:
        """Adverts as they are heard, of any device; troubles, and answers that were not believed.

        Raises:
            LinkLost: the radio is gone; the process ends and is started again.

        """

    def set_devices(self, devices: Iterable[KeyedDevice]) -> None:
        """Take over the device table: adverts of others are not wanted."""

    def set_proxies(self, proxies: Iterable[Proxy]) -> None:
        """Listen by these, too, and by no others from now on."""

    async def perform(self, command: Command, device: Device) -> Refusal | None:
        """Carry out a command; None when the device has done it.

        Raises:
            LinkLost: the device was not reached.

        """

    async def survey(self, for_s: float) -> None:
        """Listen to strangers too, for so long from now; 0: no more. The home's own come first."""

    def sightings(self) -> list[Sighting]:
        """Who was heard since the last call, while a survey lasts; a few hundred at most."""

    def receptions(self) -> list[Reception]:
        """How the home's devices are received, one device after the other."""


async def run(
    link: Link,
    socket: Path,
    state: Path,
    radio: Radio,
    clock: Clock,
    *,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Serve the gateway at `socket` until cancelled; marks are kept in the folder `state`.

    Raises:
        ExceptionGroup: of `LinkLost`, when the radio is gone.

    """
    assert link is Link.BLE, "the other links bring their own adapters"
    guard = CounterGuard(state / f"{link}.state")
    try:
        async with asyncio.TaskGroup() as group:
            driver = _Driver(link, guard, radio, clock, group)
            gateway = GatewayLink(socket, Hello(link.value, link), driver.pending, jitter)
            group.create_task(gateway.run(), name="gateway link")
            group.create_task(driver.obey(gateway.incoming), name="commands")
            group.create_task(driver.listen(), name="radio")
            group.create_task(driver.keep_house(), name="housekeeping")
            group.create_task(driver.look_around(), name="survey")
            group.create_task(driver.tell_receptions(), name="receptions")
    finally:
        guard.close()


class _Driver:
    def __init__(
        self,
        link: Link,
        guard: CounterGuard,
        radio: Radio,
        clock: Clock,
        group: asyncio.TaskGroup,
    ) -> None:
        self.pending = Pending()
        self._part = DeviceId(f"driver:{link}")
        self._guard = guard
        self._adapter = BleAdapter(guard)
        self._radio = radio
        self._clock = clock
        self._group = group
        self._under_way: set[int] = set()
        # Heard before the gateway has told the devices and their keys.
        self._early: tuple[Waiting, Waiting] | None = (
            Waiting(_EARLY_MAX, _EARLY_OF_KNOWN),
            Waiting(_EARLY_MAX, _EARLY_OF_ONE),
        )
        "Of the home's own as an earlier run knew them, and of anybody else."
        self._failing_told: str | None = None
        self._surveyed = asyncio.Event()
        self._survey_until_s = 0.0
        "By the event loop's clock: a radio and a technician live in real seconds."
        self._receptions_us: int | None = None
        "When the gateway was told of them; None: it has not been."
        self._tell(AlarmKind.JOURNAL_RESTORED, Say.JOURNAL_RESTORED, guard.finding)
        self._tell(AlarmKind.DISK_FAILING, Say.DISK_FAILING, None)

    async def listen(self) -> None:
        """Turn adverts into observations as they come."""
        async for advert in self._radio.adverts():
            if isinstance(advert, RadioState):
                self._tell_of(advert)
            elif isinstance(advert, Unbelieved):
                at_us, now = self._clock.boottime_us(), self._clock.now()
                fault = self._adapter.refuse(advert.device, advert.why, at_us, now)
                if fault is not None:
                    self.pending.put(fault)
            elif self._early is not None:
                own, others = self._early
                known = mac_of(advert.address) in self._guard.macs
                (own if known else others).put(advert)
            else:
                self._hear(advert)

    async def obey(self, incoming: asyncio.Queue[Incoming]) -> None:
        """Take over device tables and carry out commands."""
        while True:
            message = await incoming.get()
            if isinstance(message, Devices):
                self._adapter.set_devices(message.devices)
                self._radio.set_devices(message.devices)
                self._receptions_us = None  # A gateway that has just begun knows none.
                early, self._early = self._early or (), None
                for waiting in early:
                    while waiting:
                        self._hear(waiting.take())
            elif isinstance(message, Survey):
                await self._survey(message)
            elif isinstance(message, Settings):
                self._radio.set_proxies(message.proxies)
            elif (id_ := message.command.id) in self._under_way:
                _log.info("command %d came again while it is carried out", id_)
            elif len(self._under_way) >= _COMMANDS_MAX:
                self.pending.put(CommandResult(id_, Refusal.REFUSED))
            else:
                self._under_way.add(id_)
                self._group.create_task(self._carry_out(message), name=f"command {id_}")

    async def keep_house(self) -> None:
        """Tell of faults that are over."""
        while True:
            await elapse(self._clock, _HOUSEKEEPING)
            now = self._clock.now()
            for fault in self._adapter.over(self._clock.boottime_us(), now):
                self.pending.put(fault)

    async def look_around(self) -> None:
        """While a survey lasts, tell who is heard."""
        loop = asyncio.get_running_loop()
        while True:
            await self._surveyed.wait()
            self._surveyed.clear()
            while loop.time() < self._survey_until_s:
                await asyncio.sleep(_SIGHTINGS_EVERY_S)
                for sighting in self._radio.sightings():
                    self.pending.put(sighting)

    async def tell_receptions(self) -> None:
        """Tell how devices are received, as soon as it is known and every ten minutes."""
        while True:
            await elapse(self._clock, _RECEPTIONS_LOOKED_AT)
            at_us, last_us = self._clock.boottime_us(), self._receptions_us
            if last_us is not None and at_us - last_us < _RECEPTIONS_EVERY_US:
                continue
            found = self._radio.receptions()
            for begin in range(0, len(found), _RECEPTIONS_A_PACKET):
                self.pending.put(Receptions(tuple(found[begin : begin + _RECEPTIONS_A_PACKET])))
                self._receptions_us = at_us

    async def _survey(self, asked: Survey) -> None:
        left_s = (asked.until_boottime_us - self._clock.boottime_us()) / _MICROSECONDS
        for_s = min(max(left_s, 0.0), SURVEY_S_MAX)
        await self._radio.survey(for_s)
        self._survey_until_s = asyncio.get_running_loop().time() + for_s
        self._surveyed.set()

    def _hear(self, advert: RawAdvert) -> None:
        for message in self._adapter.receive(advert, self._clock.now()):
            self.pending.put(message)
        if self._guard.failing != self._failing_told:
            self._failing_told = self._guard.failing
            self._tell(AlarmKind.DISK_FAILING, Say.DISK_FAILING, self._failing_told)

    def _tell(self, kind: AlarmKind, say: Say, detail: str | None) -> None:
        now = self._clock.now()
        if detail is None:
            said = sentence(Say.FAULT_OVER, at=now)
        else:
            _log.error("%s", detail)
            said = sentence(say, at=now, detail=detail)
        self.pending.put(DriverFault(kind, self._part, detail is not None, said))

    def _tell_of(self, radio: RadioState) -> None:
        """Of a radio in trouble, or that it is over."""
        now, called = self._clock.now(), radio.called or radio.radio
        if radio.trouble is None:
            said = sentence(Say.FAULT_OVER, at=now)
        else:
            _log.error("%s is %s", called, radio.trouble)
            since = now - timedelta(seconds=radio.for_s)
            when = {"at": now} if radio.trouble is Trouble.REFUSED else {"since": since}
            said = sentence(_SAID[radio.trouble], radio=called, **when)
        scope = DeviceId(f"{self._part}:{radio.radio}")
        present = radio.trouble is not None
        self.pending.put(DriverFault(AlarmKind.RADIO_LOST, scope, present, said))

    async def _carry_out(self, order: Order) -> None:
        id_ = order.command.id
        try:
            refusal = await self._outcome(order)
        finally:
            self._under_way.discard(id_)
        self.pending.put(CommandResult(id_, refusal))

    async def _outcome(self, order: Order) -> Refusal | None:
        command = order.command
        device = self._adapter.device(command.device)
        if device is None or command.output not in device.outputs:
            return Refusal.UNSUPPORTED
        # By boot time: this machine's date may be any, and the gateway's another.
        left = timedelta(microseconds=order.until_boottime_us - self._clock.boottime_us())
        if left <= timedelta():
            return Refusal.EXPIRED
        async with asyncio.TaskGroup() as race:
            done = race.create_task(self._perform(command, device))
            timer = race.create_task(elapse(self._clock, left))
            await asyncio.wait((done, timer), return_when=asyncio.FIRST_COMPLETED)
            done.cancel()
            timer.cancel()
        return Refusal.EXPIRED if done.cancelled() else done.result()

    async def _perform(self, command: Command, device: Device) -> Refusal | None:
        try:
            return await self._radio.perform(command, device)
        except LinkLost as error:
            _log.info("%s: %s", device.id, error)
            return Refusal.UNREACHABLE
