"""How a child works: until the launcher is gone or says stop.

The launcher holds the other end of its standard input; what it says there are lines.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from rules.errors import ConfigError

_LINE_BYTES = 100_000
_END_S = 10.0
"Work that has not ended so long after it was told to never will."
_STUCK = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What a child does until it is stopped, and who listens to the launcher meanwhile."""

    run: Coroutine[object, object, None]
    hear: Callable[[bytes], None]
    "Takes a line."


def say(line: bytes) -> None:
    """Tell the launcher a line; it may be gone."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


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
        await asyncio.wait((working,), timeout=_END_S)
        if not working.done():
            # Before Python 3.13 a task group that fails in the same turn loses a cancellation, and
            # a second one does not get through to it. No orphan shall come of it.
            _log.error("does not end")
            os._exit(_STUCK)


async def _listen(hear: Callable[[bytes], None]) -> None:
    """Hand on what the launcher says, until it is gone."""
    reader = asyncio.StreamReader(limit=_LINE_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    with contextlib.closing(transport):
        while line := await reader.readline():
            hear(line)
