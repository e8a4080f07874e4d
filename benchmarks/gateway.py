"""`python -m benchmarks.gateway [--json]`: what the gateway costs, beside a floor.

Each figure is measured in this run, by the same way for both; see `benchmarks.floor` for what the
floor is. Figures of a shared machine are ratios at best: read ours beside the floor's.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass

from benchmarks import daemon, disk, latency, throughput


@dataclass(frozen=True, slots=True)
class Figures:
    """One column of the table; None where this machine cannot tell."""

    decision_p50_us: float
    decision_p99_us: float
    observations_per_s_100: float
    observations_per_s_1000: float
    rss_mib_idle: float
    rss_mib_loaded: float
    cold_start_s: float
    device_bytes_per_1000: float
    fsyncs_per_1000: float | None
    idle_wakeups_per_s: float


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    asked = parser.parse_args()

    def say(what: str) -> None:
        if not asked.json:
            print(f"{what} ...", file=sys.stderr, flush=True)

    say("frame to decision")
    ours_latency, floor_latency = latency.measure()
    say("observations per second with 100 and 1,000 rules")
    ours_100, floor_100 = throughput.measure(100)
    ours_1000, floor_1000 = throughput.measure(1000)
    say("bytes and flushes for 1,000 observations at 50/s")
    ours_disk, floor_disk = disk.measure()
    say("the daemon: start, memory, idle wake-ups (about 40 s)")
    ours_daemon, floor_daemon = daemon.measure()
    ours = Figures(
        *ours_latency, ours_100, ours_1000, *ours_daemon[:3], *ours_disk, ours_daemon[3]
    )
    floor = Figures(
        *floor_latency, floor_100, floor_1000, *floor_daemon[:3], *floor_disk, floor_daemon[3]
    )
    if asked.json:
        print(json.dumps(asdict(ours) | {"floor": asdict(floor)}, indent=2))
        return 0
    print(f"{'':28}{'ongi':>14}{'floor':>14}")
    for name, value in asdict(ours).items():
        print(f"{name:28}{_shown(value):>14}{_shown(asdict(floor)[name]):>14}")
    return 0


def _shown(value: float | None) -> str:
    return "not told" if value is None else f"{value:,.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
