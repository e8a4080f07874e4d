"""The control socket: what people and programs of the house may ask, and what they are told."""

import asyncio
import select
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import caller as caller_module
from edge import control, packets
from edge.caller import Caller, NotRunning, RequestRefused, called
from edge.control import Control
from edge.control_wire import (
    MAX_BYTES,
    VERSION,
    GetStatus,
    News,
    Scan,
    Watch,
    decode_answer,
    decode_news,
    decode_request,
    encode_answer,
    encode_news,
    encode_request,
)
from edge.happening import Delivered
from edge.status import About, Plumbing, Status, UplinkStatus
from edge.surveys import BEHIND_MAX as SURVEYOR_MAX
from edge.surveys import LASTS, Surveys
from edge.watchers import BEHIND_MAX, Lagging, Watchers
from rules.air import Reception, Said, Sighting
from rules.alarm import AlarmKey, AlarmKind, AlarmState, Move
from rules.cases import DRILL, refusal_to_shelve
from rules.command import Refusal, Signal
from rules.device import Device
from rules.engine import Engine
from rules.errors import ConfigError, FrameError, LinkLost
from rules.events import (
    AlarmMoved,
    AwayBegan,
    AwayReason,
    Commanded,
    CommandEnded,
    Escalated,
    Event,
    LifeSeen,
)
from rules.identify import refusal_to_identify
from rules.inputs import Away, Boot, CommandResult, DeviceChanged, Drill, Identify, Input, Shelve
from rules.observation import DeviceId, Observation, Phenomenon, Press
from rules.rulebook import Rulebook
from rules.wire import KeyedDevice
from tests.edge.peers import (
    AT,
    BELL,
    DEADLINE_S,
    HOME,
    KETTLE,
    LAMP,
    Peer,
    device,
    running,
    settle,
    until,
)

HOUR = timedelta(hours=1)
INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
PLUMBING = Plumbing("center", 0, UplinkStatus(AT, 0, 60, ""), (), 0, True, ())


class Home:
    """A home with a real engine, no journal and no radios."""

    def __init__(self, watchers: Watchers) -> None:
        self.engine = Engine(Rulebook())
        self.now = AT
        self.watchers = watchers
        self.registry = list(HOME)
        self.disk_full = False
        self.receptions: dict[DeviceId, Reception] = {}
        self.feed(Boot(1, timedelta(), trusted=True))
        self.feed(DeviceChanged(tuple(self.devices())))

    def feed(self, item: Input) -> list[Event]:
        events = self.engine.handle(item, self.now)
        for event in events:
            self.watchers.tell(event)
        return events

    def status(self) -> Status:
        about = About("seongdong-0042", "성동 42", "Asia/Seoul", "0.1.0")
        return Status.of(
            self.engine, self.now, about, PLUMBING, lambda _: (None, False), self.receptions
        )

    def devices(self) -> Sequence[Device]:
        return [keyed.device for keyed in self.registry]

    def put(self, item: Away | Shelve | Drill | Identify) -> Sequence[Event]:
        return self.feed(item)

    def refusal_to_shelve(self, item: Shelve) -> str | None:
        return refusal_to_shelve(self.engine.state, item, self.now)

    def add_device(self, device: KeyedDevice) -> None:
        if self.disk_full:
            raise OSError(28, "No space left on device")
        if device.device.id in {known.id for known in self.devices()}:
            raise ConfigError("registry.json: devices.kettle", "a second one", "another id")
        self.registry.append(device)

    def remove_device(self, id_: DeviceId) -> None:
        if id_ not in {known.id for known in self.devices()}:
            raise ConfigError("registry.json", f"no device {id_!r}", "devices are: ...")
        self.registry = [keyed for keyed in self.registry if keyed.device.id != id_]

    def refusal_to_identify(self, device: DeviceId) -> str | None:
        return refusal_to_identify(self.engine.state, device)


@dataclass(slots=True)
class Gateway:
    path: Path
    home: Home
    peers: list[Peer] = field(default_factory=list)
    asked: list[timedelta] = field(default_factory=list)
    "How long the drivers were asked to survey, each time."
    surveys: Surveys = field(init=False)

    def __post_init__(self) -> None:
        self.surveys = Surveys(self.asked.append)

    async def peer(self) -> Peer:
        peer = await Peer.at(self.path)
        self.peers.append(peer)
        return peer


@asynccontextmanager
async def gateway_at(path: Path) -> AsyncIterator[Gateway]:
    watchers = Watchers()
    made = Gateway(path, Home(watchers))
    listener = packets.listen(path, 0o600)
    try:
        async with running(Control(listener, made.home, watchers, made.surveys).run()):
            yield made
    finally:
        for peer in made.peers:
            peer.close()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_at(tmp_path / "control.sock") as made:
        yield made


@pytest.fixture
async def caller(gateway: Gateway) -> AsyncIterator[Caller]:
    async with called(gateway.path) as made:
        yield made


# ---- requests


async def test_only_its_user_may_ask(gateway: Gateway) -> None:
    assert stat.S_IMODE(gateway.path.stat().st_mode) == 0o600


async def test_the_status_comes_as_the_gateway_has_it(gateway: Gateway, caller: Caller) -> None:
    gateway.home.feed(Observation(KETTLE.device.id, Phenomenon.POWER_W, 3.0, AT, AT))
    gateway.home.now = AT + timedelta(seconds=1)
    gateway.home.feed(
        Observation(KETTLE.device.id, Phenomenon.POWER_W, 1500.0, gateway.home.now, AT)
    )
    gateway.home.feed(Drill("설치기사"))
    status = await caller.status()
    assert status == gateway.home.status()
    assert status.devices[0].readings == {Phenomenon.POWER_W: 1500.0}
    assert status.life is not None
    assert [(one.key, one.state, one.drill) for one in status.alarms] == [
        (DRILL, AlarmState.RAISED, True)
    ]


async def test_a_full_home_fits_into_one_packet(gateway: Gateway, caller: Caller) -> None:
    many = [
        KeyedDevice(device(f"{number:03}-{'x' * 40}", *list(Phenomenon)[:8]), None)
        for number in range(200)
    ]
    gateway.home.registry = many
    gateway.home.feed(DeviceChanged(tuple(gateway.home.devices())))
    for keyed in many:
        for phenomenon in list(Phenomenon)[:4]:
            gateway.home.feed(Observation(keyed.device.id, phenomenon, 1234.5, AT, AT))
        id_ = keyed.device.id
        gateway.home.receptions[id_] = Reception(id_, "x" * 31, -61.25, -3.5, 12.5, drowned=True)
    told = await caller.status()
    assert len(told.devices) == 200
    assert all(each.reception is not None for each in told.devices)
    assert len(await caller.devices()) == 200


async def test_devices_are_listed_entered_and_removed(gateway: Gateway, caller: Caller) -> None:
    plug = KeyedDevice(device("washer"), bytes(range(16)))
    await caller.add(plug)
    assert gateway.home.registry[-1] == plug
    assert [one.id for one in await caller.devices()] == ["kettle", "lamp", "bell", "washer"]
    await caller.remove(DeviceId("washer"))
    assert len(gateway.home.registry) == 3


async def test_what_is_wrong_with_a_device_is_said_in_full(caller: Caller) -> None:
    with pytest.raises(RequestRefused) as refused:
        await caller.add(KETTLE)
    assert refused.value.refused.where == "registry.json: devices.kettle"
    assert refused.value.refused.right == "another id"
    with pytest.raises(RequestRefused, match="no device 'oven'"):
        await caller.remove(DeviceId("oven"))


async def test_a_full_disk_is_said_and_does_not_end_the_gateway(
    gateway: Gateway, caller: Caller
) -> None:
    gateway.home.disk_full = True
    with pytest.raises(RequestRefused, match="disk"):
        await caller.add(KeyedDevice(device("washer"), None))
    assert (await caller.status()).about.id == "seongdong-0042"


async def test_an_absence_begins_and_ends(gateway: Gateway, caller: Caller) -> None:
    events = await caller.put(Away(AwayReason.TRIP, "복지사", AT + 48 * HOUR))
    assert events == (AwayBegan(AT, AwayReason.TRIP, AT + 48 * HOUR, "복지사"),)
    assert (await caller.status()).away == events[0]
    await caller.put(Away(AwayReason.TRIP, "복지사", ends=True))
    assert gateway.home.engine.state.away is None


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (Away(AwayReason.TRIP, "x", AT - HOUR), "passed"),
        (Away(AwayReason.TRIP, "x", ends=True), "nobody"),
        (Away(AwayReason.OUTING, "x", AT + HOUR), "door"),
        (Shelve(AlarmKey(AlarmKind.SOS, BELL.device.id), AT + HOUR), "never"),
        (Shelve(INACTIVITY, AT + 25 * HOUR), "24 h"),
        (Shelve(INACTIVITY, AT - HOUR), "passed"),
        (Shelve(AlarmKey(AlarmKind.LEAK), AT + HOUR), "no such alarm"),
        (Shelve(AlarmKey(AlarmKind.LEAK, DeviceId("oven")), AT + HOUR), "no such alarm"),
    ],
)
async def test_what_leads_to_nothing_is_refused_with_the_reason(
    gateway: Gateway, caller: Caller, item: Away | Shelve, why: str
) -> None:
    with pytest.raises(RequestRefused, match=why):
        await caller.put(item)
    assert all(one.state is AlarmState.NORMAL for one in gateway.home.engine.state.alarms.values())
    assert gateway.home.engine.state.away is None


async def test_an_alarm_is_shelved_and_taken_up_again(caller: Caller) -> None:
    leak = AlarmKey(AlarmKind.LEAK, KETTLE.device.id)
    events = await caller.put(Shelve(leak, AT + HOUR))
    assert events == (AlarmMoved(AT, leak, Move.SHELVE, AT + HOUR),)
    await caller.put(Shelve(leak, AT))
    assert (await caller.status()).alarms == ()


async def test_a_drill_is_raised_once(caller: Caller) -> None:
    events = await caller.put(Drill("설치기사"))
    assert any(isinstance(event, Escalated) and event.drill for event in events)
    with pytest.raises(RequestRefused, match="still open"):
        await caller.put(Drill("설치기사"))


# ---- news


async def told_up_to_a_status(news: AsyncIterator[News]) -> list[News]:
    told: list[News] = []
    async with asyncio.timeout(DEADLINE_S):
        while not told or not isinstance(told[-1], Status):
            told.append(await anext(news))
    return told


async def test_a_watcher_gets_a_status_and_then_what_happens(
    gateway: Gateway, caller: Caller
) -> None:
    news = caller.watch()
    assert await told_up_to_a_status(news) == [gateway.home.status()]
    decided = gateway.home.feed(Drill("설치기사"))
    assert any(isinstance(event, Escalated) for event in decided)
    assert await told_up_to_a_status(news) == [*decided, gateway.home.status()]
    gateway.home.watchers.tell(Delivered(AT, 1))
    assert await told_up_to_a_status(news) == [Delivered(AT, 1), gateway.home.status()]


async def test_mere_observations_are_told_on_demand_only(gateway: Gateway) -> None:
    async with called(gateway.path) as quiet, called(gateway.path) as curious:
        few, all_ = quiet.watch(), curious.watch(observations=True)
        await anext(few)
        await anext(all_)
        seen = Observation(KETTLE.device.id, Phenomenon.POWER_W, 3.0, AT, AT)
        life = LifeSeen(AT, KETTLE.device.id, Phenomenon.POWER_W, counted=True)
        gateway.home.watchers.tell(seen)
        gateway.home.watchers.tell(life)
        assert await anext(few) == life
        assert await anext(all_) == seen
        assert await anext(all_) == life


async def test_a_watcher_that_hangs_up_is_forgotten(gateway: Gateway) -> None:
    async with called(gateway.path) as caller:
        await anext(caller.watch())
    # Its place is free again.
    for _ in range(2 * control.CLIENTS_MAX):
        async with called(gateway.path) as caller:
            await anext(caller.watch())


async def test_a_watcher_that_falls_behind_is_cut_off(gateway: Gateway) -> None:
    async with called(gateway.path) as caller:
        news = caller.watch()
        await anext(news)
        for _ in range(BEHIND_MAX + 1):
            gateway.home.watchers.tell(Delivered(AT, 1))
        told = [one async for one in news]
    assert told == [Delivered(AT, 1)] * BEHIND_MAX + [gateway.home.status()]


async def test_a_client_that_does_not_read_is_dropped(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "READ_WITHIN_S", 0.05)
    deaf = await gateway.peer()
    deaf.send(encode_request(1, Watch()))
    await deaf.receive()
    big = LifeSeen(AT, DeviceId("x" * 10_000), Phenomenon.MOTION, counted=True)
    for _ in range(500):
        gateway.home.watchers.tell(big)
        await asyncio.sleep(0)

    await until(lambda: hung_up(deaf))


def hung_up(peer: Peer) -> bool:
    """Whether the other end is closed, without reading what it sent before."""
    poll = select.poll()
    poll.register(peer.connection, 0)
    return any(flags & select.POLLHUP for _, flags in poll.poll(0))


# ---- who is about


def sighting(number: int, heard: int = 1, source: str = "hci0") -> Sighting:
    address = number.to_bytes(6, "big").hex(":").upper()
    said = (Said(Phenomenon.TEMPERATURE_C, 21.5), Said(Phenomenon.BUTTON, Press.DOUBLE))
    return Sighting(address, source, -60, 7, None, "Fan", "Shelly", "bthome", said, "", heard)


async def test_a_survey_lasts_while_somebody_looks(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller_module, "_RENEW_EVERY_S", 0.01)
    gateway.surveys.tell(sighting(1))
    async with called(gateway.path) as other:
        second = other.scan()
        async with called(gateway.path) as one:
            first = one.scan()
            waiting = [asyncio.ensure_future(anext(each)) for each in (first, second)]
            await until(lambda: len(gateway.asked) > 10)
            assert set(gateway.asked) == {LASTS}
            gateway.surveys.tell(sighting(2))
            assert [await each for each in waiting] == [sighting(2)] * 2
        await settle()
        gateway.surveys.tell(sighting(3))
        assert await anext(second) == sighting(3)
        assert timedelta() not in gateway.asked, "one of the two still looks"
    await until(lambda: gateway.asked[-1] == timedelta())


async def test_who_does_not_ask_again_is_hung_up_on(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "LASTS", timedelta(milliseconds=20))
    peer = await gateway.peer()
    peer.send(encode_request(1, Scan()))
    assert await peer.receive()
    assert not await peer.receive()
    assert gateway.asked[-1] == timedelta()


@pytest.mark.parametrize("packet", [b"rubbish", encode_request(2, GetStatus())])
async def test_while_it_looks_around_a_client_asks_for_nothing_else(
    gateway: Gateway, packet: bytes
) -> None:
    peer = await gateway.peer()
    peer.send(encode_request(1, Scan()))
    assert await peer.receive()
    peer.send(packet)
    assert not await peer.receive()


async def test_a_scan_that_is_forgotten_ends(
    gateway: Gateway, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller_module, "_RENEW_EVERY_S", 0.01)
    monkeypatch.setattr(control, "SCAN_S_MAX", 0.1)
    assert [one async for one in caller.scan()] == []
    assert gateway.asked[-1] == timedelta()


async def test_who_asks_without_pause_has_one_turn_as_all_others(gateway: Gateway) -> None:
    peer = await gateway.peer()
    for _ in range(100):
        peer.send(encode_request(1, Scan()))
    turns = [0]
    async with asyncio.timeout(DEADLINE_S):
        while len(gateway.asked) < 100:
            await asyncio.sleep(0)
            turns.append(len(gateway.asked))
    assert max(now - before for before, now in pairwise(turns)) == 1


async def test_who_reads_slowly_gets_the_newest_of_each_and_costs_no_more(
    gateway: Gateway,
) -> None:
    async with called(gateway.path) as caller:
        looking = caller.scan()
        pending = asyncio.ensure_future(anext(looking))
        await until(lambda: len(gateway.asked) > 0)
        with gateway.surveys.watch() as surveyor:
            for heard in range(1, 4):
                for number in range(5000):
                    gateway.surveys.tell(sighting(number, heard))
            assert surveyor.dropped == 3 * 5000 - SURVEYOR_MAX
            assert await surveyor.next() == sighting(5000 - SURVEYOR_MAX, 3)
        told = [await pending]
        async with asyncio.timeout(DEADLINE_S):
            while told[-1] != sighting(4999, 3):
                told.append(await anext(looking))
        assert len({one.address for one in told}) == len(told) <= SURVEYOR_MAX + 1
        assert {one.heard for one in told[1:]} == {3}


# ---- which device is which


async def test_a_device_shows_itself_and_what_came_of_it_is_news(
    gateway: Gateway, caller: Caller
) -> None:
    async with called(gateway.path) as watching:
        news = watching.watch()
        await anext(news)
        (event,) = await caller.put(Identify(LAMP.device.id))
        assert isinstance(event, Commanded)
        assert event.command.signal is Signal.IDENTIFY
        gateway.home.feed(CommandResult(event.command.id, Refusal.UNREACHABLE))
        told = [await anext(news) for _ in range(3)]
        assert CommandEnded(AT, event.command.id, ok=False, why=Refusal.UNREACHABLE) in told


async def test_what_cannot_show_itself_is_refused_with_the_reason(caller: Caller) -> None:
    with pytest.raises(RequestRefused, match="neither a light nor a buzzer"):
        await caller.put(Identify(KETTLE.device.id))
    with pytest.raises(RequestRefused, match="no such device"):
        await caller.put(Identify(DeviceId("oven")))
    await caller.put(Identify(LAMP.device.id))
    with pytest.raises(RequestRefused, match="not answered the last command"):
        await caller.put(Identify(LAMP.device.id))


async def test_a_watcher_that_lost_one_happening_gets_none_after_it() -> None:
    watchers = Watchers()
    with watchers.watch() as watcher:
        for serial in range(BEHIND_MAX + 1):
            watchers.tell(Delivered(AT, serial))
        first = await watcher.next()
        watchers.tell(Delivered(AT, BEHIND_MAX + 1))
        rest = [await watcher.next() for _ in range(watcher.behind)]
        with pytest.raises(Lagging):
            await watcher.next()
    assert [first, *rest] == [Delivered(AT, serial) for serial in range(BEHIND_MAX)]


# ---- rubbish


@pytest.mark.parametrize(
    "packet",
    [
        b"\xff",
        cbor2.dumps([VERSION + 1, 1, "status", {}]),
        cbor2.dumps([VERSION, 1, "reboot", {}]),
        cbor2.dumps([VERSION, 1, "status", {"all": True}]),
        cbor2.dumps([VERSION, 1, "away", {"reason": "holiday", "who": "x"}]),
        cbor2.dumps([VERSION, 1, "drill", {"who": 7}]),
        cbor2.dumps([VERSION, 1, "shelve", {"alarm": "fire", "until": 0}]),
    ],
)
async def test_what_is_no_request_is_answered_so_and_hung_up_on(
    gateway: Gateway, packet: bytes
) -> None:
    peer = await gateway.peer()
    peer.send(packet)
    answer = cbor2.loads(await peer.receive())
    assert answer[:3] == [VERSION, 0, "error"]
    assert await peer.receive() == b""
    async with called(gateway.path) as caller:
        await caller.status()


async def test_more_clients_than_anybody_needs_are_refused(gateway: Gateway) -> None:
    peers = [await gateway.peer() for _ in range(control.CLIENTS_MAX)]
    late = await gateway.peer()
    assert await late.receive() == b""
    peers[0].close()
    await settle()
    async with called(gateway.path) as caller:
        await caller.status()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_frame_error(packet: bytes) -> None:
    try:
        number, request = decode_request(packet)
    except FrameError:
        return
    assert decode_request(encode_request(number, request)) == (number, request)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["status", "devices.list", "devices.add", "devices.remove", "away", "shelve", "drill", "watch"]
)


@given(NAMES, VALUES)
def test_any_arguments_are_a_request_or_a_frame_error(name: str, body: object) -> None:
    try:
        decode_request(cbor2.dumps([VERSION, 1, name, body]))
    except FrameError:
        return


@given(st.sampled_from(["ok", "refused", "error", "news", "?"]), VALUES)
def test_any_answer_is_one_or_a_frame_error(kind: str, body: object) -> None:
    packet = cbor2.dumps([VERSION, 1, kind, body])
    for decode in (
        lambda: decode_answer(packet, 1, GetStatus()),
        lambda: decode_news(packet),
    ):
        try:
            decode()
        except FrameError:
            continue


@settings(max_examples=30)
@given(st.lists(st.binary(min_size=1, max_size=100), max_size=8))
def test_whatever_one_client_sends_another_is_served(
    tmp_path_factory: pytest.TempPathFactory, rubbish: list[bytes]
) -> None:
    async def run() -> None:
        async with gateway_at(tmp_path_factory.mktemp("g") / "control.sock") as gateway:
            for packet in rubbish:
                (await gateway.peer()).send(packet)
            async with called(gateway.path) as caller:
                await caller.status()

    asyncio.run(run())


def test_an_answer_to_another_request_is_none() -> None:
    with pytest.raises(FrameError):
        decode_answer(encode_answer(7, Home(Watchers()).status()), 8, GetStatus())


def test_a_status_survives_the_way() -> None:
    status = Home(Watchers()).status()
    assert decode_news(encode_news(1, status)) == status
    later = replace(status, now=AT + HOUR)
    assert decode_answer(encode_answer(1, later), 1, GetStatus()) == later


# ---- the caller


async def test_a_gateway_that_does_not_run_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        async with called(tmp_path / "control.sock"):
            pass
    packets.listen(tmp_path / "control.sock", 0o600).close()
    with pytest.raises(NotRunning):
        async with called(tmp_path / "control.sock"):
            pass


async def test_a_gateway_that_dies_or_hangs_is_a_lost_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = packets.listen(tmp_path / "control.sock", 0o600)
    async with called(tmp_path / "control.sock") as caller:
        monkeypatch.setattr("edge.caller.ANSWER_WITHIN_S", 0.05)
        with pytest.raises(LinkLost, match="does not answer"):
            await caller.status()
        (await packets.accept(listener)).close()
        with pytest.raises(LinkLost, match="has gone"):
            await caller.status()
    packets.unlisten(listener)


def test_the_limit_of_a_packet_is_below_what_a_socket_takes(tmp_path: Path) -> None:
    async def run() -> None:
        listener = packets.listen(tmp_path / "control.sock", 0o600)
        ours = await packets.connect(tmp_path / "control.sock")
        theirs = await packets.accept(listener)
        assert packets.send(theirs, bytes(MAX_BYTES))
        assert len(await packets.receive_one(ours, MAX_BYTES)) == MAX_BYTES
        ours.close()
        theirs.close()
        packets.unlisten(listener)

    asyncio.run(run())


async def test_an_answer_that_is_too_long_is_no_end_of_the_gateway(gateway: Gateway) -> None:
    room = "방" * 40
    gateway.home.registry = [
        KeyedDevice(
            replace(KETTLE.device, id=DeviceId(f"plug-{n}"), room=room, model=room, keyed=False),
            None,
        )
        for n in range(1_500)
    ]
    async with called(gateway.path) as caller:
        with pytest.raises(RequestRefused, match="too long"):
            await caller.devices()
        assert (await caller.status()).about.id == "seongdong-0042"


async def test_a_watcher_of_what_is_too_long_is_hung_up_on(gateway: Gateway) -> None:
    async with called(gateway.path) as caller, called(gateway.path) as other:
        news = caller.watch()
        await anext(news)
        gateway.home.watchers.tell(AwayBegan(AT, AwayReason.TRIP, None, "w" * 600_000))
        assert [piece async for piece in news] == []
        assert (await other.status()).about.id == "seongdong-0042"
