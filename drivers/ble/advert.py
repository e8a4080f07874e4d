"""One advert as a radio heard it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawAdvert:
    """One element of an advert: service data of a 16-bit UUID, or a maker's own data."""

    address: str
    "Of the sender, `AA:BB:CC:DD:EE:FF`."
    uuid16: int
    "0 where `company` is given."
    service_data: bytes
    "Without the UUID, or the maker's data without the company's id."
    rssi_dbm: int
    boottime_us: int
    company: int | None = None
    "Of a maker's own data, as the Bluetooth SIG assigns it."
    source: str = ""
    "The adapter or proxy that heard it."
