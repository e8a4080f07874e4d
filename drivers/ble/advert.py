"""One advert as a radio heard it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawAdvert:
    """Service data as a radio heard it."""

    address: str
    "Of the sender, `AA:BB:CC:DD:EE:FF`."
    uuid16: int
    service_data: bytes
    "Without the UUID."
    rssi_dbm: int
    boottime_us: int
