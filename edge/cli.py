"""`ongi` on a gateway: run it, check its files, and ask or tell the running one.

Exit status: 0 done, 1 refused or failed, 2 a wrong command line.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from pathlib import Path
from random import SystemRandom
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from rich.console import Console, RenderableType

from edge import look, packets, written
from edge.arguments import parser
from edge.caller import Caller, NotRunning, RequestRefused, called
from edge.check import check
from edge.config import CONTROL_SOCKET, Site
from edge.control_wire import Refused
from edge.evidence_redact import WEEKS, redacted
from edge.evidence_taken import save, taken
from edge.jsonable import jsonable
from edge.registry import Registry
from edge.screen import Screen
from edge.status import DeviceStatus
from rules.cases import SHELVED_AT_MOST
from rules.device import Device
from rules.errors import ConfigError, FrameError, LinkLost, phrase
from rules.events import AwayReason
from rules.inputs import Away, Drill, Shelve
from rules.observation import DeviceId
from rules.quantity import span
from texts import Translator, translator
from texts.parser import language

_PIPE_WIDTH: Final = 160
_SCAN_AT_MOST: Final = timedelta(hours=1)
_WATCH_AT_MOST: Final = timedelta(hours=24)
_INTERRUPTED: Final = 130
"As a shell has it for a command that Ctrl-C ended."
T = TypeVar("T")


def main(argv: Sequence[str]) -> int:
    """Carry out `argv`, which begins with the command; returns the exit status."""
    try:
        say = translator(language(argv))
    except ConfigError as error:  # The catalogues were not compiled: there are no words yet.
        return _failed(str(error))
    options = parser(say).parse_args(argv)
    try:
        return _COMMANDS[options.command](options, say)
    except (ConfigError, FrameError, RequestRefused, OSError) as error:
        return _failed(_why(error, options, say))
    except KeyboardInterrupt:
        return _INTERRUPTED


def _why(
    error: ConfigError | FrameError | RequestRefused | OSError,
    options: argparse.Namespace,
    say: Translator,
) -> str:
    match error:
        case ConfigError():
            return _explained(error, say)
        case RequestRefused(refused=refused):
            return _refusal(refused, say)
        case FrameError():
            return say.text(
                "The running gateway is of another version; restart it. ({error})", error=error
            )
        case NotRunning():
            return say.text(
                "The gateway of {home} does not run. Start it: systemctl start ongi-gateway, "
                "or ongi gateway --home {home}",
                home=options.home,
            )
        case LinkLost():
            return say.text("The gateway does not answer. See its log: journalctl -u ongi-gateway")
        case packets.SocketTaken():
            return say.text("Another gateway runs on {home}.", home=options.home)
        case PermissionError():
            return say.text(
                "This user may not use {file}. Try again with sudo.",
                file=error.filename or options.home,
            )
    return str(error)


def _refusal(refused: Refused, say: Translator) -> str:
    why, right = refused.phrases()
    if right:
        return _explained(ConfigError(refused.where, why, right), say)
    return ": ".join(filter(None, (refused.where, say.said(why))))


# ---------------------------------------------------------------- the gateway itself


def _gateway(options: argparse.Namespace, say: Translator) -> int:
    report = check(options.home)
    for warning in report.warnings:
        print(_explained(warning, say), file=sys.stderr)
    if report.errors:
        return _failed("\n".join(_explained(error, say) for error in report.errors))
    from edge.app import run  # noqa: PLC0415 -- a question to the gateway needs no CoAP stack
    from edge.clock import SystemMachine  # noqa: PLC0415

    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        asyncio.run(run(options.home, SystemMachine()))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 0  # Told to stop by SIGTERM or Ctrl-C, and everything is put away.
    return 0


def _check_config(options: argparse.Namespace, say: Translator) -> int:
    home = options.folder or options.home
    report = check(home)
    for error in report.errors:
        print(_explained(error, say))
    for warning in report.warnings:
        print(say.text("Warning: {what}", what=_explained(warning, say)))
    if report.errors:
        return _failed(
            say.plural(
                "{n} error: the gateway would not start.",
                "{n} errors: the gateway would not start.",
                len(report.errors),
            )
        )
    print(say.text("{home} is in order.", home=home))
    return 0


# ---------------------------------------------------------------- questions


def _status(options: argparse.Namespace, say: Translator) -> int:
    status = _asked(options, Caller.status)
    if options.json:
        _print_json(status)
    else:
        _show(Screen(say, ZoneInfo(status.about.timezone)).status(status))
    return 0


def _devices_list(options: argparse.Namespace, say: Translator) -> int:
    async def ask(gateway: Caller) -> tuple[Sequence[Device], Sequence[DeviceStatus]]:
        return await gateway.devices(), (await gateway.status()).devices

    try:
        devices, heard = _asked(options, ask)
    except NotRunning:
        devices, heard = Registry.load(_existing(options.home)).devices, ()
    received = {each.id: each.reception for each in heard if each.reception is not None}
    if options.json:
        rows = [(jsonable(each), jsonable(received.get(each.id))) for each in devices]
        told = [{**row, "reception": how} for row, how in rows if isinstance(row, dict)]
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        machines = [each.id for each in heard if each.machine]
        _show(Screen(say, ZoneInfo("UTC")).devices(devices, machines, received))
    return 0


def _devices_scan(options: argparse.Namespace, say: Translator) -> int:
    shown = look.Shown(say, _length(options, _SCAN_AT_MOST), options.json)
    return _until_ended(look.scan(options.home / CONTROL_SOCKET, shown))


def _devices_watch(options: argparse.Namespace, say: Translator) -> int:
    shown = look.Shown(say, _length(options, _WATCH_AT_MOST), options.json)
    return _until_ended(look.watch(options.home / CONTROL_SOCKET, options.ids, shown))


def _devices_identify(options: argparse.Namespace, say: Translator) -> int:
    shows = asyncio.run(look.identify(options.home / CONTROL_SOCKET, DeviceId(options.id), say))
    return 0 if shows else 1


def _length(options: argparse.Namespace, at_most: timedelta) -> timedelta:
    return span(options.span, "--for", timedelta(seconds=1), at_most)


def _until_ended(looking: Coroutine[None, None, None]) -> int:
    """Look until it ends: Ctrl-C and a reader that has seen enough are how it is meant to."""
    try:
        asyncio.run(looking)
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass
    except BrokenPipeError:
        # Or Python complains of it once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


# ---------------------------------------------------------------- orders


def _devices_add(options: argparse.Namespace, say: Translator) -> int:
    added = written.keyed_device(options)
    _change(
        options,
        say,
        lambda gateway: gateway.add(added),
        lambda registry: registry.add_device(added.device, added.key),
    )
    print(say.text("Entered {device}.", device=added.device.id))
    return 0


def _devices_remove(options: argparse.Namespace, say: Translator) -> int:
    id_ = DeviceId(options.id)
    _change(
        options,
        say,
        lambda gateway: gateway.remove(id_),
        lambda registry: registry.remove_device(id_),
    )
    print(say.text("Removed {device}.", device=id_))
    return 0


def _away(options: argparse.Namespace, say: Translator) -> int:
    async def announce(gateway: Caller) -> str:
        if options.end:
            await gateway.put(Away(AwayReason.TRIP, options.who, ends=True))
            return say.text("Somebody is home again.")
        status = await gateway.status()
        zone, reason = ZoneInfo(status.about.timezone), AwayReason(options.reason)
        until = None if options.until is None else written.moment(options.until, zone)
        await gateway.put(Away(reason, options.who, until))
        if until is None:
            return say.text("Away, until life is seen again: {reason}.", reason=say.name(reason))
        at = say.moment(until, zone, status.now)
        return say.text("Away until {at}: {reason}.", at=at, reason=say.name(reason))

    print(_asked(options, announce))
    return 0


def _shelve(options: argparse.Namespace, say: Translator) -> int:
    alarm = written.alarm(options.alarm)
    minute = timedelta(minutes=1)
    length = None if options.end else span(options.span, "--for", minute, SHELVED_AT_MOST)

    async def shelve(gateway: Caller) -> str:
        status = await gateway.status()
        # A moment that is past by then ends a shelving.
        until = status.now + (timedelta() if length is None else length)
        await gateway.put(Shelve(alarm, until))
        name = say.name(alarm.kind)
        if length is None:
            return say.text("{alarm}: taken up again.", alarm=name)
        at = say.moment(until, ZoneInfo(status.about.timezone), status.now)
        return say.text("{alarm}: held back until {at}.", alarm=name, at=at)

    print(_asked(options, shelve))
    return 0


def _drill(options: argparse.Namespace, say: Translator) -> int:
    _asked(options, lambda gateway: gateway.put(Drill(options.who)))
    print(
        say.text(
            "The drill is on its way. `ongi status` shows when the center has it; "
            "it ends when the center closes it."
        )
    )
    return 0


# ---------------------------------------------------------------- files


def _export(options: argparse.Namespace, say: Translator) -> int:
    site = Site.load(_existing(options.home))
    since = None
    if options.since is not None:
        since = written.moment(options.since, site.zone, "--since", dated=True)
    export, damaged = taken(options.home, site, since)
    if options.redact:
        export = redacted(export, 0 if options.keep_dates else SystemRandom().choice(WEEKS))
    save(export, options.out)
    number = len(export.events)
    told = say.plural("{n} event in {file}.", "{n} events in {file}.", number, file=options.out)
    print(told)
    if damaged:
        left_out = say.plural(
            "{n} damaged line was left out.", "{n} damaged lines were left out.", damaged
        )
        print(left_out, file=sys.stderr)
    if not options.redact:
        print(
            say.text(
                "This file says when who is at home: keep it where nobody else can read it. "
                "With --redact it does not say whose home it is."
            ),
            file=sys.stderr,
        )
    return 0


# ---------------------------------------------------------------- what they share


def _asked(options: argparse.Namespace, ask: Callable[[Caller], Awaitable[T]]) -> T:
    async def asking() -> T:
        async with called(options.home / CONTROL_SOCKET) as gateway:
            return await ask(gateway)

    return asyncio.run(asking())


def _change(
    options: argparse.Namespace,
    say: Translator,
    ask: Callable[[Caller], Awaitable[None]],
    write: Callable[[Registry], None],
) -> None:
    """Have the running gateway change its registry, or do it where none runs."""
    try:
        _asked(options, ask)
    except NotRunning:
        home = _existing(options.home)
        _become_owner(home)
        write(Registry.load(home))
        print(say.text("The gateway does not run; it will know when it is started."))


def _existing(home: Path) -> Path:
    if not home.is_dir():
        right = phrase("name the gateway's with --home")
        raise ConfigError(str(home), phrase("no such folder"), right)
    return home


def _become_owner(home: Path) -> None:
    """Write as the gateway's user where root asks: it could not read files of root's."""
    owner = home.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)


def _explained(error: ConfigError, say: Translator) -> str:
    return say.text(
        "{where}\n  found: {found}\n  right: {right}",
        where=error.where,
        found=say.said(error.found),
        right=say.said(error.right),
    )


def _print_json(value: object) -> None:
    print(json.dumps(jsonable(value), ensure_ascii=False, indent=2))


def _show(what: RenderableType) -> None:
    # In a pipe nothing is cut or wrapped for a screen that is not there.
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(width=width, markup=False, emoji=False, highlight=False).print(what)


def _failed(why: str) -> int:
    print(f"ongi: {why}", file=sys.stderr)
    return 1


_COMMANDS: Final[dict[str, Callable[[argparse.Namespace, Translator], int]]] = {
    "gateway": _gateway,
    "check-config": _check_config,
    "status": _status,
    "devices list": _devices_list,
    "devices scan": _devices_scan,
    "devices watch": _devices_watch,
    "devices identify": _devices_identify,
    "devices add": _devices_add,
    "devices remove": _devices_remove,
    "away": _away,
    "shelve": _shelve,
    "drill": _drill,
    "export": _export,
}
