"""What ESPHome proxies cost the driver, and how soon it hears by them again after a fault.

The same senders as of the other load, on a machine without an adapter: what two encrypted proxies
hear, each all of it, and the driver tells once. The timing is that which is used in homes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from benchmarks.ble.load import CROWD, MEASURED_S, RATE, Figures
from benchmarks.ble.world import Gateway, Plugs, Process, driver, turns, until, virtual
from drivers.ble.proxies import ProxyPolicy
from rules.air import Proxy, Settings
from sim.ble.esphome import FakeProxy
from sim.ble.frame import Frame, flags, manufacturer

_KEY: Final = bytes(range(32))
_SETTLES_S: Final = 3.0
_STARTS_S: Final = 20.0
_GIVES_UP_S: Final = 120.0
_CROWD_RATE: Final = 400
_CROWD_S: Final = 28.0
_NEW_ADDRESS: Final = 0.05
_APPLE: Final = 0x004C
_CALM_RATE: Final = 50
_AWAY_S: Final = (1, 15, 40)
"Its Wi-Fi; its start; somebody has pulled the plug."


@dataclass
class _House:
    """Proxies that all hear the same, and the driver that listens by them."""

    proxies: list[FakeProxy]
    process: Process
    gateway: Gateway

    def hear(self, _: str, frame: Frame, rssi_dbm: int) -> None:
        for proxy in self.proxies:
            proxy.hear(frame, rssi_dbm)

    async def hears(self) -> float:
        """Seconds until something is observed anew."""
        await asyncio.sleep(0.02)
        before = self.gateway.observed
        took_s = await until(lambda: self.gateway.observed > before + 2, _GIVES_UP_S)
        return round(took_s, 2)


async def proxies() -> Figures:
    """Load, memory and recoveries."""
    return {
        "load_by_one": await _load(1),
        "load_by_two": await _load(2),
        "crowd": await _crowd(),
        "recovery_s": {f"away_{away_s}_s": await _recovery(away_s) for away_s in _AWAY_S},
        "told_s": await _told(),
    }


@asynccontextmanager
async def _house(number: int) -> AsyncIterator[_House]:
    async with virtual() as (bus, _, folder), asyncio.TaskGroup() as group:
        await bus.kill()  # This machine has no adapter, and nothing to look for one.
        ears = [
            FakeProxy(f"proxy{one}", f"AA:BB:CC:00:00:{one:02X}", _KEY) for one in range(number)
        ]
        serving = [group.create_task(one.run()) for one in ears]
        for one in ears:
            await one.up.wait()
        known = tuple(Proxy(one.name, "127.0.0.1", one.port, _KEY) for one in ears)
        try:
            async with driver(folder, Settings(known)) as (process, gateway):
                await until(lambda: all(one.subscribed for one in ears), _STARTS_S)
                yield _House(ears, process, gateway)
        finally:
            for task in serving:
                task.cancel()


async def _load(number: int) -> Figures:
    async with _house(number) as house:
        process, gateway, plugs = house.process, house.gateway, Plugs(house)
        await asyncio.sleep(_SETTLES_S)
        idle_mib = process.rss_mib
        await plugs.send(RATE, _SETTLES_S)
        await until(lambda: gateway.observed == plugs.sent, _SETTLES_S)
        sent, observed, cpu_s = plugs.sent, gateway.observed, process.cpu_s
        await plugs.send(RATE, MEASURED_S)
        await until(lambda: gateway.observed - observed == plugs.sent - sent, _SETTLES_S)
        sent, observed = plugs.sent - sent, gateway.observed - observed
        cpu_s = process.cpu_s - cpu_s
        return {
            "adverts": sent,
            "lost": sent - observed,
            "cpu_ms_per_1000": round(cpu_s * 1e6 / sent, 1),
            "rss_mib_idle": idle_mib,
            "rss_mib": process.rss_mib,
        }


async def _crowd() -> Figures:
    random = Random(5)
    async with _house(1) as house:
        process = house.process
        await asyncio.sleep(_SETTLES_S)
        alone_mib, cpu_s = process.rss_mib, process.cpu_s
        addresses = [random.randbytes(6).hex(":").upper() for _ in range(CROWD)]
        async for done in turns(_CROWD_RATE, _CROWD_S):
            number = done % CROWD
            if random.random() < _NEW_ADDRESS:
                addresses[number] = random.randbytes(6).hex(":").upper()
            data = flags() + manufacturer(_APPLE, b"\x10\x05" + random.randbytes(5))
            house.hear("", Frame(addresses[number], data), -80)
        return {
            "rss_mib_alone": alone_mib,
            "rss_mib": process.rss_mib,
            "cpu_percent": round((process.cpu_s - cpu_s) * 100 / _CROWD_S, 1),
        }


# ------------------------------------------------------------------------------------- faults


async def _recovery(away_s: float) -> float:
    """Seconds until it hears again by a proxy that was without power for so long."""
    async with _house(1) as house, asyncio.TaskGroup() as group:
        sending = group.create_task(Plugs(house).send(_CALM_RATE, 2 * _GIVES_UP_S))
        await house.hears()
        house.proxies[0].kill()
        await asyncio.sleep(away_s)
        await house.proxies[0].revive()
        took_s = await house.hears()
        sending.cancel()
        return took_s


async def _told() -> Figures:
    """Seconds until a half-open connection is noticed, and until the gateway is told of faults."""
    told: Figures = {}
    loop = asyncio.get_running_loop()
    async with _house(2) as house:
        lost, wrong = house.proxies
        begin_s = loop.time()
        lost.half_open()
        await until(lambda: lost.served > 1, _GIVES_UP_S)
        told["half_open_noticed"] = round(loop.time() - begin_s, 2)
        begin_s = loop.time()
        wrong.kill()
        wrong.key = bytes(reversed(_KEY))
        await wrong.revive()
        await until(lambda: wrong.name in house.gateway.lost, _GIVES_UP_S)
        told["another_key"] = round(loop.time() - begin_s, 2)
    async with _house(1) as house:
        begin_s = loop.time()
        house.proxies[0].kill()
        await until(lambda: house.proxies[0].name in house.gateway.lost, _GIVES_UP_S)
        told["lost"] = round(loop.time() - begin_s, 2)
        told["lost_floor"] = ProxyPolicy().tell_s
    return told
