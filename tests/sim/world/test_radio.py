"""What a gateway is handed of what devices say: each fault of air, sensor and radio, by itself."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from rules.alarm import AlarmKind
from rules.command import Command, Refusal, Signal
from rules.device import Output
from rules.inputs import CommandResult
from rules.observation import DeviceId, Phenomenon, Press, Value
from rules.sentence import Say
from sim.faults.fault import Fault, FaultKind
from sim.homes.dwelling import ROOMS, dwelling
from sim.world.radio import Heard, Radio

START = datetime(2026, 1, 4, 15, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
KETTLE = DeviceId("kettle")
DOOR = DeviceId("front-door")
SOS = DeviceId("sos-button")
NODE = DeviceId("living-node")
SMOKE = DeviceId("kitchen-smoke")
HOME = dwelling(Random(1), ROOMS["en"])


def fault(
    kind: FaultKind,
    amount: float = 0.0,
    device: DeviceId | None = None,
    begin: timedelta = DAY,
    lasting: timedelta = DAY,
    number: int = 1,
) -> Fault:
    return Fault(number, kind, 1, begin, lasting, amount, device)


def radio(*faults: Fault, seed: int = 41) -> Radio:
    return Radio(HOME, faults, START, seed, 1)


def reports(air: Radio, until: timedelta) -> list[Heard]:
    heard: list[Heard] = []
    while air.due() < START + until:
        heard += air.report()
    return heard


def of(heard: Iterable[Heard], device: DeviceId) -> list[Heard]:
    return [one for one in heard if one.device == device]


def during(heard: Iterable[Heard], begin: timedelta, end: timedelta) -> list[Heard]:
    return [one for one in heard if START + begin <= one.said < START + end]


def presses(air: Radio, count: int, device: DeviceId = KETTLE) -> list[list[Heard]]:
    """A change a second from the second day on: what came of each."""
    return [
        list(air.says(START + DAY + n * SECOND, device, Phenomenon.POWER_W, float(n)))
        for n in range(count)
    ]


def test_without_faults_everything_is_heard_at_once() -> None:
    air = radio()
    at = START + HOUR
    heard = air.says(at, DOOR, Phenomenon.CONTACT_OPEN, True)
    assert list(heard) == [Heard(at, DOOR, Phenomenon.CONTACT_OPEN, True, at)]
    pressed = air.says(at, NODE, Phenomenon.BUTTON, Press.SINGLE)
    assert [one.value for one in pressed] == [Press.SINGLE]
    assert len(air.says(at, SOS, Phenomenon.SOS, True)) == 1


def test_devices_report_all_they_read_a_little_more_often_than_promised() -> None:
    air = radio()
    air.says(START, DOOR, Phenomenon.CONTACT_OPEN, True)
    heard = reports(air, DAY)
    for one in HOME:
        moments = sorted({each.at for each in of(heard, one.device.id)})
        every = one.device.report_every
        assert START <= moments[0] <= START + 5 * MINUTE
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert 0.91 * every <= min(gaps) < max(gaps) <= 0.95 * every
        assert all(moment.microsecond % 1000 == 0 for moment in moments)
    door = of(heard, DOOR)
    assert {(one.phenomenon, one.value) for one in door} == {
        (Phenomenon.CONTACT_OPEN, True),
        (Phenomenon.BATTERY_PCT, 94.0),
    }
    # A press is over at once: no report repeats it.
    assert {one.phenomenon for one in of(heard, SOS)} == {Phenomenon.BATTERY_PCT}


def test_reports_come_in_order_of_time() -> None:
    moments = [one.said for one in reports(radio(), DAY)]
    assert moments == sorted(moments)


def test_a_share_of_frames_is_lost_and_the_state_comes_with_the_next_report() -> None:
    air = radio(fault(FaultKind.FRAME_LOSS, 0.3))
    came = presses(air, 2_000)
    assert 0.25 < sum(not one for one in came) / 2_000 < 0.35
    air = radio(fault(FaultKind.FRAME_LOSS, 1.0, lasting=HOUR))
    assert not air.says(START + DAY, DOOR, Phenomenon.CONTACT_OPEN, True)
    after = of(reports(air, 2 * DAY), DOOR)
    assert (Phenomenon.CONTACT_OPEN, True) in {
        (one.phenomenon, one.value) for one in during(after, DAY + HOUR, 2 * DAY)
    }
    assert not during(after, DAY, DAY + HOUR)


def test_a_call_for_help_is_sent_three_times() -> None:
    air = radio(fault(FaultKind.FRAME_LOSS, 0.5))
    moments = [START + DAY + n * MINUTE for n in range(1_000)]
    came = [list(air.says(at, SOS, Phenomenon.SOS, True)) for at in moments]
    assert 0.08 < sum(not one for one in came) / 1_000 < 0.17  # An eighth.
    late = [one[0] for one in came if one and one[0].at > one[0].said]
    assert late
    assert all(one.at - one.said <= SECOND for one in late)
    assert all(len(one) <= 1 for one in came)


def test_a_fault_of_one_device_leaves_the_others_alone() -> None:
    air = radio(fault(FaultKind.FRAME_LOSS, 1.0, DOOR))
    heard = during(reports(air, 2 * DAY), DAY, 2 * DAY)
    assert not of(heard, DOOR)
    assert of(heard, KETTLE)


def test_faults_draw_by_themselves() -> None:
    half = fault(FaultKind.FRAME_LOSS, 0.5)
    other = fault(FaultKind.FRAME_LOSS, 0.5, number=2)
    lost = [not one for one in presses(radio(half, other), 1_000)]
    assert 0.7 < sum(lost) / 1_000 < 0.8
    air = radio(half)
    both = [
        bool(air.says(at, KETTLE, Phenomenon.POWER_W, 1.0))
        == bool(air.says(at, NODE, Phenomenon.POWER_W, 1.0))
        for at in (START + DAY + n * SECOND for n in range(1_000))
    ]
    assert 0.4 < sum(both) / 1_000 < 0.6


def test_duplicates_are_the_same_frame_again() -> None:
    came = presses(radio(fault(FaultKind.DUPLICATES, 0.4)), 1_000)
    twice = [one for one in came if len(one) == 2]
    assert 0.35 < len(twice) / 1_000 < 0.45
    assert all(one for one in came)
    for first, second in twice:
        assert first.at < second.at <= first.at + 3 * SECOND
        assert first._replace(at=second.at) == second


def test_reordered_frames_are_overtaken_by_later_ones() -> None:
    came = [one[0] for one in presses(radio(fault(FaultKind.REORDERING, 0.2)), 500)]
    assert len(came) == 500
    assert 0.1 < sum(one.at > one.said for one in came) / 500 < 0.3
    arrived = sorted(came, key=lambda one: one.at)
    assert [one.value for one in arrived] != [one.value for one in came]


def test_delayed_frames_come_within_the_amount() -> None:
    came = [one[0] for one in presses(radio(fault(FaultKind.DELAY, 20.0)), 500)]
    held = [one.at - one.said for one in came]
    assert timedelta() <= min(held) < 2 * SECOND
    assert 18 * SECOND < max(held) <= 20 * SECOND


def test_frames_with_flipped_bits_are_refused_by_the_production_decoder() -> None:
    air = radio(fault(FaultKind.BIT_ERRORS, 0.9))
    came = presses(air, 500)
    lost = sum(not one for one in came)
    assert 0.65 < lost / 500 < 0.8  # Three copies of each.
    assert air.refused >= 3 * lost
    # What came is what was said, from an intact copy.
    assert all(one[0].value == float(n) for n, one in enumerate(came) if one)


def test_refused_frames_are_told_once_an_hour_and_taken_back_after_a_clean_one() -> None:
    air = radio(fault(FaultKind.BIT_ERRORS, 1.0, KETTLE))
    assert air.driver_due() is None
    presses(air, 10)
    due = air.driver_due()
    assert due is not None
    [told] = air.driver_items(START + DAY + MINUTE)
    assert told.at == due
    assert told.technical.kind is AlarmKind.FRAMES_REFUSED
    assert told.technical.scope == KETTLE
    assert told.technical.present
    assert told.technical.sentence.say is Say.FRAMES_REFUSED
    assert not air.driver_items(START + DAY + 59 * MINUTE)
    due = air.driver_due()
    assert due is not None
    assert START + DAY + HOUR < due < START + DAY + HOUR + MINUTE
    [over] = air.driver_items(due)
    assert over.at == due
    assert not over.technical.present
    assert air.driver_due() is None


def test_most_flipped_bits_look_like_a_wrong_key() -> None:
    whys = []
    for seed in range(20):
        air = radio(fault(FaultKind.BIT_ERRORS, 1.0, KETTLE), seed=seed)
        presses(air, 10)
        [told] = air.driver_items(START + DAY + MINUTE)
        whys.append(dict(told.technical.sentence.arguments)["reason"])
    assert whys.count("wrong_key") > 10
    # A flip in the first byte can be one of these.
    assert set(whys) <= {"wrong_key", "plaintext", "version", "malformed"}


def test_one_spoilt_frame_is_noise() -> None:
    air = radio(fault(FaultKind.BIT_ERRORS, 1.0, KETTLE, lasting=20 * MINUTE))
    reports(air, DAY + 3 * HOUR)
    assert 1 <= air.refused <= 3
    told = air.driver_items(START + DAY + 3 * HOUR)
    assert len(told) in {0, 2}
    assert air.refused == 3 or not told


def test_a_dead_sensor_says_nothing_until_it_is_well_again() -> None:
    air = radio(fault(FaultKind.DEAD_SENSOR, device=KETTLE))
    assert air.says(START + DAY - SECOND, KETTLE, Phenomenon.POWER_W, 1_800.0)
    assert not air.says(START + DAY, KETTLE, Phenomenon.POWER_W, 0.0)
    assert air.says(START + DAY, DOOR, Phenomenon.CONTACT_OPEN, True)
    assert air.says(START + 2 * DAY, KETTLE, Phenomenon.POWER_W, 0.0)
    kettle = of(reports(radio(fault(FaultKind.DEAD_SENSOR, device=KETTLE)), 3 * DAY), KETTLE)
    assert during(kettle, timedelta(), DAY)
    assert not during(kettle, DAY, 2 * DAY)
    assert during(kettle, 2 * DAY, 3 * DAY)


def test_a_dying_sensor_is_silent_for_ever_longer_and_then_dead() -> None:
    dying = fault(FaultKind.DYING_SENSOR, device=KETTLE, lasting=20 * DAY)
    moments = [one.said for one in of(reports(radio(dying), 22 * DAY), KETTLE)]
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    long = [gap for gap in gaps if gap > HOUR]
    assert long == sorted(long)
    assert len(long) == 6
    assert long[0] < 4 * HOUR
    # The last spell of silence goes over into death.
    assert 5 * DAY + 3 * DAY < long[-1] < 9 * DAY
    assert moments[-1] > START + 21 * DAY


def test_a_drifting_sensor_is_off_by_the_amount_at_the_end() -> None:
    air = radio(fault(FaultKind.DRIFTING_SENSOR, 50.0, KETTLE))
    values = [one[0].value for one in presses(air, 3)]
    assert [round(float(value), 1) for value in values] == [0.0, 1.0, 2.0]
    [late] = air.says(START + 2 * DAY - SECOND, KETTLE, Phenomenon.POWER_W, 100.0)
    assert late.value == pytest.approx(150.0, abs=0.1)
    [after] = air.says(START + 2 * DAY, KETTLE, Phenomenon.POWER_W, 100.0)
    assert after.value == 100.0
    below = radio(fault(FaultKind.DRIFTING_SENSOR, -50.0, KETTLE))
    [low] = below.says(START + 2 * DAY - SECOND, KETTLE, Phenomenon.POWER_W, 10.0)
    assert low.value == 0.0


def test_a_stuck_sensor_repeats_itself_and_knows_the_truth_afterwards() -> None:
    air = radio(fault(FaultKind.STUCK_SENSOR, device=DOOR))
    assert not air.says(START + DAY + HOUR, DOOR, Phenomenon.CONTACT_OPEN, True)
    door = of(reports(air, 3 * DAY), DOOR)
    stuck = [one for one in during(door, DAY, 2 * DAY) if one.phenomenon != "battery_pct"]
    assert {one.value for one in stuck} == {False}
    assert len(stuck) > 20
    after = during(door, 2 * DAY, 3 * DAY)
    assert {one.value for one in after if one.phenomenon != "battery_pct"} == {True}


def test_a_stuck_sensor_does_not_drift() -> None:
    air = radio(
        fault(FaultKind.STUCK_SENSOR, device=KETTLE),
        fault(FaultKind.DRIFTING_SENSOR, 50.0, KETTLE, number=2),
    )
    kettle = of(reports(air, 2 * DAY), KETTLE)
    assert {one.value for one in during(kettle, DAY, 2 * DAY)} == {0.0}


def test_a_plug_with_false_zeroes_says_0_w_every_five_minutes() -> None:
    air = radio(fault(FaultKind.FALSE_ZERO, device=KETTLE))
    air.says(START, KETTLE, Phenomenon.POWER_W, 1_800.0)
    kettle = of(reports(air, 3 * DAY), KETTLE)
    zeroes = [one for one in kettle if one.value == 0.0]
    assert len(zeroes) == 288
    assert zeroes == during(zeroes, DAY, 2 * DAY)
    gaps = {later.at - earlier.at for earlier, later in pairwise(zeroes)}
    assert gaps == {5 * MINUTE}
    # It goes on reporting what is true, too.
    assert len(during(kettle, DAY, 2 * DAY)) > 288 + 140


def test_a_sagging_battery_sinks_and_is_changed() -> None:
    air = radio(fault(FaultKind.BATTERY_SAG, 4.0, DOOR, lasting=10 * DAY))
    levels = [
        (one.said, float(one.value))
        for one in of(reports(air, 13 * DAY), DOOR)
        if one.phenomenon is Phenomenon.BATTERY_PCT
    ]
    sinking = [level for at, level in levels if START + DAY <= at < START + 11 * DAY]
    assert sinking == sorted(sinking, reverse=True)
    assert sinking[-1] == 4.0
    assert {level for at, level in levels if START + 6 * DAY <= at < START + 11 * DAY} == {4.0}
    assert all(level == int(level) for level in sinking)
    assert levels[-1][1] == 94.0


@pytest.mark.parametrize("kind", [FaultKind.RADIO_STUCK, FaultKind.RADIO_LOST])
def test_without_a_radio_nothing_is_heard(kind: FaultKind) -> None:
    air = radio(fault(kind))
    heard = reports(air, 3 * DAY)
    assert during(heard, timedelta(), DAY)
    assert not during(heard, DAY, 2 * DAY)
    assert during(heard, 2 * DAY, 3 * DAY)
    air = radio(fault(kind))
    assert not air.says(START + DAY, SMOKE, Phenomenon.SMOKE, True)
    assert air.says(START + 2 * DAY, SMOKE, Phenomenon.SMOKE, False)


def test_a_stuck_radio_is_not_told_of() -> None:
    air = radio(fault(FaultKind.RADIO_STUCK))
    reports(air, 3 * DAY)
    assert air.driver_due() is None
    assert not air.driver_items(START + 3 * DAY)


def test_a_lost_radio_is_told_of_after_30_s_until_it_is_back() -> None:
    lost = fault(FaultKind.RADIO_LOST)
    longer = fault(FaultKind.RADIO_LOST, begin=DAY + HOUR, lasting=DAY, number=2)
    air = radio(lost, longer)
    assert air.driver_due() == START + DAY + 30 * SECOND
    assert not air.driver_items(START + DAY)
    [gone] = air.driver_items(START + DAY + 30 * SECOND)
    assert gone.at == START + DAY + 30 * SECOND
    assert (gone.technical.kind, gone.technical.scope, gone.technical.present) == (
        AlarmKind.DRIVER_LOST,
        "driver:ble",
        True,
    )
    assert air.driver_due() == START + 2 * DAY + HOUR
    [back] = air.driver_items(START + 3 * DAY)
    assert back.at == START + 2 * DAY + HOUR
    assert not back.technical.present


def test_a_radio_lost_for_seconds_is_no_fault() -> None:
    air = radio(fault(FaultKind.RADIO_LOST, lasting=20 * SECOND))
    [back] = air.driver_items(START + 2 * DAY)
    assert not back.technical.present


def _command(device: DeviceId, output: Output = Output.LIGHT) -> Command:
    return Command(7, device, output, Signal.PROMPT, START + 9 * DAY)


def test_commands_are_answered_after_a_second() -> None:
    air = radio()
    done = air.performs(START, _command(NODE))
    assert done is not None
    assert done.at == START + SECOND
    assert done.result == CommandResult(7)
    unsupported = air.performs(START, _command(KETTLE))
    assert unsupported is not None
    assert unsupported.result.refusal is Refusal.UNSUPPORTED
    unknown = air.performs(START, _command(DeviceId("nobody")))
    assert unknown is not None
    assert unknown.result.refusal is Refusal.UNREACHABLE


@pytest.mark.parametrize(
    "wrong",
    [
        fault(FaultKind.DEAD_SENSOR, device=NODE),
        fault(FaultKind.RADIO_STUCK),
        fault(FaultKind.RADIO_LOST),
    ],
)
def test_commands_are_lost_with_their_device_or_radio(wrong: Fault) -> None:
    air = radio(wrong)
    assert air.performs(START + DAY - SECOND, _command(NODE)) is not None
    assert air.performs(START + DAY, _command(NODE)) is None
    assert air.performs(START + 2 * DAY, _command(NODE)) is not None


def test_faults_of_other_homes_and_places_do_not_touch_it() -> None:
    others = [
        Fault(1, FaultKind.FRAME_LOSS, 2, timedelta(), 9 * DAY, 1.0),
        Fault(2, FaultKind.UPLINK_DOWN, 1, timedelta(), 9 * DAY),
        Fault(3, FaultKind.CENTER_KILLED, None, timedelta(), 9 * DAY),
    ]
    assert reports(radio(*others), DAY) == reports(radio(), DAY)


STORM = [
    fault(FaultKind.FRAME_LOSS, 0.2, number=1, lasting=2 * DAY),
    fault(FaultKind.DUPLICATES, 0.3, number=2, lasting=2 * DAY),
    fault(FaultKind.DELAY, 9.0, number=3, lasting=2 * DAY),
    fault(FaultKind.REORDERING, 0.2, number=4, lasting=2 * DAY),
    fault(FaultKind.BIT_ERRORS, 0.3, number=5, lasting=2 * DAY),
    fault(FaultKind.DEAD_SENSOR, 0.0, KETTLE, number=6),
    fault(FaultKind.FALSE_ZERO, 0.0, NODE, number=7),
]


def test_dropping_a_fault_leaves_the_fates_of_the_others() -> None:
    def lost(*faults: Fault) -> set[tuple[datetime, DeviceId, Phenomenon]]:
        return {(one.said, one.device, one.phenomenon) for one in reports(radio(*faults), 4 * DAY)}

    everything = lost(*STORM)
    for dropped in STORM:
        fewer = lost(*(one for one in STORM if one is not dropped))
        if dropped.kind is FaultKind.FALSE_ZERO:
            assert fewer < everything
        else:
            # Whatever came through all of them comes through fewer.
            assert everything <= fewer
    only_delay = {one.said: one.at for one in reports(radio(STORM[2]), 4 * DAY)}
    with_loss = {one.said: one.at for one in reports(radio(STORM[0], STORM[2]), 4 * DAY)}
    assert with_loss.items() < only_delay.items()


def test_another_seed_is_another_fate() -> None:
    first = reports(radio(*STORM), 3 * DAY)
    assert first == reports(radio(*STORM), 3 * DAY)
    assert first != reports(radio(*STORM, seed=42), 3 * DAY)


_DIGEST = """
import hashlib
from datetime import UTC, datetime, timedelta
from random import Random
from sim.faults.drawn import Profile, drawn
from sim.homes.dwelling import ROOMS, dwelling
from sim.world.radio import Radio

class Home:
    number = 1
    installed = dwelling(Random(1), ROOMS["en"])

start = datetime(2026, 1, 4, 15, tzinfo=UTC)
faults = drawn(Profile.STORM, 41, [Home], 10)
radio = Radio(Home.installed, faults, start, 41, 1)
heard = []
while radio.due() < start + timedelta(days=10):
    heard += radio.report()
said = radio.driver_items(start + timedelta(days=11))
print(len(heard), hashlib.sha256(repr((faults, heard, said)).encode()).hexdigest())
"""


def _digest(hash_seed: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", _DIGEST],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def test_a_run_is_the_same_under_any_hash_seed() -> None:
    first = _digest("1")
    assert first == _digest("2")
    assert len(first.split()[1]) == hashlib.sha256().digest_size * 2


def test_values_keep_their_type() -> None:
    kinds: dict[Phenomenon, set[type[Value]]] = {}
    for one in reports(radio(*STORM), 3 * DAY):
        kinds.setdefault(one.phenomenon, set()).add(type(one.value))
    assert kinds[Phenomenon.POWER_W] == {float}
    assert kinds[Phenomenon.CONTACT_OPEN] == {bool}
