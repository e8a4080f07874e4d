"""What an installer puts into a flat, by kind: a few plugs, or a sensor wherever one can be."""

from collections.abc import Iterator
from enum import StrEnum

from rules.observation import DeviceId, Phenomenon
from sim.homes import names
from sim.homes.dwelling import (
    CALL,
    CONTACT,
    MOTION,
    Fitted,
    Rooms,
    alert,
    front_door,
    on_battery,
)

ROOM_C = 22.0


class Kind(StrEnum):
    """How much is installed."""

    PLUGS = "plugs"
    "Four to eight smart plugs and a light sensor: a city's cheapest set."
    ROOMS = "rooms"
    "Plugs, a motion sensor in each room, contacts, mats, hazards, calls for help."
    QUIET = "quiet"
    "Fourteen devices: what `ongi sim run` shows."


_SEEN = frozenset({Phenomenon.OCCUPANCY})


def everywhere(rooms: Rooms) -> Iterator[Fitted]:
    """What is on batteries in a full home: 31 sensors."""
    for name, room in (
        (names.LIVING_MOTION, rooms.living),
        (names.KITCHEN_MOTION, rooms.kitchen),
        (names.BEDROOM_MOTION, rooms.bedroom),
        (names.BATHROOM_MOTION, rooms.bathroom),
        (names.HALL_MOTION, rooms.hall),
    ):
        yield on_battery(name, room, "motion sensor", MOTION)
    yield front_door(rooms)
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
        yield on_battery(name, room, "door contact", CONTACT)
    yield on_battery(names.BED, rooms.bedroom, "bed mat", _SEEN)
    yield on_battery(names.SEAT, rooms.living, "seat mat", _SEEN)
    yield alert(names.BATHROOM_LEAK, rooms.bathroom, "leak sensor", Phenomenon.LEAK)
    yield alert(names.KITCHEN_LEAK, rooms.kitchen, "leak sensor", Phenomenon.LEAK)
    yield alert(names.FLOOR_LEAK, rooms.hall, "leak sensor", Phenomenon.LEAK)
    yield alert(names.KITCHEN_SMOKE, rooms.kitchen, "smoke sensor", Phenomenon.SMOKE)
    yield alert(names.LIVING_SMOKE, rooms.living, "smoke sensor", Phenomenon.SMOKE)
    yield alert(names.BEDROOM_SMOKE, rooms.bedroom, "smoke sensor", Phenomenon.SMOKE)
    yield alert(names.KITCHEN_GAS, rooms.kitchen, "gas sensor", Phenomenon.GAS)
    yield alert(names.BOILER_CO, rooms.bathroom, "CO sensor", Phenomenon.CO)
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
        yield on_battery(name, room, "SOS button", CALL)


def second_bedroom(room: str) -> Fitted:
    """The motion sensor of the other person's room."""
    return on_battery(names.SECOND_MOTION, room, "motion sensor", MOTION)


def _thermometer(name: DeviceId, room: str) -> Fitted:
    phenomena = frozenset({Phenomenon.TEMPERATURE_C})
    device, readings = on_battery(name, room, "thermometer", phenomena)
    return device, (
        (Phenomenon.TEMPERATURE_C, ROOM_C),
        *(reading for reading in readings if reading[0] is not Phenomenon.TEMPERATURE_C),
    )
