"""`ongi sim run`: the story of one home on the command line."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rules.errors import ConfigError
from sim.clock import today
from sim.demo.plan import RECORDED_SPEED, SIMULATED_SPEED, SPEED_MAX, Asked, plan
from sim.demo.run import run
from sim.homes.household import SITE_ZONE
from sim.terminal import Screen
from texts import Translator, translator
from texts.parser import default, language_option

_USAGE_ERROR: Final = 2
_DATA: Final = Path(".ongi/run")
# As the center has them by itself; its code is loaded by its own process alone.
WEB_PORT: Final = 8080
COAP_PORT: Final = 5683
_PORT_MAX: Final = 65_535
"The largest that UDP and TCP have."


def add_options(parser: argparse.ArgumentParser, say: Translator) -> None:
    """Describe the command to its parser."""
    _ = say.text
    recorded = _("play a recorded home instead")
    parser.add_argument("--home-csv", type=Path, metavar="PATH", help=recorded)
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help=_("another seed, another life") + default(say),
    )
    language_option(parser, say)
    parser.add_argument(
        "--day",
        metavar="YYYY-MM-DD",
        help=_("the day of the story (default: today; of a recording its last full day)"),
    )
    parser.add_argument(
        "--collapse",
        metavar="HH:MM",
        help=_(
            "when on that day the resident collapses, or `none` (default: 13:40; in a recording"
            " a moment just after something was done)"
        ),
    )
    parser.add_argument(
        "--speed",
        type=_speed(say),
        metavar="N",
        help=_(
            "virtual seconds in a real one, while all is quiet"
            " (default: {speed}, of a recording {recorded})",
            speed=f"{SIMULATED_SPEED:.0f}",
            recorded=f"{RECORDED_SPEED:.0f}",
        ),
    )
    folder = _("folder of the run, emptied at each start") + default(say)
    parser.add_argument("--data", type=Path, default=_DATA, metavar="DIR", help=folder)
    ports(parser, say)


def ports(parser: argparse.ArgumentParser, say: Translator) -> None:
    """The options of the center's ports."""
    _ = say.text
    for option, port, what in (
        ("--port", WEB_PORT, _("of the console; 0 takes a free one")),
        ("--coap-port", COAP_PORT, _("of the center's CoAP ingress; 0 takes a free one")),
    ):
        parser.add_argument(
            option, type=_port(say), default=port, metavar="N", help=what + default(say)
        )


def carry_out(options: argparse.Namespace) -> int:
    """Tell the story; the exit status."""
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
    say = translator(asked.language)
    try:
        return asyncio.run(run(plan(asked, today(SITE_ZONE)), say, Screen()))
    except ConfigError as error:
        where, found, right = map(say.said, (error.where, error.found, error.right))
        print(f"ongi sim run: {where}\n  {found}\n  {right}", file=sys.stderr)
        return _USAGE_ERROR
    except KeyboardInterrupt:
        # Before the launcher took the signal over: nothing was started yet.
        return 0


def _port(say: Translator) -> Callable[[str], int]:
    def read(written: str) -> int:
        if not written.isdecimal() or int(written) > _PORT_MAX:
            right = say.text("{what} is no port: 0 to {most}", what=repr(written), most=_PORT_MAX)
            raise argparse.ArgumentTypeError(right)
        return int(written)

    return read


def _speed(say: Translator) -> Callable[[str], float]:
    def read(written: str) -> float:
        speed = float(written)
        if not 1 <= speed <= SPEED_MAX:
            right = say.text("from {low} to {high}", low=1, high=f"{SPEED_MAX:.0f}")
            raise argparse.ArgumentTypeError(f"{written}: {right}")
        return speed

    return read
