"""The daemon: every part made once, started in order, stopped by cancellation.

Order of a start: files are read and refused if wrong; the journal gives back what was known; the
clock is anchored; the engine hears of the start, which fires what fell due meanwhile; then the
doors open.
"""

import asyncio
import logging
import os
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from edge import packets, supervisor
from edge.bell import Bell
from edge.channel import CONFIRMABLE, ONCE, Channel, Destination
from edge.clock import AnchoredClock, Machine, first_anchor
from edge.config import IDENTITY_FILE, Site, mismatch
from edge.control import Control
from edge.desk import Desk
from edge.driver_faults import elapse
from edge.driver_socket import DriverSocket
from edge.evidence_files import FOLDER, EvidenceFiles
from edge.evidence_log import EvidenceLog, Standing
from edge.gateway import Gateway
from edge.happening import Happening
from edge.heartbeats import Origin
from edge.house import House, Surroundings
from edge.inbox import Inbox
from edge.journal import Journal, Stored
from edge.proxies import keyed, removed
from edge.registry import Registry
from edge.run_folder import run_folder
from edge.status import About
from edge.timekeeper import Timekeeper
from edge.uplink import Reports, Uplink
from edge.watchers import Watchers
from protocol.identity import GatewayIdentity
from rules.air import Proxy, Settings
from rules.alarm import AlarmKind
from rules.device import Link, Liveness
from rules.engine import Engine
from rules.errors import FrameError
from rules.inputs import Boot, DeviceChanged, Technical, Tick
from rules.rulebook import Rulebook
from rules.sentence import Say, sentence

_DRIVERS_MODE = 0o660
_CONTROL_MODE = 0o600
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Written:
    """What stands in the home's files."""

    site: Site
    proxies: tuple[Proxy, ...]
    registry: Registry
    identity: GatewayIdentity


async def run(home: Path, machine: Machine) -> None:
    """Run the gateway of the home in folder `home` until cancelled or told to by SIGTERM.

    Raises:
        ConfigError: a file of the home cannot be used; nothing was started.
        SocketTaken: another gateway runs on this home.

    """
    _stop_on_sigterm()
    site = Site.load(home)
    registry = Registry.load(home)
    identity = GatewayIdentity.load(home / IDENTITY_FILE)
    if identity.gateway != site.id:
        raise mismatch(site, identity)
    written = _Written(site, keyed(home, site.proxies), registry, identity)
    journal = Journal.open(home / "journal.sqlite", machine.now())
    try:
        with run_folder(home) as sockets:
            evidence = EvidenceFiles(home / FOLDER)
            await _run(sockets, machine, written, journal, evidence)
    finally:
        journal.close()


async def _run(
    sockets: Path,
    machine: Machine,
    written: _Written,
    journal: Journal,
    files: EvidenceFiles,
) -> None:
    site, registry, identity = written.site, written.registry, written.identity
    stored = journal.load()
    engine, unreadable = _restored(site.book, stored)
    anchor, source = first_anchor(machine, stored.last_moment, trusted=engine.state.trusted)
    clock = AnchoredClock(machine, anchor)
    boot = journal.new_boot()
    gateway = Gateway(engine, journal, identity, boot, os.urandom)
    inbox = Inbox()
    bell = Bell(clock, lambda: _ring(inbox))
    watchers = Watchers()
    evidence = EvidenceLog(files, lambda: _standing(engine))
    drivers = DriverSocket(
        packets.listen(sockets / "driver.sock", _DRIVERS_MODE),
        inbox,
        clock,
        registry.keyed(),
        {Link.BLE: Settings(written.proxies)},
    )

    def grown() -> None:
        # House and uplink know each other: one fills the outbox, the other brings the news.
        uplink.notify()

    def told(happening: Happening) -> None:
        watchers.tell(happening)
        evidence.tell(happening)

    house = House(gateway, journal, clock, bell, Surroundings(drivers.send, grown, told))
    timekeeper = Timekeeper(clock, machine, source, house.put)
    destination = Destination(site.center_host, site.center_port)
    uplink = Uplink(
        identity,
        journal,
        clock,
        os.urandom,
        (Channel(destination, CONFIRMABLE), Channel(destination, ONCE)),
        Origin(boot, version("ongi"), lambda: engine.state.trusted),
        Reports(house.news, timekeeper.center_time, house.refused, house.delivered),
    )
    desk = Desk(
        about=About(site.id, site.name, site.zone.key, version("ongi")),
        house=house,
        engine=engine,
        journal=journal,
        registry=registry,
        clock=clock,
        timekeeper=timekeeper,
        drivers=drivers,
        inbox=inbox,
        uplink=uplink,
    )
    listener = packets.listen(sockets / "control.sock", _CONTROL_MODE)
    control = Control(listener, desk, watchers, drivers.surveys)
    try:
        last = stored.last_moment
        down = anchor - last if source is not None and last is not None else None
        trusted = source is not None
        serial = journal.first_serial(engine.state.next_serial, down, os.urandom)
        gateway.reissue(stored.events, clock.now(), clock.boottime_us())
        house.put(Boot(boot, down or timedelta(), trusted, serial, stored.lost))
        if unreadable is not None:
            house.put(unreadable)
        house.found_at_start((*journal.recovery.what, *registry.findings))
        _take_over(written, house, engine, clock.now())
        evidence.write(clock.now())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(drivers.run(), name="driver socket")
            tasks.create_task(control.run(), name="control socket")
            tasks.create_task(uplink.run(), name="uplink")
            tasks.create_task(bell.run(), name="bell")
            tasks.create_task(_keep_time(timekeeper, clock), name="time")
            tasks.create_task(_watchdog(), name="watchdog")
            tasks.create_task(_serve(inbox, house, evidence, clock), name="gateway")
            supervisor.notify("READY=1")
    finally:
        supervisor.notify("STOPPING=1")
        gateway.save(clock.now())
        evidence.write(clock.now())


async def _serve(inbox: Inbox, house: House, evidence: EvidenceLog, clock: AnchoredClock) -> None:
    while True:
        house.put(await inbox.get())
        evidence.tend(clock.now())


def _take_over(written: _Written, house: House, engine: Engine, now: datetime) -> None:
    """What the files say of devices and proxies holds from now on."""
    house.put(DeviceChanged(written.registry.devices))
    present = [alarm.key for alarm in engine.state.alarms.values() if alarm.present]
    for ended in removed(present, written.site.proxies, now):
        house.put(ended)


def _standing(engine: Engine) -> Standing:
    state = engine.state
    return Standing(
        tuple(heard.device for heard in state.devices.values()),
        state.trusted,
        {
            id_: heard.liveness
            for id_, heard in state.devices.items()
            if heard.liveness is not Liveness.LIVE
        },
    )


async def _keep_time(timekeeper: Timekeeper, clock: AnchoredClock) -> None:
    while True:
        timekeeper.check()
        await elapse(clock, timekeeper.check_after)


async def _watchdog() -> None:
    every_s = supervisor.watchdog_s()
    while every_s is not None:
        supervisor.notify("WATCHDOG=1")
        await asyncio.sleep(every_s)


def _ring(inbox: Inbox) -> None:
    inbox.put(Tick(), urgent=True)


def _stop_on_sigterm() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _restored(book: Rulebook, stored: Stored) -> tuple[Engine, Technical | None]:
    """The engine as it was, or a fresh one and the fault that says so."""
    try:
        return Engine.restored(book, stored.snapshot, stored.events), None
    except FrameError as error:
        # Written by a program of another kind: the file is whole, so the journal did not notice.
        _log.exception("the saved state cannot be read: a fresh one is begun")
        at = stored.last_moment or _BEGINNING
        said = sentence(Say.JOURNAL_RESTORED, at=at, detail=str(error)[:120])
        return Engine(book), Technical(
            AlarmKind.JOURNAL_RESTORED, None, present=True, sentence=said
        )
