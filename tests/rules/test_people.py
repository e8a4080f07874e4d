"""What staff and residents do at the wrong moment: shelve, close, call, take back, announce."""

from datetime import timedelta

import pytest

from rules.alarm import ACTIVE, AlarmKey, AlarmKind, AlarmState
from rules.cases import SHELVED_AT_MOST
from rules.command import Signal
from rules.events import AwayReason, Outcome, Stage
from rules.inputs import Away, Closed, LifeSign, Shelve, Taken, Technical
from rules.observation import DeviceId, Observation, Phenomenon, Press, Quality
from rules.sentence import Say, sentence
from rules.state import CASES_MAX
from tests.rules.home import ALL, DOOR, HOUR, KETTLE, LEAK, MINUTE, MOTION, NODE, Home, device

SECOND = timedelta(seconds=1)
INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
CALLING = AlarmKey(AlarmKind.SOS, NODE.id)
BLIND = AlarmKey(AlarmKind.HOME_BLIND)


def called(home: Home, ago: timedelta) -> None:
    """The node's button as a driver tells of it some time later."""
    home.put(Observation(NODE.id, Phenomenon.SOS, True, home.now - ago, home.now))


class TestCalls:
    def test_a_call_that_comes_late_is_a_call(self) -> None:
        home = Home()
        home.see("node", Phenomenon.SOS, False)
        called(home, 2 * SECOND)
        assert home.state(CALLING) is AlarmState.RAISED

    def test_a_call_told_again_after_a_restart_is_no_second_case(self) -> None:
        home = Home()
        home.see("node", Phenomenon.SOS, True)
        home.wait(5 * SECOND)
        home.put(Closed(home.cases()[-1].serial, Outcome.FALSE))
        home.restart(2 * SECOND)
        called(home, 7 * SECOND)
        assert len(home.cases()) == 1

    def test_a_doubtful_call_is_a_call(self) -> None:
        home = Home()
        home.put(Observation(NODE.id, Phenomenon.SOS, True, home.now, home.now, Quality.UNCERTAIN))
        assert home.state(CALLING) is AlarmState.RAISED

    def test_who_goes_on_holding_the_button_takes_nothing_back(self) -> None:
        home = Home()
        for _ in range(5):
            home.press(Press.LONG)
            home.wait(2 * SECOND)
        assert home.state(CALLING) is AlarmState.RAISED
        assert not home.updates()

    def test_who_goes_on_holding_after_an_answer_does_not_call(self) -> None:
        home = Home()
        home.live()
        home.wait(7 * HOUR + 55 * MINUTE)
        for _ in range(3):
            home.press(Press.LONG)
            home.wait(2 * SECOND)
        assert not home.cases()

    def test_a_long_press_while_an_old_case_is_open_is_a_call(self) -> None:
        other = device("bedside", Phenomenon.SOS, Phenomenon.BUTTON)
        home = Home(*ALL, other)
        home.see("node", Phenomenon.SOS, True)
        home.put(Taken(home.cases()[-1].serial, "kim"))
        home.wait(5 * HOUR)
        home.press(Press.LONG, "bedside")
        assert home.state(AlarmKey(AlarmKind.SOS, other.id)) is AlarmState.RAISED

    def test_a_press_during_a_prompt_that_calls_also_answers(self) -> None:
        home = Home()
        home.live()
        home.wait(7 * HOUR + 55 * MINUTE)
        home.see("node", Phenomenon.SOS, True)
        assert home.state(INACTIVITY) is AlarmState.NORMAL
        assert home.state(CALLING) is AlarmState.RAISED


class TestShelving:
    def test_a_refused_shelving_leaves_the_alarm_as_it_is(self) -> None:
        home = Home()
        leak = AlarmKey(AlarmKind.LEAK, LEAK.id)
        home.put(Shelve(leak, home.now + HOUR))
        home.put(Shelve(leak, home.now + 30 * HOUR))
        assert home.state(leak) is AlarmState.SHELVED
        assert home.engine.state.alarm(leak).until == home.now + HOUR

    def test_a_past_moment_ends_no_prompt(self) -> None:
        home = Home()
        home.live()
        home.wait(7 * HOUR + 55 * MINUTE)
        before = len(home.events)
        home.put(Shelve(INACTIVITY, home.now - HOUR))
        assert home.state(INACTIVITY) is AlarmState.PROMPTED
        assert len(home.events) == before

    @pytest.mark.parametrize("kind", [AlarmKind.DEVICE, AlarmKind.BATTERY_LOW])
    def test_a_fault_that_began_while_shelved_is_told_after(self, kind: AlarmKind) -> None:
        home = Home()
        key = AlarmKey(kind, MOTION.id)
        home.put(Shelve(key, home.now + 6 * HOUR))
        home.see("motion", Phenomenon.BATTERY_PCT, 3.0)
        home.dead = {MOTION.id}
        home.wait(5 * HOUR)
        assert home.state(key) is AlarmState.SHELVED
        home.wait(HOUR + MINUTE)
        assert home.state(key) is AlarmState.RAISED
        (case,) = (case for case in home.cases() if case.alarm == key)
        assert case.explanation[-1].say is Say.STILL_ACTIVE

    def test_blindness_that_began_while_shelved_is_told_when_that_is_ended_by_hand(self) -> None:
        home = Home()
        home.live()
        home.put(Shelve(BLIND, home.now + 20 * HOUR))
        home.dead = {each.id for each in ALL}
        home.wait(5 * HOUR)
        home.put(Shelve(BLIND, home.now))
        assert home.state(BLIND) is AlarmState.RAISED
        assert home.cases()[-1].level == 2

    def test_the_alarm_time_of_a_shelved_silence_is_kept(self) -> None:
        home = Home()
        home.live()
        home.put(Shelve(INACTIVITY, home.now + 20 * HOUR))
        home.wait(HOUR)
        at = home.engine.alarm_time_if_silent()
        home.wait(30 * HOUR)
        assert home.cases()[-1].at == at

    def test_a_clock_set_back_shelves_for_no_longer_than_anybody_may(self) -> None:
        home = Home(trusted=False)
        home.live()
        home.put(Shelve(INACTIVITY, home.now + 20 * HOUR))
        home.jump(timedelta(days=-14))
        until = home.engine.state.alarm(INACTIVITY).until
        assert until is not None
        assert until <= home.now + SHELVED_AT_MOST


class TestClosing:
    def test_a_fault_that_is_closed_is_not_told_again_with_every_report(self) -> None:
        home = Home()
        for _ in range(3):
            home.see("motion", Phenomenon.BATTERY_PCT, 3.0)
            home.see("motion", Phenomenon.TAMPER, True)
            for case in home.cases():
                home.put(Closed(case.serial, Outcome.TECHNICAL))
        assert len(home.cases()) == 2

    def test_a_power_cut_that_is_closed_stays_one(self) -> None:
        plugs = tuple(device(f"plug{n}", Phenomenon.POWER_W, mains=True) for n in range(3))
        late = device("late", Phenomenon.POWER_W, mains=True, every=HOUR)
        home = Home(*plugs, late, MOTION)
        home.wait(HOUR)
        home.dead = {plug.id for plug in plugs}
        home.wait(40 * MINUTE)
        home.put(Closed(home.cases()[-1].serial, Outcome.TECHNICAL))
        home.dead |= {late.id}
        home.wait(20 * HOUR)
        faults = [case.alarm.kind for case in home.cases() if case.alarm != INACTIVITY]
        assert faults == [AlarmKind.MAINS_OUTAGE]

    def test_who_is_silent_again_before_the_case_is_closed_is_asked_first(self) -> None:
        home = Home()
        home.live()
        home.wait(9 * HOUR)
        home.live()
        home.wait(7 * HOUR + 55 * MINUTE)
        assert home.state(INACTIVITY) is AlarmState.PROMPTED
        home.press()
        assert [case.alarm for case in home.cases()].count(INACTIVITY) == 1

    def test_cases_that_nobody_ever_closes_are_bounded(self) -> None:
        home = Home()
        said = sentence(Say.DISK_FAILING, at=home.now, detail="")
        for number in range(2 * CASES_MAX):
            present = number % 2 == 0
            home.put(Technical(AlarmKind.DISK_FAILING, None, present, said))
            home.put(Technical(AlarmKind.REGISTRY_RESTORED, None, present, said))
            home.now += SECOND
        assert len(home.engine.state.cases) == CASES_MAX
        home.put(Closed(home.cases()[-1].serial, Outcome.TECHNICAL))
        assert len(home.engine.state.cases) == CASES_MAX - 1


class TestAway:
    def test_a_prompt_is_withdrawn_when_a_trip_is_announced(self) -> None:
        home = Home()
        home.live()
        home.wait(7 * HOUR + 55 * MINUTE)
        home.put(Away(AwayReason.TRIP, "daughter", home.now + 48 * HOUR))
        assert home.state(INACTIVITY) is AlarmState.NORMAL
        assert home.commands()[-1].endswith(Signal.OFF)

    def test_a_trip_until_yesterday_is_none(self) -> None:
        home = Home()
        assert not home.put(Away(AwayReason.TRIP, "daughter", home.now - HOUR))

    def test_a_call_from_outside_does_not_end_a_trip(self) -> None:
        home = Home()
        home.put(Away(AwayReason.TRIP, "daughter", home.now + 48 * HOUR))
        home.wait(5 * HOUR)
        home.put(LifeSign("phone", home.now))
        assert home.engine.state.away is not None

    def test_a_call_from_outside_says_nothing_of_who_went_out(self) -> None:
        home = Home()
        home.live()
        home.wait(10 * MINUTE)
        home.see("door", Phenomenon.CONTACT_OPEN, True)
        home.see("door", Phenomenon.CONTACT_OPEN, False)
        home.wait(5 * MINUTE)
        home.put(LifeSign("phone", home.now))
        home.wait(HOUR)
        assert home.engine.state.away is not None

    def test_no_outing_while_the_motion_sensor_is_not_heard(self) -> None:
        home = Home()
        home.live()
        home.wait(10 * MINUTE)
        home.dead = {MOTION.id}
        home.see("door", Phenomenon.CONTACT_OPEN, True)
        home.see("door", Phenomenon.CONTACT_OPEN, False)
        home.wait(35 * MINUTE)
        home.dead = set()
        home.wait(2 * HOUR)
        assert home.engine.state.away is None

    def test_a_half_hour_in_which_the_gateway_was_off_proves_no_outing(self) -> None:
        home = Home()
        home.live()
        home.wait(10 * MINUTE)
        home.see("door", Phenomenon.CONTACT_OPEN, True)
        home.see("door", Phenomenon.CONTACT_OPEN, False)
        home.wait(MINUTE)
        home.restart(40 * MINUTE)
        home.wait(20 * MINUTE)
        assert home.engine.state.away is None
        home.wait(11 * MINUTE)
        assert home.engine.state.away is not None

    def test_the_inner_door_is_no_way_out(self) -> None:
        inside = device("bathroom-door", Phenomenon.CONTACT_OPEN)
        home = Home(KETTLE, MOTION, DOOR, inside, NODE)
        home.live()
        home.wait(10 * MINUTE)
        home.see("bathroom-door", Phenomenon.CONTACT_OPEN, True)
        home.see("bathroom-door", Phenomenon.CONTACT_OPEN, False)
        home.wait(HOUR)
        assert home.engine.state.away is None

    def test_a_lone_spurious_motion_ends_no_outing(self) -> None:
        home = Home()
        home.live()
        home.wait(10 * MINUTE)
        home.see("door", Phenomenon.CONTACT_OPEN, True)
        home.see("door", Phenomenon.CONTACT_OPEN, False)
        home.wait(3 * HOUR)
        home.see("motion", Phenomenon.MOTION, True)
        home.see("motion", Phenomenon.MOTION, False)
        home.wait(HOUR)
        assert home.engine.state.away is not None


def test_a_technical_fault_reported_again_after_it_was_closed_is_raised_again() -> None:
    home = Home()
    said = sentence(Say.JOURNAL_RESTORED, at=home.now, detail="")
    home.put(Technical(AlarmKind.JOURNAL_RESTORED, None, True, said))
    home.put(Closed(home.cases()[-1].serial, Outcome.TECHNICAL))
    home.put(Technical(AlarmKind.JOURNAL_RESTORED, None, True, said))
    assert home.state(AlarmKey(AlarmKind.JOURNAL_RESTORED)) in ACTIVE
    assert Stage.CLEARED not in [news.stage for news in home.updates()]


def test_a_driver_that_is_away_for_longer_than_its_case_is_open_is_known_to_be_away() -> None:
    home = Home()
    lost = AlarmKey(AlarmKind.DRIVER_LOST, DeviceId("driver:ble"))
    said = sentence(Say.FAULT_OVER, at=home.now)
    home.put(Technical(lost.kind, lost.scope, True, said))
    home.put(Closed(home.cases()[-1].serial, Outcome.TECHNICAL))
    assert home.engine.state.alarm(lost).present
    home.put(Technical(lost.kind, lost.scope, False, said))
    assert not home.engine.state.alarm(lost).present
