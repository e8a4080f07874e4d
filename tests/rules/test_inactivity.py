from dataclasses import replace
from datetime import timedelta

import pytest

from rules.alarm import AlarmKey, AlarmKind, AlarmState, Category
from rules.command import Signal
from rules.device import EvidenceRole
from rules.events import AwayReason, Outcome, Stage
from rules.inputs import Away, Closed, LifeSign, Shelve, Taken
from rules.observation import Phenomenon
from rules.rulebook import PRESETS, Preset
from rules.sentence import Say
from tests.rules.home import (
    ALL,
    DOOR,
    EPOCH,
    HOUR,
    KETTLE,
    LEAK,
    MINUTE,
    MOTION,
    NODE,
    Home,
    device,
)

KEY = AlarmKey(AlarmKind.INACTIVITY)


def says(home: Home) -> list[Say]:
    return [sentence.say for sentence in home.cases()[-1].explanation]


def gone(home: Home) -> bool:
    return home.engine.state.away is not None


def test_a_silent_person_is_asked_and_then_escalated_at_the_limit() -> None:
    home = Home()
    home.wait(10 * MINUTE)
    home.live()
    last = home.now
    assert home.engine.alarm_time_if_silent() == last + 8 * HOUR
    home.wait(7 * HOUR + 49 * MINUTE)
    assert home.state(KEY) is AlarmState.NORMAL
    home.wait(2 * MINUTE)
    assert home.state(KEY) is AlarmState.PROMPTED
    assert f"node:buzzer:{Signal.PROMPT}" in home.commands()
    assert not [case for case in home.cases() if case.alarm == KEY]
    home.wait(9 * MINUTE)
    (case,) = [case for case in home.cases() if case.alarm == KEY]
    assert case.at == last + 8 * HOUR
    assert case.alarm.kind.category is Category.ESCALATION
    assert case.level == 1
    assert len(case.activity) == 48
    assert says(home) == [Say.SILENT_SINCE, Say.SILENCE_LIMIT, Say.PROMPT_UNANSWERED]


@pytest.mark.parametrize("answer", ["button", "life"])
def test_an_answer_ends_the_prompt_and_starts_a_new_silence(answer: str) -> None:
    home = Home()
    home.live()
    home.wait(7 * HOUR + 55 * MINUTE)
    assert home.state(KEY) is AlarmState.PROMPTED
    if answer == "button":
        home.press()
    else:
        home.live()
    assert home.state(KEY) is AlarmState.NORMAL
    assert home.commands()[-1].endswith(Signal.OFF)
    assert home.engine.alarm_time_if_silent() == home.now + 8 * HOUR


def test_the_case_grows_more_urgent_until_it_is_closed() -> None:
    home = Home()
    home.live()
    last = home.now
    home.wait(25 * HOUR)
    levels = [(news.at - last, news.level) for news in home.updates() if news.alarm == KEY]
    assert levels == [(12 * HOUR, 2), (24 * HOUR, 3)]
    serial = home.cases()[-1].serial
    home.put(Taken(serial, "kim"))
    assert home.state(KEY) is AlarmState.ACKNOWLEDGED
    home.put(Closed(serial, Outcome.FALSE))
    assert home.state(KEY) is AlarmState.NORMAL
    assert home.engine.alarm_time_if_silent() == home.now + 8 * HOUR


def test_life_after_the_alarm_is_news_and_not_an_acknowledgement() -> None:
    home = Home()
    home.live()
    home.wait(9 * HOUR)
    home.live()
    assert home.state(KEY) is AlarmState.CLEARED
    assert home.updates()[-1].stage is Stage.CLEARED
    assert home.updates()[-1].explanation[0].say is Say.LIFE_AGAIN
    home.wait(8 * HOUR + MINUTE)
    assert len([case for case in home.cases() if case.alarm == KEY]) == 2


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_case_closed_after_it_was_over_puts_the_next_one_off_no_longer(outcome: Outcome) -> None:
    home = Home()
    home.live()
    home.wait(9 * HOUR)
    case = home.cases()[-1].serial
    home.live()
    last = home.now
    home.wait(3 * HOUR)
    home.put(Closed(case, outcome))
    assert home.engine.alarm_time_if_silent() == last + 8 * HOUR


def test_taken_never_stops_the_next_level_nor_clears() -> None:
    home = Home()
    home.live()
    home.wait(9 * HOUR)
    home.put(Taken(home.cases()[-1].serial, "kim"))
    home.wait(4 * HOUR)
    assert home.updates()[-1].level == 2
    assert home.state(KEY) is AlarmState.ACKNOWLEDGED


def test_periodic_reports_and_machines_are_no_life() -> None:
    fridge = device("fridge", Phenomenon.POWER_W, evidence=EvidenceRole.NONE)
    home = Home(*ALL, fridge)
    home.live()
    for _ in range(20):
        home.see("fridge", Phenomenon.POWER_W, 90.0)
        home.wait(15 * MINUTE)
        home.see("fridge", Phenomenon.POWER_W, 2.0)
        home.wait(10 * MINUTE)
    assert home.state(KEY) is AlarmState.RAISED


def test_a_lone_spurious_motion_does_not_reset_the_silence_but_two_do() -> None:
    home = Home()
    home.live()
    last = home.now
    home.wait(5 * HOUR)
    home.see("motion", Phenomenon.MOTION, True)
    home.see("motion", Phenomenon.MOTION, False)
    assert home.engine.alarm_time_if_silent() == last + 8 * HOUR
    home.wait(20 * MINUTE)
    home.see("motion", Phenomenon.MOTION, True)
    assert home.engine.alarm_time_if_silent() == home.now + 8 * HOUR


def test_a_dead_home_is_blind_and_not_silent() -> None:
    home = Home()
    home.live()
    home.wait(HOUR)
    home.dead = {each.id for each in ALL}
    home.wait(30 * HOUR)
    kinds = [case.alarm.kind for case in home.cases()]
    assert AlarmKind.INACTIVITY not in kinds
    assert AlarmKind.HOME_BLIND in kinds
    assert AlarmKind.DEVICE in kinds


def test_silence_is_claimed_only_as_far_as_one_live_device_proves_it() -> None:
    home = Home(KETTLE, NODE)
    home.live()
    home.wait(HOUR)
    home.dead = {KETTLE.id}
    home.wait(5 * HOUR)
    home.dead = set()
    home.wait(10 * MINUTE)
    back = home.engine.state.devices[KETTLE.id].live_since
    assert back is not None
    assert home.engine.alarm_time_if_silent() == back + 8 * HOUR


def test_a_prompt_is_withdrawn_when_the_home_goes_blind() -> None:
    home = Home()
    home.wait(5 * MINUTE)
    home.live()
    home.wait(7 * HOUR + 30 * MINUTE)
    home.dead = {each.id for each in ALL}
    home.wait(21 * MINUTE)
    assert home.state(KEY) is AlarmState.PROMPTED
    home.wait(40 * HOUR)
    assert home.state(KEY) is AlarmState.NORMAL
    assert home.commands()[-1].endswith(Signal.OFF)
    kinds = [case.alarm.kind for case in home.cases()]
    assert AlarmKind.INACTIVITY not in kinds
    assert AlarmKind.HOME_BLIND in kinds


def test_a_rule_that_was_switched_off_ends_its_prompt_and_its_levels() -> None:
    for lived in (7 * HOUR + 55 * MINUTE, 9 * HOUR):
        home = Home()
        home.live()
        home.wait(lived)
        home.book = replace(home.book, inactivity=replace(home.book.inactivity, enabled=False))
        before = len(home.cases()) + len(home.updates())
        home.restart(MINUTE)
        home.wait(20 * HOUR)
        assert home.state(KEY) is not AlarmState.PROMPTED
        assert len(home.cases()) + len(home.updates()) == before


def test_the_explanation_says_how_much_of_the_silence_was_watched() -> None:
    home = Home(KETTLE, NODE)
    home.live()
    home.wait(HOUR)
    home.dead = {KETTLE.id}
    home.wait(5 * HOUR)
    home.dead = set()
    home.wait(9 * HOUR)
    (case,) = [case for case in home.cases() if case.alarm == KEY]
    silences = [dict(each.arguments).get("silence") for each in case.explanation]
    assert [each.say for each in case.explanation[:2]] == [
        Say.SILENT_SINCE,
        Say.SILENT_FROM_START,
    ]
    assert silences[:2] == [case.at - EPOCH, 8 * HOUR]


def test_a_button_alone_proves_no_silence() -> None:
    home = Home(NODE, LEAK)
    home.wait(40 * HOUR)
    assert home.engine.alarm_time_if_silent() is None
    assert AlarmKind.INACTIVITY not in {case.alarm.kind for case in home.cases()}


def test_without_anything_that_can_ask_it_goes_out_at_the_limit() -> None:
    home = Home(KETTLE, MOTION)
    home.live()
    last = home.now
    home.wait(9 * HOUR)
    assert home.cases()[-1].at == last + 8 * HOUR
    assert Say.PROMPT_IMPOSSIBLE in says(home)


def test_a_command_without_an_answer_is_a_fault_and_the_deadline_stays() -> None:
    home = Home()
    home.answers = False
    home.live()
    last = home.now
    home.wait(7 * HOUR + 51 * MINUTE)
    assert home.cases()[-1].alarm == AlarmKey(AlarmKind.COMMAND_FAILED, NODE.id)
    home.wait(10 * MINUTE)
    assert home.cases()[-1].alarm == KEY
    assert home.cases()[-1].at == last + 8 * HOUR


def test_an_outing_puts_the_limit_off_and_a_return_ends_it() -> None:
    home = Home()
    home.live()
    home.wait(10 * MINUTE)
    home.see("door", Phenomenon.CONTACT_OPEN, True)
    home.see("door", Phenomenon.CONTACT_OPEN, False)
    left = home.now
    home.wait(31 * MINUTE)
    assert gone(home)
    assert home.engine.alarm_time_if_silent() == left + 16 * HOUR
    home.wait(3 * HOUR)
    home.see("door", Phenomenon.CONTACT_OPEN, True)
    assert not gone(home)
    home.see("door", Phenomenon.CONTACT_OPEN, False)
    home.wait(MINUTE)
    home.see("motion", Phenomenon.MOTION, True)
    home.wait(HOUR)
    assert home.engine.state.away is None
    assert home.engine.alarm_time_if_silent() == home.now - HOUR + 8 * HOUR


def test_the_alarm_time_reckons_with_an_outing_that_is_about_to_be_believed() -> None:
    home = Home()
    home.live()
    home.wait(10 * MINUTE)
    home.see("door", Phenomenon.CONTACT_OPEN, True)
    home.see("door", Phenomenon.CONTACT_OPEN, False)
    at = home.engine.alarm_time_if_silent()
    home.wait(20 * HOUR)
    assert [case.at for case in home.cases()] == [at]


def test_without_a_live_motion_sensor_the_door_says_nothing() -> None:
    home = Home(KETTLE, DOOR, NODE)
    home.live()
    home.wait(10 * MINUTE)
    home.see("door", Phenomenon.CONTACT_OPEN, True)
    home.see("door", Phenomenon.CONTACT_OPEN, False)
    home.wait(2 * HOUR)
    assert home.engine.state.away is None


def test_a_trip_holds_it_back_until_its_end() -> None:
    home = Home()
    home.live()
    home.put(Away(AwayReason.TRIP, "daughter", home.now + 48 * HOUR))
    home.wait(47 * HOUR)
    assert home.engine.alarm_time_if_silent() is None
    home.wait(2 * HOUR)
    assert home.engine.state.away is None
    assert home.state(KEY) is AlarmState.NORMAL
    home.wait(8 * HOUR)
    assert home.state(KEY) is AlarmState.RAISED


def test_life_ends_a_hospital_stay_but_not_the_packing() -> None:
    home = Home()
    home.put(Away(AwayReason.HOSPITAL, "center"))
    home.wait(5 * MINUTE)
    home.live()
    assert home.engine.state.away is not None
    home.wait(5 * HOUR)
    home.live()
    assert home.engine.state.away is None


def test_a_life_sign_from_outside_counts() -> None:
    home = Home()
    home.live()
    home.wait(5 * HOUR)
    home.put(LifeSign("phone", home.now))
    assert home.engine.alarm_time_if_silent() == home.now + 8 * HOUR


def test_shelved_inactivity_waits_for_its_moment() -> None:
    home = Home()
    home.live()
    home.put(Shelve(KEY, home.now + 20 * HOUR))
    home.wait(19 * HOUR)
    assert home.state(KEY) is AlarmState.SHELVED
    home.wait(HOUR + 11 * MINUTE)
    assert home.state(KEY) is AlarmState.RAISED


def test_a_restart_keeps_the_clock_and_what_fell_due_fires_at_boot() -> None:
    book = PRESETS[Preset.LIVING_ALONE_HIGH_RISK]
    book = replace(book, inactivity=replace(book.inactivity, prompt=False))
    home = Home(book=book)
    home.live()
    home.wait(6 * HOUR)
    home.restart(3 * HOUR)
    assert home.state(KEY) is AlarmState.RAISED
    assert Say.GATEWAY_WAS_DOWN in says(home)


def test_a_gateway_that_restarts_every_ten_minutes_still_finds_the_person() -> None:
    home = Home()
    home.live()
    last = home.now
    home.wait(10 * MINUTE)
    home.dead = {LEAK.id}
    for _ in range(55):
        home.wait(9 * MINUTE)
        home.restart(timedelta(seconds=50))
    kinds = {case.alarm.kind: case.at for case in home.cases()}
    assert kinds[AlarmKind.INACTIVITY] - last <= 8 * HOUR + MINUTE
    assert AlarmKind.DEVICE in kinds


def test_senior_centers_have_no_inactivity() -> None:
    home = Home(book=PRESETS[Preset.SENIOR_CENTER])
    home.wait(80 * HOUR)
    assert AlarmKind.INACTIVITY not in {case.alarm.kind for case in home.cases()}


def test_a_prompt_that_only_a_false_date_brought_about_is_taken_back() -> None:
    home = Home()
    home.live()
    home.wait(2 * HOUR)
    home.restart(30 * HOUR)
    assert home.state(KEY) is AlarmState.PROMPTED
    home.wait(timedelta(seconds=1))
    home.jump(-29 * HOUR)
    assert home.state(KEY) is AlarmState.NORMAL
    home.wait(HOUR)
    assert not home.cases()
    home.wait(5 * HOUR)
    assert home.cases()[-1].alarm == KEY
