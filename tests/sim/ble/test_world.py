"""The Bluetooth of a simulated home, with the production radio listening to it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from drivers.ble import RawAdvert
from rules.command import Command, Signal
from rules.device import Output
from rules.wire import KeyedDevice
from sim.air.home import VirtualHome
from sim.air.told import Told, What
from sim.ble import world_flights
from sim.ble.bus import ENVIRONMENT, private_bus
from sim.ble.ether import Ether, Receiver
from sim.ble.frame import Frame
from sim.ble.world import World
from sim.ble.world_flat import GATEWAY_AT, place, plan
from sim.ble.world_flights import Arrivals, Departures
from sim.ble.world_radio import WorldRadio
from sim.clock import MasterClock
from sim.homes.dwelling import Installed
from sim.homes.inhabitants import Inhabitants
from sim.homes.names import LIVING_NODE
from sim.homes.population import DEMO, home
from tests.sim.ble.clients import until
from tests.support.dbus import NEEDS_DBUS

START = datetime(2026, 11, 22, 6, tzinfo=UTC)
DEADLINE_S = 40.0


@dataclass
class Lived:
    """A home that is lived in, and what was heard of it."""

    clock: MasterClock
    world: World
    departures: Departures
    radio: WorldRadio
    installed: tuple[Installed, ...]
    told: list[Told] = field(default_factory=list)
    heard: list[RawAdvert] = field(default_factory=list)

    def run(self, rate: float, span: timedelta) -> datetime:
        """Let time run, and stand still after `span`; the moment at which it does."""
        end = self.clock.now() + span
        self.clock.run(rate, end)
        return end

    async def until(self, condition: Callable[[], object]) -> None:
        await until(condition, DEADLINE_S)


@asynccontextmanager
async def _lived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, loss: float = 0.0
) -> AsyncIterator[Lived]:
    clock = MasterClock(tmp_path / "clock", START)
    world_flights.prepare(tmp_path / "flights")
    inhabited = home(1, 1, START, DEMO)
    # Short, as a socket's path must be; pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="ongi-") as folder:
        async with private_bus(Path(folder)) as bus, asyncio.timeout(90):
            monkeypatch.setenv(ENVIRONMENT, bus.address)
            told: list[Told] = []
            virtual = VirtualHome(
                inhabited.installed,
                Inhabitants(inhabited),
                now=START,
                random=Random(2),
                zone=UTC,
                tell=told.append,
                place=place,
            )
            departures = Departures(tmp_path / "flights")
            world = World(
                bus.address,
                virtual,
                inhabited.installed,
                clock,
                departures,
                Random(3),
                loss=loss,
            )
            radio = WorldRadio(clock.boottime_us, tmp_path, Arrivals(tmp_path / "flights"))
            radio.set_devices(KeyedDevice(one.device, one.key) for one in inhabited.installed)
            lived = Lived(clock, world, departures, radio, inhabited.installed, told)
            listening = asyncio.Event()

            async def listen() -> None:
                async for advert in radio.adverts():
                    if isinstance(advert, RawAdvert):
                        lived.heard.append(advert)

            async with asyncio.TaskGroup() as group:
                living = group.create_task(world.run(listening.set), name="world")
                tasks = [
                    group.create_task(radio.run(), name="radio"),
                    group.create_task(listen(), name="listen"),
                ]
                await listening.wait()
                try:
                    yield lived
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.wait(tasks, timeout=DEADLINE_S)
                    living.cancel()


@NEEDS_DBUS
@pytest.mark.wall
async def test_however_fast_time_runs_nothing_is_lost_and_every_moment_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _lived(tmp_path, monkeypatch) as lived:
        end = lived.run(86_400.0, timedelta(hours=12))
        await lived.until(lambda: lived.clock.now() == end)
        await lived.until(lambda: lived.world.caught_up().at == end)
        tally = lived.departures.tally
        assert tally.heard == tally.sent > 500
        assert lived.world.caught_up().unheard == 0
        frames = {(one.address, one.service_data) for one in lived.heard}
        assert len(frames) == tally.sent
        # Each counts as of when it was sent: an hourly report is one of its hour.
        moments = [one.boottime_us for one in lived.heard if one.address == _motion(lived)]
        assert len({us // 3_600_000_000 for us in moments}) == 12
        # A frame that is told twice, with another strength, still is of its own moment.
        stamps = {(one.address, one.service_data, one.boottime_us) for one in lived.heard}
        assert len(stamps) == tally.sent


def _motion(lived: Lived) -> str:
    return next(
        one.device.address for one in lived.installed if one.device.id == "bathroom-motion"
    )


@NEEDS_DBUS
@pytest.mark.wall
async def test_a_prompt_sounds_by_radio_and_its_answer_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _lived(tmp_path, monkeypatch) as lived:
        # The resident is at home and up, and the node is heard.
        end = lived.run(20_000.0, timedelta(minutes=20))
        await lived.until(lambda: lived.clock.now() == end)
        node = next(one.device for one in lived.installed if one.device.id == LIVING_NODE)
        prompt = Command(1, LIVING_NODE, Output.BUZZER, Signal.PROMPT, end)
        assert await lived.radio.perform(prompt, node) is None
        assert [one.detail for one in lived.told if one.what is What.SIGNAL] == [Signal.PROMPT]
        lived.run(4.0, timedelta(seconds=12))
        await lived.until(lambda: What.ANSWERED in [one.what for one in lived.told])
        before = len(lived.heard)
        await lived.until(lambda: len(lived.heard) > before)


@NEEDS_DBUS
@pytest.mark.wall
async def test_while_nobody_listens_the_home_claims_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _lived(tmp_path, monkeypatch) as lived:
        end = lived.run(20_000.0, timedelta(minutes=20))
        await lived.until(lambda: lived.world.caught_up().at == end)
        restarting = asyncio.get_running_loop().create_future()

        async def restart() -> None:
            await lived.world.bluez.restart(1.0)
            restarting.set_result(None)

        async with asyncio.TaskGroup() as group:
            group.create_task(restart(), name="bluetoothd restarts")
            await asyncio.sleep(0.2)
            later = lived.run(20_000.0, timedelta(hours=1))
            await lived.until(lambda: lived.clock.now() == later)
            assert lived.world.caught_up().at == end
        # It comes back, and what was sent meanwhile is counted and waited for no longer.
        await lived.until(lambda: lived.world.caught_up().at == later)
        tally = lived.departures.tally
        assert tally.unheard > 0
        assert tally.heard + tally.unheard == tally.sent


@pytest.mark.parametrize("seed", range(20))
def test_every_device_of_a_flat_is_received(seed: int) -> None:
    ether = Ether(Random(seed), {"gateway": Receiver(GATEWAY_AT)}, plan(loss=0.0))
    received = {
        one.device.id: sum(
            len(ether.spread(Frame(one.device.address, b"", place(one.device))))
            for _ in range(100)
        )
        for one in home(seed, 1, START, DEMO).installed
    }
    assert min(received.values()) > 95, received


def test_copies_are_one_frame_and_what_is_not_heard_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "flights"
    world_flights.prepare(path)
    departures, arrivals = Departures(path), Arrivals(path)
    one, other = (bytes([4, 0x16, 0xD2, 0xFC, number]) for number in (1, 2))
    # Two changes at one moment: their copies alternate.
    for data in (one, other, one, other):
        departures.depart("A", data, START, 1_000 + data[-1])
    assert departures.tally.sent == departures.away() == 2
    assert arrivals.sent_us("A", b"\x02") == 1_002
    assert arrivals.sent_us("B", b"\x02") is None
    arrivals.hear("A", b"\x02")
    assert departures.oldest() == START  # The first is still on its way.
    arrivals.hear("A", b"\x01")
    assert departures.oldest() is None
    assert departures.heard == {"A": START}
    for number in range(5_000):
        departures.depart(
            "A", bytes([7, 0x16, 0xD2, 0xFC, *number.to_bytes(4, "big")]), START, number
        )
    # More than there is room for: the oldest are given up.
    assert departures.away() < 5_000
    assert departures.tally.unheard == 5_000 - departures.away()
    assert arrivals.sent_us("A", (4_999).to_bytes(4, "big")) == 4_999
