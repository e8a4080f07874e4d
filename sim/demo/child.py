"""What each process of a run does: production code, started with the shared clock."""

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random

from rules.device import Link
from rules.errors import FrameError
from sim.air.told import Ask, Message, Ready, from_line, to_line
from sim.clock import SharedClock
from sim.demo.folders import Folders
from sim.homes.act import Absence
from sim.processes.attached import Work, carry_out, say
from texts import Language

__all__ = ["HEARTBEAT_S", "carry_out", "center", "driver", "gateway", "home"]

HEARTBEAT_S = 2
"Real seconds: taken and closed reach the home while somebody looks on."

_log = logging.getLogger(__name__)


def center(folders: Folders, coap_port: int, web_port: int) -> Work:
    """The center, for this machine alone."""
    from central import app  # noqa: PLC0415 -- each process loads its own part alone

    serving = app.run(
        folders.center,
        coap_host="127.0.0.1",
        coap_port=coap_port,
        web_port=web_port,
        clock=SharedClock(folders.clock),
        interval=lambda: HEARTBEAT_S,
        ready=lambda serving: _say(Ready(serving.coap_port, serving.web_port)),
    )
    return Work(serving, _heard(_ignore))


def gateway(folders: Folders) -> Work:
    """The gateway of the home."""
    from edge import app  # noqa: PLC0415 -- each process loads its own part alone

    return Work(app.run(folders.gateway, SharedClock(folders.clock)), _heard(_ignore))


def home(
    folders: Folders, seed: int, start: datetime, language: Language, home_csv: Path | None
) -> Work:
    """The home, its devices on the air, and the Bluetooth of the gateway's machine.

    Raises:
        ConfigError: the recording cannot be read any more.

    """
    from sim.air.home import VirtualHome  # noqa: PLC0415 -- each process loads its own part alone
    from sim.ble.bus import ENVIRONMENT  # noqa: PLC0415
    from sim.ble.world import World  # noqa: PLC0415
    from sim.ble.world_flat import place  # noqa: PLC0415
    from sim.ble.world_flights import Departures  # noqa: PLC0415
    from sim.homes.household import SITE_ZONE, household  # noqa: PLC0415

    clock = SharedClock(folders.clock)
    house = household(seed, start, language, home_csv)
    virtual = VirtualHome(
        house.installed,
        house.occupant,
        now=clock.now(),
        random=Random(seed + 1),
        zone=SITE_ZONE,
        tell=_say,
        place=place,
    )
    world = World(
        os.environ[ENVIRONMENT],
        virtual,
        house.installed,
        clock,
        Departures(folders.flights),
        Random(seed + 2),
    )

    def hear(message: Message) -> None:
        match message:
            case Absence():
                virtual.befall(message)
            case Ask():
                _say(world.caught_up())
            case _:
                _log.warning("the launcher said %r", message)

    async def live() -> None:
        try:
            await world.run(listened=lambda: _say(Ready()))
        finally:
            world.tell_tally()

    return Work(live(), _heard(hear))


def driver(folders: Folders) -> Work:
    """The BLE driver, as `ongi driver ble` runs it; its system bus is ours."""
    from drivers import process  # noqa: PLC0415 -- each process loads its own part alone
    from sim.ble.world_flights import Arrivals  # noqa: PLC0415
    from sim.ble.world_radio import WorldRadio  # noqa: PLC0415

    clock = SharedClock(folders.clock)
    socket, state = folders.gateway / "run" / "driver.sock", folders.gateway / "drivers"
    radio = WorldRadio(clock.boottime_us, state, Arrivals(folders.flights))

    async def drive() -> None:
        _say(Ready())
        async with asyncio.TaskGroup() as group:
            group.create_task(radio.run(), name="bluez")
            await process.run(Link.BLE, socket, state, radio, clock)

    return Work(drive(), _heard(_ignore))


def _heard(hear: Callable[[Message], None]) -> Callable[[bytes], None]:
    def hear_line(line: bytes) -> None:
        try:
            hear(from_line(line))
        except FrameError as error:
            _log.warning("from the launcher: %s", error)

    return hear_line


def _say(message: Message) -> None:
    say(to_line(message))


def _ignore(message: Message) -> None:
    _log.warning("the launcher said %r", message)
