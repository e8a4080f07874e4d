"""What `ongi center` can be asked, with its help in the reader's language."""

import argparse
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Final, TypeAlias

from central.app import COAP_PORT, WEB_PORT
from central.cases import Home
from central.people import Role
from protocol.heartbeat import DEFAULT_INTERVAL_S, INTERVAL_S_MAX
from texts import Translator

CARD: Final = tuple(field.name for field in fields(Home) if field.name != "gateway")
"What is known of a home; each has an option of its name."

_DATA: Final = Path("/var/lib/ongi/center")
_Commands: TypeAlias = Callable[..., argparse.ArgumentParser]


def parser(say: Translator) -> argparse.ArgumentParser:
    """All commands; `command` names the one that was given, as `user add`."""
    _ = say.text
    whole = argparse.ArgumentParser(
        prog="ongi center",
        description=_("The receiving end: takes records from gateways, shows cases to people."),
    )
    commands = _commands(whole)
    _serve_options(_add(commands, "serve", _("run the center until Ctrl-C"), say), say)
    users = _commands(commands("user", help=_("who may use the console")))
    _user_options(users, say)
    gateways = _commands(commands("gateway", help=_("gateways and their homes")))
    _gateway_options(gateways, say)
    copy = _("write a copy of all data, also while the center runs; it holds keys: keep it sealed")
    _add(commands, "backup", copy, say).add_argument("file", type=Path, metavar="FILE")
    back = _("put a copy back; gateways send again what it does not know")
    _add(commands, "restore", back, say).add_argument("file", type=Path, metavar="FILE")
    return whole


def _serve_options(parser: argparse.ArgumentParser, say: Translator) -> None:
    _ = say.text
    shown = _("default: %(default)s")
    parser.add_argument(
        "--coap-host",
        default="0.0.0.0",  # noqa: S104 -- gateways come from everywhere
        metavar="IP",
        help=_("address for gateways;") + f" {shown}",
    )
    parser.add_argument("--coap-port", type=_port, default=COAP_PORT, metavar="N", help=shown)
    parser.add_argument(
        "--web-host",
        default="127.0.0.1",
        metavar="IP",
        help=_("address for browsers; put a TLS proxy before any other than this machine's;")
        + f" {shown}",
    )
    parser.add_argument("--web-port", type=_port, default=WEB_PORT, metavar="N", help=shown)
    parser.add_argument(
        "--interval",
        type=_interval,
        default=DEFAULT_INTERVAL_S,
        metavar="SECONDS",
        help=_("between heartbeats of a gateway; after three missed ones it is silent;")
        + f" {shown}",
    )


def _user_options(commands: _Commands, say: Translator) -> None:
    _ = say.text
    add = _add(commands, "add", _("add a user and print a password, unless one is given"), say)
    add.add_argument("name", metavar="NAME")
    add.add_argument(
        "--role",
        type=Role,
        choices=list(Role),
        help=_("default: admin for the first user, operator for all others"),
    )
    change = _add(
        commands,
        "password",
        _("give a user another password, and end that user's sessions"),
        say,
    )
    change.add_argument("name", metavar="NAME")
    for parser in (add, change):
        parser.add_argument(
            "--stdin", action="store_true", help=_("take the password from standard input")
        )
    _add(commands, "list", _("show all users"), say)


def _gateway_options(commands: _Commands, say: Translator) -> None:
    _ = say.text
    new = _add(
        commands,
        "enrol",
        _("make keys for a gateway, and write its part to a file for it alone"),
        say,
    )
    new.add_argument("gateway", metavar="ID", help=_("such as seongdong-0042"))
    new.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help=_("the gateway's keys/uplink.toml"),
    )
    new.add_argument(
        "--replace-keys",
        action="store_true",
        help=_("for a gateway whose keys were lost: the old ones stop working"),
    )
    card = _add(commands, "home", _("change what is known of a gateway's home"), say)
    card.add_argument("gateway", metavar="ID")
    helps = {
        "name": _("name of the resident or the center"),
        "address": _("where to send somebody"),
        "phone": _("whom to call, number first"),
        "residents": _("who lives there"),
        "note": _("how to get in, who has a key, what to know"),
    }
    for parser in (new, card):
        for name in CARD:
            parser.add_argument(f"--{name}", metavar="TEXT", help=helps[name])
    _add(commands, "list", _("show all gateways"), say)


def _commands(parser: argparse.ArgumentParser) -> _Commands:
    return parser.add_subparsers(metavar="COMMAND", required=True).add_parser


def _add(commands: _Commands, name: str, help_: str, say: Translator) -> argparse.ArgumentParser:
    parser = commands(name, help=help_, description=help_)
    parser.add_argument(
        "--data",
        type=Path,
        default=_DATA,
        metavar="DIR",
        help=say.text("folder of the center's data;") + f" {say.text('default: %(default)s')}",
    )
    parser.set_defaults(command=parser.prog.removeprefix("ongi center "))
    return parser


def _port(text: str) -> int:
    return _within(text, 0, 65_535)


def _interval(text: str) -> int:
    return _within(text, 1, INTERVAL_S_MAX)


def _within(text: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r}: {least} ... {most}")
    return number
