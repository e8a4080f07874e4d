"""BLE sensors of a home, their radio, and the adapter that hears them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.ble import BleAdapter, RawAdvert
from drivers.ble.bthome import UUID16, mac_of
from drivers.ble.decoded import ObjectValue
from drivers.guard import CounterGuard
from rules.alarm import AlarmKind
from rules.device import Device, Link, Output
from rules.observation import DeviceId, Phenomenon, Value
from rules.wire import DriverFault, KeyedDevice, Observed
from sim.air import bthome

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@dataclass
class Sensor:
    """A BLE sensor with its counter, as its firmware would keep it."""

    name: str
    phenomena: frozenset[Phenomenon]
    key: bytes | None = b"sixteen bytes ok"
    counter: int = 100
    every: timedelta = timedelta(minutes=10)
    outputs: frozenset[Output] = frozenset()
    model: str = "test"
    address: str = field(init=False)

    def __post_init__(self) -> None:
        digits = self.name.encode().hex().ljust(12, "0")[:12].upper()
        self.address = ":".join(digits[at : at + 2] for at in range(0, 12, 2))

    @property
    def mac(self) -> bytes:
        mac = mac_of(self.address)
        assert mac is not None
        return mac

    @property
    def keyed(self) -> KeyedDevice:
        device = Device(
            DeviceId(self.name),
            Link.BLE,
            self.address,
            self.model,
            "room",
            self.phenomena,
            self.every,
            outputs=self.outputs,
            keyed=self.key is not None,
        )
        return KeyedDevice(device, self.key)

    def frame(self, *objects: tuple[int, ObjectValue], packet_id: int | None = None) -> bytes:
        """Service data with the next counter; objects in the order given."""
        data = b"" if packet_id is None else bytes([0, packet_id])
        data += b"".join(bthome.encode_object(id_, value) for id_, value in objects)
        if self.key is None:
            return bthome.plain(data)
        self.counter += 1
        return bthome.sealed(data, self.mac, self.key, self.counter)

    def advert(
        self, service_data: bytes, at_us: int = 0, uuid16: int = UUID16, rssi_dbm: int = -60
    ) -> RawAdvert:
        return RawAdvert(self.address, uuid16, service_data, rssi_dbm, at_us)


class Ear:
    """An adapter with the devices of some sensors, on a state file."""

    def __init__(self, state: Path, *sensors: Sensor) -> None:
        self.guard = CounterGuard(state)
        self.adapter = BleAdapter(self.guard)
        self.know(*sensors)

    def know(self, *sensors: Sensor) -> None:
        self.adapter.set_devices([sensor.keyed for sensor in sensors])

    def hears(
        self, sensor: Sensor, service_data: bytes, at_us: int = 0
    ) -> list[tuple[Phenomenon, Value]]:
        """What is observed, but for the link's quality."""
        return [
            (message.phenomenon, message.value)
            for message in self.all(sensor, service_data, at_us)
            if isinstance(message, Observed) and message.phenomenon is not Phenomenon.LINK_QUALITY
        ]

    def faults(self, sensor: Sensor, service_data: bytes, at_us: int = 0) -> list[str]:
        """Reasons told to the technician."""
        reasons = []
        for message in self.all(sensor, service_data, at_us):
            if isinstance(message, DriverFault):
                assert message.kind is AlarmKind.FRAMES_REFUSED
                assert message.present
                reasons.append(str(dict(message.sentence.arguments)["reason"]))
        return reasons

    def all(
        self, sensor: Sensor, service_data: bytes, at_us: int = 0
    ) -> list[Observed | DriverFault]:
        return self.adapter.receive(sensor.advert(service_data, at_us), NOW)


def door(**more: object) -> Sensor:
    return Sensor("door", frozenset({Phenomenon.CONTACT_OPEN}), **more)  # type: ignore[arg-type]
