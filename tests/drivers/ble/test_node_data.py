"""A configuration and an update on their way into a node, through BlueZ."""

import asyncio
from pathlib import Path
from random import Random

import pytest
from bumble.device import Connection

from drivers.ble.node import Nodes
from drivers.ble.node_transfer import configuration, update
from rules.errors import LinkLost
from sim.ble.peripherals.node import PlugNode
from tests.drivers.ble.air import HCI0
from tests.drivers.ble.plugged import Home, home, key, keyed
from tests.support.dbus import NEEDS_DBUS

pytestmark = [pytest.mark.wall, NEEDS_DBUS]

DEVICE = keyed(1).device


def nodes(here: Home) -> Nodes:
    assert here.radio.nodes is not None
    return here.radio.nodes


async def test_a_configuration_is_written_and_committed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        content = Random(1).randbytes(512)
        assert await nodes(here).send(DEVICE, configuration(content)) is None
        assert here.nodes[1].flash.configuration == content
        await here.until(lambda: not here.nodes[1].rules.connected, 2.0)


async def test_an_update_lets_a_prompt_between_and_is_confirmed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        node, image = here.nodes[1], Random(1).randbytes(96 * 1024)
        updating = asyncio.ensure_future(nodes(here).send(DEVICE, update(image)))
        await here.until(lambda: len(node.rules.progress) and node.rules.progress[1] > 16)
        assert await here.perform(1) is None
        assert not updating.done()
        assert await updating is None
        assert (node.flash.image, node.flash.confirmed) == (image, False)
        assert node.centrals == 1
        assert await nodes(here).confirm(DEVICE) is None
        assert node.flash.confirmed


async def test_an_update_that_is_cut_goes_on_in_the_next_connection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        node, image = here.nodes[1], Random(2).randbytes(64 * 1024)
        updating = asyncio.ensure_future(nodes(here).send(DEVICE, update(image)))
        await here.until(lambda: node.rules.progress[1:2] > b"\x60")  # Of ff: 24 KiB.
        node.pieces = 0
        here.air.cut(HCI0, node.address)
        assert await updating is None
        assert node.flash.image == image
        assert node.centrals == 2
        assert node.pieces < 220  # Of some 270 in all.


class Spoiling(PlugNode):
    """Somebody between them changes what is written."""

    async def _piece(self, connection: Connection, piece: bytes) -> None:
        await super()._piece(connection, piece[:-1] + bytes([piece[-1] ^ 1]))


async def test_what_is_changed_on_its_way_is_not_committed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1, plugged=False) as here:
        node = await here.put(1, Spoiling, key(1))
        await here.heard(1)
        with pytest.raises(LinkLost):
            await nodes(here).send(DEVICE, configuration(bytes(100)))
        assert node.flash.configuration == b""
        assert node.done == []
