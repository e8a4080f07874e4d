"""The radio of the BLE driver on the virtual BlueZ: what it hears, and what it lives through."""

import asyncio
import gc
from collections.abc import Mapping
from dataclasses import replace

import pytest
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from habluetooth import get_manager

from drivers.ble.keeper import RadioState, Trouble
from drivers.ble.scanner import LocalScanner
from rules.observation import Phenomenon
from sim.ble.bluez import Until
from sim.ble.frame import Frame, flags, service_data
from tests.drivers.ble.air import HCI0, HCI1, QUICK, World, world
from tests.drivers.home import Sensor
from tests.support.dbus import NEEDS_DBUS

pytestmark = [NEEDS_DBUS, pytest.mark.wall]

PROMPTLY_S = 1.0
"A restart that is noticed is made good at once, and not after a silence."


def plug() -> Sensor:
    return Sensor("plug", frozenset({Phenomenon.POWER_W}))


async def chatter(here: World) -> None:
    """Until the adapter has heard the plug for so long that it expects to."""
    await here.hears()
    await asyncio.sleep(2 * QUICK.chatter_s + 0.2)


# ------------------------------------------------------------------------------------ hearing


async def test_the_homes_own_are_heard_and_others_go_by(monkeypatch: pytest.MonkeyPatch) -> None:
    sensor, stranger = plug(), Sensor("other", frozenset())
    async with world(monkeypatch, sensor) as here:
        await here.hears()
        here.bluez.hear(HCI0, Frame(stranger.address, flags() + service_data(0xFCD2, b"@")), -40)
        await here.hears()
        assert {advert.address for advert in here.heard} == {sensor.address}
        assert {advert.source for advert in here.heard} == {HCI0}
        assert here.radio.heard > len(here.heard)
        (reception,) = here.radio.receptions()
        assert (reception.device, reception.source) == (sensor.name, "hci0")
        assert reception.rssi_dbm == -60
        here.radio.set_devices([])
        assert not here.radio.receptions()


async def test_how_often_a_device_speaks_is_told_by_the_clock_of_the_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may be a simulated one, whose pace changes: to the devices nothing has changed then."""
    async with world(monkeypatch, plug(), pace=1000) as here:
        await here.hears(5)
        (reception,) = here.radio.receptions()
        assert reception.every_s > 5.0


async def test_without_experimental_features_scanning_is_active(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, plug(), experimental=False) as here:
        assert await here.hears() < PROMPTLY_S
        assert not here.troubles


async def test_bluetoothd_may_pass_over_the_numbers_of_services(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As from 5.69 on: a home that says something but seldom would not be heard at all."""
    async with world(monkeypatch, plug(), numbers=False) as here:
        assert await here.hears() < PROMPTLY_S
        assert not here.troubles


async def test_of_the_addresses_around_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, plug(), experimental=False) as here:
        await here.hears()
        before = here.radio.heard
        for number in range(300):
            address = number.to_bytes(6, "big").hex(":").upper()
            here.bluez.hear(HCI0, Frame(address, flags() + service_data(0xFCD2, b"@")), -80)
            if number % 20 == 0:
                await asyncio.sleep(0.01)
        await here.until(lambda: here.radio.heard >= before + 300)
        await here.hears()
        assert {advert.address for advert in here.heard} == {plug().address}
        assert len(here.radio.receptions()) == 1
        assert not list(get_manager().async_discovered_service_info(connectable=False))
        assert here.radio.dropped == 0


async def test_two_adapters_hear_the_same_and_say_who_did(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, plug(), adapters={HCI0: 0, HCI1: 1}) as here:
        await here.hears(3, HCI0)
        await here.hears(3, HCI1)
        here.bluez.unplug(HCI0)
        await asyncio.sleep(2 * QUICK.settle_s)
        assert await here.hears(3, HCI1) < PROMPTLY_S
        await here.until(lambda: here.troubles == [Trouble.GONE])
        assert RadioState("hci1", Trouble.GONE) not in here.told


# ------------------------------------------------------------------------------------- faults


async def test_bluetoothd_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, plug()) as here:
        await here.hears()
        await here.bluez.restart(0.5)
        assert await here.hears() < PROMPTLY_S
        assert not here.troubles, "so short an absence is no fault"


async def test_bluetoothd_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, plug()) as here:
        await here.hears()
        await here.bluez.restart(2 * QUICK.tell_s)
        assert await here.hears() < PROMPTLY_S
        await here.until(lambda: here.troubles == [Trouble.GONE, None])


@pytest.mark.parametrize("index", [0, 1], ids=["same name", "another name"])
async def test_the_adapter_is_pulled_out_and_put_in(
    monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    async with world(monkeypatch, plug()) as here:
        await here.hears()
        here.bluez.unplug(HCI0)
        await here.until(lambda: here.troubles == [Trouble.GONE])
        here.bluez.plug(HCI0, index)
        assert await here.hears() < PROMPTLY_S
        await here.until(lambda: here.troubles == [Trouble.GONE, None])


async def test_the_fault_of_one_that_is_away_is_not_ended_by_one_that_has_its_name_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, plug(), adapters={HCI0: 0, HCI1: 1}) as here:
        await here.hears(3, HCI0)
        await here.hears(3, HCI1)
        here.bluez.unplug(HCI0)
        await here.until(lambda: here.troubles == [Trouble.GONE])
        here.bluez.unplug(HCI1)
        here.bluez.plug(HCI1, 0)
        await here.hears(3, HCI1)
        assert {one.source for one in here.radio.receptions()} == {"hci0"}
        assert here.troubles == [Trouble.GONE]
        # It is told of by a name that no other has, and called by the one that it has.
        here.bluez.unplug(HCI1)
        gone = RadioState("hci1", Trouble.GONE)
        await here.until(lambda: gone in here.told)
        assert [one.called for one in here.told if one.trouble] == ["hci0", "hci0"]
        here.bluez.plug(HCI0, 1)
        await here.until(lambda: here.troubles == [Trouble.GONE, None])
        assert here.told.index(gone) == len(here.told) - 2
        here.bluez.plug(HCI1, 0)
        await here.until(lambda: here.told[-1] == RadioState("hci1", None))


async def test_another_adapter_may_take_the_place_of_one_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, plug()) as here:
        await here.hears()
        here.bluez.unplug(HCI0)
        await here.until(lambda: here.troubles == [Trouble.GONE])
        here.bluez.plug(HCI1, 0)
        assert await here.hears(source=HCI1) < PROMPTLY_S
        await here.until(lambda: here.troubles == [Trouble.GONE, None])
        # The first one is not waited for any more, and is a further one if it comes.
        here.bluez.plug(HCI0, 1)
        await here.hears(source=HCI0)
        here.bluez.unplug(HCI0)
        await here.until(lambda: RadioState("hci1", Trouble.GONE) in here.told)
        assert here.troubles == [Trouble.GONE, None]


MANY = 16


async def test_of_more_adapters_than_can_be_cared_for_one_takes_the_place_of_one_that_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = {f"00:1A:7D:00:00:{number:02X}": number for number in range(MANY)}
    first, *_ = many
    async with world(monkeypatch, plug(), adapters={**many, HCI0: MANY}) as here:
        await here.until(lambda: all(here.bluez.scanning(one) for one in many))
        assert not here.bluez.scanning(HCI0)
        here.bluez.unplug(first)
        assert await here.hears() < PROMPTLY_S
        await asyncio.sleep(QUICK.tell_s + 0.2)
        assert here.told[-1:] == [RadioState(f"hci{MANY}", None)]


@pytest.mark.parametrize(
    ("until", "within_s"),
    [
        (Until.RESCAN, QUICK.silence_s + PROMPTLY_S),
        (Until.POWER, QUICK.silence_s + QUICK.probe_s + PROMPTLY_S),
    ],
)
async def test_the_adapter_falls_silent(
    monkeypatch: pytest.MonkeyPatch, until: Until, within_s: float
) -> None:
    async with world(monkeypatch, plug()) as here:
        await chatter(here)
        here.bluez.freeze(HCI0, until)
        assert await here.hears() < within_s
        assert not here.troubles


async def test_an_adapter_that_stays_silent_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, plug()) as here:
        await chatter(here)
        here.bluez.freeze(HCI0, Until.NEVER)
        await here.until(lambda: here.troubles == [Trouble.SILENT])
        here.bluez.unplug(HCI0)
        here.bluez.plug(HCI0, 0)
        await here.hears()
        await here.until(lambda: here.troubles == [Trouble.SILENT, None])


PATIENT = replace(QUICK, silence_s=60.0, patience_s_max=60.0, settle_s=0.5)
"Silence alone leads to nothing within a test."


async def test_bluetoothd_restarts_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, plug(), policy=PATIENT) as here:
        await here.hears()
        await here.bluez.restart(0.0)
        await here.hears()


async def test_the_adapter_is_put_in_again_between_two_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, plug(), policy=PATIENT) as here:
        await here.hears()
        here.bluez.unplug(HCI0)
        here.bluez.plug(HCI0, 0)
        await here.hears()


def scanners() -> int:
    gc.collect()
    return sum(isinstance(one, LocalScanner) for one in gc.get_objects())


async def test_of_scans_that_have_ended_or_failed_nothing_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, plug()) as here:
        await here.hears()
        before = scanners()
        for _ in range(3):
            here.bluez.in_progress(6)
            await here.bluez.restart(0.05)
            await here.hears()
        assert len(get_manager().async_current_scanners()) == 1
        assert scanners() <= before + 1


async def switch_off(bus: str, adapter: str) -> None:
    """As `bluetoothctl power off` does."""
    client = await MessageBus(bus).connect()
    call = Message(
        destination="org.bluez",
        path=f"/org/bluez/{adapter}",
        interface="org.freedesktop.DBus.Properties",
        member="Set",
        signature="ssv",
        body=["org.bluez.Adapter1", "Powered", Variant("b", value=False)],
    )
    answer = await client.call(call)
    assert answer.message_type is MessageType.METHOD_RETURN
    client.disconnect()
    await client.wait_for_disconnect()  # type: ignore[no-untyped-call]


async def test_somebody_switches_the_adapter_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a home that is quiet: the silence alone would say it only after minutes."""
    async with world(monkeypatch, plug(), policy=PATIENT) as here:
        await here.hears()
        await switch_off(here.bus.address, "hci0")
        await here.hears()


async def test_bluetoothd_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, plug()) as here:
        await here.hears()
        here.bluez.hang(2)
        await here.bluez.restart(0.1)
        await here.hears()


async def test_a_scan_is_in_progress_already(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, plug()) as here:
        await here.hears()
        here.bluez.in_progress(6)
        await here.bluez.restart(0.1)
        await here.hears()


async def test_the_bus_dies_and_comes_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(monkeypatch, plug()) as here:
        await here.hears()
        await here.bus.kill()
        await here.until(lambda: here.troubles == [Trouble.GONE])
        await here.bus.start()
        await here.bluez.up.wait()
        assert await here.hears() < 2 * PROMPTLY_S
        await here.until(lambda: here.troubles == [Trouble.GONE, None])
    gc.collect()
    # To send on a connection that is closed makes another one deaf, once in twenty times.
    assert "Bad file descriptor" not in caplog.text


async def test_the_bus_dies_while_a_scan_is_being_started(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(monkeypatch, plug()) as here:
        await here.hears()
        here.bluez.hang(1)
        await here.bluez.restart(0.05)
        await asyncio.sleep(4 * QUICK.settle_s)
        await here.bus.kill()
        await here.bus.start()
        await here.bluez.up.wait()
        await here.hears()
    gc.collect()
    assert "Bad file descriptor" not in caplog.text


# ------------------------------------------------------------------------ nothing to begin with


async def test_a_machine_without_a_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, plug(), present=False) as here:
        await here.until(lambda: here.troubles == [Trouble.GONE])
        await here.bus.start()
        await here.hears()
        await here.until(lambda: here.troubles[-1:] == [None])


@pytest.mark.parametrize("then", [{HCI0: 0}, {HCI0: 1}], ids=["hci0", "hci1"])
async def test_a_machine_without_an_adapter(
    monkeypatch: pytest.MonkeyPatch, then: Mapping[str, int]
) -> None:
    async with world(monkeypatch, plug(), adapters={}) as here:
        await here.until(lambda: here.troubles == [Trouble.GONE])
        for address, index in then.items():
            here.bluez.plug(address, index)
        await here.hears()
        await here.until(lambda: here.troubles == [Trouble.GONE, None])


async def test_an_adapter_that_comes_at_last_is_no_fault_though_it_hears_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, adapters={}) as here:
        await here.until(lambda: here.troubles == [Trouble.GONE])
        here.bluez.plug(HCI0, 0)
        await here.until(lambda: here.troubles == [Trouble.GONE, None])
