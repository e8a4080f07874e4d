"""The production radio in a world whose clock is faster than its bus."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from drivers.ble import RawAdvert
from drivers.ble.keeper import RadioState
from drivers.ble.node_session import Unbelieved
from drivers.ble.radio import BluezRadio
from sim.ble.world_flights import Arrivals


class WorldRadio(BluezRadio):
    """Bluetooth as on every gateway; only what it hears counts as of when it was sent."""

    def __init__(self, boottime_us: Callable[[], int], state: Path, arrivals: Arrivals) -> None:
        """Look moments up in `arrivals`, and note there what was heard."""
        super().__init__(boottime_us, state=state)
        self._arrivals = arrivals

    async def adverts(self) -> AsyncIterator[RawAdvert | RadioState | Unbelieved]:
        """See `drivers.process.Radio`."""
        async for heard in super().adverts():
            if not isinstance(heard, RawAdvert):
                yield heard
                continue
            sent_us = self._arrivals.sent_us(heard.address, heard.service_data)
            yield heard if sent_us is None else replace(heard, boottime_us=sent_us)
            # The driver has taken it in: it asks for the next one.
            self._arrivals.hear(heard.address, heard.service_data)
