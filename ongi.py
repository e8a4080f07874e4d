"""The `ongi` command: hands over to the part that carries out the sub-command.

Each part is imported only when it is asked for: a gateway has no simulator, a center no drivers
running, and `ongi status` must not load a radio stack.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Final

_USAGE_ERROR: Final = 2

# Sub-command: module whose `main(argv)` carries it out, and what it does.
_COMMANDS: Final = {
    "gateway": ("edge.cli", "run the gateway of one home"),
    "check-config": ("edge.cli", "check the site, its rulebook and its devices"),
    "status": ("edge.cli", "devices, alarms, outbox, uplink and clock of the running gateway"),
    "devices": ("edge.cli", "list the devices, or enter one by hand"),
    "away": ("edge.cli", "say that nobody is at home, or that someone is back"),
    "shelve": ("edge.cli", "hold one alarm back for a while"),
    "drill": ("edge.cli", "send a drill to the center"),
    "export": ("edge.cli", "write the home's evidence to a file, redacted if asked"),
    "driver": ("drivers.cli", "run one radio's driver process"),
    "center": ("central.cli", "run the receiving end and its console"),
    "sim": ("sim.__main__", "simulated homes; not installed on a gateway"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out `argv` (default: this process's arguments) and return the exit status.

    The part's own `main` is handed all of `argv`, the sub-command first.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        print(_usage(), file=sys.stderr)
        return _USAGE_ERROR
    command = arguments[0]
    if command in {"-h", "--help", "help"}:
        print(_usage())
        return 0
    if command not in _COMMANDS:
        print(f"ongi: there is no command {command!r}.\n\n{_usage()}", file=sys.stderr)
        return _USAGE_ERROR
    module = _COMMANDS[command][0]
    try:
        carry_out: Callable[[Sequence[str]], int] = importlib.import_module(module).main
    except ModuleNotFoundError as missing:
        print(f"ongi {command}: {_not_installed(module, missing.name or '?')}", file=sys.stderr)
        return _USAGE_ERROR
    return carry_out(arguments)


def _usage() -> str:
    width = max(map(len, _COMMANDS))
    lines = [f"  {name:{width}}  {what}" for name, (_, what) in _COMMANDS.items()]
    return "\n".join(["usage: ongi COMMAND ...", "", *lines])


def _not_installed(module: str, missing: str) -> str:
    part = module.partition(".")[0]
    if missing == part or missing.startswith(f"{part}."):
        return f"this part is not installed here (no package {part!r})."
    extra = "ongi[center]" if part == "central" else "ongi"
    return f"it needs the Python package {missing!r}, which is not installed; install {extra}."


if __name__ == "__main__":
    sys.exit(main())
