"""`ongi sim`: runs of simulated homes, and `ongi sim COMMAND` for all else that QA does."""

import argparse
import asyncio
import importlib
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from rules.errors import ConfigError
from sim.clock import today
from sim.demo import child
from sim.demo.folders import Folders
from sim.demo.plan import RECORDED_SPEED, SIMULATED_SPEED, SPEED_MAX, Asked, plan
from sim.homes.household import SITE_ZONE
from texts import Language, translator

_COMMANDS: Final = {
    "replay": "What a rulebook would have raised in homes that were recorded, or are drawn.",
    "rig": "The same homes and faults with real processes, killed for real.",
}
_USAGE_ERROR: Final = 2
_DATA: Final = Path(".ongi/run")
# As the center has them by itself; its code is loaded by its own process alone.
_WEB_PORT: Final = 8080
_COAP_PORT: Final = 5683


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out `argv` (default: this process's arguments); returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["sim"]:
        # As `ongi sim ...` hands it over.
        del arguments[0]
    if not arguments or arguments[0].startswith("-"):
        return _simulate(arguments)
    if arguments[0] in _COMMANDS:
        return _command(arguments[0], arguments[1:])
    options = _parser().parse_args(arguments)
    match options.command:
        case "center":
            folders = Folders(options.data)
            return child.carry_out(lambda: child.center(folders, options.coap_port, options.port))
        case "gateway":
            return child.carry_out(lambda: child.gateway(Folders(options.data)))
        case "home":
            return child.carry_out(
                lambda: child.home(
                    Folders(options.data),
                    options.seed,
                    options.start,
                    options.language,
                    options.home_csv,
                )
            )
        case _:
            return _run(options)


def _simulate(arguments: Sequence[str]) -> int:
    """The deterministic level has no command of its own: it is what `ongi sim` does."""
    from sim.world import options  # noqa: PLC0415 -- the processes of a run do without it

    parser = argparse.ArgumentParser(
        prog="ongi sim",
        description="Homes, gateways and a center in simulated time, from one seed, checked.",
        epilog="Other commands: run, replay, rig; see `ongi sim COMMAND --help`.",
    )
    options.add_options(parser)
    return options.carry_out(parser.parse_args(arguments))


def _command(name: str, arguments: Sequence[str]) -> int:
    """A command with options of its own; only its code is loaded."""
    options = importlib.import_module(f"sim.{name}.options")
    parser = argparse.ArgumentParser(prog=f"ongi sim {name}", description=_COMMANDS[name])
    options.add_options(parser)
    status: int = options.carry_out(parser.parse_args(arguments))
    return status


def _run(options: argparse.Namespace) -> int:
    from rich.console import Console  # noqa: PLC0415 -- the processes of a run do without it

    from sim.demo.run import run  # noqa: PLC0415

    asked = Asked(
        data=options.data,
        language=options.language,
        seed=options.seed,
        web_port=options.port,
        coap_port=options.coap_port,
        home_csv=options.home_csv,
        day=options.day,
        collapse=options.collapse,
        speed=options.speed,
    )
    try:
        return asyncio.run(
            run(plan(asked, today(SITE_ZONE)), translator(asked.language), Console())
        )
    except ConfigError as error:
        print(f"ongi sim: {error}", file=sys.stderr)
        return _USAGE_ERROR
    except KeyboardInterrupt:
        # Before the launcher took the signal over: nothing was started yet.
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sim", description="Homes that are simulated or were recorded."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _run_options(commands.add_parser("run", help="a home, its gateway and a center: the story"))
    # Started by `run`; here so that each can be looked at by itself.
    center = commands.add_parser("center", help="(internal) the center of a run")
    gateway = commands.add_parser("gateway", help="(internal) the gateway of a run")
    home = commands.add_parser("home", help="(internal) the home of a run")
    for internal in (center, gateway, home):
        internal.add_argument("--data", type=Path, required=True)
    _ports(center)
    _who_lives_there(home)
    home.add_argument("--start", type=datetime.fromisoformat, required=True)
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    _who_lives_there(parser)
    parser.add_argument(
        "--day",
        metavar="YYYY-MM-DD",
        help="the day of the story (default: today; of a recording its last full day)",
    )
    parser.add_argument(
        "--collapse",
        metavar="HH:MM",
        help="when on that day the resident collapses, or `none` (default: 13:40; in a recording"
        " a moment just after something was done)",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        metavar="N",
        help=f"virtual seconds in a real one, while all is quiet (default: {SIMULATED_SPEED:.0f},"
        f" of a recording {RECORDED_SPEED:.0f})",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=_DATA,
        metavar="DIR",
        help="folder of the run, emptied at each start (default: %(default)s)",
    )
    _ports(parser)


def _who_lives_there(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--home-csv", type=Path, metavar="PATH", help="play a recorded home instead"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="another seed, another life (default: 1)"
    )
    parser.add_argument(
        "--language",
        type=Language,
        choices=list(Language),
        default=Language.KO,
        help="of the timeline (default: ko)",
    )


def _ports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=_port,
        default=_WEB_PORT,
        metavar="N",
        help="of the console; 0 takes a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--coap-port",
        type=_port,
        default=_COAP_PORT,
        metavar="N",
        help="of the center's CoAP ingress; 0 takes a free one (default: %(default)s)",
    )


def _port(written: str) -> int:
    if not written.isdecimal() or int(written) > 65_535:  # the largest that UDP and TCP have
        raise argparse.ArgumentTypeError(f"{written!r} is no port: 0 to 65535")
    return int(written)


def _speed(written: str) -> float:
    speed = float(written)
    if not 1 <= speed <= SPEED_MAX:
        raise argparse.ArgumentTypeError(f"{written}: from 1 to {SPEED_MAX:.0f}")
    return speed


if __name__ == "__main__":
    sys.exit(main())
