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
from texts.parser import Parser, default, language_option, one_of, whole

CARD: Final = tuple(field.name for field in fields(Home) if field.name != "gateway")
"What is known of a home; each has an option of its name."
_PORT_MAX: Final = 65_535

_DATA: Final = Path("/var/lib/ongi/center")
_Commands: TypeAlias = Callable[[str, str], Parser]


def parser(say: Translator) -> Parser:
    """All commands; `command` names the one that was given, as `user add`."""
    _ = say.text
    asked = Parser(
        "ongi center",
        _("The receiving end: takes records from gateways, shows cases to people."),
        say,
    )
    commands = asked.commands()
    _serve_options(_add(commands, "serve", _("run the center until Ctrl-C"), say), say)
    users = commands("user", _("who may use the console")).commands()
    _user_options(users, say)
    gateways = commands("gateway", _("gateways and their homes")).commands()
    _gateway_options(gateways, say)
    copy = _("write a copy of all data, also while the center runs; it holds keys: keep it sealed")
    saved = _add(commands, "backup", copy, say)
    saved.add_argument("file", type=Path, metavar="FILE", help=_("the copy to write"))
    back = _("put a copy back; gateways send again what it does not know")
    restored = _add(commands, "restore", back, say)
    restored.add_argument("file", type=Path, metavar="FILE", help=_("the copy to put back"))
    return asked


def _serve_options(parser: argparse.ArgumentParser, say: Translator) -> None:
    _ = say.text
    end, port = default(say), whole(0, _PORT_MAX, say)
    parser.add_argument(
        "--coap-host",
        default="0.0.0.0",  # noqa: S104 -- gateways come from everywhere
        metavar="IP",
        help=_("address for gateways") + end,
    )
    parser.add_argument(
        "--coap-port",
        type=port,
        default=COAP_PORT,
        metavar="N",
        help=_("of the center's CoAP ingress; 0 takes a free one") + end,
    )
    parser.add_argument(
        "--web-host",
        default="127.0.0.1",
        metavar="IP",
        help=_("address for browsers; put a TLS proxy before any other than this machine's") + end,
    )
    parser.add_argument(
        "--web-port",
        type=port,
        default=WEB_PORT,
        metavar="N",
        help=_("of the console; 0 takes a free one") + end,
    )
    parser.add_argument(
        "--interval",
        type=whole(1, INTERVAL_S_MAX, say),
        default=DEFAULT_INTERVAL_S,
        metavar="SECONDS",
        help=_("between heartbeats of a gateway; after three missed ones it is silent") + end,
    )


def _user_options(commands: _Commands, say: Translator) -> None:
    _ = say.text
    add = _add(commands, "add", _("add a user and print a password, unless one is given"), say)
    add.add_argument("name", metavar="NAME", help=_("as the user logs in"))
    add.add_argument(
        "--role",
        type=one_of(Role, say),
        metavar="|".join(Role),
        help=_("default: admin for the first user, operator for all others"),
    )
    change = _add(
        commands,
        "password",
        _("give a user another password, and end that user's sessions"),
        say,
    )
    change.add_argument("name", metavar="NAME", help=_("as the user logs in"))
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
    card.add_argument("gateway", metavar="ID", help=_("such as seongdong-0042"))
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


def _add(commands: _Commands, name: str, what: str, say: Translator) -> Parser:
    parser = commands(name, what)
    parser.add_argument(
        "--data",
        type=Path,
        default=_DATA,
        metavar="DIR",
        help=say.text("folder of the center's data") + default(say),
    )
    language_option(parser, say)
    parser.set_defaults(command=parser.prog.removeprefix("ongi center "))
    return parser
