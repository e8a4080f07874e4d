"""Floods under the address of a device: what they may not swallow, and what becomes of them."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ble import RawAdvert
from drivers.ble.flood import Budget
from drivers.refused import Why
from rules.observation import DeviceId, Phenomenon, Press
from rules.wire import DriverFault, Observed
from sim.air import mibeacon
from tests.drivers.home import HOUR_US, NOW, SECOND_US, Ear, Sensor, door

P = Phenomenon
POWER, BUTTON, SMOKE, OPEN = 0x0B, 0x3A, 0x29, 0x11
FLOOD_EVERY_US = 200
"5,000 a second; the busiest radio hears about 2,500."
OWN = st.sampled_from(["call", "other"])
FORGED = st.sampled_from(["junk", "plain", "wrong key", "replay"])


def call_button(**more: object) -> Sensor:
    wanted = frozenset({P.SOS, P.BUTTON, P.BATTERY_PCT})
    return Sensor("sos", wanted, **more)  # type: ignore[arg-type]


def observed(messages: Iterable[object]) -> list[Observed]:
    return [
        one
        for one in messages
        if isinstance(one, Observed) and one.phenomenon is not P.LINK_QUALITY
    ]


def reasons(messages: Iterable[object]) -> list[object]:
    return [
        dict(one.sentence.arguments)["reason"] for one in messages if isinstance(one, DriverFault)
    ]


def of(ear: Ear, sensor: Sensor, frames: Iterable[bytes], begin_us: int = 0) -> list[object]:
    """All that a flood makes the driver say."""
    return [
        message
        for number, frame in enumerate(frames)
        for message in ear.all(sensor, frame, begin_us + number * FLOOD_EVERY_US)
    ]


# ---------------------------------------------------------------- a device with a key


@given(
    st.lists(st.one_of(OWN, st.tuples(FORGED, st.integers(1, 500))), max_size=20),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=25)
def test_forgeries_take_nothing_from_the_device_nor_from_others(
    order: list[str | tuple[str, int]], random: Random
) -> None:
    """Among them its frames tell just what they would have told alone."""
    caller, other = call_button(), door()
    recorded = [caller.frame((BUTTON, 1)) for _ in range(20)]
    for _ in range(20):
        caller.frame((BUTTON, 1))  # By now they are old.
    first = caller.frame((BUTTON, 4))
    with tempfile.TemporaryDirectory() as folder:
        flooded, alone = (Ear(Path(folder) / name, caller, other) for name in ("a", "b"))
        told, right = observed(flooded.all(caller, first)), observed(alone.all(caller, first))
        at_us = SECOND_US
        for number, what in enumerate(order):
            if isinstance(what, tuple):
                for _ in range(what[1]):
                    at_us += FLOOD_EVERY_US
                    frame = forged(what[0], random, recorded)
                    assert not observed(flooded.all(caller, frame, at_us))
                continue
            sensor, frame = (
                (caller, caller.frame((BUTTON, 1), packet_id=number))
                if what == "call"
                else (other, other.frame((OPEN, number % 2)))
            )
            told += observed(flooded.all(sensor, frame, at_us))
            right += observed(alone.all(sensor, frame, at_us))
        flooded.guard.close()
        alone.guard.close()
    assert told == right


def forged(how: str, random: Random, recorded: Sequence[bytes]) -> bytes:
    """A frame of somebody without the key."""
    match how:
        case "junk":
            return random.randbytes(random.randrange(24))
        case "plain":
            return b"\x40\x3a\x01"
        case "wrong key":
            return b"\x41" + random.randbytes(12)
        case _:
            return random.choice(recorded)


def test_a_call_amid_five_thousand_forgeries_a_second_is_heard_at_once(tmp_path: Path) -> None:
    sensor, random = call_button(), Random(3)
    ear = Ear(tmp_path / "state", sensor)
    said = of(ear, sensor, (b"\x41" + random.randbytes(12) for _ in range(10_000)))
    at_us = 2 * SECOND_US
    assert ear.hears(sensor, sensor.frame((BUTTON, 1)), at_us) == [(P.SOS, True)]
    said += of(ear, sensor, (b"\x41" + random.randbytes(12) for _ in range(10_000)), at_us)
    assert reasons(said) == [Why.WRONG_KEY]
    assert not observed(said)
    assert ear.adapter.counts[DeviceId("sos")].refused == {Why.WRONG_KEY: 20_000}


# ---------------------------------------------------------------- a device without one


def power(number: int) -> bytes:
    return b"\x40\x0b" + (number % 100_000).to_bytes(3, "little")


def test_of_a_flood_in_the_clear_no_more_goes_on_than_a_device_may_send(tmp_path: Path) -> None:
    plug, other = (Sensor(name, frozenset({P.POWER_W}), key=None) for name in ("plug", "other"))
    ear = Ear(tmp_path / "state", plug, other)
    said: list[object] = []
    for second in range(10):
        begin_us = second * SECOND_US
        said += of(ear, plug, (power(second * 5000 + number) for number in range(5000)), begin_us)
        assert ear.hears(other, power(second), begin_us) == [(P.POWER_W, second / 100)]
    passed = len(observed(said))
    assert passed <= 200 * 10 + 200
    assert reasons(said) == [Why.FLOOD]
    refused = ear.adapter.counts[DeviceId("plug")].refused
    assert refused == {Why.FLOOD: 50_000 - passed}
    assert reasons(of(ear, plug, map(power, range(2000)), HOUR_US)) == [Why.FLOOD]
    # And when it is over, the plug is heard as ever.
    assert ear.hears(plug, power(7), 2 * HOUR_US) == [(P.POWER_W, 0.07)]


@pytest.mark.parametrize("flood", [b"\x40\x01%c", b"\x40\x00%c\x3a\x04"], ids=["states", "long"])
def test_nor_does_it_hide_a_call_in_the_clear(tmp_path: Path, flood: bytes) -> None:
    sensor = call_button(key=None)
    ear = Ear(tmp_path / "state", sensor)
    said = of(ear, sensor, (flood % (number % 100) for number in range(10_000)))
    assert 0 < len(observed(said)) < 1000
    assert ear.hears(sensor, b"\x40\x3a\x01", 2 * SECOND_US) == [(P.SOS, True)]


def test_forged_presses_come_to_the_gateway_five_a_second(tmp_path: Path) -> None:
    sensor = Sensor("button", frozenset({P.BUTTON}), key=None)
    ear = Ear(tmp_path / "state", sensor)
    said = observed(
        of(ear, sensor, (b"\x40\x00%c\x3a\x02" % (one // 97 % 256) for one in range(50_000)))
    )
    assert {one.value for one in said} == {Press.DOUBLE}
    assert len(said) <= 5 * 10 + 20


def test_plain_mibeacon_and_hazards_are_bounded_too(tmp_path: Path) -> None:
    sensor = Sensor("smoke", frozenset({P.SMOKE, P.LEAK}), key=None)
    ear = Ear(tmp_path / "state", sensor)
    states = [
        mibeacon.plain(mibeacon.LEAK, number % 256, mibeacon.encode_object(0x1014, bytes([on])))
        for number, on in enumerate([1, 0] * 500)
    ]
    said: list[object] = []
    for number, frame in enumerate(states):
        advert = RawAdvert(sensor.address, 0xFE95, frame, -60, number * FLOOD_EVERY_US)
        said += ear.adapter.receive(advert, NOW)
    assert len(observed(said)) <= 2 * 20 + 2
    # What else it says is urgent news of another kind.
    assert ear.hears(sensor, b"\x40\x29\x01", SECOND_US) == [(P.SMOKE, True)]


# ---------------------------------------------------------------- the budget


@given(st.lists(st.integers(0, 30_000), max_size=400), st.integers(1, 300), st.integers(1, 50))
def test_in_no_span_more_is_taken_than_the_budget_has(
    gaps_us: list[int], per_s: int, at_once: int
) -> None:
    budget, at_us = Budget(per_s, at_once), 0
    taken: list[int] = []
    for gap_us in gaps_us:
        at_us += gap_us
        if budget.take(at_us):
            taken.append(at_us)
    every_us = SECOND_US // per_s
    for first, begin_us in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= at_once + (taken[last] - begin_us) // every_us


@given(st.lists(st.integers(5_000, 10**9), max_size=100), st.integers(0, 10**9))
def test_who_keeps_to_the_rate_is_never_refused(gaps_us: list[int], at_us: int) -> None:
    budget = Budget(200, 1)
    for gap_us in gaps_us:
        at_us += gap_us
        assert budget.take(at_us)
