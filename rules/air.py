"""What a radio hears around a home, and by whose ears: for technicians, never for decisions."""

from dataclasses import dataclass, field

from rules.observation import DeviceId, Phenomenon, Value


@dataclass(frozen=True, slots=True)
class Proxy:
    """A further ear of the Bluetooth driver: an ESPHome proxy in a large house."""

    name: str
    "As ESPHome knows it; the driver's faults name it so."
    host: str
    port: int
    key: bytes = field(repr=False)
    "32 bytes of the Noise encryption."


@dataclass(frozen=True, slots=True)
class Settings:
    """What a driver needs beside its devices. Sent before them, and again when it changes."""

    proxies: tuple[Proxy, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """Tell of everything that is heard, also of strangers, until then; a new one replaces it."""

    until_boottime_us: int


@dataclass(frozen=True, slots=True)
class Said:
    """A value that a frame carries, read without trust in its sender."""

    phenomenon: Phenomenon
    value: Value


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody was heard while a survey lasts; about once a second each, at each source."""

    address: str
    source: str
    "Adapter or proxy, by its name."
    rssi_dbm: int
    boottime_us: int
    device: DeviceId | None
    "In the registry."
    name: str
    "As it calls itself; empty: not told."
    maker: str
    "By company number or address; empty: not known."
    format: str
    "One of `rules.models.Format`; empty: none that is spoken here."
    said: tuple[Said, ...]
    refused: str
    "Why a frame in a format of ours told nothing, by `drivers.refused.Why`; empty: it was read."
    heard: int
    "Frames since the survey began."


@dataclass(frozen=True, slots=True)
class Reception:
    """How well a device of the home is received at one source."""

    device: DeviceId
    source: str
    rssi_dbm: float
    "Of the last minutes."
    trend_db: float
    "Against the last day; negative: it becomes weaker. 0 while too little is known."
    every_s: float
    "Between adverts, in the last minutes; 0 while too little is known."
    drowned: bool
    "Heard half as often as in the last day or less, and not weaker: Wi-Fi beside it, mostly."


@dataclass(frozen=True, slots=True)
class Receptions:
    """How all devices of a driver are received; every few minutes, the strongest source first."""

    receptions: tuple[Reception, ...]
