"""What is worth a line of evidence; and that rules decide alike by what was kept."""

import math
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.evidence_debounce import TOLD, Debounce
from rules.engine import Engine
from rules.events import LifeSeen
from rules.inputs import Boot, DeviceChanged
from rules.observation import BOOLEAN, DeviceId, Observation, Phenomenon, Press, Quality, Value
from rules.rulebook import PRESETS, Preset
from tests.edge.peers import device

AT = datetime(2026, 1, 5, tzinfo=UTC)
PLUG = DeviceId("plug")


def seen(seconds: float, phenomenon: Phenomenon, value: Value) -> Observation:
    at = AT + timedelta(seconds=seconds)
    return Observation(PLUG, phenomenon, value, at, at)


def kept(phenomenon: Phenomenon, *told: tuple[float, Value]) -> list[tuple[float, Value]]:
    """Which of these values, each after so many seconds, are logged."""
    debounce = Debounce()
    return [
        ((each.phenomenon_time - AT).total_seconds(), each.value)
        for second, value in told
        for each in debounce.worth(seen(second, phenomenon, value))
    ]


def test_a_load_is_logged_where_it_is_switched_with_the_value_before_it() -> None:
    told = [(0, 1.0), (60, 1.2), (120, 4.0), (180, 1500.0), (240, 1400.0), (300, 1.0)]
    assert kept(Phenomenon.POWER_W, *told) == [
        (0, 1.0),
        (120, 4.0),
        (180, 1500.0),
        (240, 1400.0),
        (300, 1.0),
    ]


def test_a_load_that_hovers_about_the_limit_is_not_logged() -> None:
    told = [(60.0 * n, 9.5 + n % 2) for n in range(50)]
    assert kept(Phenomenon.POWER_W, *told) == [(0, 9.5)]


def test_the_load_of_a_cooker_that_only_keeps_warm_is_logged_when_that_is_noticed() -> None:
    debounce = Debounce()
    for second, watts in ((0, 700.0), (60, 650.0), (120, 38.0)):
        debounce.worth(seen(second, Phenomenon.POWER_W, watts))
    assert [one.value for one in debounce.switched(PLUG)] == [38.0]
    assert not debounce.switched(PLUG)


def test_a_load_that_creeps_past_the_limit_is_logged_as_no_step() -> None:
    watts = [(60.0 * n, float(2 * n)) for n in range(8)]
    *_, before, after = kept(Phenomenon.POWER_W, *watts)
    assert (before, after) == ((240, 8.0), (300, 10.0))


def test_two_onsets_of_motion_a_minute_are_logged_and_no_more() -> None:
    pairs = [(float(second), second % 10 == 0) for second in range(0, 120, 5)]
    onsets = [second for second, moves in kept(Phenomenon.MOTION, *pairs) if moves]
    assert onsets == [0, 10, 60, 70]


def test_a_sensor_that_never_says_false_is_logged_within_what_rules_take_for_one_motion() -> None:
    told = [(30.0 * n, True) for n in range(60)]
    seconds = [second for second, _ in kept(Phenomenon.MOTION, *told)]
    gaps = [later - earlier for earlier, later in pairwise(seconds)]
    assert set(gaps) == {240}


def test_every_press_is_logged_once() -> None:
    told = [(0, Press.SINGLE), (0.3, Press.SINGLE), (5, Press.SINGLE), (5.2, Press.LONG)]
    assert kept(Phenomenon.BUTTON, *told) == [(0, "single"), (5, "single"), (5.2, "long")]
    assert len(kept(Phenomenon.SOS, (0, True), (9, True), (12, False), (20, False))) == 3


@pytest.mark.parametrize("danger", [Phenomenon.LEAK, Phenomenon.SMOKE, Phenomenon.CO])
def test_every_change_of_a_danger_is_logged(danger: Phenomenon) -> None:
    told: list[tuple[float, Value]] = [(float(n), n % 2 == 1) for n in range(500)]
    assert kept(danger, *told) == told


def test_a_chattering_contact_does_not_fill_the_log() -> None:
    told = [(float(n), n % 2 == 1) for n in range(3600)]
    assert len(kept(Phenomenon.CONTACT_OPEN, *told)) <= 120
    later = [*told, (7300.0, False), (7400.0, True)]
    assert kept(Phenomenon.CONTACT_OPEN, *later)[-1] == (7400, True)


def test_what_no_rule_decides_by_is_not_logged() -> None:
    assert Phenomenon.LINK_QUALITY not in TOLD
    assert kept(Phenomenon.LINK_QUALITY, (0, 1.0), (1, 200.0)) == []


values = st.one_of(st.booleans(), st.floats(), st.sampled_from(Press))
moments = st.floats(-1e6, 1e6)


@given(
    st.lists(
        st.tuples(moments, st.sampled_from(Phenomenon), values, st.sampled_from(Quality)),
        max_size=60,
    )
)
def test_whatever_is_said_is_new_at_most_once(
    told: list[tuple[float, Phenomenon, Value, Quality]],
) -> None:
    debounce = Debounce()
    logged: list[Observation] = []
    for second, phenomenon, value, quality in told:
        at = AT + timedelta(seconds=second)
        if phenomenon not in TOLD or isinstance(value, Press) != (phenomenon is Phenomenon.BUTTON):
            continue
        one = Observation(PLUG, phenomenon, value, at, at, quality)
        worth = debounce.worth(one)
        assert worth == () or worth[-1] is one
        logged += worth
    assert len(set(map(id, logged))) == len(logged)
    assert all(math.isfinite(each.value) for each in logged if isinstance(each.value, float))


DEVICES = (
    device("kettle", Phenomenon.POWER_W),
    device("television", Phenomenon.POWER_W),
    device("lamp", Phenomenon.ILLUMINANCE_LX),
    device("front-door", Phenomenon.CONTACT_OPEN),
    device("hall", Phenomenon.MOTION),
    device("bath", Phenomenon.MOTION),
)
DAYS = 20


def life(told: list[Observation]) -> list[datetime]:
    """When the rules saw life."""
    engine = Engine(PRESETS[Preset.LIVING_ALONE])
    engine.handle(Boot(1, timedelta(), trusted=True), AT)
    engine.handle(DeviceChanged(DEVICES), AT)
    return [
        event.at
        for each in told
        for event in engine.handle(each, each.result_time)
        if isinstance(event, LifeSeen) and event.counted
    ]


def lived(draw: Random) -> Iterator[Observation]:
    """What devices say: about 30 changes a day each in bursts, noise, and reports every 10 min."""
    for one in DEVICES:
        (phenomenon,) = one.phenomena
        second, value = draw.uniform(0, 600), quiet(draw, phenomenon)
        while second < DAYS * 86_400:
            moment = AT + timedelta(seconds=round(second))
            yield Observation(one.id, phenomenon, value, moment, moment)
            burst = draw.random() < 0.2
            second += draw.uniform(2, 90) if burst else draw.uniform(540, 600)
            changes = draw.random() < (0.7 if burst else 0.1)
            value = changed(draw, phenomenon, value) if changes else noisy(draw, value)


def quiet(draw: Random, phenomenon: Phenomenon) -> Value:
    return False if phenomenon in BOOLEAN else draw.uniform(0, 3)


def changed(draw: Random, phenomenon: Phenomenon, value: Value) -> Value:
    if phenomenon in BOOLEAN:
        return not value
    return draw.choice((0.5, 3.0, 8.0, 11.0, 60.0, 400.0, 1800.0))


def noisy(draw: Random, value: Value) -> Value:
    return value if isinstance(value, bool) else float(value) * draw.uniform(0.97, 1.03)


@pytest.mark.parametrize("seed", range(3))
def test_rules_see_the_same_life_in_what_was_kept_as_in_all_that_was_said(seed: int) -> None:
    told = sorted(lived(Random(seed)), key=lambda each: each.result_time)
    debounce = Debounce()
    # Lines are put in order when they are exported.
    logged = sorted(
        (each for one in told for each in debounce.worth(one)), key=lambda each: each.result_time
    )
    everything, replayed = life(told), life(logged)
    assert len(everything) > 500
    assert set(replayed) <= set(everything)
    near = [
        min(abs(moment - other) for other in replayed[bisect(replayed, moment) - 1 :][:2])
        for moment in everything
    ]
    # A third onset within a minute was left out. No limit is shorter than half an hour.
    assert max(near) <= timedelta(minutes=3)
