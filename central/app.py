"""The center's process: ingress, supervision and console around one store."""

import asyncio
import contextlib
import fcntl
import ipaddress
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from central.clock import Clock
from central.coap import Messages
from central.connections import PatientConnection
from central.console import Console, console
from central.ingress import Ingress
from central.refusals import Reason, Refusals
from central.requests import Requests
from central.store import Store
from central.supervision import Supervision
from central.udp import UdpSocket, open_socket
from protocol.heartbeat import DEFAULT_INTERVAL_S
from protocol.oscore import CenterContexts, center_sequence
from rules.errors import ConfigError, phrase, unreadable

COAP_PORT = 5683
WEB_PORT = 8080
DATABASE = "center.sqlite"

_LOCK = "serving.lock"
_BACKLOG = 128
"Browsers that wait to be let in; asyncio tries, and logs, as often when it is out of files."
_ECHO_BYTES = 8
_GOODBYE_S = 1
"Open pages keep a stream; they find the next process by themselves."


@dataclass(frozen=True, slots=True)
class Serving:
    """A center that takes requests."""

    coap_port: int
    web_port: int
    refusals: Refusals


def default_interval() -> int:
    """Seconds between heartbeats while nothing happens."""
    return DEFAULT_INTERVAL_S


async def run(  # noqa: PLR0913 -- two addresses, and what differs in a simulation
    data: Path,
    *,
    coap_host: str = "0.0.0.0",  # noqa: S104 -- gateways come from everywhere
    coap_port: int = COAP_PORT,
    web_host: str = "127.0.0.1",
    web_port: int = WEB_PORT,
    clock: Clock,
    interval: Callable[[], int] = default_interval,
    ready: Callable[[Serving], None] = lambda _: None,
) -> None:
    """Serve until cancelled. `ready` is called once all ports take requests.

    `interval` gives the seconds, real ones, that heartbeats shall be apart; 1 to 3,600.

    Raises:
        ConfigError: an address or port that cannot be used, a database that cannot, or a second
            center on the same data.
        OSError: the data cannot be opened.

    """
    make_folder(data)
    with (
        only_one(data),
        _listener(web_host, web_port) as web,
        contextlib.closing(open_socket(coap_host, coap_port)) as udp,
    ):
        async with _opened(data / DATABASE) as store:
            await _serve(store, clock, interval, udp=udp, web=web, ready=ready)


async def _serve(
    store: Store,
    clock: Clock,
    interval: Callable[[], int],
    *,
    udp: socket.socket,
    web: socket.socket,
    ready: Callable[[Serving], None],
) -> None:
    refusals = Refusals(asyncio.get_running_loop().time)
    supervision = Supervision(store, clock, interval)
    await supervision.load()
    contexts = CenterContexts(
        store.find,
        center_sequence(await store.sequence(), clock.now()),
        store.reserve,
        secrets.token_bytes(_ECHO_BYTES),
    )
    ingress = Ingress(
        store.find,
        contexts,
        Requests(store, clock, interval=interval, refusals=refusals),
        heard=supervision.heard,
        refusals=refusals,
    )
    pages = console(store, clock)
    async with asyncio.TaskGroup() as tasks, _console(tasks, pages, web):
        tasks.create_task(supervision.run(), name="supervision")
        messages = Messages(
            tasks,
            ingress.respond,
            unparsable=lambda peer: refusals.note(Reason.UNPARSABLE, peer),
            dropped=lambda peer: refusals.note(Reason.BUSY, peer),
        )
        endpoint = UdpSocket(udp, messages.received)
        messages.send = endpoint.send
        ready(Serving(endpoint.port, web.getsockname()[1], refusals))
        try:
            await asyncio.Event().wait()
        finally:
            endpoint.close()


class _Server(uvicorn.Server):
    """uvicorn in a loop that is not its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them to whoever runs the process."""
        yield


@contextlib.asynccontextmanager
async def _console(
    tasks: asyncio.TaskGroup, application: Console, listener: socket.socket
) -> AsyncIterator[None]:
    config = uvicorn.Config(
        application,
        http=PatientConnection,
        backlog=_BACKLOG,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GOODBYE_S,
    )
    server = _Server(config)
    serving = tasks.create_task(server.serve([listener]), name="console")
    try:
        yield
    finally:
        application.close()
        server.should_exit = True
        await serving


@contextlib.asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[Store]:
    store = await Store.open(path)
    try:
        yield store
    finally:
        await store.aclose()


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data for this process: two would use the same OSCORE numbers.

    Raises:
        ConfigError: another process serves them.

    """
    descriptor = os.open(data / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            right = phrase("stop that one, or name another folder")
            raise ConfigError(str(data), phrase("a center that runs on it"), right) from error
        yield
    finally:
        os.close(descriptor)


def make_folder(data: Path) -> None:
    """Make the folder of a center's data, for its owner alone, unless it is there.

    Raises:
        ConfigError: it cannot be made.

    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        right = phrase("a folder that can be made and written")
        raise ConfigError(str(data), unreadable(error), right) from error


@contextlib.contextmanager
def _listener(host: str, port: int) -> Iterator[socket.socket]:
    where = phrase("console address {host}, port {port}", host=host, port=port)
    try:
        version = ipaddress.ip_address(host).version
    except ValueError as error:
        right = phrase("127.0.0.1 or another address of this machine")
        raise ConfigError(where, phrase("no IP address"), right) from error
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        right = phrase("an address of this machine and a port that nothing else uses")
        # What it says names the address once more.
        plain = OSError(error.errno, os.strerror(error.errno or 0))
        raise ConfigError(where, unreadable(plain), right) from error
    with listener:
        # Accepted connections inherit it. asyncio sets it only for sockets that name their
        # protocol, and a page in two small pieces would wait 40 ms for a delayed ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener
