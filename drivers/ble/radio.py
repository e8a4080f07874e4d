"""The radio of the BLE driver: what BlueZ hears of the home's own devices.

Nothing is kept of the addresses around: what is not in the device table goes by. Until there is a
table, everything that is in a format of ours is handed on.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

from bleak.backends.scanner import AdvertisementData

from drivers.ble.adapters import Adapters
from drivers.ble.advert import RawAdvert
from drivers.ble.formats import patterns
from drivers.ble.keeper import Policy, RadioState
from drivers.ble.manager import manager
from drivers.ble.scanner import Spoken
from drivers.ble.signal import Reception, Signals
from rules.command import Command, Refusal
from rules.device import Device
from rules.wire import KeyedDevice

_ADVERTS_MAX: Final = 4096
"A few seconds of the busiest home. The oldest goes first: its like comes again."
_STATES_MAX: Final = 256
_AT_ONCE: Final = 64
"Adverts handed on before others have their turn."
_DEFAULT: Final = Policy()


class BluezRadio:
    """A radio (see `drivers.process.Radio`) of all adapters of this machine; `run` must run."""

    def __init__(self, boottime_us: Callable[[], int], policy: Policy = _DEFAULT) -> None:
        """Stamp adverts by `boottime_us` as they are heard."""
        self._boottime_us = boottime_us
        self._policy = policy
        self._wanted: frozenset[str] | None = None
        self._connectable: frozenset[str] = frozenset()
        self._signals = Signals()
        uuid16s, companies = patterns()
        self._patterns = (tuple(uuid16s), tuple(companies))
        self._spoken = Spoken(*self._patterns)
        self._adverts: deque[RawAdvert] = deque()
        self._states: deque[RadioState] = deque(maxlen=_STATES_MAX)
        self._some = asyncio.Event()
        self.heard = 0
        "Adverts of anybody."
        self.dropped = 0
        "Adverts of the home's own that nobody took in time."

    async def run(self) -> None:
        """Listen until cancelled, whatever befalls bluetoothd, the bus or an adapter."""
        async with manager(*self._patterns) as library:
            await Adapters(library, self._policy, self._hear, self._tell).run()

    def set_devices(self, devices: Iterable[KeyedDevice]) -> None:
        """Listen for these from now on."""
        table = {keyed.device.address.upper(): keyed.device for keyed in devices}
        self._wanted = frozenset(table)
        # The library keeps what it needs to connect, and only of what is connected to.
        self._connectable = frozenset(name for name, device in table.items() if device.outputs)
        self._signals.retain(self._wanted)

    async def adverts(self) -> AsyncIterator[RawAdvert | RadioState]:
        """See `drivers.process.Radio`."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._states or self._adverts:
                while self._states:
                    yield self._states.popleft()
                for _ in range(min(len(self._adverts), _AT_ONCE)):
                    yield self._adverts.popleft()
                await asyncio.sleep(0)

    async def perform(self, command: Command, device: Device) -> Refusal | None:
        """Refuse: no device takes commands by radio yet."""
        del command, device
        return Refusal.UNSUPPORTED

    def receptions(self) -> list[Reception]:
        """How well each device is received, and by whom."""
        return self._signals.receptions()

    def _hear(
        self, source: str, address: str, advertisement: AdvertisementData
    ) -> tuple[bool, bool]:
        """Take an advert; whether it is in one of our formats, and may be connected to."""
        self.heard += 1
        elements = self._spoken.elements(advertisement)
        if not elements or (self._wanted is not None and address not in self._wanted):
            return bool(elements), address in self._connectable
        if self._wanted is not None:
            at_s = asyncio.get_running_loop().time()
            self._signals.take(address, source, advertisement.rssi, at_s)
        at_us = self._boottime_us()
        for uuid16, company, data in elements:
            if len(self._adverts) >= _ADVERTS_MAX:
                self._adverts.popleft()
                self.dropped += 1
            self._adverts.append(
                RawAdvert(address, uuid16, data, advertisement.rssi, at_us, company, source)
            )
        self._some.set()
        return True, address in self._connectable

    def _tell(self, state: RadioState) -> None:
        self._states.append(state)
        self._some.set()
