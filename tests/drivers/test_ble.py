from pathlib import Path
from random import Random

import pytest

from drivers.ble import RawAdvert
from drivers.ble.bthome import UUID16_V1
from drivers.guard import CounterGuard
from drivers.refused import Why
from rules.models import model_of
from rules.observation import DeviceId, Phenomenon, Press, Quality, Value
from rules.wire import Observed
from tests.drivers.home import HOUR_US, MINUTE_US, NOW, SECOND_US, Ear, Sensor, door

P = Phenomenon
POWER, SMOKE, LEAK, MOTION, OPEN, BUTTON, LOW = 0x0B, 0x29, 0x20, 0x21, 0x11, 0x3A, 0x15


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "ble.state"


def plug(**more: object) -> Sensor:
    wanted = frozenset({P.POWER_W, P.ENERGY_WH, P.VOLTAGE_V, P.CURRENT_A, P.RELAY_ON})
    return Sensor("plug", wanted, **more)  # type: ignore[arg-type]


def call_button(**more: object) -> Sensor:
    wanted = frozenset({P.SOS, P.BUTTON, P.BATTERY_PCT})
    return Sensor("sos", wanted, **more)  # type: ignore[arg-type]


# ---------------------------------------------------------------- what a frame tells


def test_a_plug_tells_what_its_registry_entry_lists(state: Path) -> None:
    sensor = plug()
    ear = Ear(state, sensor)
    frame = sensor.frame((0x02, 21.5), (0x10, True), (0x43, 0.25), (0x4A, 229.7), (0x4D, 12.345))
    assert ear.hears(sensor, frame) == [
        (P.RELAY_ON, True),
        (P.CURRENT_A, 0.25),
        (P.VOLTAGE_V, 229.7),
        (P.ENERGY_WH, 12345.0),
    ]
    assert ear.adapter.counts[DeviceId("plug")].unused_objects == 1


def test_observations_bear_the_moment_the_radio_heard_them(state: Path) -> None:
    sensor = door()
    (seen, _) = Ear(state, sensor).all(sensor, sensor.frame((OPEN, True)), at_us=123_456)
    assert seen == Observed(DeviceId("door"), P.CONTACT_OPEN, True, 123_456)


@pytest.mark.parametrize(
    ("id_", "value", "phenomenon", "observed"),
    [
        (0x01, 97, P.BATTERY_PCT, 97.0),
        (0x03, 50.55, P.HUMIDITY_PCT, 50.55),
        (0x05, 13460.67, P.ILLUMINANCE_LX, 13460.67),
        (0x0C, 3.074, P.BATTERY_V, 3.074),
        (0x11, True, P.CONTACT_OPEN, True),
        (0x17, True, P.CO, True),
        (0x1A, False, P.CONTACT_OPEN, False),
        (0x1B, True, P.CONTACT_OPEN, True),
        (0x1C, True, P.GAS, True),
        (0x20, True, P.LEAK, True),
        (0x21, True, P.MOTION, True),
        (0x23, True, P.OCCUPANCY, True),
        (0x24, False, P.MAINS_OK, False),
        (0x29, True, P.SMOKE, True),
        (0x2B, True, P.TAMPER, True),
        (0x2D, True, P.CONTACT_OPEN, True),
        (0x2E, 35, P.HUMIDITY_PCT, 35.0),
        (0x45, 27.3, P.TEMPERATURE_C, 27.3),
        (0x57, -22, P.TEMPERATURE_C, -22.0),
        (0x5C, -12.78, P.POWER_W, -12.78),
        (0x5D, -5.63, P.CURRENT_A, -5.63),
        (0x09, 12, P.PEOPLE_COUNT, 12.0),
    ],
)
def test_objects_and_their_phenomena(
    state: Path, id_: int, value: float, phenomenon: Phenomenon, observed: float
) -> None:
    sensor = Sensor("any", frozenset({phenomenon}))
    seen = Ear(state, sensor).hears(sensor, sensor.frame((id_, value)))
    assert seen == [(phenomenon, observed)]
    assert type(seen[0][1]) is type(observed)


@pytest.mark.parametrize("id_", [0x0F, 0x12, 0x1E, 0x25, 0x26, 0x28, 0x2A, 0x04])
def test_objects_that_mean_nothing_here_are_counted(state: Path, id_: int) -> None:
    sensor = Sensor("any", frozenset(Phenomenon))
    ear = Ear(state, sensor)
    assert ear.hears(sensor, sensor.frame((id_, 1))) == []
    assert ear.adapter.counts[DeviceId("any")].unused_objects == 1


def test_a_plug_with_a_battery_sends_the_mains_in_tenths(state: Path) -> None:
    sensor = Sensor("ups", frozenset({P.VOLTAGE_V, P.BATTERY_V}))
    seen = Ear(state, sensor).hears(sensor, sensor.frame((0x0C, 3.0), (0x4A, 230.0)))
    assert seen == [(P.BATTERY_V, 3.0), (P.VOLTAGE_V, 230.0)]


def test_of_two_flags_either_counts_of_two_measurements_the_first(state: Path) -> None:
    sensor = Sensor("any", frozenset({P.CONTACT_OPEN, P.TEMPERATURE_C}))
    ear = Ear(state, sensor)
    assert ear.hears(sensor, sensor.frame((0x11, False), (0x2D, True))) == [(P.CONTACT_OPEN, True)]
    assert ear.hears(sensor, sensor.frame((0x11, True), (0x2D, False))) == [(P.CONTACT_OPEN, True)]
    assert ear.hears(sensor, sensor.frame((0x02, 20.0), (0x02, 30.0))) == [(P.TEMPERATURE_C, 20.0)]


def test_a_battery_flag_is_a_level_of_low_quality(state: Path) -> None:
    sensor = Sensor("any", frozenset({P.BATTERY_PCT}))
    ear = Ear(state, sensor)
    low, _ = ear.all(sensor, sensor.frame((LOW, True)))
    assert isinstance(low, Observed)
    assert (low.value, low.quality) == (5.0, Quality.UNCERTAIN)
    (full,) = ear.all(sensor, sensor.frame((LOW, False)))
    assert isinstance(full, Observed)
    assert (full.value, full.quality) == (50.0, Quality.UNCERTAIN)
    assert ear.hears(sensor, sensor.frame((0x01, 12), (LOW, True))) == [(P.BATTERY_PCT, 12.0)]


def test_a_battery_that_is_more_than_full_is_not_known(state: Path) -> None:
    sensor = Sensor("any", frozenset({P.BATTERY_PCT}))
    ear = Ear(state, sensor)
    assert ear.hears(sensor, sensor.frame((0x01, 255))) == []
    assert ear.adapter.counts[DeviceId("any")].unused_objects == 1
    assert ear.hears(sensor, sensor.frame((0x01, 101), (LOW, True))) == [(P.BATTERY_PCT, 5.0)]
    assert ear.hears(sensor, sensor.frame((0x01, 100))) == [(P.BATTERY_PCT, 100.0)]


def test_what_stands_behind_an_unknown_object_is_counted(state: Path) -> None:
    sensor = Sensor("smoke", frozenset({P.SMOKE, P.LEAK}), key=None)
    ear = Ear(state, sensor)
    assert ear.hears(sensor, b"\x40\x29\x01\x66\x20\x01") == [(P.SMOKE, True)]
    assert ear.adapter.counts[DeviceId("smoke")].undecoded == 1


# Objects as the page of each device lists them, https://shelly-api-docs.shelly.cloud/docs-ble/.
@pytest.mark.parametrize(
    ("model", "service_data", "told"),
    [
        ("Shelly BLU Button", "44 002A 0164 3A01", [(P.SOS, True), (P.BATTERY_PCT, 100.0)]),
        ("Shelly BLU Button", "44 002B 0164 3AFE", [(P.SOS, True), (P.BATTERY_PCT, 100.0)]),
        ("Shelly BLU Button", "44 002C 0164 3A80", [(P.SOS, True), (P.BATTERY_PCT, 100.0)]),
        (
            "Shelly BLU Button",
            "44 002D 0163 3A04",
            [(P.BUTTON, Press.LONG), (P.BATTERY_PCT, 99.0)],
        ),
        (
            "Shelly BLU Door/Window",
            "44 002E 0164 05400D03 2D01 3F3200",
            [(P.BATTERY_PCT, 100.0), (P.ILLUMINANCE_LX, 2000.0), (P.CONTACT_OPEN, True)],
        ),
        (
            "Shelly BLU Motion",
            "44 002F 0164 05C80000 2101",
            [(P.BATTERY_PCT, 100.0), (P.ILLUMINANCE_LX, 2.0), (P.MOTION, True)],
        ),
        (
            "Shelly BLU H&T",
            "44 0030 015C 2E2D 45E600",
            [(P.BATTERY_PCT, 92.0), (P.HUMIDITY_PCT, 45.0), (P.TEMPERATURE_C, 23.0)],
        ),
    ],
)
def test_what_the_shelly_blu_series_tells(
    state: Path, model: str, service_data: str, told: list[tuple[Phenomenon, Value]]
) -> None:
    row = model_of(model)
    assert row is not None
    sensor = Sensor("shelly", row.phenomena, key=None, model=model)
    assert Ear(state, sensor).hears(sensor, bytes.fromhex(service_data)) == told


# ---------------------------------------------------------------- buttons


@pytest.mark.parametrize("code", [1, 2, 3, 0x80, 0xFE, 0x7F])
def test_pressing_a_call_button_calls_for_help(state: Path, code: int) -> None:
    sensor = call_button()
    assert Ear(state, sensor).hears(sensor, sensor.frame((BUTTON, code))) == [(P.SOS, True)]


@pytest.mark.parametrize("code", [4, 5, 6])
def test_a_long_press_of_a_call_button_takes_the_call_back(state: Path, code: int) -> None:
    sensor = call_button()
    seen = Ear(state, sensor).hears(sensor, sensor.frame((BUTTON, code)))
    assert seen == [(P.BUTTON, Press.LONG)]


@pytest.mark.parametrize("code", [0x00, 0x81])
def test_no_press_is_no_call(state: Path, code: int) -> None:
    sensor = call_button()
    assert Ear(state, sensor).hears(sensor, sensor.frame((BUTTON, code))) == []


@pytest.mark.parametrize(
    ("code", "press"),
    [
        (1, Press.SINGLE),
        (2, Press.DOUBLE),
        (3, Press.TRIPLE),
        (4, Press.LONG),
        (5, Press.LONG),
        (6, Press.LONG),
        (0x80, Press.LONG),
        (0xFE, Press.LONG),
    ],
)
def test_an_ordinary_button_is_a_button(state: Path, code: int, press: Press) -> None:
    sensor = Sensor("button", frozenset({P.BUTTON}))
    assert Ear(state, sensor).hears(sensor, sensor.frame((BUTTON, code))) == [(P.BUTTON, press)]


def test_the_second_of_two_buttons(state: Path) -> None:
    sensor = Sensor("button", frozenset({P.BUTTON}))
    seen = Ear(state, sensor).hears(sensor, sensor.frame((BUTTON, 0), (BUTTON, 2)))
    assert seen == [(P.BUTTON, Press.DOUBLE)]


def test_a_call_that_only_a_slower_receiver_heard_is_passed_on(state: Path) -> None:
    sensor = Sensor("node", frozenset({P.SOS, P.POWER_W}))
    ear = Ear(state, sensor)
    assert ear.hears(sensor, sensor.frame((POWER, 1.0))) == [(P.POWER_W, 1.0)]
    call, late = sensor.frame((POWER, 2.0), (BUTTON, 1)), sensor.frame((POWER, 3.0))
    assert ear.hears(sensor, sensor.frame((POWER, 4.0)), 1_000) == [(P.POWER_W, 4.0)]
    # Its power is that of before, as in the frame behind it; the call is nobody else's news.
    assert ear.hears(sensor, call, 200_000) == [(P.SOS, True)]
    assert ear.hears(sensor, late, 200_000) == []
    assert ear.hears(sensor, call, 400_000) == []
    again = Ear(state, sensor)
    assert again.hears(sensor, call) == []
    assert again.adapter.counts[DeviceId("node")].refused == {Why.REPLAY: 1}


def test_a_burst_is_one_press(state: Path) -> None:
    """Encrypted: the same bytes; the counter rising; the same packet id under rising counters."""
    sensor = call_button()
    ear = Ear(state, sensor)
    same = sensor.frame((BUTTON, 1))
    burst = [same, same, same]
    burst += [sensor.frame((BUTTON, 1)) for _ in range(3)]
    seen = [ear.hears(sensor, frame, at * 300_000) for at, frame in enumerate(burst)]
    assert seen == [[(P.SOS, True)], [], [], [], [], []]
    late = 10 * SECOND_US
    with_id = [sensor.frame((BUTTON, 1), packet_id=7) for _ in range(5)]
    seen = [
        ear.hears(sensor, frame, late + at * 2 * SECOND_US) for at, frame in enumerate(with_id)
    ]
    assert seen == [[(P.SOS, True)], [], [], [], []]


def test_the_next_press_counts(state: Path) -> None:
    sensor = call_button()
    ear = Ear(state, sensor)
    for number in range(5):
        at_us = number * 2 * SECOND_US
        assert ear.hears(sensor, sensor.frame((BUTTON, 1)), at_us) == [(P.SOS, True)]
    for number in range(5):
        frame = sensor.frame((BUTTON, 1), packet_id=number)
        assert ear.hears(sensor, frame, MINUTE_US + number) == [(P.SOS, True)]


@pytest.mark.parametrize("packet_id", [None, 7])
def test_a_plain_burst_is_one_press(state: Path, packet_id: int | None) -> None:
    sensor = call_button(key=None)
    ear = Ear(state, sensor)
    frame = sensor.frame((BUTTON, 1), packet_id=packet_id)
    seen = [ear.hears(sensor, frame, at * SECOND_US) for at in range(20)]
    assert [each for frame_seen in seen for each in frame_seen] == [(P.SOS, True)]


def test_a_press_after_a_change_of_battery_counts(state: Path) -> None:
    """The packet id began anew and happens to be the one heard last."""
    sensor = call_button(key=None)
    ear = Ear(state, sensor)
    frame = sensor.frame((BUTTON, 1), packet_id=0)
    assert ear.hears(sensor, frame, 0) == [(P.SOS, True)]
    assert ear.hears(sensor, frame, 61 * SECOND_US) == [(P.SOS, True)]


def test_two_adverts_in_rotation_say_each_thing_once(state: Path) -> None:
    sensor = Sensor("node", frozenset({P.BUTTON, P.POWER_W, P.RELAY_ON}))
    ear = Ear(state, sensor)
    seen = []
    for turn in range(4):
        press = sensor.frame((0x10, True), (BUTTON, 1), packet_id=9)
        power = sensor.frame((POWER, 100.0), packet_id=9)
        seen += ear.hears(sensor, press, turn * SECOND_US)
        seen += ear.hears(sensor, power, turn * SECOND_US)
    assert seen == [(P.BUTTON, Press.SINGLE), (P.RELAY_ON, True), (P.POWER_W, 100.0)]


def test_a_door_that_is_opened_shut_and_opened_again_at_once_is_open(state: Path) -> None:
    sensor = door()
    ear = Ear(state, sensor)
    for at, is_open in enumerate((True, False, True)):
        # The same bytes as two seconds before, but for the counter, and something else between.
        frame = sensor.frame((OPEN, is_open))
        assert ear.hears(sensor, frame, at * SECOND_US) == [(P.CONTACT_OPEN, is_open)]
    assert ear.hears(sensor, sensor.frame((OPEN, True)), 3 * SECOND_US) == []


def test_a_state_that_is_only_confirmed_keeps_its_sensor_alive(state: Path) -> None:
    sensor = Sensor("door", frozenset({P.CONTACT_OPEN}), key=None)
    ear = Ear(state, sensor)
    frame = sensor.frame((OPEN, False), packet_id=3)
    seen = [ear.hears(sensor, frame, at * SECOND_US) for at in range(20)]
    assert sum(map(bool, seen)) == 4


def test_what_may_be_a_replay_proves_no_link(state: Path) -> None:
    """After a sudden end: the call counts, and the device is no livelier for it."""
    sensor = call_button()
    ear = Ear(state, sensor)
    for _ in range(40):
        ear.hears(sensor, sensor.frame((LOW, True)))
    again = Ear(state, sensor)
    seen = again.all(sensor, sensor.frame((BUTTON, 1), (LOW, False)))
    assert [(one.phenomenon, one.value) for one in seen if isinstance(one, Observed)] == [
        (P.SOS, True)
    ]
    assert again.adapter.counts[DeviceId("sos")].unsure == 1


def test_of_keys_that_are_no_more_only_so_many_are_remembered() -> None:
    ear = Ear(
        Path("/proc/no/such/place")
    )  # No disk, so that a thousand writes are not waited for.
    first = door(key=bytes(16))
    recorded = first.frame((OPEN, True))
    ear.know(first)
    assert ear.hears(first, recorded)
    for number in range(1, 1_100):
        again = door(key=number.to_bytes(16, "big"))
        ear.know(again)
        assert ear.hears(again, again.frame((OPEN, True)))
    ear.know(first)
    assert ear.hears(first, recorded)


# ---------------------------------------------------------------- what is refused


def test_frames_of_strangers_are_counted_and_forgotten(state: Path) -> None:
    sensor = door()
    ear = Ear(state, sensor)
    random = Random(1)
    for _ in range(1_000):
        address = ":".join(f"{byte:02X}" for byte in random.randbytes(6))
        stranger = RawAdvert(address, 0xFCD2, random.randbytes(20), -60, 0)
        assert ear.adapter.receive(stranger, NOW) == []
    assert ear.adapter.unknown == 1_000
    assert len(ear.adapter.counts) == 1


def test_plaintext_of_a_keyed_device_is_refused_and_told(state: Path) -> None:
    sensor = Sensor("smoke", frozenset({P.SMOKE}))
    ear = Ear(state, sensor)
    plain = b"\x40\x29\x01"
    assert ear.faults(sensor, plain) == [Why.PLAINTEXT]
    assert ear.hears(sensor, plain, MINUTE_US) == []
    assert ear.adapter.counts[DeviceId("smoke")].refused == {Why.PLAINTEXT: 2}
    # And the sensor itself is still heard.
    assert ear.hears(sensor, sensor.frame((SMOKE, True))) == [(P.SMOKE, True)]


def test_a_keyed_device_whose_key_is_missing_is_not_believed_in_plaintext(state: Path) -> None:
    sensor = Sensor("smoke", frozenset({P.SMOKE}))
    ear = Ear(state)
    keyed = sensor.keyed
    ear.adapter.set_devices([type(keyed)(keyed.device, None)])
    assert ear.faults(sensor, b"\x40\x29\x01") == [Why.PLAINTEXT]
    frames = [sensor.frame((SMOKE, True)) for _ in range(3)]
    reasons = [ear.faults(sensor, frame, 2 * HOUR_US) for frame in frames]
    assert reasons == [[], [], [Why.NO_KEY]]


def test_a_wrong_key_is_told_after_a_few_frames_once_an_hour(state: Path) -> None:
    sensor = door()
    ear = Ear(state, sensor)
    forger = door(key=b"another key of16")
    told = []
    for second in range(3 * 3600):
        told += [
            (second, why)
            for why in ear.faults(sensor, forger.frame((OPEN, True)), second * SECOND_US)
        ]
    assert told == [(2, Why.WRONG_KEY), (3602, Why.WRONG_KEY), (7202, Why.WRONG_KEY)]
    assert ear.hears(sensor, sensor.frame((OPEN, True)), 3 * HOUR_US) == [(P.CONTACT_OPEN, True)]


def test_an_hour_without_a_refused_frame_ends_the_fault(state: Path) -> None:
    sensor = door()
    ear = Ear(state, sensor)
    ear.faults(sensor, b"\x40\x11\x01")
    ear.faults(sensor, b"\x40\x11\x01", 30 * MINUTE_US)
    assert ear.adapter.over(80 * MINUTE_US, NOW) == []
    (over,) = ear.adapter.over(91 * MINUTE_US, NOW)
    assert (over.scope, over.present) == (DeviceId("door"), False)
    assert ear.adapter.over(92 * MINUTE_US, NOW) == []


def test_a_single_spoilt_frame_is_never_told(state: Path) -> None:
    sensor = door(key=None)
    ear = Ear(state, sensor)
    assert ear.faults(sensor, b"\x40\x02\x01") == []
    assert ear.adapter.counts[DeviceId("door")].refused == {Why.MALFORMED: 1}
    assert not any(fault.present for fault in ear.adapter.over(2 * HOUR_US, NOW))


def test_what_an_earlier_run_told_ends_after_an_hour_without_a_refused_frame(state: Path) -> None:
    adapter = Ear(state, door()).adapter
    assert adapter.over(0, NOW) == []
    assert adapter.over(59 * MINUTE_US, NOW) == []
    (over,) = adapter.over(60 * MINUTE_US, NOW)
    assert (over.scope, over.present) == (DeviceId("door"), False)
    assert adapter.over(3 * HOUR_US, NOW) == []


def test_a_gateway_that_comes_back_is_told_again_what_is_over(state: Path) -> None:
    sensor = door()
    ear = Ear(state, sensor)
    ear.faults(sensor, b"\x40\x11\x01")
    ear.faults(sensor, b"\x40\x11\x01")
    assert [one.present for one in ear.adapter.over(HOUR_US, NOW)] == [False]
    # Its journal was damaged meanwhile: it may take the fault for one that stands.
    ear.know(sensor)
    assert ear.adapter.over(2 * HOUR_US, NOW) == []
    assert [one.present for one in ear.adapter.over(3 * HOUR_US, NOW)] == [False]
    assert ear.adapter.over(5 * HOUR_US, NOW) == []


def test_version_1_is_refused_by_its_uuid_and_by_its_version_bits(state: Path) -> None:
    sensor = door(key=None)
    ear = Ear(state, sensor)
    for uuid16 in UUID16_V1:
        assert ear.adapter.receive(sensor.advert(b"\x40\x11\x01", uuid16=uuid16), NOW) == []
    assert ear.faults(sensor, b"\x20\x11\x01") == [Why.VERSION]
    assert ear.adapter.counts[DeviceId("door")].refused == {Why.VERSION: 3}


def test_other_service_data_of_a_known_device_is_none_of_our_business(state: Path) -> None:
    sensor = door(key=None)
    ear = Ear(state, sensor)
    assert ear.adapter.receive(sensor.advert(b"\x40\x11\x01", uuid16=0xFEAA), NOW) == []
    makers = RawAdvert(sensor.address, 0, b"\x40\x11\x01", -60, 0, company=0x004C)
    assert ear.adapter.receive(makers, NOW) == []
    assert ear.adapter.counts[DeviceId("door")].other_uuid == 2


def test_a_frame_that_names_another_device_is_refused(state: Path) -> None:
    sensor = door(key=None)
    ear = Ear(state, sensor)
    assert ear.faults(sensor, b"\x42" + bytes(6) + b"\x11\x01") == [Why.WRONG_MAC]
    own = b"\x42" + sensor.mac[::-1] + b"\x11\x01"
    assert ear.hears(sensor, own) == [(P.CONTACT_OPEN, True)]


def test_a_hundred_thousand_random_frames_are_refused_and_counted(state: Path) -> None:
    sensor = Sensor("smoke", frozenset(Phenomenon))
    ear = Ear(state, sensor)
    random = Random(7)
    told = 0
    for number in range(100_000):
        # Half of them look like encrypted BTHome.
        head = b"\x41" if number % 2 else b""
        frame = head + random.randbytes(random.randrange(28))
        heard = ear.all(sensor, frame, number * 10_000)
        told += len(heard)
        assert not any(isinstance(message, Observed) for message in heard)
    counts = ear.adapter.counts[DeviceId("smoke")]
    assert sum(counts.refused.values()) == counts.heard == 100_000
    assert told == 1  # 1,000 seconds.
    assert ear.hears(sensor, sensor.frame((SMOKE, True))) == [(P.SMOKE, True)]


# ---------------------------------------------------------------- counters


def test_what_was_recorded_is_not_believed_a_second_time(state: Path) -> None:
    sensor = door()
    ear = Ear(state, sensor)
    frames = [sensor.frame((OPEN, bool(number % 2))) for number in range(40)]
    for at, frame in enumerate(frames):
        assert ear.hears(sensor, frame, at * MINUTE_US)
    assert ear.hears(sensor, frames[30], HOUR_US) == []  # Late, and a duplicate.
    assert ear.faults(sensor, frames[3], HOUR_US) == [Why.REPLAY]
    assert ear.faults(sensor, frames[4], HOUR_US) == []
    assert ear.adapter.counts[DeviceId("door")].refused == {Why.REPLAY: 2}


def test_nor_after_a_clean_restart(state: Path) -> None:
    sensor = call_button()
    ear = Ear(state, sensor)
    frames = [sensor.frame((BUTTON, 1)) for _ in range(3)]
    for at, frame in enumerate(frames):
        assert ear.hears(sensor, frame, at * MINUTE_US) == [(P.SOS, True)]
    ear.guard.close()
    ear = Ear(state, sensor)
    assert ear.hears(sensor, frames[2], HOUR_US) == []
    assert ear.faults(sensor, frames[1], HOUR_US) == [Why.REPLAY]
    assert ear.hears(sensor, sensor.frame((BUTTON, 1)), HOUR_US) == [(P.SOS, True)]


def test_after_a_sudden_end_only_urgent_news_of_uncertain_frames_count(state: Path) -> None:
    sensor = Sensor("bath", frozenset({P.LEAK, P.MOTION}))
    ear = Ear(state, sensor)
    for at in range(30):
        ear.hears(sensor, sensor.frame((MOTION, True), (LEAK, False)), at * 10 * SECOND_US)
    recorded = sensor.frame((MOTION, True), (LEAK, False))
    assert ear.hears(sensor, recorded, 400 * SECOND_US)
    ear = Ear(state, sensor)  # Not closed.
    # Evidence of life that was passed on before the end is not passed on again.
    assert (P.MOTION, True) not in ear.hears(sensor, recorded)
    assert ear.hears(sensor, sensor.frame((LEAK, True))) == [(P.LEAK, True)]
    assert ear.adapter.counts[DeviceId("bath")].unsure >= 1


def test_a_recorded_press_is_not_believed_after_a_sudden_end(state: Path) -> None:
    """Not even the repetitions of a burst, which were not passed on: they could cancel a call."""
    sensor = call_button()
    ear = Ear(state, sensor)
    burst = [sensor.frame((BUTTON, 4), packet_id=1) for _ in range(6)]
    seen = [ear.hears(sensor, frame, at * 200_000) for at, frame in enumerate(burst)]
    assert seen[0] == [(P.BUTTON, Press.LONG)]
    ear = Ear(state, sensor)
    assert [ear.hears(sensor, frame, HOUR_US) for frame in burst] == [[]] * 6
    assert ear.hears(sensor, sensor.frame((BUTTON, 1)), HOUR_US) == [(P.SOS, True)]


def test_a_second_receiver_that_lags_is_no_attack(state: Path) -> None:
    sensor = door()
    ear = Ear(state, sensor)
    frames = [sensor.frame((OPEN, bool(number % 2))) for number in range(20)]
    near, far = frames[::2], frames[1::2]
    for at, frame in enumerate(near[:5]):
        ear.hears(sensor, frame, at * SECOND_US)
    for at, frame in enumerate(far[:4]):
        assert ear.all(sensor, frame, (5 + at) * SECOND_US) == []
    counts = ear.adapter.counts[DeviceId("door")]
    assert (counts.late, counts.refused) == (4, {})


def test_another_key_has_another_counter_and_an_old_key_its_old_one(state: Path) -> None:
    old, new = door(counter=5_000), door(key=b"a new key 16byte", counter=0)
    ear = Ear(state, old)
    recorded = old.frame((OPEN, True))
    assert ear.hears(old, recorded) == [(P.CONTACT_OPEN, True)]
    ear.know(new)
    assert ear.hears(new, new.frame((OPEN, True)), MINUTE_US) == [(P.CONTACT_OPEN, True)]
    assert ear.hears(new, recorded, MINUTE_US) == []
    ear.know(old)
    assert ear.hears(old, recorded, 2 * MINUTE_US) == []


def test_the_same_table_again_forgets_nothing(state: Path) -> None:
    sensor = call_button()
    ear = Ear(state, sensor)
    frame = sensor.frame((BUTTON, 1), packet_id=1)
    assert ear.hears(sensor, frame) == [(P.SOS, True)]
    ear.know(sensor)
    assert ear.hears(sensor, sensor.frame((BUTTON, 1), packet_id=1), SECOND_US) == []
    assert ear.adapter.counts[DeviceId("sos")].heard == 2
    ear.know()
    assert ear.adapter.receive(sensor.advert(sensor.frame((BUTTON, 1))), NOW) == []
    assert ear.adapter.unknown == 1


def test_hazards_are_durable_ordinary_frames_cheap(state: Path) -> None:
    sensor = Sensor("bath", frozenset({P.LEAK}))
    ear = Ear(state, sensor)
    assert ear.hears(sensor, sensor.frame((LEAK, True)))
    writes, inode = 0, state.stat().st_ino
    for second in range(60):
        # A leak sensor that repeats itself once a second says nothing new.
        ear.hears(sensor, sensor.frame((LEAK, True)), second * SECOND_US)
        writes += state.stat().st_ino != inode
        inode = state.stat().st_ino
    assert writes < 12
    assert ear.hears(sensor, sensor.frame((LEAK, False)), MINUTE_US) == [(P.LEAK, False)]
    counter = sensor.counter
    marks = CounterGuard(state)
    from drivers.guard import Verdict, key_id  # noqa: PLC0415

    assert sensor.key is not None
    assert (
        marks.admit(key_id(sensor.mac, sensor.key), counter, 0, urgent=True) is Verdict.DUPLICATE
    )


# ---------------------------------------------------------------- link quality


def quality(ear: Ear, sensor: Sensor, at_us: int, rssi_dbm: int = -60) -> list[float | bool | str]:
    advert = sensor.advert(sensor.frame((OPEN, True)), at_us, rssi_dbm=rssi_dbm)
    return [
        message.value
        for message in ear.adapter.receive(advert, NOW)
        if isinstance(message, Observed) and message.phenomenon is P.LINK_QUALITY
    ]


@pytest.mark.parametrize(("rssi_dbm", "percent"), [(-120, 0.0), (-75, 50.0), (-40, 100.0)])
def test_link_quality_in_percent(state: Path, rssi_dbm: int, percent: float) -> None:
    sensor = door()
    assert quality(Ear(state, sensor), sensor, 0, rssi_dbm) == [percent]


def test_link_quality_now_and_then(state: Path) -> None:
    sensor = door()
    ear = Ear(state, sensor)
    told = [quality(ear, sensor, second * SECOND_US) for second in range(0, 3600, 10)]
    assert sum(map(bool, told)) == 18  # Three times in each 10 minutes of its contract.


def test_a_frame_that_says_nothing_of_use_still_shows_that_its_sensor_lives(state: Path) -> None:
    sensor = call_button()
    (seen,) = Ear(state, sensor).all(sensor, sensor.frame((BUTTON, 0)))
    assert isinstance(seen, Observed)
    assert seen.phenomenon is P.LINK_QUALITY
