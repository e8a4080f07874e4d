"""`python -m benchmarks.fleet --home-years 1000 [--json]`: what a fleet's replay costs.

Simulated homes of one population, a year each, under two rulebooks at once: the homes'
own, and one that raises after eight hours. The floor is the same lives drawn and not decided upon.
Wall time of 1 and of 2 workers shows the scaling; what they say has to be the same.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence

from sim.homes.population import POPULATIONS, home
from sim.replay.fleet import Drawn, Job, Result, local
from sim.replay.options import START
from sim.replay.rulefile import RuleFile
from sim.replay.totals import Total, total

_RULES = RuleFile("benchmark", None, {"inactivity": {"limits": ["8 h"]}})
_DAYS = 365
_FLOOR_HOMES = 10
_THOUSAND = 1000


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--home-years", type=int, default=100, metavar="N")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--population", choices=POPULATIONS, default="mixed")
    parser.add_argument("--seed", type=int, default=41, metavar="N")
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    asked = parser.parse_args()
    if asked.home_years < 1 or min(asked.workers) < 1:
        parser.error("home-years and workers are whole numbers from 1")
    homes = [
        Drawn(asked.population, asked.seed, number, START, _DAYS)
        for number in range(1, asked.home_years + 1)
    ]
    floor_s = _floor(homes[:_FLOOR_HOMES])
    runs: list[dict[str, object]] = []
    totals: list[Total] = []
    walls: dict[int, float] = {}
    for workers in asked.workers:
        print(f"{workers} workers, {len(homes)} home-years ...", file=sys.stderr, flush=True)
        before = _cpu_s()
        wall_s, summed = _run(homes, workers)
        cpu_s = _cpu_s() - before
        walls[workers] = wall_s
        totals.append(summed)
        runs.append(
            {
                "workers": workers,
                "wall_s": round(wall_s, 1),
                "cpu_s": round(cpu_s, 1),
                "home_years_per_min": round(60 * len(homes) / wall_s, 1),
                "observations_per_s": round(summed.observations / wall_s),
                "thousand_home_years_min": round(wall_s / len(homes) * _THOUSAND / 60, 1),
            }
        )
    most = max(asked.workers)
    found = {
        "home_years": len(homes),
        "observations": totals[0].observations,
        "rulebooks": 2,
        "runs": runs,
        "scaling": round(walls[1] / walls[most], 2) if 1 in walls else None,
        "floor_s_per_home_year": round(floor_s, 2),
        "same_for_any_workers": all(each == totals[0] for each in totals),
        "failed": len(totals[0].failed),
        "raised_old": dict(totals[0].old.raised),
        "raised_new": dict(totals[0].new.raised),
    }
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            print(f"{name:24}{value}")
    return 0 if found["same_for_any_workers"] else 1


def _run(homes: Sequence[Drawn], workers: int) -> tuple[float, Total]:
    jobs = [Job(one, _RULES, None, keep=0) for one in homes]
    done = 0

    def count(_result: Result) -> None:
        nonlocal done
        done += 1
        if done % 50 == 0:
            print(f"  {done} of {len(jobs)} homes", file=sys.stderr, flush=True)

    began = time.perf_counter()
    results = local(jobs, workers, count)
    wall_s = time.perf_counter() - began
    return wall_s, total([one.name for one in homes], results)


def _cpu_s() -> float:
    """Processor time of this process and of workers that ended: another load does not count."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _floor(homes: Sequence[Drawn]) -> float:
    """Seconds to draw a year of one home and do nothing with it."""
    began = time.perf_counter()
    for one in homes:
        lived = home(one.seed, one.number, one.start, one.population)
        for happening in lived.happenings():
            if (happening.at - one.start).days >= one.days:
                break
    return (time.perf_counter() - began) / len(homes)


if __name__ == "__main__":
    raise SystemExit(main())
