"""Drivers and the gateway on a real socket: what is heard, refused, missed, and never delayed."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import driver_faults, driver_socket, packets
from edge.clock import AnchoredClock
from edge.driver_socket import DriverSocket
from edge.inbox import ROUTINE_MAX, URGENT_MAX, Inbox
from edge.surveys import LASTS
from rules.air import Reception, Receptions, Sighting, Survey
from rules.alarm import AlarmKind
from rules.command import Command, Refusal, Signal
from rules.device import Link, Output, Use
from rules.errors import ConfigError, FrameError
from rules.inputs import CommandResult, Input, Technical
from rules.observation import DeviceId, Observation, Phenomenon
from rules.sentence import Say, sentence
from rules.wire import Devices, DriverFault, Hello, KeyedDevice, Observed, Order, decode, encode
from sim.clock import ManualClock
from tests.edge.peers import (
    AT,
    BELL,
    DEADLINE_S,
    HOME,
    KETTLE,
    LAMP,
    Driver,
    Peer,
    device,
    power,
    pressed,
    running,
    settle,
    sos,
    until,
)


class Machine(ManualClock):
    """A machine whose date nobody vouches for."""

    def synchronized(self) -> str | None:
        return None


ORDER = Command(7, LAMP.device.id, Output.LIGHT, Signal.PROMPT, AT + timedelta(seconds=10))


@dataclass(slots=True)
class Gateway:
    """The gateway's side: its socket, and what came in."""

    path: Path
    clock: ManualClock
    inbox: Inbox
    socket: DriverSocket
    peers: list[Peer] = field(default_factory=list)
    "Closed at the end."

    async def got(self) -> Input:
        async with asyncio.timeout(DEADLINE_S):
            return await self.inbox.get()

    async def fault(self, kind: AlarmKind, link: Link = Link.BLE) -> Technical:
        """The next report of a kind about a link's driver; all else is passed over."""
        while True:
            item = await self.got()
            if isinstance(item, Technical) and (item.kind, item.scope) == (kind, f"driver:{link}"):
                return item

    async def waiting(self, link: Link = Link.BLE) -> list[tuple[AlarmKind, bool]]:
        """What is reported about a link's driver by now: of which kind, and whether present."""
        await settle()
        items = [await self.inbox.get() for _ in range(self.inbox.depth)]
        return [
            (item.kind, item.present)
            for item in items
            if isinstance(item, Technical) and item.scope == f"driver:{link}"
        ]

    async def empty(self) -> None:
        """Pass over what is there."""
        await settle()
        while self.inbox.depth:
            await self.inbox.get()

    def connected(self, link: Link = Link.BLE) -> bool:
        return any(one.link is link and one.connected for one in self.socket.drivers())

    def refused(self, link: Link = Link.BLE) -> int:
        return next(one.refused for one in self.socket.drivers() if one.link is link)

    async def driver(self, link: Link = Link.BLE, name: str = "test") -> Driver:
        """A connected driver that has read its table."""
        driver = await self.hello(link, name)
        assert isinstance(await driver.told(), Devices)
        await self.empty()
        return driver

    async def hello(self, link: Link = Link.BLE, name: str = "test") -> Driver:
        """A driver that has said hello and read nothing."""
        driver = await Driver.of(self.path, link, name)
        self.peers.append(driver)
        return driver

    async def peer(self) -> Peer:
        """A mere connection."""
        peer = await Peer.at(self.path)
        self.peers.append(peer)
        return peer


@asynccontextmanager
async def gateway_at(path: Path) -> AsyncIterator[Gateway]:
    """A running gateway's side with the devices of `HOME`."""
    clock, inbox = ManualClock(AT, boottime_us=86_400_000_000), Inbox()
    served = DriverSocket(packets.listen(path, 0o660), inbox, clock, HOME)
    made = Gateway(path, clock, inbox, served)
    try:
        async with running(served.run()):
            await made.empty()
            yield made
    finally:
        for peer in made.peers:
            peer.close()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_at(tmp_path / "driver.sock") as made:
        yield made


# ---- hello and the table


async def test_a_driver_gets_the_devices_and_keys_of_its_link_alone(gateway: Gateway) -> None:
    ble = await gateway.hello(Link.BLE)
    zigbee = await gateway.hello(Link.ZIGBEE)
    assert await ble.told() == Devices((KETTLE, LAMP))
    assert await zigbee.told() == Devices((BELL,))


async def test_a_changed_registry_is_told_at_once(gateway: Gateway) -> None:
    driver = await gateway.driver()
    gateway.socket.devices_changed((KETTLE, BELL))
    assert await driver.told() == Devices((KETTLE,))


async def test_a_driver_is_not_told_what_a_plug_is_for(gateway: Gateway) -> None:
    driver = await gateway.driver()
    heater = KeyedDevice(replace(KETTLE.device, use=Use.HEATING), KETTLE.key)
    gateway.socket.devices_changed((heater,))
    assert await driver.told() == Devices((KETTLE,))


async def test_devices_that_fit_into_no_packet_are_the_operators_fault(gateway: Gateway) -> None:
    many = [KeyedDevice(device(f"{number:0200}"), bytes(16)) for number in range(200)]
    with pytest.raises(ConfigError, match="200 ble devices"):
        gateway.socket.devices_changed(many)
    driver = await gateway.hello()
    assert await driver.told() == Devices((KETTLE, LAMP))


async def test_who_says_nothing_is_hung_up_on(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_socket, "HELLO_WITHIN_S", 0.01)
    silent = await gateway.peer()
    assert await silent.receive() == b""


@pytest.mark.parametrize("first", [b"rubbish", encode(power(1.0, 0)), encode(Order(ORDER, 0))])
async def test_who_does_not_say_hello_first_is_hung_up_on(gateway: Gateway, first: bytes) -> None:
    peer = await gateway.peer()
    peer.send(first)
    assert await peer.receive() == b""
    peer.close()
    assert gateway.inbox.depth == 0


async def test_more_connections_than_drivers_can_need_are_refused(gateway: Gateway) -> None:
    peers = [await gateway.peer() for _ in range(driver_socket.CONNECTIONS_MAX)]
    await settle()
    late = await gateway.peer()
    assert await late.receive() == b""
    peers[0].send(encode(Hello("test", Link.BLE)))
    assert decode(await peers[0].receive()) == Devices((KETTLE, LAMP))
    peers[1].close()
    await settle()
    await gateway.driver(Link.ZIGBEE)


async def test_who_only_looks_whether_a_gateway_runs_is_not_worth_a_word(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(packets.SocketTaken):
        packets.listen(gateway.path, 0o660)
    await settle()
    assert caplog.records == []


# ---- observations


async def test_an_observation_has_the_moment_at_which_it_was_stamped(gateway: Gateway) -> None:
    driver = await gateway.driver()
    driver.tell(power(1500.0, gateway.clock.boottime_us() - 2_500_000))
    assert await gateway.got() == Observation(
        KETTLE.device.id, Phenomenon.POWER_W, 1500.0, AT - timedelta(seconds=2.5), AT
    )


@pytest.mark.parametrize(
    ("stamp_us", "at"),
    [(10**18, AT), (2**63, AT), (2**64 - 1, AT), (0, AT - timedelta(hours=1))],
)
async def test_an_impossible_stamp_is_brought_within_the_last_hour(
    gateway: Gateway, stamp_us: int, at: object
) -> None:
    driver = await gateway.driver()
    driver.tell(power(1.0, stamp_us))
    seen = await gateway.got()
    assert isinstance(seen, Observation)
    assert seen.phenomenon_time == at


async def test_a_device_tells_what_the_registry_lists_and_nothing_else(gateway: Gateway) -> None:
    driver = await gateway.driver()
    before = gateway.refused()
    driver.tell(Observed(KETTLE.device.id, Phenomenon.GAS, True, gateway.clock.boottime_us()))
    driver.tell(power(1500.0, gateway.clock.boottime_us()))
    assert (await gateway.fault(AlarmKind.FRAMES_REFUSED)).present
    seen = await gateway.got()
    assert isinstance(seen, Observation)
    assert seen.phenomenon is Phenomenon.POWER_W
    assert gateway.refused() == before + 1


async def test_an_answer_and_a_fault_come_through(gateway: Gateway) -> None:
    driver = await gateway.driver()
    said = sentence(Say.FRAMES_REFUSED, at=AT, device="kettle", reason="replay")
    driver.tell(CommandResult(7, Refusal.UNREACHABLE))
    driver.tell(DriverFault(AlarmKind.FRAMES_REFUSED, KETTLE.device.id, True, said))
    assert await gateway.got() == CommandResult(7, Refusal.UNREACHABLE)
    assert await gateway.got() == Technical(AlarmKind.FRAMES_REFUSED, KETTLE.device.id, True, said)


async def test_a_driver_speaks_of_its_own_disk(gateway: Gateway) -> None:
    driver = await gateway.driver()
    said = sentence(Say.DISK_FAILING, at=AT, detail="counter marks cannot be written")
    driver.tell(DriverFault(AlarmKind.DISK_FAILING, DeviceId("driver:ble"), True, said))
    told = await gateway.got()
    assert told == Technical(AlarmKind.DISK_FAILING, DeviceId("driver:ble"), True, said)


async def test_nobody_speaks_for_another_drivers_device(gateway: Gateway) -> None:
    zigbee = await gateway.driver(Link.ZIGBEE)
    zigbee.tell(power(1500.0, 0, "kettle"))
    assert (await gateway.fault(AlarmKind.FRAMES_REFUSED, Link.ZIGBEE)).present
    assert gateway.refused(Link.ZIGBEE) == 1
    zigbee.tell(sos(0))
    seen = await gateway.got()
    assert isinstance(seen, Observation)
    assert seen.device == "bell"


async def test_an_observation_of_a_device_just_removed_is_counted_and_no_fault(
    gateway: Gateway,
) -> None:
    driver = await gateway.driver()
    gateway.socket.devices_changed((LAMP, BELL))
    driver.tell(power(1500.0, 0, "kettle"))
    driver.tell(power(3.0, 0, "lamp"))
    seen = await gateway.got()
    assert isinstance(seen, Observation)
    assert seen.device == "lamp"
    assert gateway.refused() == 1
    assert gateway.inbox.depth == 0


async def test_a_driver_cannot_claim_that_a_person_is_in_danger(gateway: Gateway) -> None:
    driver = await gateway.driver()
    driver.tell(DriverFault(AlarmKind.SOS, None, True, sentence(Say.DRILL)))
    item = await gateway.got()
    assert isinstance(item, Technical)
    assert item.kind is AlarmKind.FRAMES_REFUSED
    assert gateway.inbox.depth == 0


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        (AlarmKind.HOME_BLIND, None),
        (AlarmKind.DISK_FAILING, None),
        (AlarmKind.GATEWAY_SILENT, DeviceId("driver:ble")),
        (AlarmKind.DEVICE, KETTLE.device.id),
        (AlarmKind.TIME_UNTRUSTED, None),
    ],
)
async def test_a_driver_cannot_raise_or_end_what_the_gateway_judges(
    gateway: Gateway, kind: AlarmKind, scope: DeviceId | None
) -> None:
    driver = await gateway.driver()
    driver.tell(DriverFault(kind, scope, False, sentence(Say.FAULT_OVER, at=AT)))
    item = await gateway.got()
    assert isinstance(item, Technical)
    assert (item.kind, item.scope) == (AlarmKind.FRAMES_REFUSED, "driver:ble")
    assert gateway.inbox.depth == 0


async def test_a_driver_tells_of_one_of_its_adapters(gateway: Gateway) -> None:
    driver = await gateway.driver()
    said = sentence(Say.RADIO_GONE, since=AT, radio="hci0")
    driver.tell(DriverFault(AlarmKind.RADIO_LOST, DeviceId("driver:ble:hci0"), True, said))
    for other in ("driver:zigbee:usb0", "driver:blend", "driver:ble:hci0"):
        driver.tell(DriverFault(AlarmKind.RADIO_LOST, DeviceId(other), True, said))
    assert await gateway.got() == Technical(
        AlarmKind.RADIO_LOST, DeviceId("driver:ble:hci0"), True, said
    )
    assert gateway.refused() == 2


# ---- rubbish


async def test_three_spoilt_packets_in_a_row_end_the_connection(gateway: Gateway) -> None:
    driver = await gateway.driver()
    for packet in (b"?", b"?", encode(power(1.0, 0)), b"?", b"?", b"?"):
        driver.send(packet)
    assert await driver.receive() == b""
    assert gateway.refused() == 5
    assert not gateway.connected()


REFUSED = (AlarmKind.FRAMES_REFUSED, True)
NO_LONGER_REFUSED = (AlarmKind.FRAMES_REFUSED, False)
LOST = (AlarmKind.DRIVER_LOST, True)
NO_LONGER_LOST = (AlarmKind.DRIVER_LOST, False)


async def test_refused_packets_are_reported_once_an_hour(gateway: Gateway) -> None:
    driver = await gateway.driver()
    for _ in range(4):
        driver.send(b"?")
        driver.tell(power(1.0, 0))
    await until(lambda: gateway.refused() == 4)
    assert await gateway.waiting() == [REFUSED]
    await gateway.clock.advance(timedelta(minutes=59))
    driver.send(b"?")
    await until(lambda: gateway.refused() == 5)
    assert await gateway.waiting() == []
    await gateway.clock.advance(timedelta(minutes=1))
    driver.send(b"?")
    await until(lambda: gateway.refused() == 6)
    assert await gateway.waiting() == [REFUSED]


async def test_a_report_of_refused_packets_holds_no_value(gateway: Gateway) -> None:
    driver = await gateway.driver()
    driver.send(cbor2.dumps([1, 3, "kettle", "contact_open", 123.456, 0, 0]))
    fault = await gateway.fault(AlarmKind.FRAMES_REFUSED)
    assert "123.456" not in str(fault)


async def test_an_hour_without_rubbish_ends_the_fault(gateway: Gateway) -> None:
    driver = await gateway.driver()
    driver.send(b"?")
    await gateway.fault(AlarmKind.FRAMES_REFUSED)
    await gateway.clock.advance(timedelta(minutes=30))
    driver.send(b"?")
    await until(lambda: gateway.refused() == 2)
    await gateway.clock.advance(timedelta(minutes=59))
    assert await gateway.waiting() == []
    await gateway.clock.advance(timedelta(minutes=1))
    assert await gateway.waiting() == [NO_LONGER_REFUSED]


async def test_a_fault_of_an_earlier_run_ends_after_a_clean_hour(gateway: Gateway) -> None:
    await gateway.driver()
    await gateway.clock.advance(timedelta(hours=1))
    assert await gateway.waiting() == [NO_LONGER_REFUSED]


# Each example has a gateway of its own: what one example sent must not explain another.
@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.sampled_from(
                [
                    encode(power(1.0, 0)),
                    encode(sos(0)),
                    encode(Hello("x", Link.SERIAL)),
                    encode(Devices(HOME)),
                    encode(CommandResult(1)),
                    encode(DriverFault(AlarmKind.GAS, None, True, sentence(Say.DRILL))),
                ]
            ).flatmap(
                lambda packet: st.tuples(
                    st.just(packet), st.integers(0, len(packet) - 1), st.integers(0, 255)
                ).map(lambda part: part[0][: part[1]] + bytes([part[2]]) + part[0][part[1] + 1 :])
            ),
        ),
        max_size=12,
    )
)
def test_whatever_one_driver_sends_another_is_heard(
    tmp_path_factory: pytest.TempPathFactory, rubbish: list[bytes]
) -> None:
    async def run() -> None:
        async with gateway_at(tmp_path_factory.mktemp("g") / "driver.sock") as gateway:
            broken = await gateway.driver()
            for packet in rubbish:
                if packet and not _sent(broken, packet):
                    break
            good = await gateway.driver(Link.ZIGBEE)
            good.tell(sos(0))
            while not (isinstance(item := await gateway.got(), Observation) and is_sos(item)):
                pass

    asyncio.run(run())


def is_sos(item: Observation) -> bool:
    return item.phenomenon is Phenomenon.SOS and item.device == "bell"


def _sent(driver: Driver, packet: bytes) -> bool:
    try:
        driver.send(packet)
    except ConnectionError:
        return False
    return True


# ---- floods


FLOOD = """
import socket, sys
with socket.socket(fileno=int(sys.argv[1])) as connection:
    connection.settimeout(None)
    packet = bytes.fromhex(sys.argv[2])
    try:
        while True:
            connection.send(packet)
    except OSError:
        pass
"""


@contextmanager
def flood(driver: Driver, packet: bytes) -> Iterator[None]:
    """Let a process send the packet as fast as it can over the driver's connection."""
    number = driver.connection.fileno()
    command = [sys.executable, "-S", "-c", FLOOD, str(number), packet.hex()]
    with subprocess.Popen(command, pass_fds=[number]) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.mark.parametrize("sent", [power(1500.0, 0), pressed(0), power(1.0, 0, "nobody")])
async def test_a_flood_of_one_driver_does_not_delay_anothers_sos(
    gateway: Gateway, sent: Observed
) -> None:
    flooding, quiet = await gateway.driver(), await gateway.driver(Link.ZIGBEE)
    turns = handled = 0

    def busy() -> bool:
        lane = URGENT_MAX if sent.phenomenon is Phenomenon.BUTTON else ROUTINE_MAX
        return gateway.inbox.depth >= lane or gateway.refused() > 500

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    with flood(flooding, encode(sent)):
        async with running(count_turns()), asyncio.timeout(DEADLINE_S):
            # The gateway has been busy with the flood for a while when the button is pressed.
            while not busy():
                if gateway.inbox.depth:
                    await gateway.got()
                await asyncio.sleep(0)
            quiet.tell(sos(gateway.clock.boottime_us()))
            before = turns
            # As the daemon does: it takes what there is without giving up its turn.
            while not (isinstance(item := await gateway.got(), Observation) and is_sos(item)):
                handled += 1
    assert turns - before <= 5
    assert handled <= 5 * packets.BURST


async def test_an_sos_behind_a_flood_that_nobody_handles_is_not_dropped(gateway: Gateway) -> None:
    driver = await gateway.driver()
    sent = 0
    while sent < 5_000:
        try:
            driver.tell(power(float(sent), 0))
            sent += 1
        except BlockingIOError:
            await asyncio.sleep(0)
    driver.tell(pressed(gateway.clock.boottime_us()))
    driver.close()
    await until(lambda: not gateway.connected())
    item = await gateway.got()
    while not isinstance(item, Observation):  # Its faults come first, in the order of events.
        item = await gateway.got()
    assert item.phenomenon is Phenomenon.BUTTON
    (status,) = [one for one in gateway.socket.drivers() if one.link is Link.BLE]
    assert status.dropped == 5_000 - gateway.inbox.depth


async def test_presses_past_the_limit_wait_at_their_driver_and_none_is_lost(
    gateway: Gateway,
) -> None:
    driver = await gateway.driver()
    many = 4 * URGENT_MAX
    for number in range(many):
        driver.tell(pressed(gateway.clock.boottime_us() - number))
        if number % 50 == 0:
            await settle()
    await settle()
    assert gateway.inbox.depth == URGENT_MAX
    seen = [await gateway.got() for _ in range(many)]
    ages = [
        round((AT - item.phenomenon_time) / timedelta(microseconds=1))
        for item in seen
        if isinstance(item, Observation)
    ]
    assert ages == list(range(many))


# ---- a driver that is gone


async def test_a_driver_that_does_not_come_back_is_a_fault_until_it_does(
    gateway: Gateway,
) -> None:
    (await gateway.driver()).close()
    await until(lambda: not gateway.connected())
    await settle()
    await gateway.clock.advance(timedelta(seconds=29))
    assert await gateway.waiting() == []
    await gateway.clock.advance(timedelta(seconds=1))
    assert await gateway.waiting() == [LOST]
    await gateway.hello()
    await until(gateway.connected)
    assert await gateway.waiting() == [NO_LONGER_LOST]


async def test_a_driver_that_was_restarted_in_time_is_no_fault(gateway: Gateway) -> None:
    for _ in range(3):
        (await gateway.driver()).close()
        await until(lambda: not gateway.connected())
        await gateway.clock.advance(timedelta(seconds=20))
    await gateway.driver()
    await gateway.clock.advance(timedelta(seconds=60))
    assert await gateway.waiting() == []


async def test_a_driver_that_never_came_is_a_fault_where_it_has_devices(
    gateway: Gateway,
) -> None:
    await gateway.clock.advance(timedelta(seconds=30))
    await settle()
    items = [await gateway.got() for _ in range(gateway.inbox.depth)]
    lost = {item.scope for item in items if isinstance(item, Technical) and item.present}
    assert lost == {"driver:ble", "driver:zigbee"}


async def test_a_link_whose_last_device_is_removed_needs_no_driver(gateway: Gateway) -> None:
    await gateway.clock.advance(timedelta(seconds=30))
    await gateway.empty()
    gateway.socket.devices_changed((KETTLE,))
    assert await gateway.waiting(Link.ZIGBEE) == [NO_LONGER_LOST]
    await gateway.clock.advance(timedelta(hours=1))
    assert await gateway.waiting(Link.ZIGBEE) == []


async def test_a_clock_set_back_does_not_put_off_that_a_driver_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_faults, "LOST_AFTER", timedelta(milliseconds=50))
    machine = Machine(AT)
    clock, inbox = AnchoredClock(machine, AT), Inbox()
    served = DriverSocket(packets.listen(tmp_path / "driver.sock", 0o660), inbox, clock, (KETTLE,))
    async with running(served.run()):
        await settle()
        clock.set(AT - timedelta(hours=1))
        await machine.advance(timedelta(milliseconds=50))
        async with asyncio.timeout(DEADLINE_S):
            while not (isinstance(item := await inbox.get(), Technical) and item.present):
                pass
    assert item.kind is AlarmKind.DRIVER_LOST


async def test_a_new_driver_replaces_the_old_one(gateway: Gateway) -> None:
    old = await gateway.driver(name="old")
    new = await gateway.driver(name="new")
    assert await old.receive() == b""
    assert gateway.socket.send(ORDER)
    assert await new.told() == Order(ORDER, gateway.clock.boottime_us() + 10_000_000)
    await gateway.clock.advance(timedelta(minutes=5))
    assert await gateway.waiting() == []
    assert [one.driver for one in gateway.socket.drivers()] == ["new", ""]


# ---- commands


async def test_a_command_goes_to_the_driver_of_its_device(gateway: Gateway) -> None:
    await gateway.driver(Link.ZIGBEE)
    ble = await gateway.driver()
    assert gateway.socket.send(ORDER)
    assert await ble.told() == Order(ORDER, gateway.clock.boottime_us() + 10_000_000)


async def test_a_command_without_a_driver_or_a_device_is_not_taken(gateway: Gateway) -> None:
    await gateway.driver(Link.ZIGBEE)
    assert not gateway.socket.send(ORDER)
    unknown = Command(8, DeviceId("nobody"), Output.LIGHT, Signal.OFF, AT)
    assert not gateway.socket.send(unknown)


async def test_a_driver_that_does_not_read_is_hung_up_on(gateway: Gateway) -> None:
    stuck = await gateway.driver()
    taken = 0
    while gateway.socket.send(ORDER):
        taken += 1
        assert taken < 10_000
    await until(lambda: not gateway.connected())
    assert not gateway.socket.send(ORDER)
    stuck.close()
    await gateway.driver()
    assert gateway.socket.send(ORDER)


# ---- who is about, and how devices are received


def sighting(number: int, id_: str | None = None) -> Sighting:
    address = number.to_bytes(6, "big").hex(":").upper()
    device = None if id_ is None else DeviceId(id_)
    return Sighting(address, "hci0", -60, 7, device, "", "", "", (), "", 1)


def reception(id_: str, rssi_dbm: float, source: str = "hci0") -> Reception:
    return Reception(DeviceId(id_), source, rssi_dbm, -6.0, 2.5, drowned=True)


async def test_all_drivers_survey_until_nobody_looks(gateway: Gateway) -> None:
    ble, zigbee = await gateway.driver(Link.BLE), await gateway.driver(Link.ZIGBEE)
    until_us = gateway.clock.boottime_us() + LASTS // timedelta(microseconds=1)
    with gateway.socket.surveys.watch():
        assert await ble.told() == await zigbee.told() == Survey(until_us)
        late = await gateway.hello(Link.BLE, "late")
        assert isinstance(await late.told(), Devices)
        assert await late.told() == Survey(until_us)
        await gateway.clock.advance(timedelta(seconds=1))
    assert await late.told() == Survey(gateway.clock.boottime_us())
    after = await gateway.hello(Link.BLE, "after")
    assert isinstance(await after.told(), Devices)
    after.tell(sighting(1))
    await gateway.clock.advance(timedelta(seconds=1))
    with gateway.socket.surveys.watch():
        # It was told of no survey before this one.
        assert await after.told() == Survey(until_us + 2_000_000)


async def test_who_begins_and_ends_surveys_without_pause_hardly_changes_how_radios_hear(
    gateway: Gateway,
) -> None:
    ble, begun_us = await gateway.driver(), gateway.clock.boottime_us()
    lasts_us = LASTS // timedelta(microseconds=1)
    surveys = gateway.socket.surveys
    for _ in range(3_000):
        with surveys.watch():
            surveys.renew()
    assert await ble.told() == Survey(begun_us + lasts_us)
    await settle()
    await gateway.clock.advance(timedelta(seconds=1))
    assert await ble.told() == Survey(begun_us), "nothing between, and in the end it ends"
    with surveys.watch():
        assert await ble.told() == Survey(begun_us + 1_000_000 + lasts_us)
        await gateway.clock.advance(timedelta(seconds=1))
    assert await ble.told() == Survey(begun_us + 2_000_000)


async def test_who_is_about_is_told_to_those_who_look_and_to_nobody_else(gateway: Gateway) -> None:
    ble = await gateway.driver()
    ble.tell(sighting(1))
    await settle()
    with gateway.socket.surveys.watch() as surveyor:
        ble.tell(sighting(2))
        ble.tell(sighting(3, "kettle"))
        ble.tell(sighting(4, "bell"))  # Zigbee's.
        ble.tell(sighting(5, "oven"))  # Nobody's.
        ble.tell(sighting(6))
        async with asyncio.timeout(DEADLINE_S):
            told = [await surveyor.next() for _ in range(3)]
    assert told == [sighting(2), sighting(3, "kettle"), sighting(6)]
    assert gateway.refused() == 2
    assert await gateway.waiting() == [(AlarmKind.FRAMES_REFUSED, True)], "and no observation"


async def test_a_call_for_help_is_heard_through_a_crowd(gateway: Gateway) -> None:
    ble = await gateway.driver()
    loop = asyncio.get_running_loop()
    with gateway.socket.surveys.watch() as surveyor:
        for number in range(5000):
            await loop.sock_sendall(ble.connection, encode(sighting(number)))
            if number % 500 == 0:
                await loop.sock_sendall(ble.connection, encode(pressed(number)))
        async with asyncio.timeout(DEADLINE_S):
            calls = [await gateway.inbox.get() for _ in range(10)]
        await settle()
        assert {call.phenomenon for call in calls if isinstance(call, Observation)} == {
            Phenomenon.BUTTON
        }
        assert surveyor.dropped > 0, "nobody has read, and nobody was kept waiting"
    assert gateway.inbox.depth == 0


async def test_of_each_device_the_best_reception_is_known_for_a_while(gateway: Gateway) -> None:
    ble = await gateway.driver()
    ble.tell(Receptions((reception("kettle", -80, "hci1"), reception("bell", -50))))
    ble.tell(Receptions((reception("kettle", -60), reception("lamp", -90))))
    await settle()
    kettle, lamp = reception("kettle", -60), reception("lamp", -90)
    assert gateway.socket.receptions() == {"kettle": kettle, "lamp": lamp}
    await gateway.clock.advance(timedelta(minutes=20))
    ble.tell(Receptions((reception("kettle", -70),)))
    await settle()
    await gateway.clock.advance(timedelta(minutes=10))
    assert gateway.socket.receptions() == {"kettle": reception("kettle", -70)}
    gateway.socket.devices_changed([LAMP])
    assert gateway.socket.receptions() == {}


@given(
    name=st.text(max_size=20), rssi=st.floats(-120, 20), value=st.sampled_from([True, 2.0, "x"])
)
def test_a_sighting_is_refused_unless_it_can_be_shown(
    name: str, rssi: float, value: object
) -> None:
    body = {
        **cbor2.loads(encode(sighting(1)))[2],
        "name": name,
        "rssi_dbm": round(rssi),
        "said": [{"phenomenon": "temperature_c", "value": value}],
    }
    packet = cbor2.dumps([1, 9, body])
    if name.isprintable() and value == 2.0:
        found = decode(packet)
        assert isinstance(found, Sighting)
        assert decode(encode(found)) == found
    else:
        with pytest.raises(FrameError):
            decode(packet)
