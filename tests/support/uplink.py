"""An uplink on its own, for tests: real sockets, hasty CoAP, and what it reports in lists."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aiocoap.numbers.constants import Reliable, Unreliable

from edge.channel import CONFIRMABLE, ONCE, Channel, Destination, Manner
from edge.clock import AnchoredClock, SystemMachine
from edge.heartbeats import Origin
from edge.outbox import Outbox, OutboxRow
from edge.uplink import Reports, Uplink
from protocol.heartbeat import News
from protocol.identity import GatewayIdentity, new_identity

IDENTITY = new_identity("home-1", b"\0\0\0\x01", os.urandom)


class _Hasty(Reliable):
    ACK_TIMEOUT = 0.15
    MAX_RETRANSMIT = 2


HASTY = replace(CONFIRMABLE, tuning=_Hasty(), patience_s=1.8)
"The real manner at a seventh of the time; it outlasts its exchange likewise."
HASTY_ONCE = replace(ONCE, tuning=Unreliable(), patience_s=0.7)


@dataclass
class Heard:
    """What an uplink reported."""

    news: list[News] = field(default_factory=list)
    times: list[tuple[datetime, timedelta]] = field(default_factory=list)
    refused: list[tuple[OutboxRow, str]] = field(default_factory=list)
    delivered: list[OutboxRow] = field(default_factory=list)


def make_uplink(
    outbox: Outbox,
    port: int,
    heard: Heard,
    manners: tuple[Manner, Manner] = (HASTY, HASTY_ONCE),
    identity: GatewayIdentity = IDENTITY,
    random: Callable[[int], bytes] = os.urandom,
) -> Uplink:
    """An uplink to 127.0.0.1 that is not running yet."""
    destination = Destination("127.0.0.1", port)
    machine = SystemMachine()
    return Uplink(
        identity,
        outbox,
        AnchoredClock(machine, machine.now()),
        random,
        (Channel(destination, manners[0]), Channel(destination, manners[1])),
        Origin(boot=3, version="0.1.0", time_trusted=lambda: True),
        Reports(
            news=heard.news.extend,
            center_time=lambda moment, trip: heard.times.append((moment, trip)),
            refused=lambda row, why: heard.refused.append((row, why)),
            delivered=heard.delivered.extend,
        ),
    )


@asynccontextmanager
async def running(uplink: Uplink) -> AsyncIterator[Uplink]:
    """Run it meanwhile."""
    task = asyncio.get_running_loop().create_task(uplink.run(), name="uplink")
    try:
        yield uplink
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something to become true; fail when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0.01)
