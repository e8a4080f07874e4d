"""What an installer puts into a flat, by kind: a few plugs, or a sensor wherever one can be."""

from collections.abc import Container, Iterator
from dataclasses import replace
from enum import StrEnum

from rules.device import Device, EvidenceRole, Output
from rules.observation import DeviceId, Phenomenon
from sim.homes import names
from sim.homes.dwelling import Readings, Rooms, on_battery, plug

TELEVISION_STANDBY_W = 0.4
FRIDGE_IDLE_W = 1.2
ROOM_C = 22.0

Fitted = tuple[Device, Readings]


class Kind(StrEnum):
    """How much is installed."""

    PLUGS = "plugs"
    "Four to eight smart plugs and a light sensor: a city's cheapest set."
    ROOMS = "rooms"
    "Plugs, a motion sensor in each room, contacts, mats, hazards, calls for help."
    QUIET = "quiet"
    "Fourteen devices: what `ongi sim run` shows."


_CONTACT = frozenset({Phenomenon.CONTACT_OPEN})
_MOTION = frozenset({Phenomenon.MOTION})
_SEEN = frozenset({Phenomenon.OCCUPANCY})
_CALL = frozenset({Phenomenon.SOS, Phenomenon.BUTTON})


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
        # Its compressor comes and goes, and remote controls have timers.
        (names.AIR_CONDITIONER, rooms.living, EvidenceRole.WEAK, 0.0),
    ):
        if name in chosen:
            yield plug(name, room, role, power_w)


def node(rooms: Rooms) -> Fitted:
    """The plug node of the living room: lamp, light sensor, button, LED and buzzer."""
    device, _ = plug(names.LIVING_NODE, rooms.living)
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
        yield on_battery(name, room, "motion sensor", _MOTION)
    yield _front_door(rooms)
    yield on_battery(names.FRIDGE_DOOR, rooms.kitchen, "door contact", _CONTACT)
    yield _alert(names.BATHROOM_LEAK, rooms.bathroom, "leak sensor", Phenomenon.LEAK)
    yield _alert(names.KITCHEN_SMOKE, rooms.kitchen, "smoke sensor", Phenomenon.SMOKE)
    yield on_battery(names.SOS_BUTTON, rooms.bedroom, "SOS button", _CALL)


def everywhere(rooms: Rooms) -> Iterator[Fitted]:
    """What is on batteries in a full home: 31 sensors."""
    for name, room in (
        (names.LIVING_MOTION, rooms.living),
        (names.KITCHEN_MOTION, rooms.kitchen),
        (names.BEDROOM_MOTION, rooms.bedroom),
        (names.BATHROOM_MOTION, rooms.bathroom),
        (names.HALL_MOTION, rooms.hall),
    ):
        yield on_battery(name, room, "motion sensor", _MOTION)
    yield _front_door(rooms)
    for name, room in (
        (names.FRIDGE_DOOR, rooms.kitchen),
        (names.CUPBOARD, rooms.kitchen),
        (names.DRAWER, rooms.kitchen),
        (names.MEDICINE, rooms.living),
        (names.WARDROBE, rooms.bedroom),
        (names.BATHROOM_DOOR, rooms.bathroom),
        (names.BEDROOM_DOOR, rooms.bedroom),
        (names.BALCONY_DOOR, rooms.living),
        (names.SHOES, rooms.hall),
    ):
        yield on_battery(name, room, "door contact", _CONTACT)
    yield on_battery(names.BED, rooms.bedroom, "bed mat", _SEEN)
    yield on_battery(names.SEAT, rooms.living, "seat mat", _SEEN)
    yield _alert(names.BATHROOM_LEAK, rooms.bathroom, "leak sensor", Phenomenon.LEAK)
    yield _alert(names.KITCHEN_LEAK, rooms.kitchen, "leak sensor", Phenomenon.LEAK)
    yield _alert(names.FLOOR_LEAK, rooms.hall, "leak sensor", Phenomenon.LEAK)
    yield _alert(names.KITCHEN_SMOKE, rooms.kitchen, "smoke sensor", Phenomenon.SMOKE)
    yield _alert(names.LIVING_SMOKE, rooms.living, "smoke sensor", Phenomenon.SMOKE)
    yield _alert(names.BEDROOM_SMOKE, rooms.bedroom, "smoke sensor", Phenomenon.SMOKE)
    yield _alert(names.KITCHEN_GAS, rooms.kitchen, "gas sensor", Phenomenon.GAS)
    yield _alert(names.BOILER_CO, rooms.bathroom, "CO sensor", Phenomenon.CO)
    for name, room in (
        (names.LIVING_AIR, rooms.living),
        (names.BEDROOM_AIR, rooms.bedroom),
        (names.KITCHEN_AIR, rooms.kitchen),
    ):
        yield _thermometer(name, room)
    for name, room in (
        (names.SOS_BUTTON, rooms.bedroom),
        (names.BATHROOM_SOS, rooms.bathroom),
        (names.PENDANT, rooms.living),
    ):
        yield on_battery(name, room, "SOS button", _CALL)


def second_bedroom(room: str) -> Fitted:
    """The motion sensor of the other person's room."""
    return on_battery(names.SECOND_MOTION, room, "motion sensor", _MOTION)


def _front_door(rooms: Rooms) -> Fitted:
    door, readings = on_battery(names.FRONT_DOOR, rooms.hall, "door contact", _CONTACT)
    return replace(door, outside_door=True), readings


def _alert(name: DeviceId, room: str, model: str, phenomenon: Phenomenon) -> Fitted:
    return on_battery(name, room, model, frozenset({phenomenon}))


def _thermometer(name: DeviceId, room: str) -> Fitted:
    phenomena = frozenset({Phenomenon.TEMPERATURE_C})
    device, readings = on_battery(name, room, "thermometer", phenomena)
    return device, (
        (Phenomenon.TEMPERATURE_C, ROOM_C),
        *(reading for reading in readings if reading[0] is not Phenomenon.TEMPERATURE_C),
    )
