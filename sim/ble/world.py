"""The Bluetooth of a simulated home: devices, walls, bluetoothd, and the neighbours.

The home lives in virtual time. bluetoothd, its bus, whoever listens and whoever would connect live
in real time, and so do the neighbours and the beat of the nodes.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Final

from drivers.clock import SystemClock
from rules.command import Signal
from sim.air.home import VirtualHome
from sim.air.told import CaughtUp
from sim.ble.bluez import Bluez
from sim.ble.broadcast import Broadcast
from sim.ble.ether import Ether, Receiver
from sim.ble.frame import Frame
from sim.ble.gatt import Link
from sim.ble.peripherals.crowd import Crowd
from sim.ble.peripherals.node import PlugNode
from sim.ble.peripherals.sensor import Antenna
from sim.ble.world_flat import GATEWAY_AT, LOSS, plan
from sim.ble.world_flights import Departures
from sim.clock import SharedClock
from sim.homes.dwelling import Installed

ADAPTER: Final = "00:1A:7D:DA:71:01"

_NEIGHBOURS: Final = 6
_BEAT_S: Final = 1.0
"A node says something each second; the rest of a home speaks when it has to."
_REPEAT_S: Final = 0.1
"And adverts the same in between: whoever would connect waits for the next one."
_LOOK_S: Final = 0.01
_AWAY_MAX: Final = 32
"A driver makes room for so many adverts of one address; time waits for what is behind."
_GIVE_WAY_S: Final = 0.001

# Ref: docs/protocol/node.md, Frames.
_IDENTIFY: Final = 4
_EXPRESSES: Final = frozenset({2, 3, _IDENTIFY})
_SIGNALS: Final = {
    0: Signal.OFF,
    1: Signal.PROMPT,
    2: Signal.SOS_SENT,
    3: Signal.HAZARD,
    4: Signal.TAKEN,
}

_log = logging.getLogger(__name__)


class World:
    """Everything that is on the air around one gateway. `run` must run."""

    def __init__(
        self,
        bus: str,
        home: VirtualHome,
        installed: Iterable[Installed],
        clock: SharedClock,
        departures: Departures,
        random: Random,
        *,
        loss: float = LOSS,
    ) -> None:
        """Put a home into a flat.

        Args:
            bus: address of the bus that bluetoothd serves on.
            home: what happens in it.
            installed: its devices.
            clock: virtual time.
            departures: of its frames.
            random: draws walls, losses and neighbours.
            loss: of each frame, however near its sender is.

        """
        self._home = home
        self._clock = clock
        self._departures = departures
        installed = tuple(installed)
        self._names = {one.device.address: one.device.id for one in installed}
        self._nodes = {
            one.device.id: self._node(one, random) for one in installed if one.device.outputs
        }
        self._last: dict[str, Frame] = {}
        self._said: CaughtUp | None = None
        ether = Ether(random, {ADAPTER: Receiver(GATEWAY_AT)}, plan(loss))
        self.link = Link()
        self.bluez = Bluez(bus, {ADAPTER: 0}, self.link)
        self._sooner = asyncio.Event()
        home.sooner = self._sooner.set
        self._around = Broadcast(ether, SystemClock(), {ADAPTER: self.bluez.hear})
        self._around.add(Crowd(random, _NEIGHBOURS, SystemClock().now()))
        self._ether = ether

    async def run(self, listened: Callable[[], None]) -> None:
        """Live until cancelled; `listened` is called when somebody listens for the first time."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.bluez.run(), name="bluez")
            for node in self._nodes.values():
                await node.open(self.link)
                group.create_task(node.run(), name=f"node {node.address}")
            await self._listened()
            listened()
            group.create_task(self._live(), name="home")
            group.create_task(self._around.run(), name="neighbours")
            group.create_task(self._beat(), name="beat")
            group.create_task(self._repeat(), name="nodes")

    def caught_up(self) -> CaughtUp:
        """How far the home is; while nobody listens it stays where it was."""
        if self._said is None or self.bluez.scanning(ADAPTER):
            now = self._clock.now()
            said = self._home.caught_up(min(now, self._departures.oldest() or now))
            heard = {self._names[sender]: at for sender, at in self._departures.heard.items()}
            self._said = replace(said, heard=heard, unheard=self._departures.tally.unheard)
        return self._said

    def tell_tally(self) -> None:
        """Write into the log what became of the frames."""
        tally = self._departures.tally
        _log.info(
            "frames that reached the adapter: %d; heard by the driver: %d; not heard: %d",
            tally.sent,
            tally.heard,
            tally.unheard,
        )

    def _node(self, installed: Installed, random: Random) -> PlugNode:
        """What takes connections; its adverts are the home's."""
        device = installed.device
        node = PlugNode(device.address, installed.key, Antenna(), self._clock.now, random=random)

        def did(op: int, argument: int) -> None:
            signal = Signal.IDENTIFY if op == _IDENTIFY else _SIGNALS.get(argument)
            if op in _EXPRESSES and signal is not None:
                self._home.signalled(device.id, signal, self._clock.now())

        node.did = did
        return node

    async def _listened(self) -> None:
        while not self.bluez.scanning(ADAPTER):  # noqa: ASYNC110 -- of another process
            await asyncio.sleep(_LOOK_S)

    async def _live(self) -> None:
        """Send what happens at its moment, and no more at once than a radio is made for."""
        while True:
            due = self._home.next_due()
            now = self._clock.now()
            if due > now:
                await self._sleep(due)
            elif self._departures.away() >= _AWAY_MAX:
                await asyncio.sleep(_GIVE_WAY_S)
            else:
                for frame in self._home.emit(now):
                    for _, rssi_dbm in self._ether.spread(frame):
                        self._receive(frame, rssi_dbm)

    async def _sleep(self, due: datetime) -> None:
        """Until the moment, or until something earlier is to be sent."""
        self._sooner.clear()
        async with asyncio.TaskGroup() as group:
            moment = group.create_task(self._clock.sleep_until(due), name="home sleeps")
            sooner = group.create_task(self._sooner.wait(), name="home is woken")
            await asyncio.wait((moment, sooner), return_when=asyncio.FIRST_COMPLETED)
            moment.cancel()
            sooner.cancel()

    def _receive(self, frame: Frame, rssi_dbm: int) -> None:
        moment = self._home.moment
        boottime_us = self._clock.boottime_us_at(moment)
        self._departures.depart(frame.address, frame.data, moment, boottime_us)
        if frame.connectable:
            self._last[frame.address] = frame
        self.bluez.hear(ADAPTER, frame, rssi_dbm)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            for name in self._nodes:
                self._home.beat(name, self._clock.now())

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(_REPEAT_S)
            for frame in list(self._last.values()):
                for adapter, rssi_dbm in self._ether.spread(frame):
                    self.bluez.hear(adapter, frame, rssi_dbm)
