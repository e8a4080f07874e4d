"""bthome-ble as the oracle: what it makes of a frame, by object."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from bleak.backends.device import BLEDevice
from bthome_ble.const import MEAS_TYPES
from bthome_ble.event import BUTTON_EVENTS, COMMAND_EVENTS, DIMMER_EVENTS, EventDeviceKeys
from bthome_ble.parser import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak

from drivers.ble.decoded import ObjectValue

ADDRESS = "54:48:E6:8F:80:A5"
_UUID = "0000fcd2-0000-1000-8000-00805f9b34fb"


def service_info(service_data: bytes, time_s: float = 0.0) -> BluetoothServiceInfoBleak:
    return BluetoothServiceInfoBleak(
        name="sensor",
        address=ADDRESS,
        rssi=-60,
        manufacturer_data={},
        service_data={_UUID: service_data},
        service_uuids=[_UUID],
        source="",
        device=BLEDevice(ADDRESS, "sensor", None),
        advertisement=None,
        connectable=False,
        time=time_s,
        tx_power=None,
    )


def meaning_of(id_: int) -> str:
    """What it files an object under; objects of one meaning overwrite or number each other."""
    meant = MEAS_TYPES[id_].meas_format
    if meant is None:
        return f"device {id_ & 0xF0:x}"
    return str(meant if isinstance(meant, EventDeviceKeys) else meant.device_class)


def decode(service_data: bytes, ids: Sequence[int], key: bytes | None = None) -> list[object]:
    """Its values of a frame that holds the objects `ids`, in that order."""
    parser = BTHomeBluetoothDeviceData(bindkey=key)
    update = parser.update(service_info(service_data))
    values = {each.key: value.native_value for each, value in update.entity_values.items()}
    values |= {each.key: value.native_value for each, value in update.binary_entity_values.items()}
    events = {
        each.key: (event.event_type, event.event_properties)
        for each, event in update.events.items()
    }
    count = Counter(meaning_of(id_) for id_ in ids)
    number: Counter[str] = Counter()
    found: list[object] = []
    for id_ in ids:
        meaning = meaning_of(id_)
        number[meaning] += 1
        name = f"{meaning}_{number[meaning]}" if count[meaning] > 1 else meaning
        if id_ == 0xF0:
            found.append(parser.device_type_id)
        elif id_ in (0xF1, 0xF2):
            found.append(update.devices[None].sw_version)
        elif isinstance(MEAS_TYPES[id_].meas_format, EventDeviceKeys):
            found.append(str(events.get(name)))
        else:
            found.append(values.get(name))
    return found


def in_its_words(id_: int, value: ObjectValue) -> object:
    """Our value of an object as the oracle would put it."""
    match id_, value:
        case 0x3A, int():
            return _event(BUTTON_EVENTS.get(value), None)
        case 0x3B, bytes():
            return _event(COMMAND_EVENTS.get(value[0]), {"args": value[1:].hex()})
        case 0x3C, int():
            return _event(DIMMER_EVENTS.get(value & 0xFF), {"steps": value >> 8})
        case 0x50, int():
            return datetime.fromtimestamp(value, tz=UTC)
        case _, bytes():
            return value.hex()
    return value


def _event(name: str | None, properties: dict[str, int] | dict[str, str] | None) -> str:
    return str(None if name is None else (name, properties))
