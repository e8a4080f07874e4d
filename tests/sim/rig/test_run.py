"""The rig: real processes, killed for real, and a collapse that is found all the same."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sim.check import check, figures
from sim.faults.fault import OF_CENTER, Fault, FaultKind
from sim.homes.population import SimulatedHome, home
from sim.rig import run
from sim.rig.network import Network, missing_for_namespaces
from sim.rig.plan import Plan
from sim.world.run import START
from tests.support.processes import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.timeout(150)]

LIMITS = (timedelta(hours=2), timedelta(hours=3))
RIG = (
    *(sys.executable, "-m", "sim", "rig"),
    *("--language", "en", "--network", "loopback"),
)
MINUTE = timedelta(minutes=1)
COLLAPSE = 60 * MINUTE


def small_home() -> SimulatedHome:
    """A few devices, and rules that call after two hours."""
    made = home(41, 1, START, "demo")
    made.book = replace(made.book, inactivity=replace(made.book.inactivity, limits=LIMITS))
    return made


def fault(number: int, kind: FaultKind, begin: int, lasting: int, amount: float = 0.0) -> Fault:
    """Minutes since the start."""
    of = None if kind in OF_CENTER else 1
    return Fault(number, kind, of, begin * MINUTE, lasting * MINUTE, amount)


def plan(*faults: Fault, network: Network = Network.LOOPBACK, data: Path | None = None) -> Plan:
    return Plan(
        seed=41,
        homes=(small_home(),),
        lasting=210 * MINUTE,
        faults=faults,
        speed=900.0,
        network=network,
        data=data,
        collapse=COLLAPSE,
        calls_a_day=20.0,
        limits=LIMITS,
    )


def left(data: Path) -> list[str]:
    """Processes that still have this run's folder on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if os.fsencode(data) in line and entry.name != str(os.getpid()):
            found.append(line.decode().replace("\0", " "))
    return found


@pytest.mark.once
async def test_a_collapse_is_found_though_gateway_and_center_are_killed(tmp_path: Path) -> None:
    shown: list[tuple[int, int]] = []
    outcome = await run.run(
        plan(
            fault(1, FaultKind.POWER_CUT, 20, 15, 2),
            fault(2, FaultKind.CENTER_KILLED, 70, 10),
            fault(3, FaultKind.UPLINK_LOSS, 10, 190, 0.1),
            # All the rest of the run is forgotten, and asked for again after it.
            fault(4, FaultKind.CENTER_RESTORED, 207, 2, 80 * 60),
            data=tmp_path / "data",
        ),
        lambda now: shown.append((now.escalations, now.kills)),
        asyncio.Event(),
    )
    assert left(tmp_path) == []
    (only,) = outcome.chronicle.homes
    assert check(outcome.chronicle) == ()
    assert outcome.tally.kills == 4, "gateway and driver at once, and twice the center"
    assert [one.boot for one in only.runs] == [1, 2]
    (trouble,) = only.troubles
    assert trouble.found is not None
    assert trouble.helped is not None
    assert COLLAPSE <= trouble.found - START <= 2 * COLLAPSE + LIMITS[0]
    queued = {one.id for one in only.queued}
    assert queued == {one.record.id for one in only.arrived}
    assert len(only.arrived) > len(queued) > 0, "some came once more to a restored center"
    assert only.observations > 200
    found = figures(outcome.chronicle, (), 0.0)
    assert found.escalations > 1
    assert shown[-1] == (found.escalations, outcome.tally.kills)
    # A checker sees it if one record is not there.
    outcome.chronicle.stored.pop()
    assert {one.checker for one in check(outcome.chronicle)} == {"nothing-lost"}


@pytest.mark.root
async def test_namespaces_carry_it_and_are_removed(tmp_path: Path) -> None:
    if missing := missing_for_namespaces():
        pytest.skip(f"network namespaces need {missing}")
    short = replace(
        plan(
            fault(1, FaultKind.UPLINK_LOSS, 5, 20, 0.3),
            network=Network.NAMESPACES,
            data=tmp_path / "data",
        ),
        lasting=40 * MINUTE,
        collapse=None,
    )
    outcome = await run.run(short, lambda _: None, asyncio.Event())
    assert check(outcome.chronicle) == ()
    assert outcome.chronicle.homes[0].observations > 50
    assert not namespaces()


def namespaces() -> list[str]:
    """Those of this process."""
    listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if line.startswith(f"ongi-rig-{os.getpid()}-")]


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with subprocess.Popen(
        [*RIG, "--days", "1", "--keep-data", str(data)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as rig:
        log = data / "logs" / "sim-0001-driver.log"
        while not log.exists():
            assert rig.poll() is None
        rig.send_signal(signal.SIGINT)
        said, _ = rig.communicate(timeout=60)
    assert rig.returncode == 130
    assert "Stopped." in said
    assert left(tmp_path) == []


def test_figures_of_the_rig_are_json_without_a_digest() -> None:
    short = ["--days", "0.05", "--collapse", "none", "--calls", "0", "--population", "demo"]
    done = subprocess.run(
        [*RIG, *short, "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "digest" not in found
    assert found["seed"] == 1
    # Where nobody watches a terminal the last line says how it was at the end.
    *_, last = done.stderr.strip().splitlines()
    assert f"{found['rig']['kills']} killed, {found['escalations']} escalations" in last


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--days", "-1"], r"--days\n  -1\n  from 0.05 to 366"),
        (["--homes", "0"], r"--homes\n  0\n  from 1"),
        (["--faults", "no-such-file"], r"no-such-file"),
        (["--collapse", "later"], r"--collapse"),
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [*RIG, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert re.search(said, done.stderr), done.stderr
