"""The driver's end of the socket, when both ends are stopped at once."""

import asyncio
import socket
from pathlib import Path

import pytest

from drivers.link import GatewayLink
from drivers.pending import Pending
from rules.device import Link
from rules.wire import MAX_BYTES, Hello

DEADLINE_S = 10


@pytest.mark.parametrize("turns", range(8))
async def test_a_driver_stops_in_whichever_turn_its_gateway_goes(
    tmp_path: Path, turns: int
) -> None:
    """Python 3.11's groups swallow a cancellation while they fail."""
    path = tmp_path / "driver.sock"
    loop = asyncio.get_running_loop()
    link = GatewayLink(path, Hello("ble", Link.BLE), Pending(), lambda: 0.5)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.setblocking(False)
        listener.bind(str(path))
        listener.listen()
        running = loop.create_task(link.run())
        async with asyncio.timeout(DEADLINE_S):
            peer, _ = await loop.sock_accept(listener)
            await loop.sock_recv(peer, MAX_BYTES)
    peer.close()
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=DEADLINE_S)
    assert done
