"""Whole runs: equal for equal seeds, and what people, gateways and center do in them."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from rules.alarm import AlarmKind, Move
from rules.events import AlarmMoved, Stage, Updated
from rules.observation import DeviceId
from sim.check import check
from sim.check.command import Asked
from sim.faults.fault import Fault, FaultKind
from sim.homes.population import home
from sim.world.asked import plan
from sim.world.chronicle import Chronicle
from sim.world.run import START, Plan, run

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def storm(seed: int, days: int = 4, homes: int = 1) -> Chronicle:
    return run(plan(Asked(seed, homes, days, "storm")))


def one(kind: FaultKind, begin: timedelta, lasting: timedelta, amount: float = 0.0) -> Fault:
    return Fault(1, kind, None if "center" in kind else 1, begin, lasting, amount)


def test_one_seed_is_one_run_whatever_the_hashes() -> None:
    program = (
        "import logging; logging.disable(logging.CRITICAL)\n"
        "from sim.check.command import Asked\n"
        "from sim.world.asked import plan\n"
        "from sim.world.run import run\n"
        "print(run(plan(Asked(11, 2, 4, 'storm'))).digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4711")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def test_another_seed_is_another_run() -> None:
    assert storm(11).digest != storm(12).digest


def test_a_home_lives_the_same_beside_others() -> None:
    alone = run(Plan(5, (2,), 6)).homes[0]
    beside = run(Plan(5, (1, 2, 3), 6)).homes[1]
    assert alone.life == beside.life
    assert [each.event for each in alone.decided] == [each.event for each in beside.decided]


@pytest.mark.once
def test_a_fault_left_out_changes_nothing_before_it() -> None:
    asked = Asked(21, 1, 6, "storm")
    whole = plan(asked)
    late = [fault.number for fault in whole.faults if fault.begin > 4 * DAY]
    assert late
    kept = tuple(fault.number for fault in whole.faults if fault.number not in late)
    cut = run(plan(Asked(21, 1, 6, "storm", keep=kept)))
    until = START + 4 * DAY

    def before(chronicle: Chronicle) -> list[object]:
        return [each for each in chronicle.homes[0].decided if each.at < until]

    assert before(cut) == before(run(whole))


def test_who_collapses_is_found_and_helped() -> None:
    troubled = next(
        chronicle
        for chronicle in (run(Plan(seed, (1,), 30, population="rooms")) for seed in range(20))
        if chronicle.homes[0].troubles
    )
    trouble = troubled.homes[0].troubles[0]
    assert trouble.found is not None
    assert trouble.helped is not None
    assert trouble.at < trouble.found < trouble.helped
    assert not check(troubled)


@pytest.mark.parametrize("write", range(1, 24, 2))
def test_power_may_go_at_any_write(write: int) -> None:
    cut = one(FaultKind.POWER_CUT, DAY, HOUR, write)
    chronicle = run(Plan(3, (1,), 3, (cut,), population="plugs"))
    ours = chronicle.homes[0]
    assert [each.boot for each in ours.runs] == [1, 2]
    assert ours.runs[1].began == START + DAY + HOUR
    assert not check(chronicle)


@pytest.mark.parametrize(("seed", "write"), [(2, 4), (5, 6), (8, 6)])
def test_a_decision_that_is_written_was_made_though_the_power_went_with_it(
    seed: int, write: int
) -> None:
    dead = replace(one(FaultKind.DEAD_SENSOR, DAY, 6 * HOUR), device=DeviceId("living-node"))
    cut = replace(one(FaultKind.POWER_CUT, DAY + 6 * HOUR - MINUTE, HOUR, write), number=2)
    ours = run(Plan(seed, (1,), 2, (dead, cut), population="plugs")).homes[0]
    clears = [
        each.at
        for each in ours.decided
        if isinstance(each.event, AlarmMoved) and each.event.move is Move.CLEAR
    ]
    updates = [each.at for each in ours.decided if isinstance(each.event, Updated)]
    assert clears == updates == [ours.runs[0].ended]


def test_a_case_that_waits_anew_is_taken_and_closed_anew() -> None:
    chronicle = run(plan(Asked(7, 1, 5, "storm", population="perilous")))
    again = [
        (one.at, one.record.refers)
        for one in chronicle.homes[0].arrived
        if one.record.stage is Stage.LEVEL
    ]
    closings = [
        [done.at > at for done in chronicle.handled if done.case == case and done.outcome]
        for at, case in again
    ]
    assert [False, True] in closings


@pytest.mark.once
def test_a_month_without_a_way_is_told_when_it_is_back() -> None:
    down = one(FaultKind.UPLINK_DOWN, DAY, 30 * DAY)
    chronicle = run(Plan(8, (1,), 32, (down,), population="rooms"))
    ours = chronicle.homes[0]
    meanwhile = [queued for queued in ours.queued if START + DAY < queued.at < START + 31 * DAY]
    assert meanwhile
    back = START + 31 * DAY
    arrived = {each.record.id: each.at for each in ours.arrived}
    assert all(back < arrived[queued.id] < back + HOUR for queued in meanwhile)
    assert [each.silent for each in ours.turned] == [True, False]
    assert not check(chronicle)


def test_a_center_from_a_backup_is_told_again_what_it_forgot() -> None:
    dead = Fault(2, FaultKind.DEAD_SENSOR, 1, DAY, 5 * DAY, device=_device(DeviceId("kettle")))
    restored = one(FaultKind.CENTER_RESTORED, DAY + 4 * HOUR, HOUR, amount=4 * 3600)
    chronicle = run(Plan(3, (1,), 8, (restored, dead), population="rooms"))
    told = [each for each in chronicle.homes[0].arrived if each.record.alarm is AlarmKind.DEVICE]
    ids = [each.record.id for each in told]
    assert any(ids.count(id_) == 2 for id_ in ids)
    assert not check(chronicle)


def _device(name: DeviceId) -> DeviceId:
    assert name in {each.device.id for each in home(3, 1, START, "rooms").installed}
    return name


@pytest.mark.parametrize(
    ("kind", "lasting", "amount", "said"),
    [
        (FaultKind.DISK_FULL, 5 * HOUR, 0.0, AlarmKind.DISK_FAILING),
        (FaultKind.DISK_REFUSING, 5 * HOUR, 0.0, AlarmKind.DISK_FAILING),
        (FaultKind.DISK_CORRUPTED, 5 * timedelta(minutes=1), 0.0, AlarmKind.JOURNAL_RESTORED),
        (FaultKind.RADIO_LOST, 5 * HOUR, 0.0, AlarmKind.DRIVER_LOST),
        (FaultKind.RADIO_STUCK, 9 * HOUR, 0.0, AlarmKind.HOME_BLIND),
    ],
)
def test_what_is_wrong_with_a_gateway_is_told(
    kind: FaultKind, lasting: timedelta, amount: float, said: AlarmKind
) -> None:
    told = set()
    for seed in range(1, 4):
        chronicle = run(
            Plan(seed, (1,), 4, (one(kind, 2 * DAY, lasting, amount),), population="rooms")
        )
        assert not check(chronicle)
        told |= {case.alarm.kind for case in chronicle.cases}
    assert said in told
