"""The driver's own stack under what may befall it: does it hear, and how soon does it hear again.

bleak, habluetooth, `BluezRadio` and `BleAdapter` as they run in a home, by their usual policy.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from drivers.ble import BleAdapter, RawAdvert
from drivers.ble.bthome import UUID16, mac_of
from drivers.ble.keeper import Policy, RadioState
from drivers.ble.radio import BluezRadio
from drivers.clock import SystemClock
from drivers.guard import CounterGuard
from rules.command import Command, Refusal, Signal
from rules.device import Device, Link, Output
from rules.errors import LinkLost
from rules.observation import DeviceId, Phenomenon
from rules.wire import DriverFault, KeyedDevice, Observed
from sim.air import bthome
from sim.ble.adapter import Until
from sim.ble.frame import Frame, flags, service_data
from sim.ble.peripherals.node import PlugNode
from sim.ble.peripherals.sensor import Antenna
from sim.ble.vm.record import Book
from sim.ble.vm.stage import HCI0, Stage
from texts import N_

_ADDRESS: Final = "C0:DE:CC:00:00:0A"
_NODE: Final = "C0:DE:CC:00:00:0C"
_STRANGER: Final = "C0:DE:CC:00:00:0B"
_KEY: Final = b"sixteen bytes ok"
_ADVERT_EVERY_S: Final = 0.1
_WATTS: Final = 5_000
"Readings repeat after so many."
_FORGED_W: Final = 9_999.0
_DBM: Final = -60
_BUZZER: Final = 3
"Ref: docs/protocol/node.md, op."
_EXPIRES: Final = timedelta(seconds=10)

HEARS: Final = N_("the driver hears the plug")
PASSIVE: Final = N_("its scan is passive")
DECODES: Final = N_("each reading arrives decoded")
FORGED: Final = N_("a forged reading")
COMMANDED: Final = N_("a command to a plug node")
AGAIN: Final = N_("a command after all that")
RESTARTED: Final = N_("bluetoothd ended and started again")
KILLED: Final = N_("bluetoothd killed and started again")
REPLUGGED: Final = N_("adapter pulled out and put in again")
SILENT: Final = N_("adapter silent until it scans anew")
STUCK: Final = N_("adapter silent until it is switched off and on")

_COUNTED_S: Final = 5.0
_AWAY_S: Final = 2.0
_PROMPT_S: Final = 10.0
"Of what is noticed; emulated machines are slow."
_SILENT_S: Final = 45.0
"Of a silence that must be waited for."
_STUCK_S: Final = 90.0
_WITHIN_S: Final = 150.0
_CHATTER_S: Final = 2 * Policy().chatter_s + 5
_LOOK_EVERY_S: Final = 0.01


class Home:
    """A plug that says what it measures, its driver, and what has come out of it."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.clock = SystemClock()
        self.radio = BluezRadio(self.clock.boottime_us, state=folder)
        self.adapter = BleAdapter(CounterGuard(folder / "marks"))
        self.node = PlugNode(_NODE, _KEY, Antenna(), self.clock.now, random=Random(1))
        table = [_known("plug", _ADDRESS, "test"), _known("node", _NODE, "Ongi plug node")]
        self._device = table[1].device
        self.radio.set_devices(table)
        self.adapter.set_devices(table)
        self.sent: list[float] = []
        self.heard: list[float] = []
        self.faults = 0
        self.states: list[RadioState] = []
        self._counters = itertools.count(1)

    async def listen(self) -> None:
        """Take what the radio hears."""
        async for one in self.radio.adverts():
            if isinstance(one, RadioState):
                self.states.append(one)
            if not isinstance(one, RawAdvert):
                continue
            for said in self.adapter.receive(one, self.clock.now()):
                self.faults += isinstance(said, DriverFault)
                if (
                    isinstance(said, Observed)
                    and said.device == "plug"
                    and said.phenomenon is Phenomenon.POWER_W
                ):
                    assert isinstance(said.value, float)
                    self.heard.append(said.value)

    async def talk(self) -> None:
        """Say something new again and again, and let a stranger speak."""
        stranger = Frame(_STRANGER, flags() + service_data(0x1234, b"hello"))
        for number in itertools.count():
            watts = float(number % _WATTS)
            self.sent.append(watts)
            self.advertise(watts, _KEY)
            self.stage.hear(HCI0, stranger, _DBM)
            now = self.clock.now()
            if (due := self.node.next_due()) is not None and due <= now:
                for frame in self.node.emit(now):
                    self.stage.hear(HCI0, frame, _DBM)
            await asyncio.sleep(_ADVERT_EVERY_S)

    async def command(self) -> Refusal | None:
        """Ask the node for a prompt, as the gateway does.

        Raises:
            LinkLost: it cannot be reached.

        """
        expires = self.clock.now() + _EXPIRES
        order = Command(1, self._device.id, Output.BUZZER, Signal.PROMPT, expires)
        return await self.radio.perform(order, self._device)

    def advertise(self, watts: float, key: bytes) -> None:
        """One advert of the plug."""
        mac = mac_of(_ADDRESS)
        assert mac is not None
        objects = bthome.encode([bthome.carrying(Phenomenon.POWER_W, watts)])
        data = bthome.sealed(objects, mac, key, next(self._counters))
        self.stage.hear(HCI0, Frame(_ADDRESS, flags() + service_data(UUID16, data)), _DBM)

    async def until(self, condition: Callable[[], object], within_s: float = _WITHIN_S) -> float:
        """How long until something is so; infinite: it was not in time."""
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        while not condition():
            if loop.time() > begin_s + within_s:
                return float("inf")
            await asyncio.sleep(_LOOK_EVERY_S)
        return loop.time() - begin_s

    async def hears_anew(self) -> float:
        """How long until something is heard that is said from now on."""
        begin = len(self.sent)
        return await self.until(lambda: self.heard and self.heard[-1] in self.sent[begin:])


async def prove(stage: Stage, book: Book, folder: Path) -> None:
    """Carry out every trial."""
    async with _home(stage, folder) as home:
        await _hears(home, book)
        await _commands(home, book)
        await stage.restart(_AWAY_S)
        await _hears_again(home, book, RESTARTED, _PROMPT_S)
        await stage.kill(_AWAY_S)
        await _hears_again(home, book, KILLED, _PROMPT_S)
        stage.unplug(HCI0)
        await asyncio.sleep(_AWAY_S)
        stage.plug(HCI0, 0)
        await _hears_again(home, book, REPLUGGED, _PROMPT_S)
        await _commands(home, book, AGAIN)
        stage.freeze(HCI0, Until.RESCAN)
        await _hears_again(home, book, SILENT, _SILENT_S)
        # Only where something was heard all the time is silence taken for more than a quiet home.
        await asyncio.sleep(_CHATTER_S)
        stage.freeze(HCI0, Until.POWER)
        await _hears_again(home, book, STUCK, _STUCK_S)


async def _hears(home: Home, book: Book) -> None:
    await _hears_again(home, book, HEARS, _PROMPT_S)
    asked = home.stage.asked(HCI0) or ""
    book.proof(PASSIVE, asked, right=asked == "passive")
    begin, heard = len(home.sent), len(home.heard)
    await asyncio.sleep(_COUNTED_S)
    sent, came = home.sent[begin:], home.heard[heard:]
    wrong = [watts for watts in came if watts not in home.sent]
    # One may be on its way at either end.
    right = len(came) >= len(sent) - 2 and not wrong
    book.proof(DECODES, f"{len(came)}/{len(sent)}, {len(wrong)} wrong", right=right)
    home.advertise(_FORGED_W, b"another key, 16b")
    await asyncio.sleep(1)
    forged = _FORGED_W in home.heard
    book.proof(FORGED, "taken" if forged else "refused", right=not forged)


async def _commands(home: Home, book: Book, what: str = COMMANDED) -> None:
    before = len(home.node.done)
    loop = asyncio.get_running_loop()
    begin_s = loop.time()
    try:
        said = str(await home.command())
    except LinkLost as error:
        said = str(error)
    done = home.node.done[before:]
    right = done == [(_BUZZER, 1)] and said == "None"
    book.proof(
        what, "done" if right else f"{said}; {done}", right=right, seconds=loop.time() - begin_s
    )


async def _hears_again(home: Home, book: Book, what: str, within_s: float) -> None:
    took_s = await home.hears_anew()
    recovered = took_s < float("inf")
    deaf = f"deaf; {home.stage.asked(HCI0)}; {[str(one) for one in home.states[-3:]]}"
    seconds = took_s if recovered else None
    book.proof(what, "hears" if recovered else deaf, right=took_s <= within_s, seconds=seconds)


def _known(name: str, address: str, model: str) -> KeyedDevice:
    device = Device(
        DeviceId(name),
        Link.BLE,
        address,
        model,
        "room",
        frozenset({Phenomenon.POWER_W}),
        timedelta(minutes=10),
        outputs=frozenset({Output.BUZZER}) if address == _NODE else frozenset(),
        keyed=True,
    )
    return KeyedDevice(device, _KEY)


@asynccontextmanager
async def _home(stage: Stage, folder: Path) -> AsyncIterator[Home]:
    home = Home(stage, folder)
    await home.node.open(stage.link)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(home.radio.run(), name="radio"),
            group.create_task(home.listen(), name="listen"),
            group.create_task(home.talk(), name="plug"),
            group.create_task(home.node.run(), name="node"),
        ]
        try:
            yield home
        finally:
            for task in tasks:
                task.cancel()
