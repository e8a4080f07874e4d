"""Devices come, go and are swapped, whatever was going on with them."""

from dataclasses import replace
from datetime import timedelta

from rules.alarm import ACTIVE, AlarmKey, AlarmKind, AlarmState
from rules.device import Device
from rules.events import DevicesChanged, Outcome, Stage
from rules.inputs import Closed, DeviceChanged, Shelve
from rules.observation import DeviceId, Phenomenon
from tests.rules.home import AIR, ALL, HOUR, KETTLE, LEAK, MINUTE, MOTION, NODE, Home, device

BLIND = AlarmKey(AlarmKind.HOME_BLIND)
LEAKING = AlarmKey(AlarmKind.LEAK, LEAK.id)


def without(*gone: Device) -> DeviceChanged:
    return DeviceChanged(tuple(each for each in ALL if each not in gone))


def swapped(old: Device) -> DeviceChanged:
    new = replace(old, address="00:00:00:00:00:01")
    return DeviceChanged(tuple(new if each is old else each for each in ALL))


def test_faults_of_a_removed_device_are_over() -> None:
    home = Home()
    home.wait(MINUTE)
    home.see("motion", Phenomenon.BATTERY_PCT, 3.0)
    home.dead = {MOTION.id}
    home.wait(3 * HOUR)
    assert {case.alarm.kind for case in home.cases()} == {AlarmKind.BATTERY_LOW, AlarmKind.DEVICE}
    home.put(without(MOTION))
    assert [news.stage for news in home.updates()] == [Stage.CLEARED, Stage.CLEARED]
    assert not [key for key in home.engine.state.alarms if key.scope == MOTION.id]


def test_a_danger_at_a_removed_device_stays_open_until_the_center_closes_it() -> None:
    home = Home()
    home.see("leak", Phenomenon.LEAK, True)
    home.wait(MINUTE)
    home.put(without(LEAK))
    assert home.state(LEAKING) in ACTIVE
    assert not home.updates()
    home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
    home.wait(30 * HOUR)
    assert [case.alarm for case in home.cases()].count(LEAKING) == 1
    assert LEAKING not in home.engine.state.alarms


def test_a_danger_that_was_only_pending_goes_with_its_device() -> None:
    home = Home()
    home.see("air", Phenomenon.TEMPERATURE_C, 40.0)
    home.wait(MINUTE)
    home.put(without(AIR))
    home.wait(HOUR)
    assert not home.cases()


def test_a_call_for_help_outlives_its_button() -> None:
    home = Home()
    home.see("node", Phenomenon.SOS, True)
    home.put(without(NODE))
    calling = AlarmKey(AlarmKind.SOS, NODE.id)
    assert home.state(calling) is AlarmState.RAISED
    home.put(Closed(home.cases()[-1].serial, Outcome.REAL))
    assert calling not in home.engine.state.alarms


def test_a_swapped_device_has_not_the_faults_of_the_old_one() -> None:
    home = Home()
    home.see("motion", Phenomenon.BATTERY_PCT, 3.0)
    home.put(swapped(MOTION))
    assert [news.stage for news in home.updates()] == [Stage.CLEARED]
    home.see("motion", Phenomenon.BATTERY_PCT, 2.0)
    assert [case.alarm.kind for case in home.cases()] == [AlarmKind.BATTERY_LOW] * 2


def test_a_shelved_alarm_goes_with_its_device() -> None:
    home = Home()
    home.put(Shelve(LEAKING, home.now + HOUR))
    home.put(without(LEAK))
    assert LEAKING not in home.engine.state.alarms
    assert home.engine.next_deadline() != home.now + HOUR


def test_another_order_of_the_same_devices_changes_nothing() -> None:
    home = Home()
    home.wait(HOUR)
    home.put(DeviceChanged(ALL[::-1]))
    assert not home.cases()
    home.wait(HOUR)
    assert not home.cases()
    home.put(DeviceChanged(ALL[::-1]))
    assert len(list(home.of(DevicesChanged))) == 2


def test_a_home_whose_last_live_sensor_is_taken_away_is_blind() -> None:
    home = Home(KETTLE, MOTION, NODE)
    home.live()
    home.dead = {KETTLE.id}
    home.wait(5 * HOUR)
    assert home.state(BLIND) is AlarmState.NORMAL
    home.put(DeviceChanged((KETTLE, NODE)))
    assert home.state(BLIND) is AlarmState.RAISED


def test_a_blind_home_whose_dead_sensors_are_taken_away_is_not_kept_blind() -> None:
    home = Home(KETTLE, NODE)
    home.live()
    home.dead = {KETTLE.id}
    home.wait(5 * HOUR)
    home.put(DeviceChanged((NODE,)))
    assert home.state(BLIND) is AlarmState.CLEARED


def test_a_power_cut_ends_when_the_plugs_that_told_it_are_taken_away() -> None:
    plugs = tuple(device(f"plug{n}", Phenomenon.POWER_W, mains=True) for n in range(4))
    home = Home(*plugs, MOTION)
    home.wait(HOUR)
    home.dead = {plug.id for plug in plugs[1:]}
    home.wait(5 * HOUR)
    assert [case.alarm.kind for case in home.cases()] == [AlarmKind.MAINS_OUTAGE]
    home.put(DeviceChanged((*plugs[:2], MOTION)))
    assert home.state(AlarmKey(AlarmKind.MAINS_OUTAGE)) is AlarmState.CLEARED
    assert home.cases()[-1].alarm == AlarmKey(AlarmKind.DEVICE, plugs[1].id)


def test_a_sensor_that_was_never_heard_hides_no_blindness() -> None:
    lazy = device("meter", Phenomenon.POWER_W, every=timedelta(days=1))
    home = Home(KETTLE, NODE, lazy)
    home.dead = {lazy.id}
    home.live()
    home.wait(HOUR)
    home.dead |= {KETTLE.id}
    home.wait(HOUR)
    assert home.state(BLIND) is AlarmState.RAISED


def test_a_home_just_installed_is_not_blind_before_it_could_be_heard() -> None:
    home = Home()
    home.reports = False
    home.wait(HOUR)
    assert home.state(BLIND) is AlarmState.NORMAL
    home.wait(2 * HOUR)
    assert home.state(BLIND) is AlarmState.RAISED


def test_a_command_to_a_device_that_is_gone_is_no_fault() -> None:
    home = Home()
    home.answers = False
    home.see("node", Phenomenon.SOS, True)
    home.put(without(NODE))
    home.wait(MINUTE)
    assert AlarmKey(AlarmKind.COMMAND_FAILED, DeviceId("node")) not in home.engine.state.alarms
    assert not home.engine.state.commands
