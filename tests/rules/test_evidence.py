"""What counts as a sign of life, and what only looks like one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.inputs import LifeSign
from rules.observation import DeviceId, Observation, Phenomenon, Quality
from tests.rules.home import ALL, HOUR, KETTLE, MINUTE, Home, device

SECOND = timedelta(seconds=1)
LIGHT = device("light", Phenomenon.ILLUMINANCE_LX)
PLUG = device("plug", Phenomenon.RELAY_ON, mains=True)


def silent_since(home: Home) -> timedelta:
    """How long ago the last counted sign of life was."""
    life = home.engine.state.life
    assert life is not None
    return home.now - life.at


def test_a_load_that_hovers_about_the_threshold_is_nobody() -> None:
    home = Home()
    home.live()
    for _ in range(30):
        for watts in (9.7, 10.4):
            home.see("kettle", Phenomenon.POWER_W, watts)
            home.wait(5 * MINUTE)
    assert silent_since(home) >= 5 * HOUR


def test_a_plug_that_says_zero_every_five_minutes_under_its_load_is_nobody() -> None:
    home = Home()
    home.see("kettle", Phenomenon.POWER_W, 92.0)
    home.live()
    home.see("kettle", Phenomenon.POWER_W, 92.0)
    home.wait(2 * HOUR)
    for _ in range(40):
        home.see("kettle", Phenomenon.POWER_W, 0.0)
        home.wait(4 * MINUTE)
        home.see("kettle", Phenomenon.POWER_W, 95.0)
        home.wait(MINUTE)
    assert silent_since(home) >= 5 * HOUR


def test_a_plug_that_says_zero_falsely_is_nobody_though_reports_of_its_load_are_lost() -> None:
    home = Home()
    home.see("kettle", Phenomenon.POWER_W, 92.0)
    home.live()
    home.see("kettle", Phenomenon.POWER_W, 92.0)
    home.wait(2 * HOUR)
    for number in range(40):
        home.see("kettle", Phenomenon.POWER_W, 0.0)
        home.wait(4 * MINUTE)
        if number % 9 not in {2, 3, 4, 5, 6}:
            home.see("kettle", Phenomenon.POWER_W, 95.0)
        home.wait(MINUTE)
    assert silent_since(home) >= 5 * HOUR


def test_a_load_switched_twice_in_a_row_is_somebody_again_later() -> None:
    home = Home()
    home.live()
    for wait in (5 * MINUTE, 4 * HOUR):
        home.see("kettle", Phenomenon.POWER_W, 1800.0)
        home.see("kettle", Phenomenon.POWER_W, 0.0)
        home.wait(wait)
    home.see("kettle", Phenomenon.POWER_W, 1800.0)
    assert silent_since(home) == timedelta()


def test_who_switches_the_same_load_on_again_after_a_while_is_somebody() -> None:
    home = Home()
    home.live()
    home.see("kettle", Phenomenon.POWER_W, 92.0)
    home.see("kettle", Phenomenon.POWER_W, 0.0)
    for _ in range(6):
        home.wait(5 * MINUTE)
        home.see("kettle", Phenomenon.POWER_W, 0.0)
    home.see("kettle", Phenomenon.POWER_W, 92.0)
    assert silent_since(home) == timedelta()


def test_switching_something_small_on_counts() -> None:
    home = Home()
    home.live()
    home.wait(2 * HOUR)
    home.see("kettle", Phenomenon.POWER_W, 14.0)
    assert silent_since(home) == timedelta()


def test_sunlight_that_comes_and_goes_is_nobody() -> None:
    home = Home(*ALL, LIGHT)
    home.live()
    for _ in range(10):
        for lux in (200.0, 900.0):
            home.see("light", Phenomenon.ILLUMINANCE_LX, lux)
            home.wait(4 * MINUTE)
    assert silent_since(home) >= HOUR


def test_a_light_that_steps_beside_a_motion_is_somebody() -> None:
    home = Home(*ALL, LIGHT)
    home.live()
    home.wait(3 * HOUR)
    home.see("light", Phenomenon.ILLUMINANCE_LX, 2.0)
    home.wait(MINUTE)
    home.see("motion", Phenomenon.MOTION, True)
    home.wait(MINUTE)
    home.see("light", Phenomenon.ILLUMINANCE_LX, 180.0)
    assert silent_since(home) == timedelta()


def test_motion_that_goes_on_for_long_counts_though_its_end_is_never_said() -> None:
    home = Home()
    home.live()
    home.wait(3 * HOUR)
    for _ in range(40):
        home.see("motion", Phenomenon.MOTION, True)
        home.wait(30 * SECOND)
    assert silent_since(home) <= MINUTE


@pytest.mark.parametrize("gap", [10 * SECOND, 70 * SECOND, 2 * MINUTE])
def test_one_motion_held_for_some_minutes_stays_one(gap: timedelta) -> None:
    home = Home()
    home.live()
    home.wait(3 * HOUR)
    for _ in range(4 * MINUTE // gap):
        home.see("motion", Phenomenon.MOTION, True)
        home.wait(gap)
    home.see("motion", Phenomenon.MOTION, False)
    assert silent_since(home) >= 3 * HOUR


@pytest.mark.parametrize("every", [30 * SECOND, 10 * MINUTE])
def test_a_stuck_motion_sensor_is_nobody(every: timedelta) -> None:
    home = Home()
    home.live()
    home.see("motion", Phenomenon.MOTION, False)
    home.wait(3 * HOUR)
    for _ in range(5 * HOUR // every):
        home.see("motion", Phenomenon.MOTION, True)
        home.wait(every)
    assert silent_since(home) >= 4 * HOUR - every


def test_a_sensor_that_never_says_when_motion_ends_is_believed_after_a_pause() -> None:
    home = Home()
    home.live()
    home.wait(3 * HOUR)
    for _ in range(2):
        home.see("motion", Phenomenon.MOTION, True)
        home.wait(20 * MINUTE)
    assert silent_since(home) == 20 * MINUTE


def test_what_changed_while_nobody_listened_is_a_weak_sign() -> None:
    home = Home(*ALL, PLUG)
    home.see("plug", Phenomenon.RELAY_ON, True)
    home.live()
    home.dead = {PLUG.id}
    home.wait(3 * HOUR)
    home.see("plug", Phenomenon.RELAY_ON, False)
    assert silent_since(home) == 3 * HOUR


def test_what_a_power_cut_switched_off_while_the_gateway_was_down_is_nobody() -> None:
    home = Home(*ALL, PLUG)
    home.see("plug", Phenomenon.RELAY_ON, True)
    home.live()
    home.wait(2 * HOUR)
    home.restart(2 * HOUR)
    home.see("plug", Phenomenon.RELAY_ON, False)
    assert silent_since(home) == 4 * HOUR
    home.see("plug", Phenomenon.RELAY_ON, True)
    assert silent_since(home) == timedelta()


def test_an_old_sign_from_outside_does_not_lengthen_the_silence() -> None:
    home = Home()
    home.live()
    home.wait(HOUR)
    home.put(LifeSign("phone", home.now - 5 * HOUR))
    assert silent_since(home) == HOUR


def test_a_sign_from_the_future_happened_now() -> None:
    home = Home()
    home.put(LifeSign("phone", home.now + 50 * HOUR))
    home.wait(9 * HOUR)
    assert silent_since(home) == 9 * HOUR
    home.put(Observation(KETTLE.id, Phenomenon.POWER_W, 1800.0, home.now + HOUR, home.now))
    assert silent_since(home) == timedelta()


@pytest.mark.parametrize("shift", [timedelta(days=-14), timedelta(days=14)])
def test_what_waited_while_the_clock_was_set_happened_now(shift: timedelta) -> None:
    home = Home()
    home.live()
    home.wait(2 * HOUR + MINUTE)
    stamped = home.now
    home.jump(shift)
    home.now += SECOND
    age = 3 * SECOND
    home.put(Observation(KETTLE.id, Phenomenon.POWER_W, 1800.0, stamped - age, stamped))
    assert silent_since(home) == age
    heard = home.engine.state.devices[KETTLE.id]
    assert heard.last_seen == home.now - age
    home.see("kettle", Phenomenon.POWER_W, 0.0)
    home.wait(15 * MINUTE)
    home.see("kettle", Phenomenon.POWER_W, 1800.0)
    assert silent_since(home) == timedelta()


def test_uncertain_values_are_no_evidence() -> None:
    home = Home()
    home.live()
    home.wait(HOUR)
    seen = Observation(DeviceId("kettle"), Phenomenon.POWER_W, 1800.0, home.now, home.now)
    home.put(replace(seen, quality=Quality.UNCERTAIN))
    assert silent_since(home) == HOUR
