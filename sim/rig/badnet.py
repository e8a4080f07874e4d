"""A bad network between two UDP ends: loss, duplicates, reordering, rubbish, a NAT that rebinds.

In a test: `async with BadNet(target, loss=0.15, seed=7) as net:` and send to `net.port`.
As a process: `python -m sim.rig.badnet --target 127.0.0.1:5683 --loss 0.15 --seed 7`; it
prints `ready PORT`, and its counts as JSON when it is terminated.

All faults are drawn from the seed. Delays are real time.
"""

import argparse
import asyncio
import json
import signal
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from random import Random
from types import TracebackType
from typing import Self

Address = tuple[str, int]

_FLOWS_MAX = 256
_DATAGRAM_MAX = 65_535


@dataclass(slots=True)
class Counts:
    """What the network did."""

    up: int = 0
    down: int = 0
    lost: int = 0
    duplicated: int = 0
    rebound: int = 0
    spoilt: int = 0


@dataclass(frozen=True, slots=True)
class _Flow:
    upstream: socket.socket
    born_s: float
    used_s: list[float]
    "One number: by `seconds`, when something last went through."


class BadNet:
    """A UDP proxy. What is public may be changed while it runs."""

    def __init__(  # noqa: PLR0913 -- what can be bad
        self,
        target: Address,
        *,
        listen: Address = ("127.0.0.1", 0),
        loss: float = 0.0,
        duplicate: float = 0.0,
        delay_s: float = 0.02,
        rebind_s: float | None = None,
        seed: int = 0,
        seconds: Callable[[], float] | None = None,
        remember: bool = True,
    ) -> None:
        """Each datagram is delayed up to `delay_s`, which also reorders; copies up to five times.

        After `rebind_s` a client gets a new source port towards the target, and what comes back
        to the old one is lost. `seconds` is the clock of `forget_s`; without it the loop's.
        """
        self.loss = loss
        self.duplicate = duplicate
        self.down = False
        "True: nothing gets through."
        self.spoil = 0.0
        "The share of replies whose bytes are rubbish."
        self.reply_delay_s = 0.0
        "Real seconds that a reply takes longer."
        self.forget_s: float | None = None
        "A client that was idle for longer gets a new source port, by the clock of `seconds`."
        self.counts = Counts()
        self.seen: list[bytes] = []
        "Datagrams as clients sent them, before any loss; not kept with `remember` off."
        self._target = target
        self._listen = listen
        self._delay_s = delay_s
        self._rebind_s = rebind_s
        self._random = Random(seed)
        self._flows: dict[Address, _Flow] = {}
        self._late: set[asyncio.TimerHandle] = set()
        self._seconds = seconds
        self._remember = remember
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    @property
    def port(self) -> int:
        """Where clients send to."""
        port: int = self._front.getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        """Listen."""
        self._front.settimeout(0.0)
        self._front.bind(self._listen)
        asyncio.get_running_loop().add_reader(self._front, self._from_clients)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and drop what is still under way."""
        for handle in self._late:
            handle.cancel()
        for client in [*self._flows]:
            self._drop(client)
        asyncio.get_running_loop().remove_reader(self._front)
        self._front.close()

    def _from_clients(self) -> None:
        for datagram, client in _received(self._front):
            self.counts.up += 1
            if self._remember:
                self.seen.append(datagram)
            self._impair(partial(_send, self._upstream_of(client), datagram))

    def _to_client(self, client: Address, upstream: socket.socket) -> None:
        for datagram, _ in _received(upstream):
            self.counts.down += 1
            answer = datagram
            # Drawn always, as everything else.
            if self._random.random() < self.spoil:
                self.counts.spoilt += 1
                answer = _rubbish(datagram, self._random)
            self._impair(partial(_send, self._front, answer, client), self.reply_delay_s)

    def _upstream_of(self, client: Address) -> socket.socket:
        loop = asyncio.get_running_loop()
        now_s = loop.time() if self._seconds is None else self._seconds()
        flow = self._flows.get(client)
        if flow is not None:
            old = self._rebind_s is not None and loop.time() - flow.born_s >= self._rebind_s
            idle = self.forget_s is not None and now_s - flow.used_s[0] > self.forget_s
            flow.used_s[0] = now_s
            if not old and not idle:
                return flow.upstream
            self.counts.rebound += 1
            self._drop(client)
        if len(self._flows) >= _FLOWS_MAX:
            self._drop(next(iter(self._flows)))
        upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        upstream.settimeout(0.0)
        upstream.connect(self._target)
        self._flows[client] = _Flow(upstream, loop.time(), [now_s])
        loop.add_reader(upstream, self._to_client, client, upstream)
        return upstream

    def _drop(self, client: Address) -> None:
        flow = self._flows.pop(client)
        asyncio.get_running_loop().remove_reader(flow.upstream)
        flow.upstream.close()

    def _impair(self, send: Callable[[], None], more_s: float = 0.0) -> None:
        # Drawn always, so that an outage does not shift what the seed gives afterwards.
        lost = self._random.random() < self.loss
        twice = self._random.random() < self.duplicate
        delays = (self._random.random(), 5 * self._random.random())
        if lost or self.down:
            self.counts.lost += 1
            return
        self._later(more_s + delays[0] * self._delay_s, send)
        if twice:
            self.counts.duplicated += 1
            self._later(more_s + delays[1] * self._delay_s, send)

    def _later(self, delay_s: float, send: Callable[[], None]) -> None:
        def due() -> None:
            self._late.discard(handle)
            send()

        handle = asyncio.get_running_loop().call_later(delay_s, due)
        self._late.add(handle)


def _rubbish(datagram: bytes, random: Random) -> bytes:
    """The reply of a center out of its mind: CoAP's header and token, the rest is noise."""
    head = 4 + (datagram[0] & 0x0F) if datagram else 0
    return datagram[:head] + random.randbytes(max(len(datagram) - head, 0))


def _received(end: socket.socket) -> list[tuple[bytes, Address]]:
    datagrams = []
    while True:
        try:
            datagrams.append(end.recvfrom(_DATAGRAM_MAX))
        except ConnectionRefusedError:
            continue
        except BlockingIOError:
            return datagrams


def _send(end: socket.socket, datagram: bytes, to: Address | None = None) -> None:
    try:
        if to is None:
            end.send(datagram)
        else:
            end.sendto(datagram, to)
    except OSError:
        # A closed flow, a full buffer, a target that is not there: a network loses such things.
        return


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", type=_address, default=("127.0.0.1", 0))
    parser.add_argument("--target", type=_address, required=True)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--duplicate", type=float, default=0.0)
    parser.add_argument("--delay", type=float, default=0.02)
    parser.add_argument("--rebind", type=float)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    net = BadNet(
        given.target,
        listen=given.listen,
        loss=given.loss,
        duplicate=given.duplicate,
        delay_s=given.delay,
        rebind_s=given.rebind,
        seed=given.seed,
    )
    async with net:
        print(f"ready {net.port}", flush=True)
        await stop.wait()
    print(json.dumps(asdict(net.counts)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
