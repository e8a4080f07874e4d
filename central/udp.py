"""The center's UDP socket: one owner a port, room for a burst, answers from the address asked.

aiocoap's own transport binds with SO_REUSEPORT, so that a second daemon would silently take half
of the requests, and needs IPv6 in the kernel. This one needs neither.

Ref: ip(7) IP_PKTINFO; RFC 3542, 4 (IPV6_PKTINFO); socket(7).
"""

import asyncio
import ipaddress
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from rules.errors import ConfigError, phrase, unreadable

BYTES_MAX = 1_472
"What one Ethernet frame carries; a longer datagram arrives cut and is known by that."
_BUFFER_BYTES = 8 << 20
"Some 20,000 requests, while the event loop does something else."
_SO_RCVBUFFORCE = 33
_IP_PKTINFO = 8
_ANCILLARY_BYTES = 128
_AT_ONCE = 64
"Datagrams taken before others get their turn on the event loop."

_PKTINFO4 = struct.Struct("=i4s4s")  # ipi_ifindex, ipi_spec_dst, ipi_addr


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a datagram came from, and to which of our addresses."""

    address: tuple[str, int] | tuple[str, int, int, int]
    local: tuple[tuple[int, int, bytes], ...]
    "Ancillary data that lets an answer leave from the address that was asked."

    def __str__(self) -> str:
        host = self.address[0].removeprefix("::ffff:")
        return f"[{host}]:{self.address[1]}" if ":" in host else f"{host}:{self.address[1]}"


class UdpSocket:
    """An open socket; `received` is called with each datagram, on the event loop."""

    def __init__(self, opened: socket.socket, received: Callable[[bytes, Peer], None]) -> None:
        self._socket = opened
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(opened.fileno(), self._readable)

    @property
    def port(self) -> int:
        """The port it is bound to."""
        port: int = self._socket.getsockname()[1]
        return port

    def send(self, data: bytes, peer: Peer) -> None:
        """Send one datagram, or lose it: whoever waits for it asks again."""
        try:
            self._socket.sendmsg([data], peer.local, 0, peer.address)
        except OSError:
            # The buffer is full, or the peer is unreachable by now.
            return

    def close(self) -> None:
        """Give the port up."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, address = self._socket.recvmsg(BYTES_MAX + 1, _ANCILLARY_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP error of an earlier answer; the next datagram is none the worse.
                continue
            self._received(data, Peer(address, tuple(map(_answerable, ancillary))))


def open_socket(host: str, port: int) -> socket.socket:
    """Bind to an address (`0.0.0.0` and `::` for all); port 0 takes any.

    Raises:
        ConfigError: no such address here, or the port is taken.

    """
    where = phrase("CoAP address {host}, port {port}", host=host, port=port)
    try:
        version = ipaddress.ip_address(host).version
    except ValueError as error:
        right = phrase("0.0.0.0, :: or an address of this machine")
        raise ConfigError(where, phrase("no IP address"), right) from error
    opened = socket.socket(
        socket.AF_INET6 if version == 6 else socket.AF_INET,
        socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
    )
    try:
        if version == 6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            opened.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        _widen(opened)
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        right = phrase("an address of this machine and a port that nothing else uses")
        raise ConfigError(where, unreadable(error), right) from error
    return opened


def _widen(opened: socket.socket) -> None:
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
    except PermissionError:
        # As much as net.core.rmem_max allows an ordinary user.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)


def _answerable(received: tuple[int, int, bytes]) -> tuple[int, int, bytes]:
    """Ancillary data of an answer from that of its request: our address, any interface."""
    level, kind, data = received
    if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
        _, ours, _ = _PKTINFO4.unpack(data[: _PKTINFO4.size])
        return level, kind, _PKTINFO4.pack(0, ours, bytes(4))
    return received
