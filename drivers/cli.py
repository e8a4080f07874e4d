"""`ongi driver LINK`: runs one radio's driver process."""

import asyncio
import importlib
import logging
import signal
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
    link = Link(options.link)
    if link is not Link.BLE:
        why = say.text(
            "this version has no radio stack for {link} yet; only simulated homes (make run) have"
            " a driver.",
            link=link.value,
        )
    elif missing := _missing():
        why = say.text(
            "it needs the Python package {name}, which is not installed; install {extra}, or the"
            " packages of {file}.",
            name=repr(missing),
            extra="ongi[ble]",
            file="requirements/gateway-ble.txt",
        )
    else:
        return _run(options.socket, options.state)
    print(f"ongi driver {link.value}: {why}", file=sys.stderr)
    return _NOT_POSSIBLE


def _missing() -> str:
    """The package that the radio stack lacks; empty: none."""
    try:
        importlib.import_module("drivers.ble.radio")
    except ModuleNotFoundError as missing:
        return missing.name or "?"
    return ""


def _run(socket: Path, state: Path) -> int:
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        asyncio.run(_drive(socket, state))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 0  # Told to stop by SIGTERM or Ctrl-C, and everything is put away.
    return 0


async def _drive(socket: Path, state: Path) -> None:
    """Listen, and serve the gateway, until cancelled or told to by SIGTERM."""
    from drivers import process  # noqa: PLC0415 -- help and refusals need no radio stack
    from drivers.ble.radio import BluezRadio  # noqa: PLC0415
    from drivers.clock import SystemClock  # noqa: PLC0415

    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    clock = SystemClock()
    radio = BluezRadio(clock.boottime_us, state=state)
    async with asyncio.TaskGroup() as group:
        group.create_task(radio.run(), name="bluez")
        await process.run(Link.BLE, socket, state, radio, clock)


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
