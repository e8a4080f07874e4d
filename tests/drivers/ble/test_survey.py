"""A survey: strangers are heard for as long as it lasts, and the home's own all the time."""

import asyncio
import itertools

import pytest

from drivers.ble.crowd import STRANGERS_MAX, TOLD_MAX
from drivers.ble.keeper import Keeper, Policy, Step
from rules.air import Sighting
from rules.observation import Phenomenon
from sim.ble.frame import Frame, manufacturer, name
from tests.drivers.ble.air import HCI0, HCI1, World, frame, world
from tests.drivers.home import Sensor
from tests.support.dbus import NEEDS_DBUS

pytestmark = pytest.mark.wall

POLICY = Policy()
SMOKE = 0x29
APPLE = 0x004C
STRANGER = "7C:00:00:00:00:01"


# ------------------------------------------------------------------------------------ one adapter


def listening(keeper: Keeper, at_s: float) -> None:
    assert keeper.next(at_s) is Step.LISTEN
    keeper.started(at_s)
    assert keeper.next(at_s) is Step.WAIT


def test_an_adapter_scans_actively_while_a_survey_lasts() -> None:
    keeper = Keeper(POLICY, 0.0)
    keeper.appeared(0.0, passive=True)
    listening(keeper, 0.0)
    assert [keeper.active] == [False]
    keeper.survey(30.0)
    listening(keeper, 1.0)
    assert [keeper.active] == [True]
    keeper.heard(29.0)
    keeper.survey(35.0)
    assert keeper.next(29.0) is Step.WAIT, "it goes on"
    assert keeper.deadline() == 35.0
    listening(keeper, 35.0)
    assert [keeper.active] == [False]
    assert keeper.deadline() > 35.0


def test_an_adapter_that_scans_actively_anyway_is_not_disturbed() -> None:
    keeper = Keeper(POLICY, 0.0)
    keeper.appeared(0.0, passive=False)
    listening(keeper, 0.0)
    keeper.survey(10.0)
    assert keeper.next(1.0) is Step.WAIT
    keeper.heard(9.0)
    assert keeper.next(10.0) is Step.WAIT
    assert keeper.active


def test_probes_within_a_survey_do_not_show_that_passive_scanning_is_deaf() -> None:
    keeper = Keeper(POLICY, 0.0)
    keeper.appeared(0.0, passive=True)
    keeper.survey(1000.0)
    listening(keeper, 0.0)
    at_s = 0.0
    for _ in range(5):
        at_s = keeper.deadline()
        assert keeper.next(at_s) is Step.PROBE
        keeper.started(at_s)
        keeper.heard(at_s + 1.0, ours=True)
        listening(keeper, at_s + 1.0)
    keeper.survey(0.0)
    listening(keeper, at_s + 2.0)
    assert not keeper.active


def test_an_adapter_that_comes_into_a_survey_takes_part() -> None:
    keeper = Keeper(POLICY, 0.0)
    keeper.survey(100.0)
    keeper.appeared(50.0, passive=True)
    listening(keeper, 50.0)
    assert keeper.active


# --------------------------------------------------------------------------------- the real stack


async def strangers(here: World, *, sightings: list[Sighting]) -> None:
    """Let one send, and look who is about, for ever."""
    for number in itertools.count():
        # Without flags, as tags send: nothing in it is what passive scanning listens for.
        body = manufacturer(APPLE, number.to_bytes(4, "big"))
        for adapter in (HCI0, HCI1):
            here.bluez.hear(adapter, Frame(STRANGER, body, response=name("Telephone")), -50)
        await asyncio.sleep(0.02)
        sightings += here.radio.sightings()


def smoke() -> Sensor:
    return Sensor("smoke", frozenset({Phenomenon.SMOKE}))


@NEEDS_DBUS
async def test_strangers_are_heard_while_a_survey_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Sighting] = []
    async with world(monkeypatch, smoke()) as here, asyncio.TaskGroup() as group:
        talking = group.create_task(strangers(here, sightings=told))
        await here.hears(10)
        assert not told, "nobody asked"
        await here.radio.survey(30.0)
        await here.until(lambda: {one.address for one in told} >= {STRANGER, smoke().address})
        stranger = next(one for one in told if one.address == STRANGER)
        assert (stranger.source, stranger.rssi_dbm, stranger.maker) == ("hci0", -50, "Apple, Inc.")
        assert stranger.device is None
        await here.until(lambda: told[-1].name == "Telephone")  # Only an active scan asks for it.
        assert {advert.address for advert in here.heard} == {smoke().address}
        await here.radio.survey(0.0)
        await here.hears(20)
        told.clear()
        before, ours = here.radio.heard, len(here.heard)
        await here.hears(20)
        assert here.radio.heard - before == len(here.heard) - ours, "passive again"
        assert not told
        talking.cancel()


@NEEDS_DBUS
async def test_a_survey_outlives_bluetoothd_and_ends_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Sighting] = []
    async with world(monkeypatch, smoke(), adapters={HCI0: 0, HCI1: 1}) as here:
        async with asyncio.TaskGroup() as group:
            talking = group.create_task(strangers(here, sightings=told))
            await here.hears()
            await here.radio.survey(2.5)
            await here.until(lambda: {one.source for one in told} == {"hci0", "hci1"})
            await here.bluez.restart(0.3)
            told.clear()
            await here.until(lambda: STRANGER in {one.address for one in told})
            await asyncio.sleep(2.5)
            await here.hears(20)
            told.clear()
            await here.hears(10)
            assert not told
            talking.cancel()
        assert not here.troubles


@NEEDS_DBUS
async def test_of_the_homes_hazards_none_is_lost_as_surveys_come_and_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sensor = smoke()
    # The sensor of `world` keeps silent; this one says each thing five times, as sensors do.
    async with world(monkeypatch, sensor, every_s=3600.0) as here, asyncio.TaskGroup() as group:
        await here.until(lambda: here.bluez.scanning(HCI0))
        sent: list[bytes] = []

        async def burn() -> None:
            for number in range(40):
                said = sensor.frame((SMOKE, number % 2 == 0))
                sent.append(said)
                for _ in range(5):
                    here.bluez.hear(HCI0, frame(sensor, said), -60)
                    await asyncio.sleep(0.05)

        burning = group.create_task(burn())
        surveys = 0
        while not burning.done():
            await here.radio.survey(0.3 if surveys % 2 else 0.0)
            surveys += 1
            await asyncio.sleep(0.15)
        await asyncio.sleep(0.3)
        heard = {advert.service_data for advert in here.heard}
        assert surveys > 20
        assert [said for said in sent if said not in heard] == []


@NEEDS_DBUS
async def test_a_crowd_is_bounded_and_keeps_nobody_from_being_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sensor = smoke()
    async with world(monkeypatch, sensor, every_s=0.1) as here:
        await here.hears()
        await here.radio.survey(30.0)
        most = 0
        for number in range(5000):
            address = (0x7C << 40 | number).to_bytes(6, "big").hex(":").upper()
            here.bluez.hear(HCI0, Frame(address, manufacturer(APPLE, bytes(8))), -80)
            if number % 20 == 0:
                await asyncio.sleep(0.005)
            if number % 1000 == 999:
                most = max(most, len(here.radio.sightings()))
        assert most == TOLD_MAX
        left = sum(iter(lambda: len(here.radio.sightings()), 0))
        assert left <= STRANGERS_MAX + 1
        assert await here.hears() < 2.0
        assert here.radio.dropped == 0
