"""From each fault, or from its end where there is one, to the next advert.

With the timing that is used in homes; the floor of a silence is the 15 s that it takes to be one.
"""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.ble.world import ADAPTER, Plugs, plugs, until, virtual
from drivers.ble import RawAdvert
from drivers.ble.keeper import Policy
from drivers.ble.radio import BluezRadio
from drivers.clock import SystemClock
from sim.ble.bluez import Bluez, Until
from sim.ble.bus import PrivateBus

_RATE: Final = 50
_CHATTER_S: Final = 65.0
"After so long of hearing, silence is known to be none."
_GIVES_UP_S: Final = 150.0


@dataclass
class _Ear:
    """The production radio, in this process."""

    bus: PrivateBus
    bluez: Bluez
    radio: BluezRadio
    heard: int = 0

    async def listen(self) -> None:
        async for one in self.radio.adverts():
            self.heard += isinstance(one, RawAdvert)

    async def hears(self) -> float:
        await asyncio.sleep(0.02)
        before = self.heard
        return round(await until(lambda: self.heard > before + 2, _GIVES_UP_S), 2)


async def _restart(ear: _Ear) -> float:
    await ear.bluez.restart(2.0)
    return await ear.hears()


async def _unplug(ear: _Ear) -> float:
    ear.bluez.unplug(ADAPTER)
    await asyncio.sleep(20)
    ear.bluez.plug(ADAPTER, 0)
    return await ear.hears()


async def _unplug_other(ear: _Ear) -> float:
    ear.bluez.unplug(ADAPTER)
    await asyncio.sleep(3)
    ear.bluez.plug(ADAPTER, 1)
    return await ear.hears()


async def _frozen(ear: _Ear) -> float:
    ear.bluez.freeze(ADAPTER, Until.RESCAN)
    return await ear.hears()


async def _stuck(ear: _Ear) -> float:
    await asyncio.sleep(_CHATTER_S)
    ear.bluez.freeze(ADAPTER, Until.POWER)
    return await ear.hears()


async def _hanging(ear: _Ear) -> float:
    ear.bluez.hang(1)
    await ear.bluez.restart(0.5)
    return await ear.hears()


async def _in_progress(ear: _Ear) -> float:
    ear.bluez.in_progress(6)
    await ear.bluez.restart(0.5)
    return await ear.hears()


async def _bus_killed(ear: _Ear) -> float:
    await ear.bus.kill()
    await asyncio.sleep(3)
    await ear.bus.start()
    await ear.bluez.up.wait()
    return await ear.hears()


FAULTS: Final[dict[str, tuple[Callable[[_Ear], Awaitable[float]], float]]] = {
    # The fault, and what no recovery can be sooner than.
    "bluetoothd_restarted": (_restart, 0.0),
    "adapter_back": (_unplug, 0.0),
    "adapter_back_as_hci1": (_unplug_other, 0.0),
    "silent_until_rescan": (_frozen, Policy().silence_s),
    "stuck_until_power_cycle": (_stuck, Policy().silence_s + Policy().probe_s),
    "register_monitor_hangs": (_hanging, 0.0),
    "in_progress_six_times": (_in_progress, 0.0),
    "bus_killed": (_bus_killed, 0.0),
}


async def recovery(name: str) -> float:
    """Seconds until it hears again."""
    async with virtual() as (bus, bluez, _), asyncio.TaskGroup() as group:
        radio = BluezRadio(SystemClock().boottime_us)
        radio.set_devices(plugs())
        ear = _Ear(bus, bluez, radio)
        tasks = [
            group.create_task(radio.run()),
            group.create_task(ear.listen()),
            group.create_task(Plugs(bluez).send(_RATE, 2 * _GIVES_UP_S + _CHATTER_S)),
        ]
        try:
            await ear.hears()
            return await FAULTS[name][0](ear)
        finally:
            for task in tasks:
                task.cancel()


def recoveries() -> dict[str, dict[str, float]]:
    """All faults at the same time, each in a process of its own."""
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ble", "--fault", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for name in FAULTS
    }
    return {
        name: {"s": float(process.communicate()[0]), "floor_s": FAULTS[name][1]}
        for name, process in running.items()
    }
