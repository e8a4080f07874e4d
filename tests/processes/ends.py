"""Both ends as processes of a test, if need be on a clock of its own.

`python -m tests.processes.ends gateway HOME [--clock FILE [--machine FILE]]`
`python -m tests.processes.ends center DATA --clock FILE --coap-port N --interval SECONDS`
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path

from central import app as center
from edge import app as gateway
from edge.clock import Machine, SystemMachine
from edge.torn_proof import replace
from rules.errors import ConfigError
from sim.clock import SharedClock


class OddMachine(SharedClock):
    """A machine whose date is off, and vouched for or not, as a file says at this moment."""

    def __init__(self, clock: Path, machine: Path) -> None:
        super().__init__(clock)
        self._machine = machine

    def now(self) -> datetime:
        return super().now() + self._off()

    def synchronized(self) -> str:
        source: str = json.loads(self._machine.read_text())["source"]
        return source

    async def sleep_until(self, moment: datetime) -> None:
        # Reckoned once, as by the real machine: a date that jumps meanwhile changes nothing.
        await super().sleep_until(moment - self._off())

    def _off(self) -> timedelta:
        return timedelta(seconds=json.loads(self._machine.read_text())["off_s"])


def set_machine(machine: Path, off: timedelta, source: str | None) -> None:
    """Say how far the date of a machine is off, and who vouches for it."""
    document = {"off_s": off.total_seconds(), "source": source}
    replace(machine, json.dumps(document).encode())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("end", choices=["gateway", "center"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clock", type=Path)
    parser.add_argument("--machine", type=Path)
    parser.add_argument("--coap-port", type=int, default=0)
    parser.add_argument("--interval", type=int, default=5)
    return parser


def _machine(given: argparse.Namespace) -> Machine:
    if given.clock is None:
        return SystemMachine()
    if given.machine is None:
        return SharedClock(given.clock)
    return OddMachine(given.clock, given.machine)


async def _serve(given: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if given.end == "gateway":
        await gateway.run(given.folder, _machine(given))
    else:
        await center.run(
            given.folder,
            coap_host="127.0.0.1",
            coap_port=given.coap_port,
            web_port=0,
            clock=SharedClock(given.clock),
            interval=lambda: given.interval,
        )


def main() -> int:
    """Run one end until SIGTERM."""
    given = _parser().parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    try:
        asyncio.run(_serve(given))
    except asyncio.CancelledError:
        return 0
    except ConfigError as error:
        print(f"{os.getpid()}: {error}", file=sys.stderr)  # noqa: T201 -- a command that prints
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
