"""What the simulated devices send, as the public decoders of their makers read it."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bthome_ble import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak
from sensor_state_data import SensorUpdate
from switchbot import SwitchbotModel
from switchbot.adv_parser import parse_advertisement_data
from xiaomi_ble.parser import XiaomiBluetoothDeviceData

from rules.observation import Phenomenon, Press
from sim.air.mibeacon import DOOR, LEAK, MOTION
from sim.ble.frame import Frame, read
from sim.ble.peripherals import bthome, mibeacon, switchbot
from sim.ble.peripherals.crowd import Crowd
from sim.ble.peripherals.sensor import Antenna, Sensor

P = Phenomenon
NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = bytes(range(16))
ADDRESS = "54:EF:44:E3:9C:BC"
ONCE = Antenna(copies=1)
SECOND = timedelta(seconds=1)


def _info(frame: Frame) -> BluetoothServiceInfoBleak:
    said = read(frame.data + frame.response)
    return BluetoothServiceInfoBleak(
        name=said.name or "",
        address=frame.address,
        rssi=-60,
        manufacturer_data=said.manufacturer,
        service_data=said.service_data,
        service_uuids=said.uuids,
        source="",
        device=BLEDevice(frame.address, said.name, None),
        advertisement=None,
        connectable=False,
        time=0.0,
        tx_power=None,
    )


def _values(update: SensorUpdate) -> dict[str, object]:
    """What a public decoder has read, by the names of its values."""
    said: dict[str, object] = {key.key: event.event_type for key, event in update.events.items()}
    said |= {key.key: value.native_value for key, value in update.entity_values.items()}
    return said | {
        key.key: value.native_value for key, value in update.binary_entity_values.items()
    }


def _bthome(frames: list[Frame]) -> dict[str, object]:
    parser = BTHomeBluetoothDeviceData(bindkey=KEY)
    said: dict[str, object] = {}
    for frame in frames:
        said |= _values(parser.update(_info(frame)))
    return said


def _xiaomi(frames: list[Frame]) -> dict[str, object]:
    parser = XiaomiBluetoothDeviceData(bindkey=KEY)
    said: dict[str, object] = {}
    for frame in frames:
        said |= _values(parser.update(_info(frame)))
    assert parser.bindkey_verified
    return said


def _sent(sensor: Sensor, *said: tuple[P, bool | float | Press]) -> list[Frame]:
    sensor.say(NOW, *said)
    return sensor.emit(NOW)


def test_a_shelly_button_is_pressed() -> None:
    button = bthome.shelly_button(ADDRESS, KEY, ONCE)
    assert _bthome(_sent(button, (P.BUTTON, Press.DOUBLE)))["button"] == "double_press"


@pytest.mark.parametrize("code", [bthome.HOLD, bthome.HOLD_OLD])
def test_a_held_shelly_button_says_what_its_firmware_says(code: int) -> None:
    button = bthome.shelly_button(ADDRESS, None, ONCE, hold=code)
    (frame,) = _sent(button, (P.BUTTON, Press.LONG))
    assert frame.data.endswith(bytes([0x3A, code]))


def test_a_shelly_door_reports_a_window() -> None:
    door = bthome.shelly_door(ADDRESS, KEY, ONCE, beacon=(NOW, SECOND))
    said = _bthome(door.emit(NOW))
    assert said["window"] is False
    assert said["illuminance"] == 120.0
    assert _bthome(_sent(door, (P.CONTACT_OPEN, True)))["window"] is True
    assert _bthome(door.emit(NOW + SECOND))["window"] is True


def test_a_shelly_climate_sensor_reports_by_tenths() -> None:
    climate = bthome.shelly_climate(ADDRESS, KEY, ONCE, beacon=(NOW, SECOND))
    said = _bthome(climate.emit(NOW))
    assert (said["temperature"], said["humidity"]) == (21.5, 45)


def test_a_shelly_motion_sensor_sees_somebody() -> None:
    motion = bthome.shelly_motion(ADDRESS, KEY, ONCE)
    assert _bthome(_sent(motion, (P.MOTION, True)))["motion"] is True


def test_a_plug_node_says_more_than_fits_in_one_advert_in_several() -> None:
    readings = (
        (P.POWER_W, 1200.5),
        (P.ENERGY_WH, 12345.0),
        (P.VOLTAGE_V, 229.9),
        (P.CURRENT_A, 5.2),
        (P.TEMPERATURE_C, 31.2),
        (P.BATTERY_PCT, 97.0),
    )
    node = bthome.plug_node(ADDRESS, KEY, ONCE, NOW, counter=70_000, readings=readings)
    frames = node.emit(NOW)
    assert len(frames) > 1
    said = _bthome(frames)
    assert (said["power"], said["energy"], said["temperature"]) == (1200.5, 12.345, 31.2)


@pytest.mark.parametrize(
    ("product", "said", "key", "value"),
    [
        (DOOR, (P.CONTACT_OPEN, True), "opening", True),
        (DOOR, (P.CONTACT_OPEN, False), "opening", False),
        (MOTION, (P.MOTION, True), "motion", True),
        (LEAK, (P.LEAK, True), "moisture", True),
        (LEAK, (P.LEAK, False), "moisture", False),
        (DOOR, (P.BATTERY_PCT, 80.0), "battery", 80),
    ],
)
def test_xiaomi_sensors_are_read_by_xiaomi_ble(
    product: int, said: tuple[P, bool | float], key: str, value: object
) -> None:
    sensor = mibeacon.xiaomi(ADDRESS, KEY, product, ONCE, counter=255)
    assert _xiaomi(_sent(sensor, said))[key] == value


@pytest.mark.parametrize(
    ("make", "model", "said", "key", "value"),
    [
        (
            switchbot.switchbot_contact,
            SwitchbotModel.CONTACT_SENSOR,
            (P.CONTACT_OPEN, True),
            "contact_open",
            True,
        ),
        (
            switchbot.switchbot_motion,
            SwitchbotModel.MOTION_SENSOR,
            (P.MOTION, True),
            "motion_detected",
            True,
        ),
        (
            switchbot.switchbot_plug,
            SwitchbotModel.PLUG_MINI_JP,
            (P.POWER_W, 29.1),
            "power",
            29.1,
        ),
    ],
)
def test_switchbot_devices_are_read_by_pyswitchbot(
    make: Callable[[str, Antenna], Sensor],
    model: SwitchbotModel,
    said: tuple[P, bool | float],
    key: str,
    value: object,
) -> None:
    logging.getLogger("switchbot").setLevel(logging.CRITICAL)
    (frame,) = _sent(make(ADDRESS, ONCE), said)
    heard = read(frame.data)
    advert = AdvertisementData(
        local_name=None,
        manufacturer_data=heard.manufacturer,
        service_data={},
        service_uuids=[],
        tx_power=None,
        rssi=-60,
        platform_data=(),
    )
    parsed = parse_advertisement_data(BLEDevice(ADDRESS, "x", None), advert, model)
    assert parsed is not None
    assert parsed.data["data"][key] == value


def test_an_event_is_said_in_copies_and_a_press_again_later() -> None:
    antenna = Antenna(copies=3, again=(SECOND,))
    button = bthome.shelly_button(ADDRESS, KEY, antenna)
    button.say(NOW, (P.BUTTON, Press.SINGLE))
    moments = []
    frames = []
    while (due := button.next_due()) is not None:
        moments.append((due - NOW).total_seconds())
        frames += button.emit(due)
    assert moments == [0.0, 0.1, 0.2, 1.0, 1.1, 1.2]
    assert len({frame.data for frame in frames}) == 2
    assert P.BUTTON not in button.readings


def test_the_same_seed_gathers_the_same_crowd() -> None:
    def frames() -> list[Frame]:
        crowd = Crowd(Random("crowd"), 500, NOW)
        return crowd.emit(NOW + 10 * SECOND)

    assert frames() == frames()
    assert len({frame.address for frame in frames()}) > 300


def test_strangers_change_their_addresses() -> None:
    crowd = Crowd(Random(1), 50, NOW, address_for=timedelta(minutes=1))
    early = {frame.address for frame in crowd.emit(NOW + 30 * SECOND)}
    late = {frame.address for frame in crowd.emit(NOW + timedelta(minutes=2))}
    last = {frame.address for frame in crowd.emit(NOW + timedelta(minutes=4))}
    assert not early & last
    assert len(late) > 50
    assert all(0x40 <= int(address[:2], 16) < 0x80 for address in early | late | last)


def test_frames_come_in_the_order_of_their_moments() -> None:
    node = bthome.plug_node(ADDRESS, KEY, Antenna(copies=2), NOW, readings=((P.POWER_W, 1.0),))
    node.say(NOW + SECOND, (P.RELAY_ON, True))
    counters = [
        int.from_bytes(read(frame.data).service_data[_BTHOME][-8:-4], "little")
        for frame in node.emit(NOW + 3 * SECOND)
    ]
    assert len(counters) == 6
    assert len(set(counters)) == 5
    assert all(one != two for one, two in pairwise(counters[:2]))


_BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
