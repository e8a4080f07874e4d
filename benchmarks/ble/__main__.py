"""What the BLE driver costs and how soon it hears again, on the virtual BlueZ.

    python -m benchmarks.ble [--json] [--soak SECONDS] [--only PART ...]

Load: fifty keyed plugs send a thousand new, encrypted adverts a second over D-Bus to
`ongi driver ble`, and every observation is read at the gateway's end. The floor is a process that
reads the same signals with dbus-fast and does nothing. All on one machine: the senders, the
virtual BlueZ and the bus have their processors too.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.ble.formats import decoding
from benchmarks.ble.imports import imports
from benchmarks.ble.load import CROWD, MEASURED_S, RATE, crowd, flood, floor, load
from benchmarks.ble.proxied import proxies
from benchmarks.ble.recovery import FAULTS, recoveries, recovery

Say = Callable[[str], None]
PARTS: Final = ("imports", "decoding", "load", "flood", "crowd", "proxies", "recovery")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ble",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    parser.add_argument("--soak", type=float, default=MEASURED_S, metavar="SECONDS")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--fault", choices=list(FAULTS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.fault:
        print(asyncio.run(recovery(asked.fault)))
        return 0

    def say(what: str) -> None:
        if not asked.json:
            print(what, file=sys.stderr, flush=True)

    figures = _measured(asked.only, asked.soak, say)
    print(json.dumps(figures, indent=None if asked.json else 2))
    return 0


def _measured(parts: Sequence[str], soak_s: float, say: Say) -> dict[str, object]:
    figures: dict[str, object] = {}
    if "imports" in parts:
        say("memory and time of being loaded, 15 s")
        figures["imports"] = imports()
    if "decoding" in parts:
        say("a frame of each format, 2 s")
        figures["decoding"] = decoding()
    if "load" in parts:
        say("the floor, 25 s")
        figures["floor"] = asyncio.run(floor())
        say(f"{RATE} adverts a second, {soak_s:.0f} s")
        figures["load"] = asyncio.run(load(soak_s, say))
    if "flood" in parts:
        say("5,000 forged frames a second, 20 s")
        figures["flood"] = asyncio.run(flood())
    if "crowd" in parts:
        say(f"{CROWD} strangers, 70 s")
        figures["crowd"] = {
            "passive": asyncio.run(crowd(experimental=True)),
            "active": asyncio.run(crowd(experimental=False)),
        }
    if "proxies" in parts:
        say("encrypted proxies, 3 min")
        figures["proxies"] = asyncio.run(proxies())
    if "recovery" in parts:
        say("eight faults, 100 s")
        figures["recovery"] = recoveries()
    return figures


if __name__ == "__main__":
    sys.exit(main())
