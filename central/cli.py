"""`ongi center ...`: serve, and set up users, gateways and copies of the data."""

import argparse
import asyncio
import getpass
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from central.accounts import Accounts, Unacceptable, generated_password
from central.app import DATABASE, Serving, make_folder, only_one, run
from central.arguments import CARD, parser
from central.backup import back_up, restore
from central.cases import Home
from central.clock import SystemClock
from central.keys import enrol
from central.people import NoSuchUser, Role, UserExists
from central.sql.gateways import GatewayExists
from central.store import Store
from rules.errors import ConfigError, phrase, unreadable
from texts import N_, Translator, translator
from texts.parser import language

T = TypeVar("T")

_SEOUL: Final = ZoneInfo("Asia/Seoul")
_OF_THE_SYSTEM: Final = (
    N_("not a directory"),
    N_("file exists"),
    N_("no space left on device"),
    N_("read-only file system"),
    N_("address already in use"),
    N_("cannot assign requested address"),
)
"What it says in English (`unreadable`), for the catalogues; what is not among it stays as it is."


def main(argv: Sequence[str]) -> int:
    """Carry out `argv`, which begins with `center`; returns the exit status."""
    try:
        say = translator(language(argv))
    except ConfigError as error:  # The catalogues were not compiled: there are no words yet.
        return _failed(str(error))
    options = parser(say).parse_args(argv[1:])
    try:
        _COMMANDS[options.command](options, say)
    except ConfigError as error:
        return _failed(_explained(error, say))
    except Unacceptable as error:
        return _failed(say.said(error.why))
    except OSError as error:
        return _failed(_of_the_system(error, say))
    except UserExists as error:
        return _failed(say.text("there is a user {name} already.", name=error))
    except NoSuchUser as error:
        return _failed(say.text("there is no user {name}.", name=error))
    except GatewayExists as error:
        return _failed(
            say.text(
                "gateway {name} is enrolled already; --replace-keys gives it new keys.", name=error
            )
        )
    return 0


def _failed(why: str) -> int:
    print(f"ongi center: {why}", file=sys.stderr)
    return 1


def _explained(error: ConfigError, say: Translator) -> str:
    return say.text(
        "{where}\n  found: {found}\n  right: {right}",
        where=say.said(error.where),
        found=say.said(error.found),
        right=say.said(error.right),
    )


def _of_the_system(error: OSError, say: Translator) -> str:
    if error.strerror is None:
        return str(error)
    file = "" if error.filename is None else f"{error.filename}: "
    return file + say.said(unreadable(error))


# ---------------------------------------------------------------- carrying it out


def _serve(options: argparse.Namespace, say: Translator) -> None:
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)

    def ready(serving: Serving) -> None:
        host = f"[{options.web_host}]" if ":" in options.web_host else options.web_host
        address = f"http://{host}:{serving.web_port}"
        print(say.text("Console: {address}", address=address), flush=True)

    async def serve() -> None:
        await _hint(options, say)
        serving = asyncio.current_task()
        assert serving is not None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, serving.cancel)
        await run(
            options.data,
            coap_host=options.coap_host,
            coap_port=options.coap_port,
            web_host=options.web_host,
            web_port=options.web_port,
            clock=SystemClock(),
            interval=lambda: options.interval,
            ready=ready,
        )

    try:
        asyncio.run(serve())
    except asyncio.CancelledError:
        # Asked to stop by a signal, and everything is put away.
        return


async def _hint(options: argparse.Namespace, say: Translator) -> None:
    async def ask(store: Store) -> bool:
        return not await store.users()

    if await _with_store(options.data, ask, make=True):
        print(say.text("Nobody can log in yet: ongi center user add NAME"), flush=True)


def _user_add(options: argparse.Namespace, say: Translator) -> None:
    password = _password(options)

    async def add(store: Store) -> None:
        first = not await store.users()
        role = options.role or (Role.ADMIN if first else Role.OPERATOR)
        await Accounts(store).add(options.name, password, role, _me(), _now())

    asyncio.run(_with_store(options.data, add, make=True))
    _tell_password(options, password, say)


def _user_password(options: argparse.Namespace, say: Translator) -> None:
    password = _password(options)

    async def change(store: Store) -> None:
        await Accounts(store).set_password(options.name, password, _me(), _now())

    asyncio.run(_with_store(options.data, change))
    _tell_password(options, password, say)


def _user_list(options: argparse.Namespace, say: Translator) -> None:
    for user in asyncio.run(_with_store(options.data, Store.users)):
        print(f"{user.name}  {say.name(user.role)}  {_shown(user.created_at)}")


def _gateway_enrol(options: argparse.Namespace, say: Translator) -> None:
    home = Home(options.gateway, **{name: getattr(options, name) or "" for name in CARD})

    async def take_in(store: Store) -> None:
        known = await _home(store, options.gateway)
        await enrol(
            store,
            home if known is None else _changed(known, options),
            options.out,
            by=_me(),
            now=_now(),
            replace_keys=options.replace_keys,
        )

    asyncio.run(_with_store(options.data, take_in, make=True))
    print(
        say.text(
            "Enrolled {gateway}. Move {file} to the gateway and keep no copy: it holds its keys.",
            gateway=options.gateway,
            file=options.out,
        )
    )


def _gateway_home(options: argparse.Namespace, say: Translator) -> None:
    async def change(store: Store) -> bool:
        known = await _home(store, options.gateway)
        if known is not None:
            await store.set_home(_changed(known, options), _me(), _now())
        return known is not None

    if not asyncio.run(_with_store(options.data, change)):
        raise ConfigError(options.gateway, phrase("no such gateway"), "ongi center gateway list")
    print(say.text("Changed {gateway}.", gateway=options.gateway))


def _gateway_list(options: argparse.Namespace, say: Translator) -> None:
    for row in asyncio.run(_with_store(options.data, Store.gateways)):
        heard = say.text("never heard")
        if row.last_heartbeat is not None:
            heard = say.text("last heard {at}", at=_shown(row.last_heartbeat))
        silent = f"  {say.text('silent')}" if row.silent else ""
        print(f"{row.gateway}  {row.home.name}  {row.home.address}  {heard}{silent}")


def _backup(options: argparse.Namespace, say: Translator) -> None:
    size = back_up(options.data / DATABASE, options.file)
    print(
        say.text(
            "Wrote {file}, {size} KiB. It holds keys and addresses: keep it sealed.",
            file=options.file,
            size=size // 1024,
        )
    )


def _restore(options: argparse.Namespace, say: Translator) -> None:
    make_folder(options.data)
    with only_one(options.data):
        aside = restore(options.file, options.data / DATABASE)
    print(say.text("Restored {file}.", file=options.file))
    if aside is not None:
        print(say.text("What was there before is in {file}.", file=aside))


_COMMANDS: Final[dict[str, Callable[[argparse.Namespace, Translator], None]]] = {
    "serve": _serve,
    "user add": _user_add,
    "user password": _user_password,
    "user list": _user_list,
    "gateway enrol": _gateway_enrol,
    "gateway home": _gateway_home,
    "gateway list": _gateway_list,
    "backup": _backup,
    "restore": _restore,
}


# ---------------------------------------------------------------- what they share


async def _with_store(
    data: Path, use: Callable[[Store], Awaitable[T]], *, make: bool = False
) -> T:
    """Open the store for one use; beside a running center as well."""
    path = data / DATABASE
    if make:
        make_folder(data)
    elif not path.exists():
        right = phrase("the folder of a center's data (--data)")
        raise ConfigError(str(path), phrase("nothing"), right)
    store = await Store.open(path)
    try:
        return await use(store)
    finally:
        await store.aclose()


async def _home(store: Store, gateway: str) -> Home | None:
    return next((row.home for row in await store.gateways() if row.gateway == gateway), None)


def _changed(home: Home, options: argparse.Namespace) -> Home:
    given = {name: value for name in CARD if (value := getattr(options, name)) is not None}
    return replace(home, **given)


def _password(options: argparse.Namespace) -> str:
    if options.stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return generated_password()


def _tell_password(options: argparse.Namespace, password: str, say: Translator) -> None:
    if options.stdin:
        print(say.text("{name} can log in.", name=options.name))
    else:
        print(
            say.text("{name}, password: {password}", name=options.name, password=password),
            flush=True,
        )


def _me() -> str:
    """Who is written down as having done it."""
    return f"{getpass.getuser()} (ongi center)"


def _now() -> datetime:
    return SystemClock().now()


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(_SEOUL):%Y-%m-%d %H:%M}"
