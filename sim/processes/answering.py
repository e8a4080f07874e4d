"""Waits for a gateway that is just starting, by its control socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from edge.caller import Caller, NotRunning, called

_LOOK_S = 0.02


@asynccontextmanager
async def answering(path: Path, within_s: float) -> AsyncIterator[Caller]:
    """A connection to the gateway whose control socket will be at `path`.

    Raises:
        TimeoutError: it does not listen.

    """
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(within_s):
            gateway = await _entered(stack, path)
        yield gateway


async def driven(gateway: Caller, within_s: float) -> None:
    """Wait until the home's driver has met the gateway.

    Raises:
        TimeoutError: it does not.

    """
    async with asyncio.timeout(within_s):
        while True:
            status = await gateway.status()
            if any(driver.connected for driver in status.plumbing.drivers):
                return
            await asyncio.sleep(_LOOK_S)


async def _entered(stack: AsyncExitStack, path: Path) -> Caller:
    while True:
        try:
            return await stack.enter_async_context(called(path))
        except NotRunning:
            await asyncio.sleep(_LOOK_S)
