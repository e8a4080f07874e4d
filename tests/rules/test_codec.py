"""The codec of events, inputs and the driver socket, and the state that goes to disk."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import snapshot, wire
from rules.codec import parse, plain
from rules.command import Command, Refusal, Signal
from rules.device import Link, Output, Use
from rules.engine import Engine
from rules.errors import FrameError
from rules.events import SOFT, AwayReason, Event
from rules.inputs import Away, CommandResult, Input
from rules.observation import BOOLEAN, DeviceId, Observation, Phenomenon, Press, Quality
from tests.rules.home import ALL, EPOCH, HOUR, KETTLE, MINUTE, Home

TEXT = st.text(max_size=20)
MOMENTS = st.integers(0, 2**32).map(lambda s: datetime.fromtimestamp(s, UTC))
PHENOMENA = st.sampled_from(list(Phenomenon))


def value_of(phenomenon: Phenomenon) -> st.SearchStrategy[bool | float | Press]:
    if phenomenon in BOOLEAN:
        return st.booleans()
    if phenomenon is Phenomenon.BUTTON:
        return st.sampled_from(list(Press))
    return st.floats(-1e9, 1e9)


OBSERVED = PHENOMENA.flatmap(
    lambda phenomenon: st.builds(
        wire.Observed,
        TEXT.map(DeviceId),
        st.just(phenomenon),
        value_of(phenomenon),
        st.integers(0, 2**60),
        st.sampled_from(list(Quality)),
    )
)


@given(OBSERVED)
def test_an_observation_comes_back_from_the_wire(message: wire.Observed) -> None:
    assert wire.decode(wire.encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        wire.Hello("ble-0", Link.BLE),
        wire.Devices(tuple(wire.KeyedDevice(each, bytes(16)) for each in ALL)),
        wire.Order(Command(7, DeviceId("node"), Output.LIGHT, Signal.PROMPT, EPOCH), 12),
        CommandResult(7, Refusal.UNREACHABLE),
        CommandResult(7),
    ],
)
def test_every_message_comes_back_from_the_wire(message: wire.Message) -> None:
    assert wire.decode(wire.encode(message)) == message


def test_only_a_device_that_has_a_use_tells_it() -> None:
    heater = replace(KETTLE, use=Use.HEATING)
    for one in (KETTLE, heater):
        message = wire.Devices((wire.KeyedDevice(one, None),))
        packet = wire.encode(message)
        assert wire.decode(packet) == message
        assert (b"use" in packet) is (one is heater)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_frame_error(packet: bytes) -> None:
    with suppress(FrameError):
        wire.decode(packet)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.integers(-1, 8), JUNK)
def test_any_body_is_a_message_or_a_frame_error(number: int, body: object) -> None:
    with suppress(FrameError):
        wire.decode(cbor2.dumps([wire.VERSION, number, body]))


@given(JUNK)
def test_any_values_are_an_event_or_a_frame_error(value: object) -> None:
    for kind in (Event, Input):
        with suppress(FrameError):
            parse(value, kind)  # type: ignore[arg-type]


def test_wrong_values_are_refused() -> None:
    for value in (True, "long", None, float("nan"), float("inf"), 1e13):
        packet = cbor2.dumps([wire.VERSION, 3, "a", "power_w", value, 5, 0])
        with pytest.raises(FrameError):
            wire.decode(packet)
    for value in (1, 0.0, "on"):
        packet = cbor2.dumps([wire.VERSION, 3, "a", "sos", value, 5, 0])
        with pytest.raises(FrameError):
            wire.decode(packet)


def lived(seed: int, days: int) -> Home:
    """A home that saw a bit of everything."""
    random = Random(seed)
    home = Home()
    for _ in range(days * 24):
        match random.randrange(9):
            case 0:
                home.live()
            case 1:
                home.see("motion", Phenomenon.MOTION, random.random() < 0.5)
            case 2:
                home.see("door", Phenomenon.CONTACT_OPEN, random.random() < 0.5)
            case 3:
                home.see("leak", Phenomenon.LEAK, random.random() < 0.3)
            case 4:
                home.see("air", Phenomenon.TEMPERATURE_C, random.uniform(0, 40))
            case 5:
                home.dead ^= {random.choice(ALL).id}
            case 6:
                home.press(random.choice(list(Press)))
            case 7:
                home.put(Away(AwayReason.TRIP, "son", home.now + 5 * HOUR))
            case _:
                home.see("node", Phenomenon.SOS, True)
        home.wait(timedelta(minutes=random.randrange(1, 120)))
    return home


@pytest.mark.parametrize("seed", range(20))
def test_a_state_is_the_fold_of_its_events(seed: int) -> None:
    home = lived(seed, 4)
    replayed = Engine.restored(home.book, None, home.events)
    assert replayed.snapshot() == home.engine.snapshot()
    assert replayed.alarm_time_if_silent() == home.engine.alarm_time_if_silent()


@pytest.mark.parametrize("seed", range(5))
def test_a_snapshot_and_the_journaled_events_after_it_rebuild_every_alarm(seed: int) -> None:
    home = lived(seed, 2)
    saved, kept = home.engine.snapshot(), len(home.events)
    home.live()
    home.see("smoke", Phenomenon.SMOKE, True)
    home.wait(3 * HOUR)
    journaled: list[Event] = [
        parse(cbor2.loads(cbor2.dumps(plain(event, Event))), Event)  # type: ignore[arg-type]
        for event in home.events[kept:]
        if not isinstance(event, SOFT)
    ]
    restored = Engine.restored(home.book, saved, journaled)
    assert restored.state.alarms == home.engine.state.alarms
    assert restored.state.cases == home.engine.state.cases
    assert restored.state.next_serial == home.engine.state.next_serial


@given(st.binary(max_size=200))
def test_any_bytes_are_a_snapshot_or_a_frame_error(saved: bytes) -> None:
    with suppress(FrameError):
        snapshot.decode(saved)


@given(MOMENTS, PHENOMENA.filter(lambda phenomenon: phenomenon not in BOOLEAN))
def test_observations_of_unknown_devices_decide_nothing(
    at: datetime, phenomenon: Phenomenon
) -> None:
    value: float | Press = Press.LONG if phenomenon is Phenomenon.BUTTON else 1.0
    home = Home()
    home.wait(MINUTE)
    before = home.engine.snapshot()
    home.put(Observation(DeviceId("stranger"), phenomenon, value, at, at))
    assert home.engine.snapshot() == before
