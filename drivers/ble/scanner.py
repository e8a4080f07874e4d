"""What one adapter hears, element by element, before anything arbitrates between adapters."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from habluetooth import BluetoothScanningMode

from drivers.ble.manager import Scanner

_BASE_UUID = "0000{:04x}-0000-1000-8000-00805f9b34fb"


class Element(NamedTuple):
    """A piece of an advert in a format that is spoken here."""

    uuid16: int
    company: int | None
    data: bytes


class Spoken:
    """The formats that are listened for."""

    def __init__(self, uuid16s: Iterable[int], companies: Iterable[int]) -> None:
        self._uuid16s: Mapping[str, int] = {_BASE_UUID.format(uuid): uuid for uuid in uuid16s}
        self._companies = frozenset(companies)

    def elements(self, advertisement: AdvertisementData) -> list[Element]:
        """What of an advert is in one of them; mostly one element, of strangers none."""
        found = [
            Element(uuid16, None, data)
            for uuid, data in advertisement.service_data.items()
            if (uuid16 := self._uuid16s.get(uuid)) is not None
        ]
        for company, data in advertisement.manufacturer_data.items():
            if company in self._companies:
                found.append(Element(0, company, data))
        return found


class Tap(Protocol):
    """Takes what an adapter hears."""

    def __call__(
        self, source: str, address: str, advertisement: AdvertisementData
    ) -> tuple[bool, bool]:
        """Of the sender `address`; see `Scanner.hear` for what is returned."""


class LocalScanner(Scanner):
    """Scans on one adapter of this machine."""

    def __init__(self, adapter: str, address: str, tap: Tap, *, active: bool) -> None:
        """`adapter` is its name, hci0 or so, and `address` its own."""
        mode = BluetoothScanningMode.ACTIVE if active else BluetoothScanningMode.PASSIVE
        super().__init__(mode, adapter, address)
        self._address = address
        self._tap = tap

    def hear(self, device: BLEDevice, advertisement: AdvertisementData) -> tuple[bool, bool]:
        """See `Scanner`."""
        return self._tap(self._address, device.address, advertisement)
