"""`ongi driver LINK`: runs one radio's driver process."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rules.device import Link
from rules.errors import ConfigError
from texts import Translator, translator
from texts.parser import Parser, language, language_option

_NOT_POSSIBLE: Final = 2


def main(argv: Sequence[str]) -> int:
    """Carry out `argv`, which begins with `driver`; returns the exit status."""
    try:
        say = translator(language(argv))
    except ConfigError as error:  # The catalogues were not compiled: there are no words yet.
        print(f"ongi driver: {error}", file=sys.stderr)
        return _NOT_POSSIBLE
    options = parser(say).parse_args(argv[1:])
    why = say.text(
        "this version has no radio stack for {link} yet; only simulated homes (make run) have a"
        " driver.",
        link=options.link,
    )
    print(f"ongi driver {options.link}: {why}", file=sys.stderr)
    return _NOT_POSSIBLE


def parser(say: Translator) -> Parser:
    """What it can be asked, with help in the reader's language."""
    _ = say.text
    asked = Parser("ongi driver", _("Run one radio's driver."), say)
    links = [link.value for link in Link]
    which = _("which radio: {names}", names=", ".join(links))
    asked.add_argument("link", choices=links, metavar="LINK", help=which)
    asked.add_argument(
        "--socket",
        type=Path,
        required=True,
        metavar="FILE",
        help=_("the gateway's socket, DIR/run/driver.sock"),
    )
    asked.add_argument(
        "--state",
        type=Path,
        required=True,
        metavar="DIR",
        help=_("folder of the driver's state, DIR/drivers"),
    )
    language_option(asked, say)
    return asked
