"""`ongi sim`: runs of simulated homes, and `ongi sim COMMAND` for all else that QA does."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from rules.errors import ConfigError, meant, phrase
from texts import N_, Language, Translator, translator

_COMMANDS: Final = {
    "": (
        "sim.world.options",
        N_("Homes, gateways and a center in simulated time, from one seed, checked."),
    ),
    "replay": (
        "sim.replay.options",
        N_("What a rulebook would have raised in homes that were recorded, or are drawn."),
    ),
    "rig": (
        "sim.rig.options",
        N_("The same homes and faults with real processes, killed for real."),
    ),
    "run": ("sim.demo.options", N_("A home, its gateway and a center: the story.")),
}
"Module of each, and what it does; the deterministic level is what `ongi sim` does by itself."
_CHILDREN: Final = ("center", "gateway", "driver", "home")
"Started by `run`; here so that each can be looked at by itself."
_USAGE_ERROR: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out `argv` (default: this process's arguments); returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["sim"]:
        # As `ongi sim ...` hands it over.
        del arguments[0]
    if arguments and arguments[0] in _CHILDREN:
        return _child(arguments)
    # The processes of a run do without what prints.
    from sim.terminal import carried_out  # noqa: PLC0415
    from texts.parser import language  # noqa: PLC0415

    try:
        say = translator(language(arguments))
    except ConfigError as error:  # The catalogues were not compiled: there are no words yet.
        print(f"ongi sim: {error}", file=sys.stderr)
        return _USAGE_ERROR
    return carried_out(lambda: _command(arguments, say), say)


def _command(arguments: list[str], say: Translator) -> int:
    """Carry out a command with its own options; only its code is loaded."""
    from texts.parser import Parser  # noqa: PLC0415 -- as in `main`

    name = "" if not arguments or arguments[0].startswith("-") else arguments.pop(0)
    names = [command for command in _COMMANDS if command]
    if name not in _COMMANDS:
        right = phrase("choose from {names}", names=", ".join(names))
        found = phrase(
            "there is no command {name}; {right}", name=repr(name), right=meant(name, names, right)
        )
        print(f"ongi sim: {say.said(found)}", file=sys.stderr)
        return _USAGE_ERROR
    module, what = _COMMANDS[name]
    others = say.text(
        "Other commands: {names}; see `ongi sim COMMAND --help`.", names=", ".join(names)
    )
    parser = Parser(
        f"ongi sim {name}".rstrip(), say.text(what), say, epilog="" if name else others
    )
    options = importlib.import_module(module)
    options.add_options(parser, say)
    status: int = options.carry_out(parser.parse_args(arguments))
    return status


def _child(arguments: Sequence[str]) -> int:
    """One process of `ongi sim run`."""
    from sim.demo import child  # noqa: PLC0415 -- of no use to any other command
    from sim.demo.folders import Folders  # noqa: PLC0415

    options = _child_parser().parse_args(arguments)
    folders = Folders(options.data)
    match options.command:
        case "center":
            return child.carry_out(lambda: child.center(folders, options.coap_port, options.port))
        case "gateway":
            return child.carry_out(lambda: child.gateway(folders))
        case "driver":
            return child.carry_out(lambda: child.driver(folders))
        case _:
            return child.carry_out(
                lambda: child.home(
                    folders, options.seed, options.start, options.language, options.home_csv
                )
            )


def _child_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sim", description="One process of a run.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    center, gateway, driver, home = (commands.add_parser(name) for name in _CHILDREN)
    for each in (center, gateway, driver, home):
        each.add_argument("--data", type=Path, required=True)
    center.add_argument("--port", type=int, required=True)
    center.add_argument("--coap-port", type=int, required=True)
    home.add_argument("--start", type=datetime.fromisoformat, required=True)
    home.add_argument("--seed", type=int, required=True)
    home.add_argument("--language", type=Language, required=True)
    home.add_argument("--home-csv", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
