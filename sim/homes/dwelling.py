"""Devices as an installer would enrol them, and what they read at the beginning."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from rules.device import Device, EvidenceRole, Link, Output, Use
from rules.observation import DeviceId, Phenomenon, Value
from sim.homes import names

Readings = tuple[tuple[Phenomenon, Value], ...]
Fitted = tuple[Device, Readings]

TELEVISION_STANDBY_W = 0.4
FRIDGE_IDLE_W = 1.2
URN_IDLE_W = 0.9

CONTACT = frozenset({Phenomenon.CONTACT_OPEN})
MOTION = frozenset({Phenomenon.MOTION})
CALL = frozenset({Phenomenon.SOS, Phenomenon.BUTTON})

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
    chosen = (names.KETTLE, names.RICE_COOKER, names.TELEVISION, names.FRIDGE, names.BLANKET)
    return tuple(install(random, [*appliances(rooms, chosen), node(rooms), *few(rooms)]))


def install(random: Random, devices: Iterable[Fitted]) -> Iterator[Installed]:
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


def on_battery(name: DeviceId, room: str, model: str, phenomena: frozenset[Phenomenon]) -> Fitted:
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
    name: DeviceId,
    room: str,
    role: EvidenceRole = EvidenceRole.HAND,
    power_w: float = 0.0,
    use: Use | None = None,
) -> Fitted:
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
        use=use,
    )
    return device, ((Phenomenon.POWER_W, power_w),)


_USES = {
    names.KETTLE: Use.COOKING,
    names.RICE_COOKER: Use.COOKING,
    names.MICROWAVE: Use.COOKING,
    names.BLANKET: Use.HEATING,
    names.HEATER: Use.HEATING,
}
_PRESSED = frozenset({Phenomenon.BUTTON, Phenomenon.SOS})


def appliances(rooms: Rooms, chosen: Container[DeviceId]) -> Iterator[Fitted]:
    """The plugs of `chosen`, always in the same order."""
    hand, by_itself = EvidenceRole.HAND, EvidenceRole.NONE
    for name, room, role, power_w in (
        (names.KETTLE, rooms.kitchen, hand, 0.0),
        (names.RICE_COOKER, rooms.kitchen, hand, 0.0),
        (names.MICROWAVE, rooms.kitchen, hand, 0.0),
        (names.TELEVISION, rooms.living, hand, TELEVISION_STANDBY_W),
        (names.FRIDGE, rooms.kitchen, by_itself, FRIDGE_IDLE_W),
        # A thermostat switches it all night: no hand in it.
        (names.BLANKET, rooms.bedroom, by_itself, 0.0),
        (names.WASHING_MACHINE, rooms.bathroom, hand, 0.0),
        (names.FAN, rooms.living, hand, 0.0),
        (names.HEATER, rooms.living, hand, 0.0),
        # Its compressor comes and goes, and remote controls have timers.
        (names.AIR_CONDITIONER, rooms.living, EvidenceRole.WEAK, 0.0),
        (names.URN, rooms.kitchen, by_itself, URN_IDLE_W),
        (names.PORCH_LAMP, rooms.hall, by_itself, 0.0),
    ):
        if name in chosen:
            yield plug(name, room, role, power_w, _USES.get(name))


def node(rooms: Rooms) -> Fitted:
    """The plug node of the living room: lamp, light sensor, button, LED and buzzer."""
    device, _ = plug(names.LIVING_NODE, rooms.living, use=Use.LIGHT)
    phenomena = frozenset({Phenomenon.POWER_W, Phenomenon.ILLUMINANCE_LX, Phenomenon.BUTTON})
    return (
        replace(device, phenomena=phenomena, outputs=frozenset({Output.LIGHT, Output.BUZZER})),
        ((Phenomenon.POWER_W, 0.0), (Phenomenon.ILLUMINANCE_LX, 0.0)),
    )


def few(rooms: Rooms) -> Iterator[Fitted]:
    """What is on batteries in the flat of the demo."""
    for name, room in (
        (names.LIVING_MOTION, rooms.living),
        (names.BEDROOM_MOTION, rooms.bedroom),
        (names.BATHROOM_MOTION, rooms.bathroom),
    ):
        yield on_battery(name, room, "motion sensor", MOTION)
    yield front_door(rooms)
    yield on_battery(names.FRIDGE_DOOR, rooms.kitchen, "door contact", CONTACT)
    yield alert(names.BATHROOM_LEAK, rooms.bathroom, "leak sensor", Phenomenon.LEAK)
    yield alert(names.KITCHEN_SMOKE, rooms.kitchen, "smoke sensor", Phenomenon.SMOKE)
    yield on_battery(names.SOS_BUTTON, rooms.bedroom, "SOS button", CALL)


def front_door(rooms: Rooms) -> Fitted:
    """The door that leads out."""
    door, readings = on_battery(names.FRONT_DOOR, rooms.hall, "door contact", CONTACT)
    return replace(door, outside_door=True), readings


def alert(name: DeviceId, room: str, model: str, phenomenon: Phenomenon) -> Fitted:
    """A sensor of one danger."""
    return on_battery(name, room, model, frozenset({phenomenon}))


def _address(random: Random) -> str:
    # The second lowest bit of the first byte marks an address that no maker has given out.
    octets = [random.randrange(64) << 2 | 2, *random.randbytes(5)]
    return ":".join(f"{octet:02X}" for octet in octets)
