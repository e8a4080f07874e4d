"""What one encrypted BLE advert costs: ours, bthome-ble, and bare AES-CCM, in the same run.

    python -m benchmarks.decode [--json] [--rounds 30]

Every figure is microseconds an advert: the median over rounds, each a pass over the same thousand
adverts of a plug (packet id, relay, power, voltage, current), the contenders taking turns.
"""

import argparse
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bleak.backends.device import BLEDevice
from bthome_ble.parser import BTHomeBluetoothDeviceData
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from habluetooth import BluetoothServiceInfoBleak

from drivers.ble import BleAdapter, RawAdvert
from drivers.ble.bthome import UUID16, LinkKey, decode
from drivers.guard import CounterGuard
from rules.device import Device, Link
from rules.observation import DeviceId, Phenomenon
from rules.wire import KeyedDevice, encode
from sim.air import bthome

_ADDRESS: Final = "54:48:E6:8F:80:A5"
_MAC: Final = bytes.fromhex("5448E68F80A5")
_KEY: Final = bytes.fromhex("231D39C1D7CC1AB1AEE224CD096DB932")
_ADVERTS: Final = 1_000
_NOW: Final = datetime(2026, 11, 20, tzinfo=UTC)
_PHENOMENA: Final = frozenset(
    {Phenomenon.RELAY_ON, Phenomenon.POWER_W, Phenomenon.VOLTAGE_V, Phenomenon.CURRENT_A}
)


def _adverts(first: int) -> list[bytes]:
    """A thousand adverts with rising counters."""
    return [
        bthome.sealed(
            bthome.encode(
                [(0x10, True), (0x43, 0.25), (0x4A, 229.7), (0x5C, number / 10)],
                packet_id=number % 256,
            ),
            _MAC,
            _KEY,
            first + number,
        )
        for number in range(_ADVERTS)
    ]


def _timed(run: Callable[[], None]) -> float:
    start_ns = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start_ns) / 1000 / _ADVERTS


def _floor(adverts: list[bytes]) -> Callable[[], None]:
    """AES-CCM alone, nonce and ciphertext ready made."""
    open_ = AESCCM(_KEY, tag_length=4).decrypt
    ready = [
        (_MAC + b"\xd2\xfc" + advert[:1] + advert[-8:-4], advert[1:-8] + advert[-4:])
        for advert in adverts
    ]

    def run() -> None:
        for nonce, sealed in ready:
            open_(nonce, sealed, None)

    return run


def _ours(adverts: list[bytes]) -> Callable[[], None]:
    key = LinkKey(_MAC, _KEY)

    def run() -> None:
        for advert in adverts:
            decode(advert, key)

    return run


def _theirs(adverts: list[bytes]) -> Callable[[], None]:
    """bthome-ble, with a parser that has seen the device before."""
    parser = BTHomeBluetoothDeviceData(bindkey=_KEY)
    uuid = "0000fcd2-0000-1000-8000-00805f9b34fb"
    device = BLEDevice(_ADDRESS, "plug", None)
    infos = [
        BluetoothServiceInfoBleak(
            name="plug",
            address=_ADDRESS,
            rssi=-60,
            manufacturer_data={},
            service_data={uuid: advert},
            service_uuids=[uuid],
            source="",
            device=device,
            advertisement=None,
            connectable=False,
            time=float(at),
            tx_power=None,
        )
        for at, advert in enumerate(adverts)
    ]

    def run() -> None:
        for info in infos:
            parser.update(info)

    return run


def _to_packets(adverts: list[bytes], state: Path) -> Callable[[], None]:
    """The whole way through the driver: decode, guard, observations, packets for the gateway.

    One advert a second, so that the counter marks are written as they would be in a home.
    """
    device = Device(
        DeviceId("plug"),
        Link.BLE,
        _ADDRESS,
        "plug",
        "kitchen",
        _PHENOMENA,
        timedelta(minutes=5),
        keyed=True,
    )
    adapter = BleAdapter(CounterGuard(state))
    adapter.set_devices([KeyedDevice(device, _KEY)])
    raw = [
        RawAdvert(_ADDRESS, UUID16, advert, -60, at * 1_000_000)
        for at, advert in enumerate(adverts)
    ]

    def run() -> None:
        for advert in raw:
            for message in adapter.receive(advert, _NOW):
                encode(message)

    return run


def measure(rounds: int) -> dict[str, float]:
    """Microseconds an advert by contender, and ratios of ours."""
    logging.disable(logging.CRITICAL)
    contenders = {"aesccm_floor_us": _floor, "decode_us": _ours, "bthome_ble_us": _theirs}
    times: dict[str, list[float]] = {name: [] for name in (*contenders, "advert_to_packets_us")}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            adverts = _adverts(number * _ADVERTS)
            for name, make in contenders.items():
                times[name].append(_timed(make(adverts)))
            whole = _to_packets(adverts, Path(folder) / f"{number}.state")
            times["advert_to_packets_us"].append(_timed(whole))
    logging.disable(logging.NOTSET)
    figures = {name: round(statistics.median(series), 3) for name, series in times.items()}
    figures["decode_of_floor"] = round(figures["decode_us"] / figures["aesccm_floor_us"], 2)
    figures["bthome_ble_of_decode"] = round(figures["bthome_ble_us"] / figures["decode_us"], 2)
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decode", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    figures = measure(options.rounds)
    if options.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:24}{figure:10.3f}")


if __name__ == "__main__":
    main()
