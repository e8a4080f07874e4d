import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from drivers import process
from drivers.ble import RawAdvert
from drivers.ble.keeper import RadioState, Trouble
from drivers.clock import SystemClock
from drivers.pending import CURIOUS_LIMIT, LIMIT
from rules.air import Reception, Receptions, Sighting, Survey
from rules.alarm import AlarmKind
from rules.command import Command, Refusal, Signal
from rules.device import Link, Output
from rules.errors import LinkLost
from rules.inputs import CommandResult
from rules.observation import DeviceId, Phenomenon
from rules.sentence import Say
from rules.wire import Devices, DriverFault, Hello, Message, Observed, Order
from sim.clock import ManualClock
from tests.drivers.gateway import DEADLINE_S, Air, GatewayEnd, driver
from tests.drivers.home import HOUR_US, NOW, SECOND_US, Sensor, door

T = TypeVar("T", bound=Message)

P = Phenomenon
OPEN, BUTTON, POWER, SMOKE = 0x11, 0x3A, 0x0B, 0x29


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayEnd]:
    end = GatewayEnd(tmp_path / "driver.sock")
    yield end
    end.die()


def node(**more: object) -> Sensor:
    return Sensor(
        "node",
        frozenset({P.SOS, P.BUTTON, P.POWER_W}),
        outputs=frozenset({Output.LIGHT}),
        **more,  # type: ignore[arg-type]
    )


async def next_seen(gateway: GatewayEnd) -> Observed:
    """The next observation, link quality and faults left aside."""
    while True:
        message = await gateway.next()
        if isinstance(message, Observed) and message.phenomenon is not P.LINK_QUALITY:
            return message


async def next_of(gateway: GatewayEnd, kind: type[T]) -> T:
    while not isinstance(message := await gateway.next(), kind):
        pass
    return message


async def table_taken_over(gateway: GatewayEnd) -> None:
    """The driver takes messages in turn: an answer shows that it has taken what came before."""
    await gateway.send(command(0, device="nobody"))
    assert await result(gateway) == CommandResult(0, Refusal.UNSUPPORTED)


# ---------------------------------------------------------------- observations


async def test_from_a_frame_to_the_gateway(tmp_path: Path, gateway: GatewayEnd) -> None:
    air, sensor = Air(), node()
    async with driver(tmp_path, air, SystemClock()):
        assert await gateway.accept(sensor.keyed) == Hello("ble", Link.BLE)
        air.queue.put_nowait(sensor.advert(sensor.frame((POWER, 31.5)), 77))
        assert await next_seen(gateway) == Observed(DeviceId("node"), P.POWER_W, 31.5, 77)
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), 78))
        assert await next_seen(gateway) == Observed(DeviceId("node"), P.SOS, True, 78)


async def test_what_is_heard_before_the_devices_are_known_waits_for_them(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air, sensor = Air(), node()
    air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), 5))
    async with driver(tmp_path, air, SystemClock()):
        await air.queue.join()
        await gateway.accept(sensor.keyed)
        assert (await next_seen(gateway)).phenomenon is P.SOS


@pytest.mark.parametrize("neighbours", [1, 16])
async def test_neighbours_do_not_push_out_a_call_that_waits_for_the_devices(
    tmp_path: Path, gateway: GatewayEnd, neighbours: int
) -> None:
    air, sensor = Air(), node()
    async with driver(tmp_path, air, SystemClock()):
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), 1))
        for number in range(20_000):
            stranger = f"00:00:00:00:00:{number % neighbours:02X}"
            air.queue.put_nowait(RawAdvert(stranger, 0xFCD2, b"@", -60, number))
        await air.queue.join()
        await gateway.accept(sensor.keyed)
        assert (await next_seen(gateway)).phenomenon is P.SOS


async def test_addresses_without_number_push_out_no_call_of_a_device_of_an_earlier_run(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air, sensor = Air(), node()
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept(sensor.keyed)
        air.queue.put_nowait(sensor.advert(sensor.frame((POWER, 1.0)), 1))
        assert (await next_seen(gateway)).phenomenon is P.POWER_W
        gateway.hang_up()
    async with driver(tmp_path, air, SystemClock()):
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), 2))
        for number in range(5_000):
            stranger = number.to_bytes(6, "big").hex(":").upper()
            air.queue.put_nowait(RawAdvert(stranger, 0xFCD2, b"@", -60, number))
        await air.queue.join()
        await gateway.accept(sensor.keyed)
        assert (await next_seen(gateway)).phenomenon is P.SOS


async def test_a_call_for_help_outlives_the_gateway(tmp_path: Path, gateway: GatewayEnd) -> None:
    air, sensor = Air(), node()
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept(sensor.keyed)
        gateway.die()
        air.queue.put_nowait(sensor.advert(sensor.frame((POWER, 1.0)), 1))
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), 2))
        await air.queue.join()
        again = GatewayEnd(tmp_path / "driver.sock")
        await again.accept(sensor.keyed)
        # The call overtakes what was heard before it.
        assert (await next_seen(again)).phenomenon is P.SOS
        assert (await next_seen(again)).phenomenon is P.POWER_W
        again.die()


async def test_what_a_dying_gateway_left_unread_comes_again(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air, sensor = Air(), node()
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept(sensor.keyed)
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), 1))
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 4)), 2 * SECOND_US))
        assert (await next_seen(gateway)).phenomenon is P.SOS  # Read, but was it made durable?
        gateway.hang_up()
        await gateway.accept(sensor.keyed)
        assert (await next_seen(gateway)).boottime_us == 1
        assert (await next_seen(gateway)).boottime_us == 2 * SECOND_US


async def test_of_many_calls_none_is_lost_with_a_gateway_that_reads_nothing(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    """The kernel holds about 280, one is on its way, the rest wait."""
    air, sensor = Air(), node()
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept(sensor.keyed)
        await table_taken_over(gateway)
        for number in range(330):
            frame = sensor.frame((BUTTON, 1))
            air.queue.put_nowait(sensor.advert(frame, number * 2 * SECOND_US))
        await air.queue.join()
        gateway.hang_up()
        await gateway.accept(sensor.keyed)
        seen = [(await next_seen(gateway)).boottime_us for _ in range(330)]
        assert seen == [number * 2 * SECOND_US for number in range(330)]


async def test_a_stalled_gateway_gets_the_call_before_the_backlog(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air, sensor = Air(), node()
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept(sensor.keyed)
        await table_taken_over(gateway)
        for number in range(3 * LIMIT):
            frame = sensor.frame((POWER, float(number)))
            air.queue.put_nowait(sensor.advert(frame, number * SECOND_US))
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), HOUR_US))
        await air.queue.join()
        before = 0
        while (await next_seen(gateway)).phenomenon is not P.SOS:
            before += 1
        # Only what the kernel held already stands before it; of the rest the newest are kept.
        assert before < LIMIT
        behind = [await next_seen(gateway) for _ in range(LIMIT // 2)]
        values = [message.value for message in behind]
        assert values == sorted(values, key=float)


async def test_rubbish_from_the_gateway_ends_the_connection_only(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air, sensor = Air(), node()
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept(sensor.keyed)
        for rubbish in (b"\xff", b"\x83\x01\x01\xa0", bytes(70_000)):
            await gateway.send_bytes(rubbish)
            while await gateway.packet():
                pass
            gateway.hang_up()
            await gateway.accept(sensor.keyed)
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), 1))
        assert (await next_seen(gateway)).phenomenon is P.SOS


async def test_a_new_table_is_used_at_once(tmp_path: Path, gateway: GatewayEnd) -> None:
    air, old, new = Air(), door(), door(key=b"a new key 16byte")
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept(old.keyed)
        air.queue.put_nowait(old.advert(old.frame((OPEN, True)), 1))
        assert (await next_seen(gateway)).boottime_us == 1
        await gateway.send(Devices((new.keyed,)))
        await table_taken_over(gateway)
        air.queue.put_nowait(new.advert(new.frame((OPEN, True)), 2))
        assert (await next_seen(gateway)).boottime_us == 2


async def test_a_clean_stop_writes_exact_marks(tmp_path: Path, gateway: GatewayEnd) -> None:
    air, sensor = Air(), node()
    for turn in range(3):
        async with driver(tmp_path, air, SystemClock()):
            await gateway.accept(sensor.keyed)
            for number in range(5):
                frame = sensor.frame((POWER, float(number)))
                air.queue.put_nowait(sensor.advert(frame, turn * HOUR_US + number * SECOND_US))
            for number in range(5):
                assert (await next_seen(gateway)).value == float(number)
        gateway.hang_up()


async def test_a_dead_radio_ends_the_process(tmp_path: Path) -> None:
    class Dead(Air):
        def adverts(self) -> AsyncIterator[RawAdvert | RadioState]:
            raise LinkLost("no adapter")

    with pytest.raises(ExceptionGroup) as ended:
        async with driver(tmp_path, Dead(), SystemClock()) as task:
            await asyncio.wait((task,), timeout=DEADLINE_S)
    assert ended.group_contains(LinkLost)


# ---------------------------------------------------------------- faults


async def test_a_radio_in_trouble_is_told_of_and_taken_back(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air, sensor = Air(), node()
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept(sensor.keyed)
        await table_taken_over(gateway)
        assert air.devices == (sensor.keyed,)
        told = []
        now = datetime.now(UTC)
        for trouble in (Trouble.GONE, Trouble.SILENT, None):
            air.queue.put_nowait(RadioState("hci0", trouble, 90.0))
            while (fault := await next_of(gateway, DriverFault)).scope != "driver:ble:hci0":
                pass
            assert fault.kind is AlarmKind.RADIO_LOST
            told.append((fault.sentence.say, fault.present))
            if fault.present:
                since = dict(fault.sentence.arguments)["since"]
                assert isinstance(since, datetime)
                assert timedelta(seconds=80) < now - since <= timedelta(seconds=90)
        assert told == [
            (Say.RADIO_GONE, True),
            (Say.RADIO_SILENT, True),
            (Say.FAULT_OVER, False),
        ]


async def test_a_radio_is_called_what_people_find_it_by(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air = Air()
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept()
        air.queue.put_nowait(RadioState("hci1", Trouble.SILENT, called="hci0"))
        while (fault := await next_of(gateway, DriverFault)).kind is not AlarmKind.RADIO_LOST:
            pass
        assert fault.scope == "driver:ble:hci1"
        assert dict(fault.sentence.arguments)["radio"] == "hci0"


async def test_a_damaged_state_file_is_told(tmp_path: Path, gateway: GatewayEnd) -> None:
    (tmp_path / "drivers").mkdir()
    (tmp_path / "drivers" / "ble.state").write_bytes(b"rubbish")
    async with driver(tmp_path, Air(), SystemClock()):
        await gateway.accept()
        fault = await next_of(gateway, DriverFault)
        assert (fault.kind, fault.scope) == (AlarmKind.JOURNAL_RESTORED, "driver:ble")
        assert fault.present
        assert "ble.state.broken-1" in str(dict(fault.sentence.arguments)["detail"])


async def test_a_failing_disk_is_told_and_the_call_is_passed_on(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    (tmp_path / "drivers").write_bytes(b"")
    air, sensor = Air(), node()
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept(sensor.keyed)
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), 1))
        assert (await next_seen(gateway)).phenomenon is P.SOS
        fault = await next_of(gateway, DriverFault)
        assert (fault.kind, fault.present) == (AlarmKind.DISK_FAILING, True)
        (tmp_path / "drivers").unlink()
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), HOUR_US))
        fault = await next_of(gateway, DriverFault)
        assert (fault.kind, fault.present) == (AlarmKind.DISK_FAILING, False)


async def test_refused_frames_are_told_and_their_end_too(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air, sensor, clock = Air(), node(), ManualClock(NOW)
    async with driver(tmp_path, air, clock):
        await gateway.accept(sensor.keyed)
        air.queue.put_nowait(sensor.advert(b"\x40\x3a\x01", clock.boottime_us()))
        while (fault := await next_of(gateway, DriverFault)).kind is not AlarmKind.FRAMES_REFUSED:
            pass
        assert (fault.scope, fault.present) == (DeviceId("node"), True)
        await clock.advance(timedelta(minutes=66))
        fault = await next_of(gateway, DriverFault)
        assert (fault.scope, fault.present) == (DeviceId("node"), False)


async def test_a_date_set_back_puts_off_no_end_of_a_fault_and_no_reception(
    tmp_path: Path, gateway: GatewayEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = timedelta(seconds=0.3)
    monkeypatch.setattr(process, "_HOUSEKEEPING", soon)
    monkeypatch.setattr(process, "_RECEPTIONS_LOOKED_AT", soon)
    air, sensor, clock = Air(), node(), SetClock()
    one = Reception(DeviceId("node"), "hci0", -61.5, -6.0, 2.5, drowned=False)
    async with driver(tmp_path, air, clock):
        await gateway.accept(sensor.keyed)
        await table_taken_over(gateway)
        air.queue.put_nowait(sensor.advert(b"\x40\x3a\x01", clock.boottime_us() - 2 * HOUR_US))
        assert (await next_of(gateway, DriverFault)).present
        air.received = [one]
        clock.off = -DAY
        ends = [await gateway.next(), await gateway.next()]
        (over,) = [each for each in ends if isinstance(each, DriverFault)]
        assert (over.scope, over.present) == (DeviceId("node"), False)
        assert Receptions((one,)) in ends


# ---------------------------------------------------------------- commands


BOOTTIME_US = ManualClock(NOW).boottime_us()


def command(
    id_: int,
    *,
    lasts: timedelta = timedelta(seconds=30),
    off: timedelta = timedelta(),
    **more: object,
) -> Order:
    """An order to the node; the gateway's clock is off by `off`."""
    wanted: dict[str, object] = {"device": "node", "output": Output.LIGHT, **more}
    ordered = Command(
        id_,
        DeviceId(str(wanted["device"])),
        Output(str(wanted["output"])),
        Signal.PROMPT,
        NOW + off + lasts,
    )
    return Order(ordered, BOOTTIME_US + lasts // timedelta(microseconds=1))


async def result(gateway: GatewayEnd) -> CommandResult:
    return await next_of(gateway, CommandResult)


async def test_commands_and_what_became_of_them(tmp_path: Path, gateway: GatewayEnd) -> None:
    air = Air()
    async with driver(tmp_path, air, ManualClock(NOW)):
        await gateway.accept(node().keyed)
        await gateway.send(command(1))
        assert await result(gateway) == CommandResult(1)
        await gateway.send(command(2, output=Output.SIREN))
        assert await result(gateway) == CommandResult(2, Refusal.UNSUPPORTED)
        await gateway.send(command(3, device="nobody"))
        assert await result(gateway) == CommandResult(3, Refusal.UNSUPPORTED)
        await gateway.send(command(4, lasts=timedelta(seconds=-1)))
        assert await result(gateway) == CommandResult(4, Refusal.EXPIRED)
        air.refusal = Refusal.REFUSED
        await gateway.send(command(5))
        assert await result(gateway) == CommandResult(5, Refusal.REFUSED)
        air.error = LinkLost("out of reach")
        await gateway.send(command(6))
        assert await result(gateway) == CommandResult(6, Refusal.UNREACHABLE)
        assert [each.id for each in air.performed] == [1, 5, 6]


async def test_a_command_expires_while_it_is_tried(tmp_path: Path, gateway: GatewayEnd) -> None:
    air, clock = Air(), ManualClock(NOW)
    air.answers.clear()
    async with driver(tmp_path, air, clock):
        await gateway.accept(node().keyed)
        await gateway.send(command(1))
        await gateway.send(command(1))
        await gateway.send(command(2, lasts=timedelta(seconds=60)))
        for _ in range(2):
            await air.started.acquire()
        await clock.advance(timedelta(seconds=30))
        assert await result(gateway) == CommandResult(1, Refusal.EXPIRED)
        air.answers.set()
        assert await result(gateway) == CommandResult(2)
        assert [each.id for each in air.performed] == [1, 2]


class SetClock(SystemClock):
    """A machine whose date somebody sets."""

    def __init__(self) -> None:
        self.off = timedelta()

    def now(self) -> datetime:
        return super().now() + self.off


DAY = timedelta(days=1)


async def test_a_date_set_forward_stops_no_command(tmp_path: Path, gateway: GatewayEnd) -> None:
    air, clock = Air(), ManualClock(NOW)
    air.answers.clear()
    async with driver(tmp_path, air, clock):
        await gateway.accept(node().keyed)
        for number, lasts_s in enumerate((30, 60)):
            await gateway.send(command(number, lasts=timedelta(seconds=lasts_s)))
            await air.started.acquire()
        await clock.set_date(NOW + DAY)
        await clock.advance(timedelta(seconds=30))
        assert await result(gateway) == CommandResult(0, Refusal.EXPIRED)
        air.answers.set()
        assert await result(gateway) == CommandResult(1)


async def test_a_date_set_back_does_not_prolong_a_command(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air, clock = Air(), SetClock()
    air.answers.clear()
    async with driver(tmp_path, air, clock):
        await gateway.accept(node().keyed)
        until_us = clock.boottime_us() + SECOND_US // 2
        await gateway.send(Order(command(1).command, until_us))
        await air.started.acquire()
        clock.off = -DAY
        assert await result(gateway) == CommandResult(1, Refusal.EXPIRED)
        assert clock.boottime_us() >= until_us


async def test_no_date_of_the_gateways_stops_a_prompt(tmp_path: Path, gateway: GatewayEnd) -> None:
    air = Air()
    async with driver(tmp_path, air, ManualClock(NOW)):
        await gateway.accept(node().keyed)
        for number, off_s in enumerate((-14 * 86_400, -900, -31, 60, 14 * 86_400)):
            await gateway.send(command(number, off=timedelta(seconds=off_s)))
            assert (await result(gateway)).refusal is None


async def test_only_so_many_commands_are_carried_out_at_once(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air = Air()
    air.answers.clear()
    async with driver(tmp_path, air, ManualClock(NOW)):
        await gateway.accept(node().keyed)
        for number in range(33):
            await gateway.send(command(number))
        assert await result(gateway) == CommandResult(32, Refusal.REFUSED)
        air.answers.set()
        done = {(await result(gateway)).id for _ in range(32)}
        assert done == set(range(32))


async def test_a_result_waits_for_the_gateway(tmp_path: Path, gateway: GatewayEnd) -> None:
    air = Air()
    air.answers.clear()
    async with driver(tmp_path, air, ManualClock(NOW)):
        await gateway.accept(node().keyed)
        await gateway.send(command(1))
        await air.started.acquire()
        gateway.hang_up()
        air.answers.set()
        await gateway.accept(node().keyed)
        assert await result(gateway) == CommandResult(1)


# ---------------------------------------------------------------- the command line


@pytest.mark.parametrize("link", ["zigbee", "video"])
def test_without_a_radio_stack_the_command_says_so(tmp_path: Path, link: str) -> None:
    done = subprocess.run(
        [sys.executable, "ongi.py", "driver", link, "--socket", "s", "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200", "LC_ALL": "en_US.UTF-8"},
    )
    assert done.returncode == 2
    assert f"no radio stack for {link} yet" in done.stderr
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- who is about


def sighting(number: int) -> Sighting:
    return Sighting(f"{number}", "hci0", -60, 7, None, "", "", "", (), "", 1)


async def test_who_is_about_is_told_while_a_survey_lasts(
    tmp_path: Path, gateway: GatewayEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_SIGHTINGS_EVERY_S", 0.01)
    air, clock = Air(), SystemClock()
    air.around = [sighting(1), sighting(2)]
    async with driver(tmp_path, air, clock):
        await gateway.accept()
        await table_taken_over(gateway)
        await gateway.send(Survey(clock.boottime_us() + 30_000_000))
        for expected in (1, 2, 1, 2):
            assert await gateway.next() == sighting(expected)
        await gateway.send(Survey(0))
        async with asyncio.timeout(DEADLINE_S):
            while len(air.surveys) < 2:  # noqa: ASYNC110 -- of it nobody tells
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        air.around = [sighting(3)]
        await gateway.send(command(0, device="nobody"))
        while isinstance(message := await gateway.next(), Sighting):
            assert message != sighting(3)
        await asyncio.sleep(0.05)
        await gateway.send(command(1, device="nobody"))
        assert await gateway.next() == CommandResult(1, Refusal.UNSUPPORTED)
    assert 29.0 < air.surveys[0] <= 30.0
    assert air.surveys[1] == 0.0


async def test_a_survey_lasts_a_minute_at_most_whatever_is_asked(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air = Air()
    async with driver(tmp_path, air, SystemClock()):
        await gateway.accept()
        await gateway.send(Survey(1 << 62))
        await table_taken_over(gateway)
    assert air.surveys == [process.SURVEY_S_MAX]


async def test_a_call_for_help_overtakes_a_crowd(
    tmp_path: Path, gateway: GatewayEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel holds is ahead of it, and not the hundreds that wait behind."""
    monkeypatch.setattr(process, "_SIGHTINGS_EVERY_S", 0.01)
    air, sensor, clock = Air(), node(), SystemClock()
    air.around = [sighting(number) for number in range(256)]
    async with driver(tmp_path, air, clock):
        await gateway.accept(sensor.keyed)
        await table_taken_over(gateway)
        await gateway.send(Survey(clock.boottime_us() + 30_000_000))
        await asyncio.sleep(0.3)
        air.around = []
        air.queue.put_nowait(sensor.advert(sensor.frame((BUTTON, 1)), 5))
        await air.queue.join()
        behind = 0
        while not isinstance(message := await gateway.next(), Observed):
            behind += 1
        assert message.phenomenon is P.SOS
        assert behind < 400
        after = 0
        await gateway.send(command(0, device="nobody"))
        while isinstance(message := await gateway.next(), Sighting | Observed):
            after += isinstance(message, Sighting)
        assert after <= CURIOUS_LIMIT


# ---------------------------------------------------------------- how devices are received


async def test_receptions_are_told_soon_and_then_every_ten_minutes(
    tmp_path: Path, gateway: GatewayEnd
) -> None:
    air, clock = Air(), ManualClock(NOW)
    one = Reception(DeviceId("plug"), "hci0", -61.5, -6.0, 2.5, drowned=True)
    minute = timedelta(minutes=1)
    async with driver(tmp_path, air, clock):
        await gateway.accept()
        await table_taken_over(gateway)
        await clock.advance(minute)
        air.received = [one] * 150
        await clock.advance(minute)
        assert await gateway.next() == Receptions((one,) * 100)
        assert await gateway.next() == Receptions((one,) * 50)
        air.received = [one]
        for _ in range(9):
            await clock.advance(minute)
        await table_taken_over(gateway)
        await clock.advance(minute)
        assert await gateway.next() == Receptions((one,))
        gateway.hang_up()
        await gateway.accept()
        # The answers of before come again: another number shows that the table is taken over.
        await gateway.send(command(1, device="nobody"))
        while await next_of(gateway, CommandResult) != CommandResult(1, Refusal.UNSUPPORTED):
            pass
        await clock.advance(minute)
        assert await next_of(gateway, Receptions) == Receptions((one,)), "it has just begun"
