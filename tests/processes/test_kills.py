"""Gateway and center killed while homes call, on a bad link: all is stored once."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from central.app import DATABASE
from edge.caller import called
from edge.journal import Journal
from protocol.records import RecordKind
from rules.alarm import AlarmKind
from rules.device import Link
from rules.errors import LinkLost
from rules.events import Escalated, Updated
from rules.observation import DeviceId, Phenomenon
from sim.rig.badnet import BadNet
from tests.support.center import free_port
from tests.support.processes import (
    CenterProcess,
    Driver,
    GatewayProcess,
    Site,
    device,
    driving,
    eventually,
    prepare,
    running,
    stored_records,
)

pytestmark = [pytest.mark.processes, pytest.mark.once, pytest.mark.timeout(180)]

SEED = 20261122
KILLS = 25
"Of each end."
AFTER_START, PAUSE_S_MAX = 0.8, 2.0
RUN_S = 35.0
"All call within this; the kills take about as long on an idle machine."
CALLERS = 200
KINDS = {
    Phenomenon.SOS: AlarmKind.SOS,
    Phenomenon.LEAK: AlarmKind.LEAK,
    Phenomenon.SMOKE: AlarmKind.SMOKE,
}
OVER_AFTER_S = 5.0
"A driver's link repeats longer what a killed gateway may not have read: no second fire for that."
RULES = '[rules.hazard]\nleak_hold = "2 s"\nclear_after = "1 s"\n'


@dataclass(frozen=True)
class Call:
    """One device that calls for help at a moment of the run; smoke may clear again."""

    at_s: float
    device: DeviceId
    phenomenon: Phenomenon
    link: Link
    over: bool


def calls(draw: Random) -> list[Call]:
    made = []
    for number in range(CALLERS):
        phenomenon = draw.choice(list(KINDS))
        at_s = draw.uniform(0, RUN_S)
        over = phenomenon is Phenomenon.SMOKE and at_s < RUN_S - OVER_AFTER_S
        link = draw.choice([Link.BLE, Link.ZIGBEE])
        name = DeviceId(f"{phenomenon}-{number}")
        made.append(Call(at_s, name, phenomenon, link, over))
    return made


async def call(made: list[Call], drivers: dict[Link, Driver]) -> None:
    """Let all call at their moments."""
    loop = asyncio.get_running_loop()
    begin_s = loop.time()
    due = [(each.at_s, each, True) for each in made]
    due += [(each.at_s + OVER_AFTER_S, each, False) for each in made if each.over]
    for at_s, each, value in sorted(due, key=lambda one: one[0]):
        await asyncio.sleep(begin_s + at_s - loop.time())
        drivers[each.link].see(each.device, each.phenomenon, value)


async def kill(process: GatewayProcess | CenterProcess, draw: Random) -> None:
    """Kill at drawn moments and start again at once: while it starts, or some time after."""
    for _ in range(KILLS):
        if draw.random() < AFTER_START:
            await process.ready()
        await asyncio.sleep(draw.uniform(0, PAUSE_S_MAX))
        process.check()
        await process.kill()
        await process.start()


async def test_fifty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    draw = Random(SEED)
    made = calls(draw)
    port = free_port()
    net = BadNet(
        ("127.0.0.1", port), loss=0.15, duplicate=0.15, delay_s=0.03, rebind_s=7.0, seed=SEED
    )
    async with net:
        devices = [device(each.device, each.phenomenon, link=each.link) for each in made]
        site = await prepare(tmp_path / "home", tmp_path / "center", devices, net.port, RULES)
        gateway = GatewayProcess(site, tmp_path / "gateway.log")
        center = CenterProcess(site, port, tmp_path / "center.log", interval_s=1)
        drivers = {link: Driver(site, link) for link in (Link.BLE, Link.ZIGBEE)}
        said: list[Escalated | Updated] = []
        async with running(gateway, center), driving(*drivers.values()):
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(watch(site, said))
                async with asyncio.TaskGroup() as run:
                    run.create_task(call(made, drivers))
                    run.create_task(kill(gateway, Random(SEED + 1)))
                    run.create_task(kill(center, Random(SEED + 2)))
                watching.cancel()
            healed = datetime.now(UTC)
            net.loss = net.duplicate = 0.0
            await eventually(lambda: all_told(gateway, made, drivers))
            await gateway.stop()
            await center.stop()
    assert net.counts.lost > 10
    assert net.counts.duplicated > 10
    check(site, said, made, healed)


async def watch(site: Site, said: list[Escalated | Updated]) -> None:
    """Note what the gateway says that it has decided: it says so once it is on disk."""
    while True:
        with suppress(LinkLost, OSError):
            async with called(site.control) as caller:
                async for news in caller.watch():
                    if isinstance(news, Escalated | Updated):
                        said.append(news)  # noqa: PERF401 -- it ends with an error mostly
        await asyncio.sleep(0.01)


async def all_told(
    gateway: GatewayProcess, made: list[Call], drivers: dict[Link, Driver]
) -> bool | None:
    """Whether the drivers are rid of all, every caller is heard and the center has it."""
    if any(len(driver.pending) for driver in drivers.values()):
        return None
    status = await gateway.status()
    told = {alarm.key.scope for alarm in status.alarms if alarm.delivered}
    return (status.plumbing.outbox_depth == 0 and told >= {each.device for each in made}) or None


def check(site: Site, said: list[Escalated | Updated], made: list[Call], healed: datetime) -> None:
    """Hold what the center has against the journal, what the gateway said, and the callers."""
    stored = stored_records(site)
    assert Counter(record.id for record in stored).most_common(1)[0][1] == 1
    assert Counter(record.seq for record in stored).most_common(1)[0][1] == 1
    journaled = journal_ids(site)
    assert {record.seq: record.id for record in stored} == journaled
    assert sorted(journaled) == list(range(1, len(journaled) + 1)), "a number was lost"
    by_seq = {record.seq: record for record in stored}
    for event in said:
        record = by_seq[event.serial]
        assert (record.alarm, record.scope) == (event.alarm.kind, event.alarm.scope)
        assert (record.stage is not None) == isinstance(event, Updated)
    assert len(said) > CALLERS / 4
    opened = {record.seq: record for record in stored if record.kind is not RecordKind.UPDATE}
    cases = Counter((record.alarm, record.scope) for record in opened.values())
    assert cases == Counter((KINDS[each.phenomenon], each.device) for each in made)
    over = {record.refers for record in stored if record.stage is not None}
    assert over >= {
        record.id
        for record in opened.values()
        if any(each.over and each.device == record.scope for each in made)
    }
    # It did flow while both were being killed.
    assert persisted_before(site, healed) > CALLERS / 4


def persisted_before(site: Site, moment: datetime) -> int:
    with closing(sqlite3.connect(site.data / DATABASE)) as database:
        query = "select count(*) from records where persisted_at < ?"
        (count,) = database.execute(query, (int(moment.timestamp() * 1e6),)).fetchone()
    return int(count)


def journal_ids(site: Site) -> dict[int, bytes]:
    """Serial and id of every record that the gateway ever journaled."""
    journal = Journal.open(site.home / "journal.sqlite", datetime.now(UTC))
    assert journal.recovery.what == ()
    known = range(1, journal.load().next_serial)
    ids = {serial: id_ for serial in known if (id_ := journal.record_id(serial)) is not None}
    journal.close()
    return ids
