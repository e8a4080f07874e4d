"""The devices of a simulated home, as an installer would enrol them, and their first values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from rules.device import Device, EvidenceRole, Link, Output
from rules.observation import DeviceId, Phenomenon, Value
from sim.homes import resident

Readings = tuple[tuple[Phenomenon, Value], ...]

BATHROOM_LEAK = DeviceId("bathroom-leak")
KITCHEN_SMOKE = DeviceId("kitchen-smoke")
SOS_BUTTON = DeviceId("sos-button")

MOTION_SENSORS = (resident.LIVING_MOTION, resident.BEDROOM_MOTION, resident.BATHROOM_MOTION)

_MAINS_EVERY = timedelta(minutes=10)
_BATTERY_EVERY = timedelta(hours=1)
_UNSET = ""


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms as the installer named them."""

    living: str
    kitchen: str
    bedroom: str
    bathroom: str
    hall: str


ROOMS = {
    "ko": Rooms("거실", "주방", "침실", "욕실", "현관"),
    "en": Rooms("living room", "kitchen", "bedroom", "bathroom", "hall"),
}
"By language."


@dataclass(frozen=True, slots=True)
class Installed:
    """A device in a home, the key of its frames, and what it reads at the beginning."""

    device: Device
    key: bytes
    readings: Readings
    "Phenomena that it reports periodically; presses are none of them."


def dwelling(random: Random, rooms: Rooms) -> tuple[Installed, ...]:
    """The flat of one person: fourteen devices; addresses and keys are drawn from `random`."""
    return tuple(install(random, _devices(rooms)))


def install(random: Random, devices: Iterable[tuple[Device, Readings]]) -> Iterator[Installed]:
    """Give each device an address of its own and a key."""
    addresses: set[str] = set()
    for device, readings in devices:
        address = _address(random)
        while address in addresses:
            address = _address(random)
        addresses.add(address)
        yield Installed(
            replace(device, address=address, keyed=True), random.randbytes(16), readings
        )


def on_battery(
    name: DeviceId, room: str, model: str, phenomena: frozenset[Phenomenon]
) -> tuple[Device, Readings]:
    """A sensor on a coin cell: the value on change, and hourly with its battery."""
    readings: Readings = tuple(
        (phenomenon, False) for phenomenon in sorted(phenomena) if phenomenon not in _PRESSED
    )
    device = Device(
        id=name,
        link=Link.BLE,
        address=_UNSET,
        model=model,
        room=room,
        phenomena=phenomena | {Phenomenon.BATTERY_PCT},
        report_every=_BATTERY_EVERY,
    )
    return device, (*readings, (Phenomenon.BATTERY_PCT, 94.0))


def plug(
    name: DeviceId, room: str, role: EvidenceRole = EvidenceRole.HAND, power_w: float = 0.0
) -> tuple[Device, Readings]:
    """A plug node: its load on change, and every ten minutes."""
    device = Device(
        id=name,
        link=Link.BLE,
        address=_UNSET,
        model="Ongi plug node",
        room=room,
        phenomena=frozenset({Phenomenon.POWER_W}),
        report_every=_MAINS_EVERY,
        evidence=role,
        mains_powered=True,
    )
    return device, ((Phenomenon.POWER_W, power_w),)


_PRESSED = frozenset({Phenomenon.BUTTON, Phenomenon.SOS})


def _devices(rooms: Rooms) -> Iterator[tuple[Device, Readings]]:
    yield plug(resident.KETTLE, rooms.kitchen)
    yield plug(resident.RICE_COOKER, rooms.kitchen)
    yield plug(resident.TELEVISION, rooms.living, power_w=resident.TELEVISION_STANDBY_W)
    yield plug(resident.FRIDGE, rooms.kitchen, EvidenceRole.NONE, 1.2)
    # A thermostat switches it all night: no hand in it.
    yield plug(resident.BLANKET, rooms.bedroom, EvidenceRole.NONE)
    yield _node(rooms.living)
    for sensor, room in zip(
        MOTION_SENSORS, (rooms.living, rooms.bedroom, rooms.bathroom), strict=True
    ):
        yield on_battery(sensor, room, "motion sensor", frozenset({Phenomenon.MOTION}))
    contact = frozenset({Phenomenon.CONTACT_OPEN})
    door, readings = on_battery(resident.FRONT_DOOR, rooms.hall, "door contact", contact)
    yield replace(door, outside_door=True), readings
    yield on_battery(resident.FRIDGE_DOOR, rooms.kitchen, "door contact", contact)
    yield on_battery(BATHROOM_LEAK, rooms.bathroom, "leak sensor", frozenset({Phenomenon.LEAK}))
    yield on_battery(KITCHEN_SMOKE, rooms.kitchen, "smoke sensor", frozenset({Phenomenon.SMOKE}))
    yield on_battery(SOS_BUTTON, rooms.bedroom, "SOS button", frozenset({Phenomenon.SOS}))


def _node(room: str) -> tuple[Device, Readings]:
    device, _ = plug(resident.LIVING_NODE, room)
    phenomena = frozenset({Phenomenon.POWER_W, Phenomenon.ILLUMINANCE_LX, Phenomenon.BUTTON})
    return (
        replace(device, phenomena=phenomena, outputs=frozenset({Output.LIGHT, Output.BUZZER})),
        ((Phenomenon.POWER_W, 0.0), (Phenomenon.ILLUMINANCE_LX, 0.0)),
    )


def _address(random: Random) -> str:
    # The second lowest bit of the first byte marks an address that no maker has given out.
    octets = [random.randrange(64) << 2 | 2, *random.randbytes(5)]
    return ":".join(f"{octet:02X}" for octet in octets)
