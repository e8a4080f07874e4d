"""The bad network is as bad as it was asked to be, and the same for the same seed."""

import asyncio
import json
import signal
import socket
import sys
from functools import partial

import pytest

from sim.rig.badnet import BadNet, Counts
from tests.support.uplink import until


async def passed(seed: int, loss: float, duplicate: float) -> tuple[list[bytes], Counts]:
    """What of 60 numbered datagrams arrives, sent one by one."""
    loop = asyncio.get_running_loop()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as target,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        target.bind(("127.0.0.1", 0))
        for each in (target, client):
            each.setblocking(False)
        async with BadNet(
            target.getsockname(), loss=loss, duplicate=duplicate, delay_s=0, seed=seed
        ) as net:
            for number in range(60):
                await loop.sock_sendto(client, number.to_bytes(2, "big"), ("127.0.0.1", net.port))
                await until(partial(lambda sent: net.counts.up > sent, number))
            arrived: list[bytes] = []
            async with asyncio.timeout(5):
                expected = 60 - net.counts.lost + net.counts.duplicated
                while len(arrived) < expected:
                    arrived.append(await loop.sock_recv(target, 16))
            return arrived, net.counts


async def test_a_seed_gives_the_same_faults_again() -> None:
    first, counts = await passed(seed=7, loss=0.2, duplicate=0.1)
    assert (await passed(seed=7, loss=0.2, duplicate=0.1))[0] == first
    assert (await passed(seed=8, loss=0.2, duplicate=0.1))[0] != first
    assert 4 <= counts.lost <= 24
    assert 1 <= counts.duplicated <= 15


async def test_without_faults_everything_arrives_once() -> None:
    arrived, counts = await passed(seed=1, loss=0.0, duplicate=0.0)
    assert sorted(arrived) == [number.to_bytes(2, "big") for number in range(60)]
    assert counts.lost == counts.duplicated == counts.rebound == 0


@pytest.mark.processes
async def test_it_runs_as_a_process() -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as target:
        target.bind(("127.0.0.1", 0))
        target.setblocking(False)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sim.rig.badnet",
            "--target",
            f"127.0.0.1:{target.getsockname()[1]}",
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(20):
            ready = await process.stdout.readline()
            port = int(ready.split()[1])
            await loop.sock_sendto(target, b"round", ("127.0.0.1", port))
            assert await loop.sock_recv(target, 16) == b"round"
            process.send_signal(signal.SIGTERM)
            assert json.loads(await process.stdout.read())["up"] == 1
            assert await process.wait() == 0
