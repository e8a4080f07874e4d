"""Everything that must be there before the first process of a run starts."""

import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from central import keys
from central.accounts import Accounts, generated_password
from central.app import DATABASE
from central.app import make_folder as make_center
from central.cases import Home
from central.people import Role
from central.store import Store
from rules.errors import ConfigError, phrase, unreadable
from sim.ble import world_flights
from sim.demo.folders import Folders
from sim.processes.folder import claimed
from texts import Translator

USER = "operator"
GATEWAY = "demo-0001"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Login:
    """The first user of the center."""

    user: str
    password: str


@contextmanager
def fresh(data: Path) -> Iterator[Folders]:
    """An empty folder for a run, for this process alone; what an earlier run left is gone.

    Raises:
        ConfigError: the folder holds something else, cannot be written, or another run has it.

    """
    with claimed("--data", data) as folder:
        folders = Folders(folder)
        for left in (folders.center, folders.gateway, folders.bluetooth, folders.logs):
            shutil.rmtree(left, ignore_errors=True)
        folders.clock.unlink(missing_ok=True)
        folders.logs.mkdir()
        folders.bluetooth.mkdir(mode=0o700)
        world_flights.prepare(folders.flights)
        yield folders


def check_ports(web_port: int, coap_port: int) -> None:
    """Refuse ports that another program uses, before anything is started.

    Raises:
        ConfigError: with the option that names another one.

    """
    for option, port, kind in (
        ("--port", web_port, socket.SOCK_STREAM),
        ("--coap-port", coap_port, socket.SOCK_DGRAM),
    ):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                # As the server will: a connection that was just closed is no occupant.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                right = phrase("choose another port with {option} N", option=option)
                found = phrase("port {port} unusable: {why}", port=port, why=unreadable(error))
                raise ConfigError(option, found, right) from None


async def found_center(folders: Folders, say: Translator, now: datetime) -> Login:
    """Make the data of a center with one user, and enrol the gateway of the home."""
    make_center(folders.center)
    store = await Store.open(folders.center / DATABASE)
    try:
        login = Login(USER, generated_password())
        await Accounts(store).add(login.user, login.password, Role.ADMIN, "set-up", now)
        card = Home(
            gateway=GATEWAY,
            name=say.text("Simulated home"),
            address=say.text("nowhere; it is simulated"),
            phone="000-0000-0000",
            residents=say.text("one person who lives alone"),
            note=say.text("The key is with the neighbour in 101."),
        )
        await keys.enrol(
            store,
            card,
            folders.gateway / "keys" / "uplink.toml",
            by="set-up",
            now=now,
            random=secrets.token_bytes,
        )
    finally:
        await store.aclose()
    return login
