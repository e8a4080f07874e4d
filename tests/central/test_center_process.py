"""The center as a process of its own: killed, flooded, out of disk, started twice."""

import asyncio
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiocoap.numbers.codes import Code
from aiocoap.numbers.types import Type

from central.cases import Which
from protocol.identity import GatewayIdentity
from protocol.records import Record
from tests.central.receiving import (
    NoAnswerError,
    Sender,
    enrol,
    identity,
    opened,
    record,
    signed,
)

ROOT = Path(__file__).resolve().parents[2]
HOME = identity("home-1")
DEADLINE_S = 20.0
LOT = 100
KILLS = 15

pytestmark = pytest.mark.processes


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Center:
    process: asyncio.subprocess.Process
    coap_port: int
    console: str

    async def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(DEADLINE_S):
            return await self.process.wait()


def command(data: Path, coap_port: int, web_port: int = 0) -> list[str]:
    ports = ["--coap-port", str(coap_port), "--web-port", str(web_port)]
    return [
        *(sys.executable, "-m", "ongi", "center", "serve", "--data", str(data)),
        *("--coap-host", "127.0.0.1", *ports, "--language", "en"),
    ]


async def start(data: Path, coap_port: int) -> Center:
    process = await asyncio.create_subprocess_exec(
        *command(data, coap_port),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while not (line := (await process.stdout.readline()).decode()).startswith("Console:"):
            assert line, "it ended"
    return Center(process, coap_port, line.split()[1])


@asynccontextmanager
async def running(data: Path, coap_port: int | None = None) -> AsyncIterator[Center]:
    center = await start(data, coap_port or free_port())
    try:
        yield center
    finally:
        await center.stop(signal.SIGKILL)


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    await enrol(tmp_path, HOME)
    return tmp_path


class Outbox:
    """A gateway that numbers its records and sends each until it is acknowledged."""

    def __init__(self, who: GatewayIdentity, port: int) -> None:
        self.acknowledged: dict[bytes, Record] = {}
        self._sender = Sender(who, port)
        self._who = who
        self._seq = 0

    async def run(self) -> None:
        while True:
            self._seq += 1
            made = record(self._who.gateway, self._seq)
            while made.id not in self.acknowledged:
                await self._offer(made)

    async def _offer(self, made: Record) -> None:
        try:
            answer = await self._sender.ask("e", signed(made, self._who), seconds=0.2)
        except NoAnswerError:
            await asyncio.sleep(0.02)
            return
        if answer.protected and answer.code in {Code.CREATED, Code.CHANGED}:
            assert answer.payload == made.id
            self.acknowledged[made.id] = made

    def close(self) -> None:
        self._sender.close()


async def test_killed_at_any_moment_it_has_all_that_it_acknowledged_once(data: Path) -> None:
    moments = random.Random(7)
    port = free_port()
    outbox = Outbox(HOME, port)
    sending = asyncio.get_running_loop().create_task(outbox.run(), name="outbox")
    acknowledged = 0
    for _ in range(KILLS):
        async with running(data, port) as center:
            async with asyncio.timeout(DEADLINE_S):
                while len(outbox.acknowledged) == acknowledged:  # noqa: ASYNC110 -- no event
                    await asyncio.sleep(0.005)
            await asyncio.sleep(moments.uniform(0, 0.3))
            await center.stop(signal.SIGKILL)
        acknowledged = len(outbox.acknowledged)
    sending.cancel()
    await asyncio.wait({sending})
    outbox.close()
    async with opened(data) as store:
        stored = [case.id for case in await store.cases(state=Which.ALL, limit=100_000)]
    assert len(stored) == len(set(stored))
    assert {id_.hex() for id_ in outbox.acknowledged} <= set(stored)
    # The last one may have been committed while its answer was lost.
    assert len(stored) - len(outbox.acknowledged) in {0, 1}
    assert len(outbox.acknowledged) >= KILLS


async def test_ten_megabytes_of_rubbish_do_not_stop_it(data: Path) -> None:
    draw = random.Random(11)
    async with running(data) as center:
        sender = Sender(HOME, center.coap_port)
        await sender.post(record("home-1", 1))
        before_kib = rss_kib(center)
        sent = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
            noise.connect(("127.0.0.1", center.coap_port))
            while sent < 10_000_000:
                # Each lot is taken before the next one comes: no full buffer protects it.
                for _ in range(LOT):
                    datagram = rubbish(draw)
                    noise.send(datagram)
                    sent += len(datagram)
                await pong(sender)
        assert (await sender.post(record("home-1", 2))).code is Code.CREATED
        sender.close()
        assert center.process.returncode is None
        assert rss_kib(center) - before_kib < 40_000
    async with opened(data) as store:
        assert len(await store.cases(state=Which.ALL)) == 2


async def pong(sender: Sender) -> None:
    """Wait for the answer to a CoAP ping: all before it has been taken."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            sender.send(bytes([0x40, 0, 0xFF, 0xFF]))
            answer = await sender.receive(1)
            if answer is not None and answer.mtype is Type.RST:
                return


def rubbish(draw: random.Random) -> bytes:
    body = draw.randbytes(draw.randrange(1, 1400))
    kind = draw.randrange(4)
    if kind == 0:
        return body
    start = bytes([0x40 | draw.choice([0, 0x10]), 2]) + draw.randbytes(2)
    if kind == 1:
        return start + body
    # An OSCORE option, of the gateway that there is or of nobody; then what would be encrypted.
    kid = HOME.sender_id if kind == 2 else draw.randbytes(4)
    option = bytes([0x09 | draw.choice([0, 0x10]), draw.randrange(256)]) + kid
    return start + bytes([0x90 | len(option)]) + option + b"\xff" + body


def rss_kib(center: Center) -> int:
    status = Path(f"/proc/{center.process.pid}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if "VmRSS" in line))


async def test_a_full_disk_is_answered_by_try_again_and_then_it_goes_on(data: Path) -> None:
    async with running(data) as center:
        sender = Sender(HOME, center.coap_port)
        assert (await sender.post(record("home-1", 1))).code is Code.CREATED
        limit = 64 * 1024
        resource.prlimit(
            center.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)
        )
        kept = 1
        waiting = record("home-1", 2)
        while (answer := await sender.post(waiting)).code is Code.CREATED:
            kept += 1
            waiting = record("home-1", kept + 1)
            assert kept < 200, "no limit was felt"
        assert (answer.code, answer.protected) == (Code.SERVICE_UNAVAILABLE, True)
        # It is still there, and says so.
        assert (await sender.beat()).interval_s == 5
        resource.prlimit(
            center.process.pid,
            resource.RLIMIT_FSIZE,
            (resource.RLIM_INFINITY, resource.RLIM_INFINITY),
        )
        assert (await sender.post(waiting)).code is Code.CREATED
        sender.close()
        kept += 1
    async with opened(data) as store:
        assert len(await store.cases(state=Which.ALL, limit=1000)) == kept


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_asked_to_stop_it_ends_in_order(number: int, data: Path) -> None:
    async with running(data) as center:
        assert center.console.startswith("http://127.0.0.1:")
        sender = Sender(HOME, center.coap_port)
        await sender.beat()
        sender.close()
        assert await center.stop(number) == 0
    assert not (data / "center.sqlite-wal").exists()
    async with opened(data) as store:
        (row,) = await store.gateways()
        assert row.last_heartbeat is not None


async def test_a_second_one_does_not_share_data_or_port(data: Path, tmp_path: Path) -> None:
    async with running(data) as center:
        same_data = await run(command(data, 0))
        assert same_data.returncode == 1
        assert "a center that runs on it" in same_data.stderr
        other = tmp_path / "other"
        same_port = await run(command(other, center.coap_port))
        assert same_port.returncode == 1
        assert f"port {center.coap_port}" in same_port.stderr
        web_port = int(center.console.rpartition(":")[2])
        same_web = await run(command(other, 0, web_port))
        assert same_web.returncode == 1
        assert f"port {web_port}" in same_web.stderr


async def run(argv: list[str]) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run, argv, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )


def coap_client() -> str:
    names = ("coap-client", "coap-client-notls", "coap-client-openssl", "coap-client-gnutls")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no coap-client: apt-get install libcoap3-bin")
    return found


async def test_debians_coap_client_is_refused_without_oscore(data: Path) -> None:
    client = coap_client()
    async with running(data) as center:
        for path in ("e", "h", ".well-known/core"):
            url = f"coap://127.0.0.1:{center.coap_port}/{path}"
            asked = await run([client, "-v", "6", "-B", "5", "-m", "post", "-e", "x", url])
            assert "4.01" in asked.stdout + asked.stderr
