"""What may befall a command on its way: everything ends in time, and the next one is done."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

import pytest

from rules.command import Signal
from rules.device import Output
from rules.errors import LinkLost
from sim.ble.attacker import Stranger
from tests.drivers.ble.air import HCI0
from tests.drivers.ble.plugged import Home, address, home
from tests.support.dbus import NEEDS_DBUS

pytestmark = [pytest.mark.wall, pytest.mark.once, NEEDS_DBUS]

PATIENCE_S = 9.5
"What the gateway waits is ten."


async def ended(work: Awaitable[object]) -> float:
    """How long a command took, whatever became of it."""
    begin_s = asyncio.get_running_loop().time()
    with suppress(LinkLost):
        assert await work is None
    return asyncio.get_running_loop().time() - begin_s


async def in_the_middle(here: Home) -> asyncio.Task[float]:
    """A command that has been written, and that the node has not looked at yet."""
    node = here.nodes[1]
    node.slow_s = 1.0
    under_way = asyncio.ensure_future(ended(here.perform(1)))
    await here.until(lambda: node.written)
    node.slow_s = 0.0
    return under_way


def running() -> set[str]:
    """Tasks; those of the world's air come and go."""
    names = {str(task.get_coro()) for task in asyncio.all_tasks() if task.get_name()[:3] != "air"}
    return {name.split(" at ")[0] for name in names}


async def works_again(here: Home) -> None:
    """The next command is done, at once or at the next attempt."""
    for _ in range(3):
        try:
            assert await here.perform(1, Output.BUZZER, Signal.TAKEN) is None
        except LinkLost:
            continue
        assert here.nodes[1].buzzer == 4
        return
    raise AssertionError("never again")


async def test_bluetoothd_restarts_in_the_middle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        under_way = await in_the_middle(here)
        await here.bluez.restart(1.0)
        assert await under_way < PATIENCE_S
        await works_again(here)


async def test_the_bus_dies_in_the_middle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        under_way = await in_the_middle(here)
        await here.bus.kill()
        await here.bus.start()
        assert await under_way < PATIENCE_S
        await here.heard(1)
        await works_again(here)


async def test_the_bus_dies_while_it_connects(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        under_way = asyncio.ensure_future(ended(here.perform(1)))
        await asyncio.sleep(0.1)
        await here.bus.kill()
        await asyncio.sleep(0.5)
        await here.bus.start()
        assert await under_way < PATIENCE_S
        await here.heard(1)
        await works_again(here)


async def test_the_adapter_is_pulled_out_in_the_middle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        under_way = await in_the_middle(here)
        here.bluez.unplug(HCI0)
        await asyncio.sleep(0.5)
        here.bluez.plug(HCI0, 0)
        assert await under_way < PATIENCE_S
        await works_again(here)


async def test_the_node_loses_its_power_in_the_middle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        under_way = await in_the_middle(here)
        here.nodes[1].cut_power()
        assert await under_way < PATIENCE_S
        assert here.nodes[1].done.count((3, 1)) == 1
        await works_again(here)


async def test_a_command_that_is_called_off_leaves_nothing_running(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        for after_s in (0.0, 0.05, 1.2):
            here.nodes[1].slow_s = 1.0
            before = running()
            under_way = asyncio.ensure_future(here.perform(1))
            await asyncio.sleep(after_s)
            under_way.cancel()
            with pytest.raises(asyncio.CancelledError):
                await under_way
            await here.until(lambda: not here.nodes[1].rules.connected, 2.0)
            here.nodes[1].slow_s = 0.0
            await here.until(lambda before=before: running() <= before, 2.0)  # type: ignore[misc]
        await works_again(here)


async def test_who_holds_the_only_place_delays_and_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        node, holder = here.nodes[1], Stranger(here.air, "7A:11:22:33:44:55")
        await holder.connect(node.address)
        begin_s = asyncio.get_running_loop().time()
        assert await here.perform(1) is None
        # The node drops him after five seconds, and the gateway has waited for that.
        assert 4 < asyncio.get_running_loop().time() - begin_s < 8
        assert node.dropped == 1
        assert node.done == [(3, 1)]
        with pytest.raises(LinkLost):
            await holder.challenge()
        assert here.adverts[address(1)] > 4
