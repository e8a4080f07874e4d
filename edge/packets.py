"""Packets over AF_UNIX SOCK_SEQPACKET: what the driver socket and the control socket share.

One packet is one message, whole or not at all. Who may connect is the file's mode.
Ref: unix(7), SOCK_SEQPACKET; a name holds 107 bytes.
"""

import asyncio
import errno
import os
import socket
import stat
from pathlib import Path

from rules.errors import ConfigError, phrase

_NAME_MAX = 107
_BACKLOG = 16
_FOLDER_MODE = 0o750
BURST = 32
"Packets read from one peer before all others have their turn."
_SEND_BUFFER = 262_144
"Room for the largest reply, above the kernel's default of 212,992 with its bookkeeping."
_NO_MORE_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
BREATH_S = 1.0


class SocketTaken(OSError):  # noqa: N818 -- names what happened
    """Another process listens there: a second gateway of the same home."""


def listen(path: Path, mode: int) -> socket.socket:
    """A listening socket at `path`; a file that nobody answers on any more is replaced.

    Raises:
        SocketTaken: somebody answers there.
        ConfigError: the path is too long, or another kind of file.
        OSError: the folder cannot be written.

    """
    check_name(path)
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    if path.parent.stat().st_uid == os.geteuid():
        path.parent.chmod(_FOLDER_MODE)
    _clear(path)
    listener = _socket()
    try:
        listener.bind(str(path))
        # Before `listen`, so that nobody can connect under the mode that the umask gave.
        path.chmod(mode)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def unlisten(listener: socket.socket) -> None:
    """Remove the name and close. The name is ours as long as we answer on it."""
    Path(listener.getsockname()).unlink(missing_ok=True)
    listener.close()


async def connect(path: Path) -> socket.socket:
    """Connect to the listener at `path`.

    Raises:
        OSError: FileNotFoundError or ConnectionRefusedError if nobody listens, PermissionError.

    """
    check_name(path)
    peer = _socket()
    try:
        await asyncio.get_running_loop().sock_connect(peer, str(path))
    except BaseException:
        peer.close()
        raise
    return peer


async def accept(listener: socket.socket) -> socket.socket:
    """The next peer. Others have their turn in between, even under a flood of connections."""
    await asyncio.sleep(0)
    while True:
        try:
            peer, _ = listener.accept()
        except BlockingIOError:
            await _readable(listener)
        except OSError as error:
            if error.errno not in _NO_MORE_FILES:
                raise
            await asyncio.sleep(BREATH_S)
        else:
            peer.settimeout(0.0)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            return peer


async def _readable(waiting: socket.socket) -> None:
    # The loop's own sock_accept loses a peer that comes in the turn in which it is cancelled.
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(waiting, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(waiting)


async def receive_one(peer: socket.socket, limit: int) -> bytes:
    """Wait for one packet; nothing when the peer is gone.

    A longer one than `limit` comes as `limit + 1` bytes.
    """
    try:
        return await asyncio.get_running_loop().sock_recv(peer, limit + 1)
    except ConnectionResetError:
        return b""


async def receive_by(peer: socket.socket, limit: int, until_s: float) -> bytes | None:
    """Wait for one packet as `receive_one` does, but until then at most; None if there is none.

    A packet that comes as time runs out is there for the next call. The loop's own sock_recv
    loses it, as every wait that ends a `receive_one` does.
    """
    while True:
        try:
            return peer.recv(limit + 1)
        except ConnectionResetError:
            return b""
        except BlockingIOError:
            try:
                async with asyncio.timeout_at(until_s):
                    await _readable(peer)
            except TimeoutError:
                return None


async def receive(peer: socket.socket, limit: int) -> list[bytes]:
    """Wait for a packet, then take what else is there, up to `BURST`; empty when the peer is gone.

    A packet longer than `limit` comes as `limit + 1` bytes. A burst is followed by a turn for all
    others.
    """
    try:
        first = await asyncio.get_running_loop().sock_recv(peer, limit + 1)
    except ConnectionResetError:
        # The peer closed without reading all that we sent. The kernel says so once, ahead of what
        # the peer sent before: its last packet may be a call for help.
        packets: list[bytes] = []
    else:
        if not first:
            return []
        packets = [first]
    while len(packets) < BURST and (more := _waiting(peer, limit)):
        packets.append(more)
    await asyncio.sleep(0)
    return packets


def _waiting(peer: socket.socket, limit: int) -> bytes:
    """The packet that is there already; nothing if there is none, or at the connection's end."""
    try:
        return peer.recv(limit + 1)
    except ConnectionResetError:
        return _waiting(peer, limit)
    except BlockingIOError:
        return b""


def send(peer: socket.socket, packet: bytes) -> bool:
    """Send without waiting; False if the peer is gone or does not read."""
    try:
        peer.send(packet, socket.MSG_NOSIGNAL)
    except OSError as error:
        if error.errno == errno.EMSGSIZE:
            raise  # A limit of ours was set too high.
        return False
    return True


async def send_within(peer: socket.socket, packet: bytes, seconds: float) -> bool:
    """Send, and wait so long for the peer to read; False if the peer is gone or does not."""
    try:
        async with asyncio.timeout(seconds):
            # One packet goes whole or not at all, so "all" is one successful send.
            await asyncio.get_running_loop().sock_sendall(peer, packet)
    except (TimeoutError, ConnectionError):
        return False
    return True


def hang_up(peer: socket.socket) -> None:
    """End a connection from this side; whoever reads it sees the end."""
    try:
        peer.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        if error.errno not in (errno.ENOTCONN, errno.EBADF):
            raise


def check_name(path: Path) -> None:
    """Refuse a path that the kernel has no room for.

    Raises:
        ConfigError: it is too long.

    """
    length = len(os.fsencode(path))
    if length > _NAME_MAX:
        raise ConfigError(
            str(path),
            phrase("a path of {length} bytes", length=length),
            phrase("a socket's path has at most {most}; use a shorter --home", most=_NAME_MAX),
        )


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    return made


def _clear(path: Path) -> None:
    """Remove a socket file that a killed process left."""
    try:
        found = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found):
        raise ConfigError(str(path), phrase("a file that is no socket"), phrase("move it away"))
    with _socket() as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            # Somebody listens: with a full backlog, or for another kind of connection.
            if error.errno not in (errno.EAGAIN, errno.EPROTOTYPE):
                raise
    raise SocketTaken(errno.EADDRINUSE, "another gateway runs here", str(path))
