"""The radio of the BLE driver: what BlueZ and proxies hear of the home's own devices.

Nothing is kept of the addresses around, save by a survey for as long as it lasts: what is not in
the device table goes by. Until there is a table, everything that is in a format of ours is handed
on.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from bleak.backends.scanner import AdvertisementData

from drivers.ble.adapters import Adapters
from drivers.ble.advert import RawAdvert
from drivers.ble.crowd import Crowd
from drivers.ble.formats import patterns
from drivers.ble.keeper import Policy, RadioState
from drivers.ble.makers import Makers
from drivers.ble.manager import manager
from drivers.ble.node import Nodes
from drivers.ble.node_counters import SentCounters
from drivers.ble.node_session import Unbelieved
from drivers.ble.proxies import Ears, Proxies, ProxyPolicy
from drivers.ble.scanner import Spoken
from drivers.ble.signal import Signals
from drivers.ble.waiting import Waiting
from rules.air import Proxy, Reception, Sighting
from rules.command import Command, Refusal
from rules.device import Device
from rules.wire import KeyedDevice

_ADVERTS_MAX: Final = 4096
"A few seconds of the busiest home."
_OF_ONE_MAX: Final = 256
"More than a second of one device at four radios."
_STATES_MAX: Final = 256
_AT_ONCE: Final = 64
"Adverts handed on before others have their turn."
_MICROSECONDS: Final = 1_000_000
_FORGOTTEN_S: Final = 86_400.0
"After so long a silence nothing is known any more of how a device is received."
_DEFAULT: Final = Policy()
_PROXIES: Final = ProxyPolicy()


class BluezRadio:
    """A radio (see `drivers.process.Radio`) of all adapters of this machine; `run` must run."""

    def __init__(
        self,
        boottime_us: Callable[[], int],
        policy: Policy = _DEFAULT,
        proxies: ProxyPolicy = _PROXIES,
        *,
        state: Path | None = None,
    ) -> None:
        """Stamp adverts by `boottime_us` as they are heard.

        In the folder `state` the counters of commands are kept; without it there are none.
        """
        self.nodes = None
        "Our own plug nodes."
        if state is not None:
            self.nodes = Nodes(SentCounters(state / "ble.sent.state"), self._tell)
        self._boottime_us = boottime_us
        self._policy = policy
        self._wanted: frozenset[str] | None = None
        self._signals = Signals()
        self._table: Mapping[str, Device] = {}
        self._makers = Makers()
        self._crowd = Crowd(self._makers)
        self._survey_s = -math.inf
        "Until then, by the event loop's clock, everybody is noticed."
        self._adapters: Adapters | None = None
        self._proxies = Proxies(Ears(self._listens_to, self._hear), self._tell, proxies)
        uuid16s, companies = patterns()
        self._patterns = (tuple(uuid16s), tuple(companies))
        self._spoken = Spoken(*self._patterns)
        self._adverts = Waiting(_ADVERTS_MAX, _OF_ONE_MAX)
        self._states: deque[RadioState | Unbelieved] = deque(maxlen=_STATES_MAX)
        self._some = asyncio.Event()
        self.heard = 0
        "Adverts of anybody."

    @property
    def dropped(self) -> int:
        """Adverts of the home's own that nobody took in time."""
        return self._adverts.dropped

    async def run(self) -> None:
        """Listen until cancelled, whatever befalls bluetoothd, the bus or an adapter."""
        async with manager(*self._patterns) as library:
            self._adapters = Adapters(library, self._policy, self._hear, self._tell)
            self._adapters.survey(self._survey_s)
            async with asyncio.TaskGroup() as group:
                if self.nodes is not None:
                    work = self.nodes.run(library.connectable_device)
                    group.create_task(work, name="nodes")
                group.create_task(self._proxies.run(library), name="proxies")
                await self._adapters.run()

    def set_devices(self, devices: Iterable[KeyedDevice]) -> None:
        """Listen for these from now on."""
        devices = tuple(devices)
        table = {keyed.device.address.upper(): keyed.device for keyed in devices}
        self._wanted = frozenset(table)
        self._table = table
        self._crowd.set_devices(devices)
        if self.nodes is not None:
            self.nodes.set_devices(devices)
        self._signals.retain(self._wanted)

    def set_proxies(self, proxies: Iterable[Proxy]) -> None:
        """See `drivers.process.Radio`."""
        self._proxies.set(proxies)

    async def adverts(self) -> AsyncIterator[RawAdvert | RadioState | Unbelieved]:
        """See `drivers.process.Radio`."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._states or self._adverts:
                while self._states:
                    yield self._states.popleft()
                for _ in range(min(len(self._adverts), _AT_ONCE)):
                    yield self._adverts.take()
                await asyncio.sleep(0)

    async def perform(self, command: Command, device: Device) -> Refusal | None:
        """See `drivers.process.Radio`; our own plug nodes take commands."""
        if self.nodes is None:
            return Refusal.UNSUPPORTED
        return await self.nodes.perform(command, device)

    async def survey(self, for_s: float) -> None:
        """See `drivers.process.Radio`."""
        if for_s > 0:
            await self._makers.load()
        at_s = asyncio.get_running_loop().time()
        if at_s >= self._survey_s:
            self._crowd.forget()  # What it knows is of an earlier survey.
        self._survey_s = at_s + for_s
        if self._adapters is not None:
            self._adapters.survey(self._survey_s)

    def sightings(self) -> list[Sighting]:
        """See `drivers.process.Radio`."""
        if asyncio.get_running_loop().time() >= self._survey_s:
            self._crowd.forget()
        found = self._crowd.sightings()
        return [replace(one, source=self._source(one.source)) for one in found]

    def receptions(self) -> list[Reception]:
        """See `drivers.process.Radio`."""
        since_s = self._boottime_us() / _MICROSECONDS - _FORGOTTEN_S
        return [
            Reception(
                self._table[one.address].id,
                self._source(one.source),
                one.rssi_dbm,
                one.trend_db,
                one.every_s,
                one.drowned,
            )
            for one in self._signals.receptions()
            if one.last_s >= since_s
        ]

    def _source(self, source: str) -> str:
        return source if self._adapters is None else self._adapters.name(source)

    def _listens_to(self, address: str) -> bool:
        """Whether an advert need be looked at."""
        if self._wanted is None or address in self._wanted:
            return True
        if asyncio.get_running_loop().time() < self._survey_s:
            return True
        self.heard += 1
        return False

    def _hear(
        self, source: str, address: str, advertisement: AdvertisementData
    ) -> tuple[bool, bool]:
        """Take an advert; whether it is in one of our formats, and may be connected to."""
        self.heard += 1
        elements = self._spoken.elements(advertisement)
        at_s = asyncio.get_running_loop().time()
        if at_s < self._survey_s:
            self._crowd.hear(source, address, advertisement, elements, self._boottime_us())
        # The library keeps what it needs to connect, and only of what is connected to.
        connectable = self.nodes is not None and self.nodes.heard(address)
        if not elements or (self._wanted is not None and address not in self._wanted):
            return bool(elements), connectable
        at_us = self._boottime_us()
        if self._wanted is not None:
            # Where a simulated day passes in minutes, its devices speak as often as it says.
            signal_s = at_us / _MICROSECONDS
            self._signals.take(address, source, advertisement.rssi, signal_s)
        for uuid16, company, data in elements:
            self._adverts.put(
                RawAdvert(address, uuid16, data, advertisement.rssi, at_us, company, source)
            )
        self._some.set()
        return True, connectable

    def _tell(self, state: RadioState | Unbelieved) -> None:
        self._states.append(state)
        self._some.set()
