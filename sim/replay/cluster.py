"""The same homes on a Dask cluster that is there already: `--engine dask://host:port`."""

import hashlib
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import edge
import rules
import sim
from rules.errors import ConfigError, LinkLost, phrase
from sim.replay.fleet import Job, Result, carry_out

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 10
_FRAMES_BYTES = 8
"A message of Dask begins with the number of its frames, in so many bytes."
_FRAMES_MAX = 1_000
_SCHEME = "dask"
_OPTION = "--engine"


def remote(jobs: Sequence[Job], engine: str, done: Callable[[Result], None]) -> list[Result]:
    """All jobs on the workers of a cluster. Files are opened there, under the same paths.

    Raises:
        ConfigError: no such engine, no cluster there, or its workers have other code.
        LinkLost: the cluster was lost on the way.

    """
    address = scheduler(engine)
    try:
        from distributed import (  # noqa: PLC0415 -- an extra, and slow to load
            Client,
            as_completed,
        )
    except ImportError:
        right = phrase("install it: pip install 'ongi[fleet]'")
        raise ConfigError(_OPTION, phrase("no Dask in this environment"), right) from None
    _greeted(address)
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise _nobody(address) from error
    with client:
        _check(client)
        futures = client.map(carry_out, jobs, pure=False)
        try:
            for future in as_completed(futures, loop=client.loop):
                done(future.result())
            return [future.result() for future in futures]
        except (OSError, RuntimeError) as error:
            raise LinkLost(f"{address}: {error}") from error
        finally:
            client.cancel(futures)


def _greeted(address: str) -> None:
    """Wait for the first bytes of a scheduler, which speaks first.

    A client of Dask waits for ever where somebody accepts connections and says nothing.
    """
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname, parts.port), CONNECT_S) as probe:
            first = probe.recv(_FRAMES_BYTES, socket.MSG_WAITALL)
    except OSError as error:
        raise _nobody(address) from error
    if len(first) < _FRAMES_BYTES or int.from_bytes(first, "little") > _FRAMES_MAX:
        right = phrase("give the address of a Dask scheduler without TLS")
        raise ConfigError(_OPTION, phrase("something else at {address}", address=address), right)


def _nobody(address: str) -> ConfigError:
    found = phrase("nobody at {address} within {seconds} s", address=address, seconds=CONNECT_S)
    return ConfigError(_OPTION, found, phrase("start its scheduler, or correct the address"))


def scheduler(engine: str) -> str:
    """The address of the scheduler, as Dask writes it.

    Raises:
        ConfigError: no `dask://host:port`.

    """
    right = phrase("write dask://host:port")
    try:
        parts = urlsplit(engine)
        named = parts.scheme == _SCHEME and parts.hostname and parts.port
        plain = parts.path in {"", "/"} and not parts.query and parts.username is None
    except ValueError:
        raise ConfigError(_OPTION, repr(engine), right) from None
    if not named or not plain:
        raise ConfigError(_OPTION, repr(engine), right)
    return f"tcp://{parts.netloc}"


def code() -> str:
    """A digest of the code that decides a replay: equal on two machines if they decide alike."""
    digest = hashlib.sha256()
    for package in (rules, edge, sim):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            digest.update(str(path.relative_to(folder.parent)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _check(client: "Client") -> None:
    """Ask every worker for its code before anything is sent.

    A worker that cannot load what it is sent would break off and come back for ever.
    """
    found = client.run(code, on_error="return")
    if not found:
        right = phrase("start workers with the code of this version")
        raise ConfigError(_OPTION, phrase("a cluster without workers"), right)
    ours = code()
    for worker, theirs in sorted(found.items()):
        if theirs == ours:
            continue
        right = phrase("give the workers the code of this version ({code})", code=ours)
        if isinstance(theirs, str):
            what = phrase("{worker} has other code ({code})", worker=worker, code=theirs)
        else:
            what = phrase("{worker} has no ongi code ({error})", worker=worker, error=theirs)
        raise ConfigError(_OPTION, what, right)
