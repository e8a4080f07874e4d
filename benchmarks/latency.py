"""From the bytes of an encrypted BTHome advert to the decision, in one process.

Ours: the advert is decrypted and checked against its counter, becomes a packet of the driver
socket, is parsed out of it again, and is decided on. Only the kernel's socket is left out.
"""

import gc
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.floor import Floor
from benchmarks.throughput import START, engine_of, sensors
from drivers.ble import BleAdapter, RawAdvert
from drivers.guard import CounterGuard
from rules import wire
from rules.observation import Observation
from rules.wire import KeyedDevice
from sim.air import bthome

_FRAMES = 20_000
_RULES = 100
_KEY = bytes(range(16))
_TEMPERATURE = 0x02


def measure() -> tuple[tuple[float, float], tuple[float, float]]:
    """p50 and p99 in microseconds: ours, the floor's."""
    with TemporaryDirectory() as folder:
        ours = _ours(Path(folder))
    return _percentiles(ours), _percentiles(_floor())


def _ours(folder: Path) -> list[float]:
    devices = sensors(_RULES // 2)
    engine = engine_of(devices)
    guard = CounterGuard(folder / "marks")
    adapter = BleAdapter(guard)
    adapter.set_devices([KeyedDevice(device, _KEY) for device in devices])
    adverts = [
        _advert(devices[number % len(devices)].address, number) for number in range(_FRAMES)
    ]
    took: list[float] = []
    gc.collect()
    for number, advert in enumerate(adverts):
        now = START + timedelta(milliseconds=20 * number)
        began = time.perf_counter_ns()
        for observed in adapter.receive(advert, now):
            message = wire.decode(wire.encode(observed))
            assert isinstance(message, wire.Observed)
            seen = Observation(message.device, message.phenomenon, message.value, now, now)
            engine.handle(seen, now)
        engine.next_deadline()
        took.append((time.perf_counter_ns() - began) / 1000)
    guard.close()
    return took


def _advert(address: str, number: int) -> RawAdvert:
    objects = [(_TEMPERATURE, 20.0 + number % 300 / 100)]
    mac = bytes.fromhex(address.replace(":", ""))
    counter = 1 + number // (_RULES // 2)
    data = bthome.sealed(bthome.encode(objects), mac, _KEY, counter)
    return RawAdvert(address, 0xFCD2, data, -60, 20_000 * number)


def _floor() -> list[float]:
    floor = Floor(_RULES)
    took: list[float] = []
    gc.collect()
    for number in range(_FRAMES):
        frame = floor.frame(number % (_RULES // 2), 2000 + number % 300)
        began = time.perf_counter_ns()
        floor.decide(frame, number)
        took.append((time.perf_counter_ns() - began) / 1000)
    return took


def _percentiles(took: list[float]) -> tuple[float, float]:
    ordered = sorted(took)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
