"""Strangers in the corridor: none switches a relay, silences a prompt, or claims it sounded."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from drivers.ble.node_frames import (
    Challenge,
    NodeOrder,
    Op,
    decode_challenge,
    encode_command,
    keys_of,
)
from drivers.ble.node_session import Unbelieved
from drivers.refused import Why
from rules.errors import LinkLost
from rules.observation import DeviceId
from sim.ble.attacker import FalseNode, Sender, Stranger, forged
from sim.ble.node_rules import CHALLENGE, FORM, TAG
from sim.ble.peripherals.node import PlugNode
from tests.drivers.ble.plugged import Home, address, home, key
from tests.support.dbus import NEEDS_DBUS

pytestmark = [pytest.mark.wall, pytest.mark.once, NEEDS_DBUS]

TELEPHONE = "7A:11:22:33:44:55"
SILENCE = NodeOrder(Op.BUZZER, 0)
SWITCH = NodeOrder(Op.RELAY, 0)
HINTS = {TAG, CHALLENGE, FORM}


def mac(number: int) -> bytes:
    return bytes.fromhex(address(number).replace(":", ""))


def sounds_on(node: PlugNode) -> bool:
    """Whether the prompt still sounds and the relay is as it was."""
    return node.buzzer == 1 and node.relay


async def refused(stranger: Stranger, node: PlugNode, frame: bytes) -> None:
    """A frame is not obeyed, is counted, and whoever wrote it learns nothing."""
    before = node.rules.refused
    said = await stranger.command(frame)
    assert said[2] in HINTS
    assert said[3:] == bytes(17)
    assert node.rules.refused == before + 1
    assert sounds_on(node)


# ---------------------------------------------------------------- who connects to a node


async def test_a_telephone_neither_switches_nor_silences(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1, 2) as here:
        node, other = here.nodes[1], here.nodes[2]
        stranger = Stranger(here.air, TELEPHONE)
        assert set(await asyncio.gather(here.perform(1), here.perform(2))) == {None}
        await here.until(lambda: not node.rules.connected)
        recorded, others = node.written[-1], other.written[-1]

        # Without the key; and with a command of its own for a challenge of this connection.
        await stranger.connect(node.address)
        asked = Challenge(await stranger.challenge(), 1, 1)
        guess = keys_of(b"a guess of a key", mac(1))
        await refused(stranger, node, encode_command(SILENCE, 9, asked, guess).frame)
        await refused(stranger, node, recorded)
        await refused(stranger, node, others)
        await here.until(lambda: not node.rules.connected)
        with pytest.raises(LinkLost):
            await stranger.command(recorded)

        # What was recorded, with another op or argument, and another's key for this node.
        await stranger.connect(node.address)
        await refused(stranger, node, recorded[:1] + bytes([Op.RELAY, 0, 0]) + recorded[4:])
        asked = Challenge(await stranger.challenge(), 1, 1)
        theirs = keys_of(key(2), mac(1))
        await refused(stranger, node, encode_command(SWITCH, 9_999, asked, theirs).frame)
        await stranger.leave()

        # A true answer to the challenge of a connection that is over.
        await stranger.connect(node.address)
        old = decode_challenge(await stranger.challenge(), keys_of(key(1), mac(1)))
        late = encode_command(SILENCE, 9_999, old, keys_of(key(1), mac(1))).frame
        await stranger.leave()
        await here.until(lambda: not node.rules.connected)
        await stranger.connect(node.address)
        await refused(stranger, node, late)
        assert await stranger.data(b"\0\0\0\0rubbish") == b""
        await stranger.leave()
        assert await here.perform(1) is None
        assert node.done == [(3, 1), (3, 1)]


async def test_a_flood_delays_and_if_it_goes_on_the_command_fails_in_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """He connects again faster than any gateway, and floods the node as long as it lets him."""
    async with home(monkeypatch, tmp_path, 1) as here:
        node, stranger, random = here.nodes[1], Stranger(here.air, TELEPHONE), Random(2)
        assert await here.perform(1) is None
        flooding = asyncio.ensure_future(flood(stranger, node, random))
        await here.until(lambda: node.dropped > 2)
        begin_s = asyncio.get_running_loop().time()
        with suppress(LinkLost):
            assert await here.perform(1) is None
        assert asyncio.get_running_loop().time() - begin_s < 9.5
        under_way = asyncio.ensure_future(here.perform(1))
        await asyncio.sleep(1.0)
        flooding.cancel()
        with suppress(asyncio.CancelledError):
            await flooding
        assert await under_way is None
        assert sounds_on(node)
        assert set(node.done) == {(3, 1)}
        assert node.rules.refused > 6


async def flood(stranger: Stranger, node: PlugNode, random: Random) -> None:
    try:
        while True:
            with suppress(LinkLost):
                await stranger.connect(node.address)
                while True:
                    await stranger.command(b"\x01" + random.randbytes(19))
    finally:
        await stranger.leave()


# ---------------------------------------------------------------- who stands at a node's address


def head(frame: bytes) -> bytes:
    """A result without proof: "done"."""
    return bytes([1, frame[1], 0, 7]) + frame[4:8] + bytes(12)


GUESSED, FORGED, RECORDED, HANGS = range(1, 5)


async def in_its_place(here: Home, number: int) -> FalseNode:
    """Somebody takes the place of a node that has carried out a command."""
    node = here.nodes[number]
    recorded = node.answered[-1]
    here.leave(number)
    false = await here.put(number, FalseNode, b"a guess of a key")
    if number != GUESSED:
        # He passes on, or has kept, a challenge of the node's own.
        node.rules.connect(0)
        false.challenges = lambda: node.rules.challenge
    false.hangs = number == HANGS
    false.answers = (lambda _: recorded) if number == RECORDED else head
    return false


async def test_who_plays_the_node_is_believed_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    numbers = (GUESSED, FORGED, RECORDED, HANGS)
    async with home(monkeypatch, tmp_path, *numbers) as here:
        true = dict(here.nodes)
        assert set(await asyncio.gather(*(here.perform(number) for number in numbers))) == {None}
        await here.until(lambda: not any(node.rules.connected for node in true.values()))
        false = {number: await in_its_place(here, number) for number in numbers}
        await asyncio.gather(*(here.heard(number) for number in numbers))
        begin_s = asyncio.get_running_loop().time()
        asked = [here.perform(number) for number in numbers]
        ends = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(end) for end in ends} == {LinkLost}
        assert asyncio.get_running_loop().time() - begin_s < 9.5
        await here.until(lambda: len({one.device for one in here.unbelieved}) == 3)
        assert set(here.unbelieved) == {
            Unbelieved(DeviceId(f"node-{GUESSED}"), Why.WRONG_KEY),
            Unbelieved(DeviceId(f"node-{FORGED}"), Why.FALSE_NODE),
            Unbelieved(DeviceId(f"node-{RECORDED}"), Why.FALSE_NODE),
        }
        assert [bool(false[number].written) for number in numbers] == [False, True, True, True]
        # What they could entice silences nobody: the node does of it what was meant, or nothing.
        for number in numbers:
            for frame in false[number].written:
                true[number].rules.write(frame, 0)
            assert set(true[number].done) == {(3, 1)}


# ---------------------------------------------------------------- who sends in its name


async def test_adverts_in_a_nodes_name_are_refused_and_commands_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with home(monkeypatch, tmp_path, 1) as here:
        random, now = Random(3), here.clock.now()
        flood = Sender(
            lambda: [forged(address(1), random) for _ in range(5)],
            now,
            timedelta(milliseconds=20),
        )
        here.broadcast.add(flood)
        await here.until(lambda: flood.sent > 50)
        assert await here.perform(1) is None
        assert here.nodes[1].done == [(3, 1)]
