"""A heater, a cooker or a lamp that runs on and on."""

from dataclasses import replace
from datetime import datetime, timedelta

import cbor2
import pytest

from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.device import Device, EvidenceRole, Use
from rules.engine import Engine
from rules.events import AwayReason, Escalated, Outcome
from rules.inputs import Away, Boot, Closed, DeviceChanged, Shelve
from rules.observation import DeviceId, Observation, Phenomenon, Quality
from rules.rulebook import Inactivity, LeftOn, Rulebook
from rules.sentence import Say
from tests.rules.home import EPOCH, HOUR, KETTLE, MINUTE, MOTION, Home, device

POWER = Phenomenon.POWER_W
HEATER = device("heater", POWER, mains=True, evidence=EvidenceRole.NONE, use=Use.HEATING)
STOVE = device(
    "stove", Phenomenon.RELAY_ON, mains=True, evidence=EvidenceRole.NONE, use=Use.COOKING
)
LAMP = device("lamp", POWER, mains=True, use=Use.LIGHT)
COOKER = device("cooker", POWER, mains=True, use=Use.COOKING)
BOOK = Rulebook(inactivity=Inactivity(prompt=False, learn=False))
QUIET = replace(BOOK, inactivity=replace(BOOK.inactivity, limits=(100 * HOUR,)))


def key(one: Device) -> AlarmKey:
    return AlarmKey(AlarmKind.LEFT_ON, one.id)


def home(*devices: Device, book: Rulebook = BOOK, now: datetime = EPOCH) -> Home:
    one = Home(KETTLE, MOTION, *(devices or (HEATER,)), book=book, now=now)
    for each in devices or (HEATER,):
        if POWER in each.phenomena:
            one.see(each.id, POWER, 0.0)
    one.live()
    return one


def raised(one: Home) -> list[Escalated]:
    return [case for case in one.cases() if case.alarm.kind is AlarmKind.LEFT_ON]


def switch_on(one: Home, watts: float = 900.0, name: str = "heater") -> None:
    one.see(name, POWER, watts)


def switch_off(one: Home, name: str = "heater") -> None:
    one.see(name, POWER, 0.0)


def close(one: Home, outcome: Outcome) -> None:
    for case in raised(one):
        one.put(Closed(case.serial, outcome))


def night(one: Home, length: timedelta, name: str = "heater") -> None:
    """One day, with the device on over a night in which nobody stirs."""
    one.live()
    switch_on(one, name=name)
    one.wait(length)
    one.live()
    switch_off(one, name)
    for _ in range(4):
        one.wait((24 * HOUR - length) / 4)
        one.live()


def test_a_heater_that_runs_on_with_nobody_about_is_told() -> None:
    one = home()
    one.wait(10 * MINUTE)
    switch_on(one)
    begin = one.now
    one.live()
    one.wait(3 * HOUR - MINUTE)
    assert not raised(one)
    one.wait(MINUTE)
    (case,) = raised(one)
    assert (case.alarm, case.room, case.level) == (key(HEATER), "room of heater", 1)
    assert case.at == begin + 3 * HOUR
    said = {each.say: dict(each.arguments) for each in case.explanation}
    assert said == {
        Say.LEFT_ON: {
            "since": begin,
            "room": "room of heater",
            "device": "heater",
            "limit": 3 * HOUR,
        },
        Say.LEFT_ON_POWER: {"value": 900.0},
        Say.NO_LIFE_SINCE: {"since": begin, "silence": 3 * HOUR},
    }
    one.wait(30 * HOUR)
    assert len(raised(one)) == 1


def test_a_sign_of_life_puts_it_off() -> None:
    one = home()
    switch_on(one)
    for _ in range(10):
        one.wait(2 * HOUR)
        one.live()
    assert not raised(one)


def test_what_the_heater_does_by_itself_is_no_sign_of_life() -> None:
    one = home(replace(HEATER, evidence=EvidenceRole.HAND))
    switch_on(one)
    for _ in range(30):
        one.wait(6 * MINUTE)
        switch_off(one)
        one.wait(6 * MINUTE)
        switch_on(one)
    (case,) = raised(one)
    assert case.at == EPOCH + 3 * HOUR


def test_who_switches_another_heater_on_is_there() -> None:
    other = device("iron", POWER, mains=True, use=Use.HEATING)
    one = home(HEATER, other)
    switch_on(one)
    one.wait(2 * HOUR)
    switch_on(one, name="iron")
    one.wait(2 * HOUR)
    assert not raised(one)
    one.wait(HOUR)
    assert len(raised(one)) == 2


def test_a_thermostat_and_a_plug_that_flickers_do_not_end_a_run() -> None:
    one = home()
    switch_on(one)
    while one.now < EPOCH + 4 * HOUR:
        one.wait(3 * MINUTE)
        switch_off(one)
        one.wait(15 * MINUTE)
        switch_on(one)
    (case,) = raised(one)
    assert case.at == EPOCH + 3 * HOUR


def test_off_for_longer_than_a_pause_begins_anew() -> None:
    one = home()
    switch_on(one)
    one.wait(2 * HOUR)
    switch_off(one)
    one.wait(21 * MINUTE)
    switch_on(one)
    one.wait(3 * HOUR - MINUTE)
    assert not raised(one)
    one.wait(MINUTE)
    assert raised(one)


def test_switched_off_clears_it_and_on_again_is_another_case() -> None:
    one = home()
    switch_on(one)
    one.wait(4 * HOUR)
    switch_off(one)
    off = one.now
    one.wait(19 * MINUTE)
    assert one.state(key(HEATER)) is AlarmState.RAISED
    one.wait(MINUTE)
    assert one.state(key(HEATER)) is AlarmState.CLEARED
    (said,) = one.updates()[-1].explanation
    assert said.say is Say.SWITCHED_OFF
    assert dict(said.arguments)["at"] == off
    switch_on(one)
    one.wait(3 * HOUR)
    assert len(raised(one)) == 2


def test_what_only_keeps_warm_is_not_on() -> None:
    one = home(COOKER)
    switch_on(one, 900.0, "cooker")
    one.wait(30 * MINUTE)
    switch_on(one, 40.0, "cooker")
    one.wait(12 * HOUR)
    assert not raised(one)


def test_a_relay_says_nothing_where_the_load_is_told() -> None:
    both = replace(COOKER, phenomena=frozenset({POWER, Phenomenon.RELAY_ON}))
    one = home(both)
    one.see("cooker", POWER, 40.0)
    one.see("cooker", Phenomenon.RELAY_ON, True)
    assert not one.engine.state.runs.now


def test_uncertain_values_are_no_run() -> None:
    one = home()
    now = one.now
    one.put(Observation(HEATER.id, POWER, 900.0, now, now, Quality.UNCERTAIN))
    assert not one.engine.state.runs.now


def test_a_cooker_has_its_own_limit_and_a_switch_will_do() -> None:
    one = home(STOVE)
    one.see("stove", Phenomenon.RELAY_ON, True)
    one.wait(HOUR)
    (case,) = raised(one)
    assert Say.LEFT_ON_POWER not in {each.say for each in case.explanation}
    one.see("stove", Phenomenon.RELAY_ON, False)
    one.wait(20 * MINUTE)
    assert one.state(key(STOVE)) is AlarmState.CLEARED


def test_a_lamp_is_told_after_two_days_whoever_is_there() -> None:
    one = home(LAMP)
    switch_on(one, 9.0, "lamp")
    begin = one.now
    while one.now < begin + 60 * HOUR:
        one.wait(2 * HOUR)
        one.live()
    (case,) = raised(one)
    assert case.at == begin + 50 * HOUR
    assert [each.say for each in case.explanation] == [Say.LEFT_ON, Say.LEFT_ON_POWER]


def test_a_lamp_that_often_burns_for_days_is_known_after_two_times() -> None:
    one = home(LAMP)
    for _ in range(4):
        switch_on(one, 9.0, "lamp")
        for _ in range(5):
            one.wait(12 * HOUR)
            one.live()
        switch_off(one, "lamp")
        one.wait(12 * HOUR)
        one.live()
        close(one, Outcome.FALSE)
    assert len(raised(one)) == 2


def test_how_a_lamp_burnt_while_the_gateway_was_down_is_not_known() -> None:
    one = home(LAMP, book=QUIET)
    switch_on(one, 9.0, "lamp")
    one.wait(30 * HOUR)
    one.restart(5 * HOUR)
    start = one.now
    one.live()
    one.wait(60 * HOUR)
    (case,) = raised(one)
    assert case.at == start + 50 * HOUR
    assert dict(case.explanation[0].arguments)["since"] == start


def test_a_lamp_that_is_switched_off_by_day_is_never_told() -> None:
    one = home(LAMP)
    for _ in range(8):
        switch_on(one, 9.0, "lamp")
        one.wait(12 * HOUR)
        one.live()
        switch_off(one, "lamp")
        one.wait(12 * HOUR)
        one.live()
    assert not raised(one)


def test_a_blanket_that_runs_every_night_becomes_a_habit() -> None:
    one = home(book=QUIET)
    lengths = [8, 7.5, 8.5, 8, 9, 8.5, 8, 9.5, 7]
    for length in lengths:
        night(one, length * HOUR)
        close(one, Outcome.FALSE)
    assert len(raised(one)) == 2
    one.live()
    switch_on(one)
    begin = one.now
    one.wait(16 * HOUR)
    last = raised(one)[-1]
    assert 9 * HOUR < last.at - begin < 13 * HOUR
    usual = dict(last.explanation[0].arguments)["usual"]
    assert isinstance(usual, timedelta)
    assert abs(usual - 8.5 * HOUR) < MINUTE


def test_one_odd_night_is_no_habit() -> None:
    one = home(book=QUIET)
    for length in (10, 2, 2):
        night(one, length * HOUR)
    assert len(raised(one)) == 1
    one.live()
    switch_on(one)
    one.wait(3 * HOUR)
    assert len(raised(one)) == 2


def test_what_is_forgotten_once_a_week_is_no_habit() -> None:
    one = home(book=QUIET)
    for week in range(4):
        for _ in range(6):
            night(one, 2 * HOUR)
        night(one, 8 * HOUR)
        assert len(raised(one)) == week + 1
        close(one, Outcome.FALSE)


def test_what_turned_out_a_danger_is_no_habit() -> None:
    one = home(book=QUIET)
    for number in range(5):
        night(one, 8 * HOUR)
        assert len(raised(one)) == number + 1
        one.put(Closed(raised(one)[-1].serial, Outcome.REAL))


def test_who_was_found_while_it_still_ran_has_no_habit() -> None:
    one = home(book=QUIET)
    for number in range(5):
        one.live()
        switch_on(one)
        one.wait(8 * HOUR)
        assert len(raised(one)) == number + 1
        one.put(Closed(raised(one)[-1].serial, Outcome.REAL))
        one.live()
        switch_off(one)
        one.wait(16 * HOUR)


def test_nights_within_one_long_run_are_known_too() -> None:
    one = home(book=QUIET)
    switch_on(one)
    for _ in range(4):
        one.wait(8 * HOUR)
        for _ in range(8):
            one.live()
            one.wait(2 * HOUR)
        one.live()
        close(one, Outcome.FALSE)
    switch_off(one)
    one.wait(HOUR)
    one.live()
    switch_on(one)
    one.wait(9 * HOUR)
    assert len(raised(one)) == 1


def test_a_closed_case_is_not_raised_again_for_the_same_run() -> None:
    one = home(book=QUIET)
    switch_on(one)
    one.wait(3 * HOUR)
    one.put(Closed(raised(one)[0].serial, Outcome.FALSE))
    for _ in range(6):
        one.wait(5 * HOUR)
        one.live()
    one.restart(30 * MINUTE)
    one.wait(5 * HOUR)
    assert len(raised(one)) == 1
    switch_off(one)
    one.wait(HOUR)
    switch_on(one)
    one.wait(4 * HOUR)
    assert len(raised(one)) == 2


def test_shelved_it_waits() -> None:
    one = home(book=QUIET)
    switch_on(one)
    one.put(Shelve(key(HEATER), one.now + 5 * HOUR))
    one.wait(5 * HOUR - MINUTE)
    assert not raised(one)
    one.wait(MINUTE)
    assert raised(one)


def test_it_yields_to_inactivity_and_is_told_when_that_is_over() -> None:
    book = replace(BOOK, inactivity=replace(BOOK.inactivity, limits=(2 * HOUR,)))
    one = home(book=book)
    switch_on(one)
    one.wait(5 * HOUR)
    assert [case.alarm.kind for case in one.cases()] == [AlarmKind.INACTIVITY]
    one.live()
    one.wait(119 * MINUTE)
    assert len(one.cases()) == 1


def test_who_leaves_with_the_stove_on_is_told_of() -> None:
    one = home(STOVE, book=QUIET)
    one.see("stove", Phenomenon.RELAY_ON, value=True)
    one.live()
    gone = one.now
    one.put(Away(AwayReason.TRIP, "son"))
    one.wait(HOUR - MINUTE)
    assert not raised(one)
    one.wait(MINUTE)
    (case,) = raised(one)
    assert case.at == gone + HOUR
    said = {each.say: dict(each.arguments) for each in case.explanation}
    assert said[Say.WENT_OUT] == {"at": gone}


def test_a_lamp_may_burn_while_nobody_is_at_home() -> None:
    one = home(LAMP, book=QUIET)
    one.see("lamp", POWER, 900.0)
    one.put(Away(AwayReason.TRIP, "son"))
    one.wait(60 * HOUR)
    assert not raised(one)


def test_of_a_dead_device_nothing_is_known() -> None:
    one = home(book=QUIET)
    switch_on(one)
    one.wait(2 * HOUR)
    one.dead.add(HEATER.id)
    one.wait(10 * HOUR)
    assert not raised(one)
    one.dead.clear()
    switch_on(one)
    one.wait(3 * HOUR - MINUTE)
    assert not raised(one)
    one.wait(MINUTE)
    assert raised(one)


def test_a_blind_home_claims_nothing() -> None:
    one = home(book=QUIET)
    switch_on(one)
    one.dead |= {KETTLE.id, MOTION.id}
    one.wait(10 * HOUR)
    assert not raised(one)


def test_a_pet_that_moves_is_nobody() -> None:
    book = replace(QUIET, evidence=replace(QUIET.evidence, pet=True))
    one = home(book=book)
    switch_on(one)
    for _ in range(20):
        one.wait(10 * MINUTE)
        one.see("motion", Phenomenon.MOTION, True)
        one.see("motion", Phenomenon.MOTION, False)
    assert len(raised(one)) == 1


def test_a_short_restart_changes_nothing() -> None:
    one = home()
    switch_on(one)
    one.wait(2 * HOUR)
    one.restart(2 * MINUTE)
    switch_on(one)
    one.wait(HOUR)
    (case,) = raised(one)
    assert case.at == EPOCH + 3 * HOUR


def test_nor_does_anybody_after_the_next_restart() -> None:
    one = home()
    switch_on(one)
    one.wait(2 * HOUR)
    one.restart(5 * HOUR)
    start = one.now
    one.restart(2 * MINUTE)
    one.wait(4 * HOUR)
    (case,) = raised(one)
    assert case.at == start + 3 * HOUR
    assert dict(case.explanation[0].arguments)["since"] == start


@pytest.mark.parametrize("trusted", [True, False])
def test_while_the_gateway_was_down_nobody_knows_who_was_there(*, trusted: bool) -> None:
    one = home()
    switch_on(one)
    one.wait(2 * HOUR)
    one.restart(5 * HOUR, trusted=trusted)
    start = one.now
    if not trusted:
        one.wait(10 * MINUTE)
        one.jump(5 * HOUR)
        start += 5 * HOUR
    switch_on(one)
    one.wait(4 * HOUR)
    (case,) = raised(one)
    assert case.at == start + 3 * HOUR


@pytest.mark.parametrize("shift", [timedelta(days=-14), timedelta(days=14), 5 * MINUTE])
def test_a_clock_that_jumps_changes_no_span(shift: timedelta) -> None:
    one = Home(KETTLE, HEATER, book=BOOK, trusted=False)
    one.live()
    switch_on(one)
    one.wait(2 * HOUR)
    one.jump(shift)
    one.wait(HOUR - MINUTE)
    assert not raised(one)
    one.wait(MINUTE)
    assert raised(one)


def test_the_snapshot_of_an_earlier_program_is_read() -> None:
    one = home()
    switch_on(one)
    version, body = cbor2.loads(one.engine.snapshot())
    del body["runs"]
    one.engine = Engine.restored(one.book, cbor2.dumps([version, body]), [])
    one.put(Boot(2, timedelta(), trusted=True))
    switch_on(one)
    one.wait(3 * HOUR)
    assert raised(one)


def test_what_a_crash_lost_is_learnt_from_the_next_report() -> None:
    one = home()
    saved = one.engine.snapshot()
    switch_on(one)
    one.wait(HOUR)
    one.engine = Engine.restored(one.book, saved, [])
    one.put(Boot(2, MINUTE, trusted=True))
    start = one.now
    one.wait(4 * HOUR)
    (case,) = raised(one)
    assert timedelta() <= case.at - start - 3 * HOUR <= HEATER.report_every


def test_a_device_that_is_gone_is_forgotten() -> None:
    one = home()
    switch_on(one)
    one.wait(HOUR)
    one.put(DeviceChanged((KETTLE, MOTION)))
    assert not one.engine.state.runs.now
    switch_off(one)
    one.put(DeviceChanged((KETTLE, MOTION, HEATER)))
    one.wait(6 * HOUR)
    assert not raised(one)


@pytest.mark.parametrize("devices", [(), (replace(HEATER, use=None),)])
def test_what_can_be_seen_no_longer_is_over_when_the_center_says_so(
    devices: tuple[Device, ...],
) -> None:
    one = home()
    switch_on(one)
    one.wait(6 * HOUR)
    assert one.state(key(HEATER)) is AlarmState.RAISED
    one.put(DeviceChanged((KETTLE, MOTION, *devices)))
    one.wait(HOUR)
    switch_off(one)
    one.wait(HOUR)
    assert one.state(key(HEATER)) is AlarmState.RAISED
    close(one, Outcome.TECHNICAL)
    assert one.state(key(HEATER)) is AlarmState.NORMAL
    one.wait(6 * HOUR)
    assert len(raised(one)) == 1


def test_a_home_may_do_without() -> None:
    one = home(book=replace(BOOK, left_on=LeftOn(enabled=False)))
    switch_on(one)
    one.wait(10 * HOUR)
    assert not raised(one)


def test_what_is_remembered_is_bounded() -> None:
    one = home(book=replace(QUIET, left_on=LeftOn(enabled=False)))
    for _ in range(40):
        night(one, 8 * HOUR)
    usual = one.engine.state.runs.usual[DeviceId("heater")]
    assert len(usual.days) == 28
