"""The driver under load, beside a process that only reads the same signals."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

from benchmarks.ble.world import ADAPTER, Plugs, Process, driver, turns, until, virtual
from sim.ble.frame import Frame, flags, manufacturer

RATE: Final = 1000
MEASURED_S: Final = 20.0
CROWD: Final = 5000

_SETTLES_S: Final = 3.0
_DRAINS_S: Final = 1.0
_STARTS_S: Final = 20.0
_FORGED_RATE: Final = 5000
_FORGED_S: Final = 10.0
_CROWD_RATE: Final = 400
_CROWD_S: Final = 28.0
"Shorter than BlueZ takes to forget a stranger."
_NEW_ADDRESS: Final = 0.05
_APPLE: Final = 0x004C

Figures = dict[str, object]


async def load(for_s: float, say: Callable[[str], None]) -> Figures:
    """Processor, memory over time, and what was lost."""
    async with virtual() as (_, bluez, folder), driver(folder) as (process, gateway):
        plugs = Plugs(bluez)
        await until(lambda: bluez.scanning(ADAPTER), _STARTS_S)
        await asyncio.sleep(_SETTLES_S)
        idle_mib, idle_s = process.rss_mib, process.cpu_s
        await asyncio.sleep(_SETTLES_S)
        idle_s = process.cpu_s - idle_s
        await plugs.send(RATE, _SETTLES_S)
        await asyncio.sleep(_DRAINS_S)
        sent, observed, cpu_s = plugs.sent, gateway.observed, process.cpu_s
        over_time = []
        for turn in range(max(1, round(for_s / MEASURED_S))):
            await plugs.send(RATE, MEASURED_S)
            over_time.append(process.rss_mib)
            say(f"{(turn + 1) * MEASURED_S:.0f} s: {process.rss_mib} MiB")
        await until(lambda: gateway.observed - observed == plugs.sent - sent, _SETTLES_S)
        sent, observed = plugs.sent - sent, gateway.observed - observed
        cpu_s = process.cpu_s - cpu_s
    return {
        "adverts": sent,
        "lost": sent - observed,
        "cpu_ms_per_1000": round(cpu_s * 1e6 / sent, 1),
        "idle_cpu_ms_per_s": round(idle_s * 1e3 / _SETTLES_S, 1),
        "rss_mib_idle": idle_mib,
        "rss_mib": over_time,
    }


async def floor() -> Figures:
    """A process that only reads the signals."""
    async with virtual() as (_, bluez, _folder):
        process = Process("-m", "benchmarks.ble.reader")
        plugs = Plugs(bluez)
        try:
            await until(lambda: bluez.scanning(ADAPTER), _STARTS_S)
            idle_mib = process.rss_mib
            await plugs.send(RATE, _SETTLES_S)
            sent, cpu_s = plugs.sent, process.cpu_s
            await plugs.send(RATE, MEASURED_S)
            sent, cpu_s = plugs.sent - sent, process.cpu_s - cpu_s
            return {
                "cpu_ms_per_1000": round(cpu_s * 1e6 / sent, 1),
                "rss_mib_idle": idle_mib,
                "rss_mib": process.rss_mib,
            }
        finally:
            await process.end()


async def flood() -> Figures:
    """Five thousand forged frames a second under one address, and what others lose by it."""
    async with virtual() as (_, bluez, folder), driver(folder) as (process, gateway):
        plugs = Plugs(bluez)
        await until(lambda: bluez.scanning(ADAPTER), _STARTS_S)
        await plugs.send(_CROWD_RATE, _SETTLES_S)
        await asyncio.sleep(_DRAINS_S)
        sent, observed, cpu_s = plugs.sent, gateway.observed, process.cpu_s
        await plugs.send(_CROWD_RATE, _FORGED_S, forged=_FORGED_RATE)
        took_s = await until(lambda: gateway.observed - observed == plugs.sent - sent, _STARTS_S)
        cpu_s = process.cpu_s - cpu_s
        return {
            "forged": plugs.forged,
            "cpu_ms_per_1000": round(cpu_s * 1e6 / (plugs.forged + plugs.sent - sent), 1),
            "lost_of_others": plugs.sent - sent - (gateway.observed - observed),
            "behind_s": round(took_s, 2),
            "told": gateway.faults,
            "rss_mib": process.rss_mib,
        }


async def crowd(*, experimental: bool) -> Figures:
    """Memory with five thousand strangers around, whose addresses change.

    In a quiet home, so that the driver probes.
    """
    random = Random(5)
    async with (
        virtual(experimental=experimental) as (_, bluez, folder),
        driver(folder) as (process, _gateway),
    ):
        await until(lambda: bluez.scanning(ADAPTER), _STARTS_S)
        await asyncio.sleep(_SETTLES_S)
        alone_mib, cpu_s = process.rss_mib, process.cpu_s
        addresses = [_address(random) for _ in range(CROWD)]
        async for done in turns(_CROWD_RATE, _CROWD_S):
            number = done % CROWD
            if random.random() < _NEW_ADDRESS:
                addresses[number] = _address(random)
            data = flags() + manufacturer(_APPLE, b"\x10\x05" + random.randbytes(5))
            bluez.hear(ADAPTER, Frame(addresses[number], data), -80)
        return {
            "rss_mib_alone": alone_mib,
            "rss_mib": process.rss_mib,
            "cpu_percent": round((process.cpu_s - cpu_s) * 100 / _CROWD_S, 1),
        }


def _address(random: Random) -> str:
    return random.randbytes(6).hex(":").upper()
