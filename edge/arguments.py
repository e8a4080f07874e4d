"""What `ongi` can be asked on a gateway, with its help in the reader's language."""

import argparse
import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from rules.device import EvidenceRole, Link, Use
from rules.events import AwayReason
from texts import Translator
from texts.parser import Parser, default, language_option

HOME: Final = Path("/var/lib/ongi")
"Where a gateway keeps its home, unless $ONGI_HOME or --home say otherwise."
_Commands: TypeAlias = Callable[[str, str], Parser]


def parser(say: Translator) -> Parser:
    """All commands; `command` names the one that was given, as `devices add`."""
    _ = say.text
    whole = Parser("ongi", _("a gateway, and what is asked of it"), say)
    commands = whole.commands()
    _add(commands, "gateway", _("run the gateway of one home"), say)
    checked = _add(commands, "check-config", _("check the files of a home"), say)
    checked.add_argument(
        "folder", type=Path, nargs="?", metavar="DIR", help=_("the home's folder")
    )
    status = _add(commands, "status", _("how the running gateway is"), say)
    _json_option(status, say)
    devices = commands("devices", _("the devices of the home"))
    _device_options(devices.commands(), say)
    _away_options(_add(commands, "away", _("say that nobody is at home, or is again"), say), say)
    _shelve_options(_add(commands, "shelve", _("hold one alarm back for a while"), say), say)
    drill = _add(commands, "drill", _("send a test alarm the whole way to the center"), say)
    _who_option(drill, say)
    exported = _("write the home's evidence to a file, for tests of its rules")
    _export_options(_add(commands, "export", exported, say), say)
    return whole


def _device_options(devices: _Commands, say: Translator) -> None:
    _ = say.text
    _json_option(_add(devices, "list", _("what stands in the registry"), say, "devices "), say)
    _radio_options(devices, say)
    removed = _add(devices, "remove", _("forget a device and its key"), say, "devices ")
    removed.add_argument("id", metavar="ID", help=_("the device's name"))
    added = _add(devices, "add", _("enter a device by hand"), say, "devices ")
    added.add_argument("--id", required=True, metavar="ID", help=_("its name: kitchen-plug"))
    added.add_argument(
        "--link", required=True, choices=[link.value for link in Link], help=_("how it is heard")
    )
    added.add_argument(
        "--address", required=True, metavar="MAC", help=_("MAC or EUI-64, hex with colons")
    )
    added.add_argument("--model", required=True, metavar="TEXT", help=_("its maker's name for it"))
    added.add_argument("--room", required=True, metavar="TEXT", help=_("as staff shall read it"))
    added.add_argument(
        "--phenomena",
        metavar="A,B",
        help=_("what it reports: power_w,relay_on; of a model that is known it need not be said"),
    )
    added.add_argument(
        "--report-every",
        metavar="SPAN",
        help=_(
            'longest time between two reports of a healthy device: "10 min"; of a model that is'
            " known it need not be said"
        ),
    )
    added.add_argument(
        "--key", metavar="HEX", help=_("link key, 32 hex digits; - reads it from standard input")
    )
    added.add_argument(
        "--evidence",
        choices=[role.value for role in EvidenceRole],
        default=EvidenceRole.HAND.value,
        help=_(
            "whose doing its changes are: a person's; a person's even beside an animal; perhaps a"
            " person's; nobody's"
        ),
    )
    added.add_argument(
        "--outputs", default="", metavar="A,B", help=_("what it can do: light,buzzer,relay")
    )
    added.add_argument("--outside-door", action="store_true", help=_("people leave by it"))
    added.add_argument("--mains", action="store_true", help=_("it runs on mains power"))
    added.add_argument(
        "--use",
        choices=[use.value for use in Use],
        help=_("what a plug is for: cooking, heating that must not be left on, or a lamp"),
    )


def _radio_options(devices: _Commands, say: Translator) -> None:
    """Of the commands that a technician has beside a device."""
    _ = say.text
    scan = _add(devices, "scan", _("show who is heard around, known or not"), say, "devices ")
    length = _('for so long; "30 min" if not said, "1 h" at most')
    scan.add_argument("--for", dest="span", default="30 min", metavar="SPAN", help=length)
    _json_option(scan, say)
    watched = _add(devices, "watch", _("show what the home's devices say"), say, "devices ")
    watched.add_argument("ids", nargs="*", metavar="ID", help=_("these devices; all if none"))
    length = _('for so long; "24 h" if not said, and at most')
    watched.add_argument("--for", dest="span", default="24 h", metavar="SPAN", help=length)
    _json_option(watched, say)
    what = _("have a device show itself by its light or buzzer")
    shown = _add(devices, "identify", what, say, "devices ")
    shown.add_argument("id", metavar="ID", help=_("the device's name"))


def _away_options(away: argparse.ArgumentParser, say: Translator) -> None:
    _ = say.text
    what = away.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--reason",
        choices=[AwayReason.TRIP.value, AwayReason.HOSPITAL.value],
        help=_("a journey, or a stay in hospital"),
    )
    what.add_argument("--end", action="store_true", help=_("somebody is home again"))
    away.add_argument(
        "--until",
        metavar="TIME",
        help=_('local time such as "2026-12-01 18:00"; without it, until life is seen again'),
    )
    _who_option(away, say)


def _shelve_options(shelve: argparse.ArgumentParser, say: Translator) -> None:
    _ = say.text
    shelve.add_argument("alarm", metavar="ALARM", help=_("as `ongi status` names it"))
    what = shelve.add_mutually_exclusive_group(required=True)
    what.add_argument("--for", dest="span", metavar="SPAN", help=_('"2 h", at most "24 h"'))
    what.add_argument("--end", action="store_true", help=_("take it up again"))


def _export_options(export: argparse.ArgumentParser, say: Translator) -> None:
    _ = say.text
    export.add_argument(
        "--redact",
        action="store_true",
        help=_("leave out names, rooms, addresses and dates: fit to be sent"),
    )
    export.add_argument(
        "--keep-dates", action="store_true", help=_("with --redact: do not shift the dates")
    )
    export.add_argument(
        "--since", metavar="TIME", help=_('local time such as "2026-12-01 18:00", or a date')
    )
    export.add_argument(
        "--out",
        type=Path,
        default=Path("evidence.jsonl"),
        metavar="FILE",
        help=_("the file to write") + default(say),
    )


def _add(commands: _Commands, name: str, what: str, say: Translator, family: str = "") -> Parser:
    _ = say.text
    made = commands(name, what)
    made.add_argument(
        "--home",
        type=Path,
        default=Path(os.environ.get("ONGI_HOME") or HOME),
        metavar="DIR",
        help=_("the gateway's folder") + default(say),
    )
    language_option(made, say)
    made.set_defaults(command=family + name)
    return made


def _json_option(parser: argparse.ArgumentParser, say: Translator) -> None:
    parser.add_argument("--json", action="store_true", help=say.text("for programs"))


def _who_option(parser: argparse.ArgumentParser, say: Translator) -> None:
    parser.add_argument(
        "--who",
        default=_user(),
        metavar="NAME",
        help=say.text("who says so") + default(say),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # A user without a name.
