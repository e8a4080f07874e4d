"""What each process of a run does: production code, started with the shared clock.

A child ends when its standard input does: the launcher holds the other end.
"""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from rules.device import Link
from rules.errors import ConfigError, FrameError
from sim.air.told import Ask, Message, Ready, from_line, to_line
from sim.clock import SharedClock
from sim.demo.folders import Folders
from sim.homes.act import Absence
from texts import Language

HEARTBEAT_S = 2
"Real seconds: taken and closed reach the home while somebody looks on."

_LINE_BYTES = 10_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What a child does until it is stopped, and who listens to the launcher meanwhile."""

    run: Coroutine[object, object, None]
    hear: Callable[[Message], None]


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
    return Work(serving, _ignore)


def gateway(folders: Folders) -> Work:
    """The gateway of the home."""
    from edge import app  # noqa: PLC0415 -- each process loads its own part alone

    return Work(app.run(folders.gateway, SharedClock(folders.clock)), _ignore)


def home(
    folders: Folders, seed: int, start: datetime, language: Language, home_csv: Path | None
) -> Work:
    """The BLE driver, with a virtual home where its radio would be.

    Raises:
        ConfigError: the recording cannot be read any more.

    """
    from drivers import process  # noqa: PLC0415 -- each process loads its own part alone
    from sim.air.home import VirtualHome  # noqa: PLC0415
    from sim.air.transmitter import Air  # noqa: PLC0415
    from sim.homes.household import SITE_ZONE, household  # noqa: PLC0415

    clock = SharedClock(folders.clock)
    house = household(seed, start, language, home_csv)
    virtual = VirtualHome(
        house.installed,
        house.occupant,
        house.machines,
        clock=clock,
        random=Random(seed + 1),
        zone=SITE_ZONE,
        tell=_say,
        air=Air(),
    )

    def hear(message: Message) -> None:
        match message:
            case Absence():
                virtual.befall(message)
            case Ask():
                _say(virtual.caught_up())
            case _:
                _log.warning("the launcher said %r", message)

    async def drive() -> None:
        _say(Ready())
        socket, state = folders.gateway / "run" / "driver.sock", folders.gateway / "drivers"
        await process.run(Link.BLE, socket, state, virtual, clock)

    return Work(drive(), hear)


def carry_out(begin: Callable[[], Work]) -> int:
    """Do a child's work until the launcher goes or says stop; returns the exit status."""
    # Ctrl-C reaches every process of the terminal; who stops first is for the launcher to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s"
    )
    status = 0
    try:
        asyncio.run(_attached(begin))
    except* (ConfigError, OSError) as errors:
        print("; ".join(map(str, errors.exceptions)), file=sys.stderr)
        status = 1
    return status


async def _attached(begin: Callable[[], Work]) -> None:
    """Work while the launcher is there.

    Raises:
        ExceptionGroup: what the work raised.

    """
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        work = begin()
        working = group.create_task(work.run, name="work")
        loop.add_signal_handler(signal.SIGTERM, working.cancel)
        listening = group.create_task(_listen(work.hear), name="launcher")
        await asyncio.wait((working, listening), return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        listening.cancel()


async def _listen(hear: Callable[[Message], None]) -> None:
    """Hand on what the launcher says, until it is gone."""
    reader = asyncio.StreamReader(limit=_LINE_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    with contextlib.closing(transport):
        while line := await reader.readline():
            try:
                hear(from_line(line))
            except FrameError as error:
                _log.warning("from the launcher: %s", error)


def _say(message: Message) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(to_line(message))
        sys.stdout.buffer.flush()


def _ignore(message: Message) -> None:
    _log.warning("the launcher said %r", message)
