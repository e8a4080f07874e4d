from datetime import timedelta

import pytest

from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.command import Signal
from rules.device import Output
from rules.events import Outcome, Stage
from rules.inputs import Closed, Taken
from rules.observation import DeviceId, Observation, Phenomenon, Press, Quality
from rules.rulebook import PRESETS, Preset
from rules.sentence import Say
from tests.rules.home import ALL, HOUR, MINUTE, Home, device

LEAKING = AlarmKey(AlarmKind.LEAK, DeviceId("leak"))
BURNING = AlarmKey(AlarmKind.SMOKE, DeviceId("smoke"))
SIREN = device("siren", outputs=(Output.SIREN,))
SECOND = timedelta(seconds=1)


def test_smoke_goes_out_at_once_and_sounds_the_siren() -> None:
    home = Home(*ALL, SIREN)
    home.see("smoke", Phenomenon.SMOKE, True)
    (case,) = home.cases()
    assert (case.alarm, case.at, case.room) == (BURNING, home.now, "room of smoke")
    assert f"siren:siren:{Signal.HAZARD}" in home.commands()


def test_a_leak_is_debounced_and_cleared_after_its_delay() -> None:
    home = Home()
    home.see("leak", Phenomenon.LEAK, True)
    home.wait(3 * SECOND)
    home.see("leak", Phenomenon.LEAK, False)
    home.wait(MINUTE)
    assert not home.cases()
    home.see("leak", Phenomenon.LEAK, True)
    home.wait(5 * SECOND)
    assert home.state(LEAKING) is AlarmState.RAISED
    home.see("leak", Phenomenon.LEAK, False)
    home.wait(90 * SECOND)
    assert home.state(LEAKING) is AlarmState.RAISED
    home.see("leak", Phenomenon.LEAK, True)
    home.wait(5 * MINUTE)
    home.see("leak", Phenomenon.LEAK, False)
    home.wait(2 * MINUTE)
    assert home.state(LEAKING) is AlarmState.CLEARED
    assert home.updates()[-1].explanation[0].say is Say.HAZARD_OVER
    assert len(home.cases()) == 1


def test_a_leak_pending_over_a_restart_still_goes_out() -> None:
    home = Home()
    home.see("leak", Phenomenon.LEAK, True)
    home.restart(30 * SECOND)
    assert home.state(LEAKING) is AlarmState.RAISED


def test_a_case_closed_over_standing_water_is_raised_again_later() -> None:
    home = Home()
    home.see("leak", Phenomenon.LEAK, True)
    home.wait(MINUTE)
    home.put(Taken(home.cases()[-1].serial, "kim"))
    home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
    home.wait(59 * MINUTE)
    assert len(home.cases()) == 1
    home.wait(2 * MINUTE)
    assert len(home.cases()) == 2
    assert home.cases()[-1].explanation[-1].say is Say.STILL_ACTIVE


def test_semi_basements_do_not_wait_for_water() -> None:
    home = Home(book=PRESETS[Preset.SEMI_BASEMENT])
    home.see("leak", Phenomenon.LEAK, True)
    assert home.cases()[0].at == home.now


@pytest.mark.parametrize(("ppm", "raised"), [(249.0, False), (250.0, True)])
def test_carbon_monoxide_by_its_measure(ppm: float, *, raised: bool) -> None:
    home = Home()
    home.see("air", Phenomenon.CO_PPM, ppm)
    assert bool(home.cases()) is raised


def test_heat_needs_to_last_and_has_hysteresis() -> None:
    home = Home()
    hot = AlarmKey(AlarmKind.HEAT, DeviceId("air"))
    home.see("air", Phenomenon.TEMPERATURE_C, 36.0)
    home.wait(14 * MINUTE)
    assert home.state(hot) is AlarmState.NORMAL
    home.see("air", Phenomenon.TEMPERATURE_C, 34.5)
    home.wait(2 * MINUTE)
    assert home.state(hot) is AlarmState.RAISED
    home.see("air", Phenomenon.TEMPERATURE_C, 33.5)
    home.wait(3 * MINUTE)
    assert home.state(hot) is AlarmState.CLEARED


def test_cold() -> None:
    home = Home()
    home.see("air", Phenomenon.TEMPERATURE_C, 4.0)
    home.wait(16 * MINUTE)
    assert home.cases()[0].alarm.kind is AlarmKind.COLD


def test_taken_silences_the_siren() -> None:
    home = Home(*ALL, SIREN)
    home.see("smoke", Phenomenon.SMOKE, True)
    home.put(Taken(home.cases()[-1].serial, "kim"))
    assert f"siren:siren:{Signal.OFF}" in home.commands()
    assert home.state(BURNING) is AlarmState.ACKNOWLEDGED


def test_news_of_an_older_case_does_not_touch_the_new_one() -> None:
    home = Home()
    home.see("smoke", Phenomenon.SMOKE, True)
    first = home.cases()[-1].serial
    home.see("smoke", Phenomenon.SMOKE, False)
    home.wait(3 * MINUTE)
    home.see("smoke", Phenomenon.SMOKE, True)
    assert len(home.cases()) == 2
    home.put(Closed(first, Outcome.FALSE))
    assert home.state(BURNING) is AlarmState.RAISED


def test_sos_is_one_case_and_each_further_press_makes_it_more_urgent() -> None:
    home = Home()
    home.see("node", Phenomenon.SOS, True)
    home.wait(MINUTE)
    home.see("node", Phenomenon.SOS, True)
    assert [case.level for case in home.cases()] == [3]
    assert [(news.stage, news.level) for news in home.updates()] == [(Stage.LEVEL, 4)]


def test_a_long_press_without_a_call_is_a_call() -> None:
    home = Home()
    home.press(Press.LONG)
    assert [case.alarm.kind for case in home.cases()] == [AlarmKind.SOS]


def test_a_long_press_that_answers_a_prompt_is_no_call() -> None:
    home = Home()
    home.live()
    home.wait(7 * HOUR + 55 * MINUTE)
    home.press(Press.LONG)
    assert not home.cases()


def test_one_press_told_twice_is_one_press() -> None:
    home = Home()
    home.see("node", Phenomenon.SOS, True)
    home.see("node", Phenomenon.SOS, True)
    assert not home.updates()


@pytest.mark.parametrize(("after", "cancelled"), [(2 * MINUTE, True), (4 * MINUTE, False)])
def test_a_mistaken_sos_can_be_taken_back_for_a_while(
    after: timedelta, *, cancelled: bool
) -> None:
    home = Home()
    key = AlarmKey(AlarmKind.SOS, DeviceId("node"))
    home.see("node", Phenomenon.SOS, True)
    assert f"node:light:{Signal.SOS_SENT}" in home.commands()
    home.wait(after)
    home.press(Press.LONG)
    assert (home.state(key) is AlarmState.CLEARED) is cancelled
    # Too late to be taken back, it is one more call.
    assert [news.stage for news in home.updates()] == [
        Stage.CANCELLED if cancelled else Stage.LEVEL
    ]


def test_sos_works_while_time_is_untrusted_and_during_a_trip() -> None:
    home = Home(trusted=False)
    home.see("node", Phenomenon.SOS, True)
    assert home.cases()[0].alarm.kind is AlarmKind.SOS


def test_an_unheard_device_can_still_call() -> None:
    home = Home()
    home.reports = False
    home.wait(40 * HOUR)
    before = len(home.cases())
    home.see("node", Phenomenon.SOS, True)
    assert AlarmKind.SOS in {case.alarm.kind for case in home.cases()[before:]}


BOTH = device("both", Phenomenon.CO, Phenomenon.CO_PPM)


@pytest.mark.parametrize("ppm", [None, 80.0])
def test_an_alarm_of_the_sensor_itself_counts_beside_its_measure(ppm: float | None) -> None:
    home = Home(*ALL, BOTH)
    key = AlarmKey(AlarmKind.CO, BOTH.id)
    if ppm is not None:
        home.see("both", Phenomenon.CO_PPM, ppm)
    home.see("both", Phenomenon.CO, True)
    assert home.state(key) is AlarmState.RAISED
    assert home.cases()[-1].explanation[0].say is Say.CO
    home.see("both", Phenomenon.CO_PPM, 300.0)
    home.see("both", Phenomenon.CO, False)
    home.wait(5 * MINUTE)
    assert home.state(key) is AlarmState.RAISED
    home.see("both", Phenomenon.CO_PPM, 150.0)
    home.wait(5 * MINUTE)
    assert home.state(key) is AlarmState.CLEARED
    assert len(home.cases()) == 1


def test_two_sensors_of_one_gas_are_two_cases() -> None:
    home = Home(*ALL, BOTH)
    home.see("both", Phenomenon.CO_PPM, 300.0)
    home.see("air", Phenomenon.CO_PPM, 300.0)
    assert [case.alarm.scope for case in home.cases()] == ["both", "air"]


def test_a_heat_wave_is_called_twice_a_day_not_each_hour() -> None:
    home = Home()
    home.see("air", Phenomenon.TEMPERATURE_C, 36.0)
    for _ in range(48):
        home.wait(HOUR)
        for serial in list(home.engine.state.cases):
            home.put(Closed(serial, Outcome.REAL))
        home.see("air", Phenomenon.TEMPERATURE_C, 36.0)
    hot = [case for case in home.cases() if case.alarm.kind is AlarmKind.HEAT]
    assert len(hot) == 4


def test_heat_and_cold_of_one_room_take_turns() -> None:
    home = Home()
    for celsius, kind in [(40.0, AlarmKind.HEAT), (0.0, AlarmKind.COLD)]:
        home.see("air", Phenomenon.TEMPERATURE_C, celsius)
        home.wait(20 * MINUTE)
        assert home.state(AlarmKey(kind, DeviceId("air"))) is AlarmState.RAISED
    assert home.state(AlarmKey(AlarmKind.HEAT, DeviceId("air"))) is AlarmState.CLEARED


def test_a_doubtful_value_of_a_danger_is_acted_on_and_a_bad_one_is_not() -> None:
    home = Home()
    for quality, state in [
        (Quality.BAD, AlarmState.NORMAL),
        (Quality.UNCERTAIN, AlarmState.RAISED),
    ]:
        home.put(
            Observation(DeviceId("smoke"), Phenomenon.SMOKE, True, home.now, home.now, quality)
        )
        assert home.state(BURNING) is state
