"""What decoding one frame of each format takes, beside AES-CCM alone, in the same run.

Microseconds a frame: the median over rounds, each a pass over the same frames, the contenders
taking turns. `benchmarks.decode` has BTHome beside another decoder.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from drivers.ble import RawAdvert
from drivers.ble.bthome import UUID16, mac_of
from drivers.ble.formats import openers
from drivers.ble.mibeacon import UUID16 as MIBEACON
from drivers.ble.switchbot import COMPANY
from drivers.refused import Refused
from rules.device import Device, Link
from rules.models import model_of
from rules.observation import DeviceId, Phenomenon
from sim.air import bthome, mibeacon

_FRAMES: Final = 500
_ROUNDS: Final = 15
_ADDRESS: Final = "54:EF:44:E3:9C:BC"
_KEY: Final = bytes(range(16))
_OPEN: Final = mibeacon.encode_object(0x1019, b"\0")

_Run = Callable[[], None]


def decoding() -> dict[str, float]:
    """By contender."""
    mac = mac_of(_ADDRESS)
    assert mac is not None
    forger = bytes(16)
    numbers = range(_FRAMES)
    measured = [(0x10, True), (0x43, 0.25), (0x4A, 229.7), (0x5C, 100.5)]
    said = bthome.encode(measured, packet_id=1)
    state = mac + b"\x84\x9c\x00\x17\x00\x51\x44"

    def sealed(key: bytes) -> list[bytes]:
        return [bthome.sealed(said, mac, key, number) for number in numbers]

    def xiaomi(key: bytes) -> list[bytes]:
        return [mibeacon.sealed(mibeacon.DOOR, number, _OPEN, mac, key) for number in numbers]

    contenders = {
        "aesccm_floor_us": _floor(said),
        "bthome_us": _opening("plug", _KEY, sealed(_KEY)),
        "bthome_plain_us": _opening("plug", None, [bthome.plain(said)] * _FRAMES),
        "bthome_forged_us": _opening("plug", _KEY, sealed(forger)),
        "mibeacon_us": _opening("Xiaomi MCCGQ02HL", _KEY, xiaomi(_KEY)),
        "mibeacon_forged_us": _opening("Xiaomi MCCGQ02HL", _KEY, xiaomi(forger)),
        "switchbot_us": _opening("SwitchBot Contact Sensor", None, [state] * _FRAMES),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(_ROUNDS):
        for name, run in contenders.items():
            begin_ns = time.perf_counter_ns()
            run()
            times[name].append((time.perf_counter_ns() - begin_ns) / 1000 / _FRAMES)
    return {name: round(statistics.median(each), 2) for name, each in times.items()}


def _floor(said: bytes) -> _Run:
    open_ = AESCCM(_KEY, tag_length=4)
    nonce = bytes(13)
    cipher = open_.encrypt(nonce, said, None)

    def run() -> None:
        for _ in range(_FRAMES):
            open_.decrypt(nonce, cipher, None)

    return run


def _opening(name: str, key: bytes | None, frames: Sequence[bytes]) -> _Run:
    """What the driver does with the frames of a device of this model."""
    model, mac = model_of(name), mac_of(_ADDRESS)
    assert mac is not None
    device = Device(
        DeviceId("one"),
        Link.BLE,
        _ADDRESS,
        name,
        "room",
        model.phenomena if model is not None else frozenset({Phenomenon.POWER_W}),
        timedelta(minutes=5),
        keyed=key is not None,
    )
    found = openers(device, mac, key)
    # By the first of its UUIDs; SwitchBot's frames are the maker's own data.
    uuid16 = MIBEACON if name.startswith("Xiaomi") else UUID16
    company = COMPANY if name.startswith("SwitchBot") else None
    open_ = found.by_uuid16[uuid16] if company is None else found.by_company[company]
    adverts = [RawAdvert(_ADDRESS, uuid16, frame, -60, 0, company) for frame in frames]

    def run() -> None:
        for advert in adverts:
            try:
                open_(advert)
            except Refused:
                continue

    return run
