"""The `ongi` command: hands over to the part that carries out the sub-command.

Each part is imported only when it is asked for: a gateway has no simulator, a center no drivers
running, and `ongi status` must not load a radio stack.
"""

import importlib
import io
import os
import select
import sys
from collections.abc import Callable, Sequence
from typing import Final

from rules.errors import ConfigError
from texts import N_, Translator, translator
from texts.parser import language

_USAGE_ERROR: Final = 2
_READ_NO_FURTHER: Final = 141
"What a shell says of a program that SIGPIPE ended."

# Sub-command: module whose `main(argv)` carries it out, and what it does.
_COMMANDS: Final = {
    "gateway": ("edge.cli", N_("run the gateway of one home")),
    "check-config": ("edge.cli", N_("check the site, its rulebook and its devices")),
    "status": (
        "edge.cli",
        N_("devices, alarms, outbox, uplink and clock of the running gateway"),
    ),
    "devices": ("edge.cli", N_("list the devices, enter one, see who is heard around")),
    "away": ("edge.cli", N_("say that nobody is at home, or that someone is back")),
    "shelve": ("edge.cli", N_("hold one alarm back for a while")),
    "drill": ("edge.cli", N_("send a drill to the center")),
    "export": ("edge.cli", N_("write the home's evidence to a file, redacted if asked")),
    "driver": ("drivers.cli", N_("run one radio's driver process")),
    "center": ("central.cli", N_("run the receiving end and its console")),
    "sim": ("sim.__main__", N_("simulated homes; not installed on a gateway")),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out `argv` (default: this process's arguments) and return the exit status.

    The part's own `main` is handed all of `argv`, the sub-command first.
    """
    _print_anything()
    try:
        try:
            return _carry_out(_language_last(list(sys.argv[1:] if argv is None else argv)))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        # As `head` does, having seen enough. What is left must not fail once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READ_NO_FURTHER


def _nobody_reads() -> bool:
    """Whether standard output is a pipe whose other end is closed."""
    ends = select.poll()
    ends.register(sys.stdout, select.POLLOUT)
    return any(event & select.POLLERR for _, event in ends.poll(0))


def _print_anything() -> None:
    """Let a terminal that has no Korean show what it can instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _carry_out(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in _COMMANDS:
        return _without_command(arguments)
    module = _COMMANDS[arguments[0]][0]
    try:
        carry_out: Callable[[Sequence[str]], int] = importlib.import_module(module).main
    except ModuleNotFoundError as missing:
        name = missing.name or "?"
        return _said(lambda say: _not_installed(arguments[0], module, name, say), arguments)
    return carry_out(arguments)


def _language_last(arguments: list[str]) -> list[str]:
    """The parts take `--language` behind their own words; a person may say it first."""
    if arguments and arguments[0].partition("=")[0] == "--language":
        words = 1 if "=" in arguments[0] else 2
        return arguments[words:] + arguments[:words]
    return arguments


def _without_command(arguments: list[str]) -> int:
    if arguments and arguments[0] in {"-h", "--help", "help"}:
        return _said(_usage, arguments, help_=True)
    if not arguments or arguments[0].partition("=")[0] == "--language":
        return _said(_usage, arguments)

    def unknown(say: Translator) -> str:
        there_is_none = say.text("there is no command {name}", name=repr(arguments[0]))
        return f"ongi: {there_is_none}.\n\n{_usage(say)}"

    return _said(unknown, arguments)


def _said(what: Callable[[Translator], str], arguments: list[str], *, help_: bool = False) -> int:
    """Print it in the reader's language: help was asked for, all else is an error."""
    try:
        say = translator(language(arguments))
    except ConfigError as error:  # The catalogues were not compiled: there are no words yet.
        print(f"ongi: {error}", file=sys.stderr)
        return _USAGE_ERROR
    print(what(say), file=sys.stdout if help_ else sys.stderr)
    return 0 if help_ else _USAGE_ERROR


def _usage(say: Translator) -> str:
    width = max(map(len, _COMMANDS))
    lines = [f"  {name:{width}}  {say.text(what)}" for name, (_, what) in _COMMANDS.items()]
    more = say.text("`ongi COMMAND --help` tells more; --language ko|en, of all that is printed.")
    usage = f"{say.text('usage')}: ongi {say.text('COMMAND')} ..."
    return "\n".join([usage, "", *lines, "", more])


def _not_installed(command: str, module: str, missing: str, say: Translator) -> str:
    part = module.partition(".")[0]
    if missing == part or missing.startswith(f"{part}."):
        why = say.text("this part is not installed here (no package {name}).", name=repr(part))
    else:
        why = say.text(
            "it needs the Python package {name}, which is not installed; install {extra}.",
            name=repr(missing),
            extra="ongi[center]" if part == "central" else "ongi",
        )
    return f"ongi {command}: {why}"


if __name__ == "__main__":
    sys.exit(main())
