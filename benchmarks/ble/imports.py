"""What it takes to be loaded: the driver, and what it loads when a home has such a device."""

import subprocess
import sys
from statistics import median
from typing import Final

_ROUNDS: Final = 5
_TOLD: Final = """
import os, time
begin = time.perf_counter()
import {modules}
print(time.perf_counter() - begin)
with open("/proc/self/statm") as statm:
    print(int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
"""

_WHAT: Final = {
    "python": "os",
    "asyncio": "asyncio",
    "dbus_fast": "asyncio, dbus_fast.aio",
    "driver": "asyncio, drivers.process, drivers.ble.radio",
    "driver_and_xiaomi": "asyncio, drivers.process, drivers.ble.radio, xiaomi_ble.parser",
    "driver_and_switchbot": "asyncio, drivers.process, drivers.ble.radio, switchbot.adv_parser",
    "driver_and_proxies": "asyncio, drivers.process, drivers.ble.radio, bleak_esphome",
}


def imports() -> dict[str, dict[str, float]]:
    """Seconds and MiB of a process that has loaded it and does nothing; medians."""
    return {name: _measured(modules) for name, modules in _WHAT.items()}


def _measured(modules: str) -> dict[str, float]:
    code = _TOLD.format(modules=modules)
    told = [
        [
            float(line)
            for line in subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            ).stdout.split()
        ]
        for _ in range(_ROUNDS)
    ]
    return {
        "s": round(median(seconds for seconds, _ in told), 3),
        "rss_mib": round(median(mib for _, mib in told), 1),
    }
