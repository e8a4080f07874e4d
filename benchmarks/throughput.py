"""Observations per second on one core: N rules on N/2 sensors.

Each sensor has a threshold (room temperature) and an inactivity timer that every report re-arms
(its reporting contract).
"""

import gc
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from benchmarks.floor import Floor
from rules.device import Device, Link
from rules.engine import Engine
from rules.inputs import Boot, DeviceChanged
from rules.observation import DeviceId, Observation, Phenomenon
from rules.rulebook import PRESETS, Preset

START = datetime(2026, 7, 1, tzinfo=UTC)
_TOTAL = 60_000
_ROUNDS = 3


def sensors(count: int) -> tuple[Device, ...]:
    """So many thermometers that report every 10 minutes."""
    return tuple(
        Device(
            DeviceId(f"t{number}"),
            Link.BLE,
            f"AA:00:00:00:{number >> 8:02X}:{number & 255:02X}",
            "benchmark",
            "room",
            frozenset({Phenomenon.TEMPERATURE_C}),
            timedelta(minutes=10),
        )
        for number in range(count)
    )


def engine_of(devices: tuple[Device, ...]) -> Engine:
    """An engine that has just started with these devices."""
    engine = Engine(PRESETS[Preset.LIVING_ALONE])
    engine.handle(Boot(1, timedelta(), trusted=True), START)
    engine.handle(DeviceChanged(devices), START)
    for device in devices:
        engine.handle(reading(device.id, 20.0, START), START)
    return engine


def reading(device: DeviceId, celsius: float, at: datetime) -> Observation:
    """One routine observation."""
    return Observation(device, Phenomenon.TEMPERATURE_C, celsius, at, at)


def measure(rules: int) -> tuple[float, float]:
    """Observations per second: ours, the floor's; the best of three rounds each."""
    return max(_rounds(lambda: _ours(rules))), max(_rounds(lambda: _floor(rules)))


def _rounds(once: Callable[[], float]) -> list[float]:
    return [once() for _ in range(_ROUNDS)]


def _ours(rules: int) -> float:
    devices = sensors(rules // 2)
    engine = engine_of(devices)
    moments = [
        START + timedelta(seconds=number) for number in range(1, _TOTAL // len(devices) + 1)
    ]
    observations = [
        reading(device.id, 20.0 + number % 3, at)
        for number, at in enumerate(moments)
        for device in devices
    ]
    gc.collect()
    began = time.perf_counter()
    for observation in observations:
        engine.handle(observation, observation.result_time)
        engine.next_deadline()
    return len(observations) / (time.perf_counter() - began)


def _floor(rules: int) -> float:
    floor = Floor(rules)
    frames = [floor.frame(number % (rules // 2), 2000 + number % 3) for number in range(_TOTAL)]
    gc.collect()
    began = time.perf_counter()
    for number, frame in enumerate(frames):
        floor.decide(frame, number)
    return len(frames) / (time.perf_counter() - began)
