"""Decodes SwitchBot's adverts through PySwitchbot, which needs to be told the model.

They are plain and carry neither counter nor tag: whoever is near can make them up. The registry
therefore refuses such a device a call for help and a relay; see `rules.models.FORGEABLE`.

Ref: https://github.com/OpenWonderLabs/SwitchBotAPI-BLE. The maker's own data of company 0x0969 is
MAC (6) and state, all that passive scanning hears; service data of 0xFD3D comes with the scan
response and adds the battery.
"""

from typing import Final

from drivers.ble.advert import RawAdvert
from drivers.ble.decoded import Decoded, ObjectValue, Opener
from drivers.refused import Refused, Why
from rules.device import Device
from rules.models import model_of

COMPANY: Final = 0x0969
UUID16: Final = 0xFD3D
_UUID: Final = "0000fd3d-0000-1000-8000-00805f9b34fb"
_MAC_BYTES: Final = 6

_OBJECTS: Final = {
    "contact_open": 0x11,
    "motion_detected": 0x21,
    "is_light": 0x1E,
    "isOn": 0x10,
    "power": 0x0B,
    "battery": 0x01,
}
"What the library calls it, and the BTHome object that it is."


def decode(advert: RawAdvert, library_name: str) -> Decoded | None:
    """Parse one element of an advert of the model that the library calls `library_name`.

    None for service data without values, as the plug's is.

    Raises:
        Refused: a `FrameError`: cut short, of another model, or the library is not installed.

    """
    makers = advert.company is not None
    values = _read(library_name, advert)
    objects: list[tuple[int, ObjectValue]] = []
    for name, value in values.items():
        if name in _OBJECTS and isinstance(value, bool | int | float):
            objects.append((_OBJECTS[name], value))
    if objects:
        mac = advert.service_data[:_MAC_BYTES] if makers else None
        return Decoded(tuple(objects), mac=mac, dropped=len(values) - len(objects))
    if makers:
        raise Refused(Why.MALFORMED, f"no frame of {library_name}")
    return None


def opener(device: Device, _mac: bytes, _key: bytes | None) -> Opener:
    """What decodes the adverts of one device."""
    model = model_of(device.model)
    if model is None:

        def refuse(_advert: RawAdvert) -> Decoded | None:
            raise Refused(Why.WRONG_MODEL, f"SwitchBot has no {device.model!r} that is known here")

        return refuse
    return lambda advert: decode(advert, model.library_name)


def _read(library_name: str, advert: RawAdvert) -> dict[str, object]:
    """The library's values but those that it leaves open; empty if it finds none."""
    try:
        # Tens of megabytes, and most homes have no such device.
        from bleak.backends.device import BLEDevice  # noqa: PLC0415
        from bleak.backends.scanner import AdvertisementData  # noqa: PLC0415
        from switchbot import SwitchbotModel  # noqa: PLC0415
        from switchbot.adv_parser import parse_advertisement_data  # noqa: PLC0415
    except ImportError as error:
        detail = "PySwitchbot is not installed: ongi[switchbot]"
        raise Refused(Why.NEEDS_SWITCHBOT, detail) from error
    model = SwitchbotModel(library_name)
    heard = AdvertisementData(
        local_name=None,
        manufacturer_data={} if advert.company is None else {COMPANY: advert.service_data},
        service_data={_UUID: advert.service_data} if advert.company is None else {},
        service_uuids=[],
        tx_power=None,
        rssi=0,
        platform_data=(),
    )
    found = parse_advertisement_data(BLEDevice(advert.address, None, None), heard, model)
    if found is None or not found.data["data"]:
        return {}
    if found.data["modelName"] is not model:
        raise Refused(Why.WRONG_MODEL, f"{found.data['modelName']}, not {library_name}")
    return {name: value for name, value in found.data["data"].items() if value is not None}
