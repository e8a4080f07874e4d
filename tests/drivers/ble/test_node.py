"""Commands to plug nodes through bleak, habluetooth and the virtual BlueZ, as the driver sends."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import pytest

from rules.command import Refusal, Signal
from rules.device import Output
from rules.errors import LinkLost
from sim.ble.peripherals.node import Flash
from tests.drivers.ble.plugged import Home, home, keyed
from tests.support.dbus import NEEDS_DBUS

pytestmark = [pytest.mark.wall, NEEDS_DBUS]

PATIENCE_S = 9.5
"What the gateway waits is ten."
HOLDER = "7A:11:22:33:44:55"


async def took(work: Awaitable[object]) -> float:
    begin_s = asyncio.get_running_loop().time()
    await work
    return asyncio.get_running_loop().time() - begin_s


async def unreachable(here: Home, number: int) -> None:
    with pytest.raises(LinkLost):
        await here.perform(number)


# ---------------------------------------------------------------- what is asked is done


async def test_a_prompt_sounds_and_lights_over_one_connection_while_adverts_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        node = here.nodes[1]
        asked = here.perform(1, Output.LIGHT), here.perform(1, Output.BUZZER)
        assert set(await asyncio.gather(*asked)) == {None}
        assert sorted(node.done) == [(2, 1), (3, 1)]
        assert (node.light, node.buzzer, node.centrals) == (1, 1, 1)
        node.slow_s = 1.4
        slowly = asyncio.ensure_future(here.perform(1, Output.BUZZER, Signal.OFF))
        await here.until(lambda: node.centrals == 2)
        await here.heard(1)
        assert not slowly.done()
        assert await slowly is None
        assert node.buzzer == 0
        # It is left as soon as it is not needed.
        await here.until(lambda: not node.rules.connected, 2.0)


async def test_a_relay_is_switched_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        node = here.nodes[1]
        assert await here.perform(1, Output.RELAY, Signal.OFF) is None
        assert await here.perform(1, Output.RELAY, Signal.IDENTIFY) is None
        assert node.relay is False
        assert node.done == [(1, 0), (4, 15)]


async def test_what_is_not_its_own_is_not_asked_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        assert await here.perform(1, Output.SIREN) is Refusal.UNSUPPORTED
        shelly = replace(keyed(1), device=replace(keyed(1).device, model="Shelly BLU Button"))
        plain = replace(keyed(1), key=None)
        for other in (shelly, plain):
            here.radio.set_devices([other])
            assert await here.perform(1) is Refusal.UNSUPPORTED
        assert here.nodes[1].centrals == 0


async def test_counters_go_on_where_an_earlier_run_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    flash = Flash()
    for run in range(2):
        async with home(monkeypatch, tmp_path, 1, plugged=False) as here:
            node = await here.plug(1, flash=flash)
            await here.heard(1)
            assert await here.perform(1) is None
            # Nothing had to be said twice.
            assert node.rules.refused == 0
            assert flash.marks == (run + 1, 64 if run == 0 else 128)


async def test_a_lost_counter_file_costs_one_more_try(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        here.nodes[1].flash.marks = (9, 4_000)
        assert await here.perform(1) is None
        assert here.nodes[1].done == [(3, 1)]


# ---------------------------------------------------------------- what may come between


async def test_nodes_out_of_range_are_unreachable_in_time_and_keep_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, *range(1, 8), plugged=False) as here:
        for number in range(2, 8):  # The first was never there.
            await here.plug(number)
        await asyncio.gather(*(here.heard(number) for number in range(2, 8)))
        for number in range(2, 6):
            here.leave(number)
        await asyncio.sleep(3.1)
        lost = [asyncio.ensure_future(took(unreachable(here, number))) for number in range(1, 6)]
        await asyncio.sleep(0)
        assert await took(asyncio.gather(here.perform(6), here.perform(7))) < 3
        assert max(await asyncio.gather(*lost)) < PATIENCE_S
        assert here.nodes[6].done == here.nodes[7].done == [(3, 1)]
