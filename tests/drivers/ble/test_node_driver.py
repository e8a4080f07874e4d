"""From the gateway's order to its result: a driver process, BlueZ, and a node over bumble."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from drivers import process
from rules.alarm import AlarmKind
from rules.command import Command, Refusal, Signal
from rules.device import Link, Output
from rules.inputs import CommandResult
from rules.observation import DeviceId, Phenomenon
from rules.wire import DriverFault, Message, Observed, Order
from sim.ble.attacker import FalseNode
from tests.drivers.ble.plugged import FAR, Home, home, keyed
from tests.drivers.gateway import GatewayEnd
from tests.support.dbus import NEEDS_DBUS

pytestmark = [pytest.mark.wall, NEEDS_DBUS]

PATIENCE_S = 10
T = TypeVar("T", bound=Message)


@asynccontextmanager
async def driver(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *numbers: int
) -> AsyncIterator[tuple[Home, GatewayEnd]]:
    """A driver under way whose gateway has told it these nodes."""
    gateway = GatewayEnd(folder / "driver.sock")
    async with home(monkeypatch, folder / "drivers", *numbers, listens=False) as here:
        running = here.group.create_task(
            process.run(
                Link.BLE, folder / "driver.sock", folder / "drivers", here.radio, here.clock
            )
        )
        await gateway.accept(*(keyed(number) for number in numbers))
        try:
            yield here, gateway
        finally:
            gateway.die()
            running.cancel()
            await asyncio.wait((running,))


async def order(here: Home, gateway: GatewayEnd, id_: int, output: Output, signal: Signal) -> None:
    until = here.clock.now() + timedelta(seconds=PATIENCE_S)
    until_us = here.clock.boottime_us() + PATIENCE_S * 1_000_000
    await gateway.send(Order(Command(id_, keyed(1).device.id, output, signal, until), until_us))


async def next_of(gateway: GatewayEnd, kind: type[T]) -> T:
    while not isinstance(message := await gateway.next(), kind):
        pass
    return message


async def heard(gateway: GatewayEnd, phenomenon: Phenomenon) -> Observed:
    while (one := await next_of(gateway, Observed)).phenomenon is not phenomenon:
        pass
    return one


async def test_an_order_is_carried_out_and_its_end_is_seen_in_the_adverts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with driver(monkeypatch, tmp_path, 1) as (here, gateway):
        await heard(gateway, Phenomenon.RELAY_ON)
        await order(here, gateway, 7, Output.BUZZER, Signal.PROMPT)
        await order(here, gateway, 8, Output.LIGHT, Signal.PROMPT)
        results = [await next_of(gateway, CommandResult) for _ in range(2)]
        assert {one.id for one in results} == {7, 8}
        assert {one.refusal for one in results} == {None}
        assert sorted(here.nodes[1].done) == [(2, 1), (3, 1)]
        await order(here, gateway, 9, Output.RELAY, Signal.OFF)
        while (await heard(gateway, Phenomenon.RELAY_ON)).value is not False:
            pass


async def test_a_node_out_of_range_is_told_as_unreachable_before_the_order_expires(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with driver(monkeypatch, tmp_path, 1) as (here, gateway):
        await heard(gateway, Phenomenon.RELAY_ON)
        here.leave(1)
        await order(here, gateway, 7, Output.BUZZER, Signal.PROMPT)
        assert await next_of(gateway, CommandResult) == CommandResult(7, Refusal.UNREACHABLE)


async def test_who_plays_the_node_is_told_to_the_technicians(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with driver(monkeypatch, tmp_path, 1) as (here, gateway):
        node = here.nodes[1]
        await heard(gateway, Phenomenon.RELAY_ON)
        # He lets the node's own adverts and challenges through; what he answers is his own.
        here.air.remove(node.address)
        node.rules.connect(0)
        false = await here.put(1, FalseNode, b"a guess of a key")
        false.sensor.antenna = replace(false.sensor.antenna, place=FAR)
        false.challenges = lambda: node.rules.challenge
        false.answers = lambda frame: bytes([1, frame[1], 0, 7]) + frame[4:8] + bytes(12)
        await order(here, gateway, 7, Output.BUZZER, Signal.PROMPT)
        while (fault := await next_of(gateway, DriverFault)).kind is not AlarmKind.FRAMES_REFUSED:
            pass
        assert (fault.scope, fault.present) == (DeviceId("node-1"), True)
        assert dict(fault.sentence.arguments)["reason"] == "false_node"
