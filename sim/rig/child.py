"""What each process of the rig does: production code. `python -m sim.rig.child KIND ...`."""

import argparse
import sys
from pathlib import Path

from rules.device import Link
from sim.air.told import Ready, to_line
from sim.clock import SharedClock
from sim.processes.attached import Work, carry_out, say
from sim.processes.machine import OddMachine


def center(data: Path, clock: Path, port: int, interval_s: int) -> Work:
    """The center, for this machine alone."""
    from central import app  # noqa: PLC0415 -- each process loads its own part alone

    serving = app.run(
        data,
        coap_host="127.0.0.1",
        coap_port=port,
        web_port=0,
        clock=SharedClock(clock),
        interval=lambda: interval_s,
        ready=lambda serving: say(to_line(Ready(serving.coap_port, serving.web_port))),
    )
    return Work(serving, _ignore)


def gateway(home: Path, clock: Path, machine: Path) -> Work:
    """The gateway of a home; what it decides is written down."""
    from edge import app  # noqa: PLC0415 -- each process loads its own part alone
    from sim.rig.spoken import spoken  # noqa: PLC0415

    # The daemon has no other place to hear from it what a start decides before its doors open.
    setattr(app, "Watchers", spoken(SharedClock(clock), say))  # noqa: B010 -- a class of its module
    return Work(app.run(home, OddMachine(clock, machine)), _ignore)


def driver(home: Path, clock: Path, machine: Path) -> Work:
    """The BLE driver of a home; its radio is the rig's."""
    from drivers import process  # noqa: PLC0415 -- each process loads its own part alone
    from sim.rig.antenna import Antenna  # noqa: PLC0415

    antenna = Antenna(say)

    async def drive() -> None:
        say(to_line(Ready()))
        await process.run(
            Link.BLE,
            home / "run" / "driver.sock",
            home / "drivers",
            antenna,
            OddMachine(clock, machine),
        )

    return Work(drive(), antenna.hear)


def main() -> int:
    """Do what the arguments say, until the rig is gone or says stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("center", "gateway", "driver"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clock", type=Path, required=True)
    parser.add_argument("--machine", type=Path, default=Path())
    parser.add_argument("--coap-port", type=int, default=0)
    parser.add_argument("--interval", type=int, default=2)
    given = parser.parse_args()

    def begin() -> Work:
        if given.kind == "center":
            return center(given.folder, given.clock, given.coap_port, given.interval)
        if given.kind == "gateway":
            return gateway(given.folder, given.clock, given.machine)
        return driver(given.folder, given.clock, given.machine)

    return carry_out(begin)


def _ignore(line: bytes) -> None:
    del line


if __name__ == "__main__":
    sys.exit(main())
