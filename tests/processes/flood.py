"""A driver gone mad: `python -m tests.processes.flood SOCKET KIND`, until it is killed.

It prints a line for every hundred packets or connections that the gateway has taken.
"""

import itertools
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import cbor2

from drivers.clock import SystemClock
from rules import wire
from rules.device import Link
from rules.observation import DeviceId, Phenomenon
from rules.wire import Hello, Observed

PLUGS, LEAKS = 20, 4
"Devices of the registry that it speaks for: `plug-0`, `leak-0` and so on."
_HELLO = wire.encode(Hello("mad", Link.BLE))
_CONNECTIONS = 64


def reports(peer: socket.socket) -> Iterator[None]:
    """Values of plugs, faster than the gateway takes them."""
    stamp = SystemClock().boottime_us()
    told = [
        Observed(DeviceId(f"plug-{n % PLUGS}"), Phenomenon.POWER_W, n % 2000, stamp)
        for n in range(4_000)
    ]
    yield from pour(peer, told)


def alarms(peer: socket.socket) -> Iterator[None]:
    """Leaks that come and go: each is urgent, an alarm, and a write to the disk."""
    stamp = SystemClock().boottime_us()
    told = [
        Observed(DeviceId(f"leak-{n % LEAKS}"), Phenomenon.LEAK, n // LEAKS % 2 == 0, stamp + n)
        for n in range(4_000)
    ]
    yield from pour(peer, told)


def pour(peer: socket.socket, told: list[Observed]) -> Iterator[None]:
    packets = [wire.encode(one) for one in told]
    peer.send(_HELLO)
    for packet in itertools.cycle(packets):
        peer.send(packet)
        yield


def garbage(peer: socket.socket) -> Iterator[None]:
    """Bytes, CBOR of anything, too long packets, and other drivers' devices."""
    draw = Random(4)
    stolen = Observed(DeviceId("sos-1"), Phenomenon.SOS, value=False, boottime_us=0)
    peer.send(_HELLO)
    while True:
        peer.send(
            draw.choice(
                [
                    draw.randbytes(draw.randrange(1, 300)),
                    draw.randbytes(wire.MAX_BYTES + 100),
                    cbor2.dumps([1, draw.randrange(9), draw.randrange(1 << 40)]),
                    wire.encode(stolen),
                    _HELLO,
                ]
            )
        )
        yield


def silence(peer: socket.socket) -> Iterator[None]:
    """Says hello and reads nothing; and many more connections that say nothing at all."""
    peer.send(_HELLO)
    path = peer.getpeername()
    others: list[socket.socket] = []
    while True:
        other = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        other.settimeout(1)
        with suppress(OSError):
            other.connect(path)
        others.append(other)
        if len(others) > _CONNECTIONS:
            others.pop(0).close()
        yield


KINDS: dict[str, Callable[[socket.socket], Iterator[None]]] = {
    kind.__name__: kind for kind in (reports, alarms, garbage, silence)
}


def main(path: Path, kind: str) -> None:
    """Come again whenever the gateway hangs up."""
    done = 0
    while True:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer, suppress(OSError):
            peer.connect(str(path))
            for _ in KINDS[kind](peer):
                done += 1
                if done % 100 == 0:
                    print(done, flush=True)  # noqa: T201 -- how a test sees that it goes on


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
