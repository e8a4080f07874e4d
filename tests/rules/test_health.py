from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rules.activity import ActivityClass, slot_of
from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.cases import DRILL, refusal_to_shelve
from rules.device import Liveness
from rules.engine import Engine
from rules.events import Outcome
from rules.inputs import (
    Boot,
    Closed,
    DeviceChanged,
    Drill,
    Shelve,
    Taken,
    Technical,
    Tick,
    TimeTrust,
)
from rules.observation import DeviceId, Observation, Phenomenon, Quality
from rules.rulebook import PRESETS, Preset
from rules.sentence import Say, sentence
from tests.rules.home import (
    ALL,
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

MAINS = AlarmKey(AlarmKind.MAINS_OUTAGE)
BLIND = AlarmKey(AlarmKind.HOME_BLIND)
_UNKNOWN = ActivityClass.UNKNOWN


def liveness(home: Home, name: str) -> Liveness:
    return home.engine.state.devices[DeviceId(name)].liveness


def test_a_device_is_unknown_then_live_then_stale_then_dead_by_its_contract() -> None:
    home = Home()
    assert liveness(home, "leak") is Liveness.UNKNOWN
    home.wait(MINUTE)
    assert liveness(home, "leak") is Liveness.LIVE
    home.dead = {LEAK.id}
    home.wait(28 * MINUTE)
    assert liveness(home, "leak") is Liveness.LIVE
    home.wait(2 * MINUTE)
    assert liveness(home, "leak") is Liveness.STALE
    assert not home.cases()
    home.wait(90 * MINUTE)
    assert liveness(home, "leak") is Liveness.DEAD
    (case,) = home.cases()
    assert (case.alarm.kind, case.explanation[0].say) == (AlarmKind.DEVICE, Say.DEVICE_DEAD)
    home.dead = set()
    home.wait(10 * MINUTE)
    assert liveness(home, "leak") is Liveness.LIVE
    assert home.updates()[-1].explanation[0].say is Say.DEVICE_BACK


def test_a_device_that_was_never_heard_is_told_so() -> None:
    home = Home()
    home.dead = {LEAK.id}
    home.wait(121 * MINUTE)
    assert home.cases()[0].explanation[0].say is Say.DEVICE_NEVER_HEARD


def test_a_dead_device_whose_fault_was_closed_is_not_reported_again_until_it_was_heard() -> None:
    home = Home()
    home.wait(MINUTE)
    home.dead = {LEAK.id}
    home.wait(3 * HOUR)
    home.put(Closed(home.cases()[0].serial, Outcome.TECHNICAL))
    home.wait(50 * HOUR)
    assert [case.alarm.kind for case in home.cases()].count(AlarmKind.DEVICE) == 1


def test_downtime_of_the_gateway_is_nobodys_silence() -> None:
    home = Home()
    home.wait(MINUTE)
    home.restart(30 * HOUR)
    home.wait(MINUTE)
    assert not [case for case in home.cases() if case.alarm.kind is AlarmKind.DEVICE]


def test_what_a_broken_journal_lost_is_nobodys_silence() -> None:
    home = Home()
    home.wait(10 * MINUTE)
    saved = home.engine.snapshot()
    home.wait(55 * MINUTE)
    home.engine = Engine.restored(home.book, saved, [])
    home.now += 5 * MINUTE
    home.put(Boot(2, 5 * MINUTE, trusted=True, lost=55 * MINUTE))
    home.wait(timedelta())
    assert {each.liveness for each in home.engine.state.devices.values()} == {Liveness.LIVE}
    assert not home.cases()
    home.reports = False
    home.wait(2 * HOUR)
    assert home.state(BLIND) is AlarmState.RAISED
    assert home.state(AlarmKey(AlarmKind.DEVICE, LEAK.id)) is AlarmState.RAISED


def test_blindness_is_one_fault_and_ends_with_sight() -> None:
    home = Home(KETTLE, MOTION, NODE)
    home.live()
    home.wait(HOUR)
    home.dead = {KETTLE.id, MOTION.id}
    home.wait(31 * MINUTE)
    assert home.state(BLIND) is AlarmState.RAISED
    home.wait(5 * HOUR)
    home.dead = set()
    home.wait(10 * MINUTE)
    assert home.state(BLIND) is AlarmState.CLEARED
    assert [case.alarm for case in home.cases()].count(BLIND) == 1


def test_a_light_sensor_alone_proves_no_silence_of_the_person() -> None:
    home = Home(device("light", Phenomenon.ILLUMINANCE_LX), NODE)
    home.wait(50 * HOUR)
    assert not home.cases()


def test_a_center_where_nobody_lives_is_never_blind() -> None:
    home = Home(KETTLE, MOTION, NODE, book=PRESETS[Preset.SENIOR_CENTER])
    home.wait(HOUR)
    home.dead = {KETTLE.id, MOTION.id}
    home.wait(5 * HOUR)
    assert {case.alarm.kind for case in home.cases()} == {AlarmKind.DEVICE}


def test_a_power_cut_is_one_fault_and_not_many() -> None:
    plugs = tuple(device(f"plug{n}", Phenomenon.POWER_W, mains=True) for n in range(5))
    home = Home(*plugs, MOTION, NODE)
    home.wait(HOUR)
    home.dead = {plug.id for plug in plugs} | {NODE.id}
    home.wait(10 * HOUR)
    kinds = [case.alarm.kind for case in home.cases()]
    assert kinds.count(AlarmKind.MAINS_OUTAGE) == 1
    assert AlarmKind.DEVICE not in kinds
    home.dead = set()
    home.wait(20 * MINUTE)
    assert home.state(MAINS) is AlarmState.CLEARED


def test_a_rule_of_power_cuts_that_was_switched_off_hides_no_dead_devices() -> None:
    plugs = tuple(device(f"plug{n}", Phenomenon.POWER_W, mains=True) for n in range(3))
    home = Home(*plugs, MOTION)
    home.wait(HOUR)
    home.dead = {plug.id for plug in plugs}
    home.wait(HOUR)
    assert home.state(MAINS) is AlarmState.RAISED
    home.book = replace(home.book, mains=replace(home.book.mains, enabled=False))
    home.restart(MINUTE)
    home.wait(3 * HOUR)
    assert home.state(MAINS) is AlarmState.CLEARED
    assert [case.alarm.kind for case in home.cases()].count(AlarmKind.DEVICE) == 3


def test_plugs_that_die_one_by_one_are_no_power_cut() -> None:
    plugs = tuple(device(f"plug{n}", Phenomenon.POWER_W, mains=True) for n in range(4))
    home = Home(*plugs, MOTION)
    for plug in plugs:
        home.wait(5 * HOUR)
        home.dead.add(plug.id)
    home.wait(10 * HOUR)
    kinds = [case.alarm.kind for case in home.cases()]
    assert AlarmKind.MAINS_OUTAGE not in kinds
    assert kinds.count(AlarmKind.DEVICE) == 4


def test_devices_that_say_so_tell_a_power_cut_at_once() -> None:
    ups = tuple(device(f"ups{n}", Phenomenon.MAINS_OK) for n in range(2))
    home = Home(*ups, MOTION)
    home.wait(MINUTE)
    for each in ups:
        home.see(each.id, Phenomenon.MAINS_OK, True)
    home.see("ups0", Phenomenon.MAINS_OK, False)
    assert home.state(MAINS) is AlarmState.NORMAL
    home.see("ups1", Phenomenon.MAINS_OK, False)
    assert home.state(MAINS) is AlarmState.RAISED
    home.see("ups1", Phenomenon.MAINS_OK, True)
    assert home.state(MAINS) is AlarmState.CLEARED


def test_low_battery_has_hysteresis() -> None:
    home = Home()
    key = AlarmKey(AlarmKind.BATTERY_LOW, MOTION.id)
    for level, state in [
        (16.0, AlarmState.NORMAL),
        (15.0, AlarmState.RAISED),
        (20.0, AlarmState.RAISED),
        (26.0, AlarmState.CLEARED),
    ]:
        home.see("motion", Phenomenon.BATTERY_PCT, level)
        assert home.state(key) is state


def test_a_flag_that_the_battery_is_low_is_enough() -> None:
    home = Home()
    key = AlarmKey(AlarmKind.BATTERY_LOW, MOTION.id)
    # A driver has no measure then: it tells the side of the limit, as uncertain.
    for level, state in [(5.0, AlarmState.RAISED), (50.0, AlarmState.CLEARED)]:
        home.put(
            Observation(
                MOTION.id,
                Phenomenon.BATTERY_PCT,
                level,
                home.now,
                home.now,
                Quality.UNCERTAIN,
            )
        )
        assert home.state(key) is state


def test_devices_that_stay_dead_after_a_power_cut_are_reported() -> None:
    plugs = tuple(device(f"plug{n}", Phenomenon.POWER_W, mains=True) for n in range(4))
    home = Home(*plugs, MOTION)
    home.wait(HOUR)
    home.dead = {plug.id for plug in plugs}
    home.wait(10 * HOUR)
    home.dead = {plugs[0].id}
    home.wait(20 * MINUTE)
    assert home.state(MAINS) is AlarmState.CLEARED
    dead = [case.alarm.scope for case in home.cases() if case.alarm.kind is AlarmKind.DEVICE]
    assert dead == [plugs[0].id]


def test_a_dead_device_is_told_of_as_soon_as_the_power_is_said_to_be_back() -> None:
    ups = tuple(device(f"ups{n}", Phenomenon.MAINS_OK) for n in range(2))
    home = Home(*ups, KETTLE, MOTION)
    home.wait(MINUTE)
    for each in ups:
        home.see(each.id, Phenomenon.MAINS_OK, False)
    home.dead = {KETTLE.id}
    home.wait(5 * HOUR)
    assert AlarmKind.DEVICE not in {case.alarm.kind for case in home.cases()}
    for each in ups:
        home.see(each.id, Phenomenon.MAINS_OK, True)
    assert home.cases()[-1].alarm == AlarmKey(AlarmKind.DEVICE, KETTLE.id)


def test_a_report_that_waited_in_its_driver_makes_no_device_stale() -> None:
    home = Home()
    home.wait(MINUTE)
    home.restart(3 * HOUR)
    seen = home.now - 55 * MINUTE
    home.put(Observation(MOTION.id, Phenomenon.BATTERY_PCT, 90.0, seen, home.now))
    home.put(Tick())
    assert liveness(home, "motion") is Liveness.LIVE


def test_a_technical_fault_comes_and_goes() -> None:
    home = Home()
    key = AlarmKey(AlarmKind.DISK_FAILING)
    said = sentence(Say.DISK_FAILING, at=home.now, detail="no room")
    home.put(Technical(AlarmKind.DISK_FAILING, None, True, said))
    home.put(Technical(AlarmKind.DISK_FAILING, None, True, said))
    assert home.state(key) is AlarmState.RAISED
    home.put(Technical(AlarmKind.DISK_FAILING, None, False, said))
    assert home.state(key) is AlarmState.CLEARED
    assert len(home.cases()) == 1


def test_a_drill_goes_the_whole_way_and_wakes_nobody() -> None:
    home = Home()
    home.put(Drill("installer"))
    (case,) = home.cases()
    assert case.drill
    home.put(Taken(case.serial, "kim"))
    assert home.state(DRILL) is AlarmState.ACKNOWLEDGED
    home.put(Closed(case.serial, Outcome.FALSE))
    assert home.state(DRILL) is AlarmState.NORMAL
    assert not home.commands()
    home.put(Drill("installer"))
    assert len(home.cases()) == 2


def test_what_cannot_be_shelved_says_why() -> None:
    home = Home()
    sos = AlarmKey(AlarmKind.SOS, NODE.id)
    assert refusal_to_shelve(home.engine.state, Shelve(sos, home.now + HOUR), home.now)
    leak = AlarmKey(AlarmKind.LEAK, LEAK.id)
    long = Shelve(leak, home.now + 25 * HOUR)
    assert refusal_to_shelve(home.engine.state, long, home.now)
    home.put(long)
    assert home.state(leak) is AlarmState.NORMAL
    home.put(Shelve(leak, home.now + HOUR))
    assert home.state(leak) is AlarmState.SHELVED
    home.see("leak", Phenomenon.LEAK, True)
    home.wait(59 * MINUTE)
    assert not home.cases()
    home.wait(2 * MINUTE)
    assert home.state(leak) is AlarmState.RAISED


def test_a_device_with_another_address_starts_anew() -> None:
    home = Home()
    home.wait(MINUTE)
    swapped = replace(LEAK, address="00:00:00:00:00:01")
    home.put(DeviceChanged((*(each for each in ALL if each is not LEAK), swapped)))
    assert liveness(home, "leak") is Liveness.UNKNOWN
    assert liveness(home, "kettle") is Liveness.LIVE


class TestTime:
    """design: boot with a wrong clock, jumps both ways, restart in the middle of a timer."""

    def test_a_jump_of_two_weeks_fires_nothing(self) -> None:
        home = Home(trusted=False)
        home.live()
        home.wait(2 * HOUR)
        before = len(home.cases())
        for shift in (timedelta(days=14), timedelta(days=-14), timedelta(days=14)):
            home.jump(shift, "center")
            home.wait(MINUTE)
        assert not [case for case in home.cases()[before:] if case.alarm.kind.category == "fault"]
        assert AlarmKind.INACTIVITY not in {case.alarm.kind for case in home.cases()}

    def test_the_alarm_comes_after_the_same_elapsed_silence_whatever_the_clock_does(self) -> None:
        home = Home(trusted=False)
        home.live()
        home.wait(2 * HOUR)
        shift = timedelta(days=-14, minutes=3)
        home.jump(shift, "ntp")
        assert home.engine.alarm_time_if_silent() == home.now + 6 * HOUR

    @pytest.mark.parametrize("days", [-14, 14])
    def test_a_clock_that_is_wrong_over_several_boots_is_set_for_all_of_them(
        self, days: int
    ) -> None:
        home = Home(trusted=False)
        home.live()
        for _ in range(3):
            home.wait(HOUR)
            home.restart(timedelta(), trusted=False)
        home.jump(timedelta(days=days), "center")
        assert home.engine.alarm_time_if_silent() == home.now + 5 * HOUR
        home.wait(4 * HOUR)
        assert AlarmKind.INACTIVITY not in {case.alarm.kind for case in home.cases()}

    @pytest.mark.parametrize("days", [-14, 14])
    def test_a_clock_that_is_set_wrong_and_then_right_moves_the_silence_along(
        self, days: int
    ) -> None:
        home = Home()
        home.live()
        home.wait(HOUR)
        home.jump(timedelta(days=days), "ntp")
        home.wait(HOUR)
        home.jump(timedelta(days=-days), "center")
        assert home.engine.alarm_time_if_silent() == home.now + 6 * HOUR

    def test_downtime_learnt_later_counts_for_the_person_and_not_for_the_devices(self) -> None:
        home = Home()
        home.live()
        home.wait(2 * HOUR)
        home.restart(timedelta(), trusted=False)
        home.wait(5 * MINUTE)
        shift = 5 * HOUR + 40 * MINUTE
        home.jump(shift, "center")
        at = home.engine.alarm_time_if_silent()
        assert at is not None
        assert at - home.now == 15 * MINUTE
        home.wait(16 * MINUTE)
        assert home.state(AlarmKey(AlarmKind.INACTIVITY)) is AlarmState.RAISED
        assert AlarmKind.DEVICE not in {case.alarm.kind for case in home.cases()}

    def test_a_clock_nobody_confirms_is_a_fault_until_somebody_does(self) -> None:
        home = Home(trusted=False)
        key = AlarmKey(AlarmKind.TIME_UNTRUSTED)
        home.wait(61 * MINUTE)
        assert home.state(key) is AlarmState.RAISED
        home.put(TimeTrust(True, "ntp"))
        assert home.state(key) is AlarmState.CLEARED

    def test_restarts_do_not_hide_a_clock_that_nobody_confirms(self) -> None:
        home = Home(trusted=False)
        for _ in range(8):
            home.wait(10 * MINUTE)
            home.restart(timedelta(), trusted=False)
        assert home.state(AlarmKey(AlarmKind.TIME_UNTRUSTED)) is AlarmState.RAISED

    def test_a_prompt_by_a_clock_that_ran_ahead_still_runs_out(self) -> None:
        home = Home(now=EPOCH + timedelta(days=14))
        home.live()
        home.wait(7 * HOUR + 51 * MINUTE)
        home.restart(timedelta(), trusted=False)
        home.jump(timedelta(days=-14), "center")
        home.wait(11 * MINUTE)
        assert home.state(AlarmKey(AlarmKind.INACTIVITY)) is AlarmState.RAISED

    def test_half_hours_that_a_wrong_clock_filled_move_along(self) -> None:
        home = Home(now=EPOCH + timedelta(days=14))
        home.live()
        home.wait(HOUR)
        home.restart(timedelta(), trusted=False)
        home.jump(timedelta(days=-14), "center")
        assert home.engine.state.tally.counts == {slot_of(home.now - HOUR): 1}

    @pytest.mark.parametrize("then", [None, 14, -14])
    def test_a_date_that_went_back_over_a_restart_makes_no_silence_longer_or_shorter(
        self, then: int | None
    ) -> None:
        """Either date may be the lie; the center's word comes later or never."""
        home = Home()
        home.live()
        home.wait(HOUR)
        home.restart(2 * MINUTE)
        home.wait(HOUR)
        home.restart(timedelta(), trusted=False)
        home.jump(timedelta(days=-14), "ntp")
        due = home.now + 6 * HOUR - 2 * MINUTE
        assert home.engine.alarm_time_if_silent() == due
        if then is not None:
            home.wait(HOUR)
            home.jump(timedelta(days=then), "center")
            due += timedelta(days=then)
            assert home.engine.alarm_time_if_silent() == due
        home.wait(due - home.now - MINUTE)
        assert not home.cases()
        home.wait(2 * MINUTE)
        assert [case.alarm for case in home.cases()] == [AlarmKey(AlarmKind.INACTIVITY)]

    def test_a_date_set_too_far_back_within_a_run_keeps_the_silence_before_it(
        self,
    ) -> None:
        home = Home()
        home.live()
        home.wait(2 * HOUR)
        home.restart(2 * HOUR)
        home.wait(HOUR)
        # Two hours of it can only have been those in which it was off.
        home.jump(-3 * HOUR, "ntp")
        assert home.engine.alarm_time_if_silent() == home.now + 5 * HOUR
        home.jump(3 * HOUR, "center")
        assert home.engine.alarm_time_if_silent() == home.now + 5 * HOUR

    def test_a_first_start_in_1970_counts_on(self) -> None:
        home = Home(now=datetime(1970, 1, 1, tzinfo=UTC), trusted=False)
        home.live()
        home.wait(HOUR)
        home.restart(timedelta(), trusted=False)
        home.wait(HOUR)
        home.jump(EPOCH - home.now, "ntp")
        assert home.engine.alarm_time_if_silent() == home.now + 6 * HOUR

    def test_downtime_that_is_learnt_in_two_steps_is_counted_right(self) -> None:
        home = Home()
        home.live()
        home.wait(2 * HOUR)
        home.restart(timedelta(), trusted=False)
        home.jump(4 * HOUR, "ntp")
        home.jump(-3 * HOUR, "center")
        assert home.engine.alarm_time_if_silent() == home.now + 5 * HOUR

    def test_half_hours_in_which_the_gateway_was_off_are_unknown(self) -> None:
        home = Home()
        home.live()
        home.wait(HOUR)
        home.restart(2 * HOUR)
        home.wait(6 * HOUR)
        strip = [ActivityClass(each) for each in home.cases()[-1].activity]
        unknown = [number for number, each in enumerate(strip[-17:]) if each is _UNKNOWN]
        assert unknown == [2, 3, 4, 5]

    def test_a_clock_that_ran_ahead_leaves_no_deaf_home(self) -> None:
        home = Home(now=EPOCH + timedelta(days=14))
        home.live()
        home.wait(HOUR)
        home.restart(timedelta(), trusted=False)
        shift = timedelta(days=-14)
        home.jump(shift, "center")
        home.wait(9 * HOUR)
        assert home.state(AlarmKey(AlarmKind.INACTIVITY)) is AlarmState.RAISED


@pytest.mark.parametrize(("failing", "left_out"), [(True, 1_000), (False, 0)])
def test_numbers_that_a_run_used_in_memory_are_not_used_again(
    *, failing: bool, left_out: int
) -> None:
    home = Home()
    said = sentence(Say.DISK_FAILING, at=home.now, detail="full")
    home.put(Technical(AlarmKind.DISK_FAILING, None, True, said))
    if not failing:
        home.put(Technical(AlarmKind.DISK_FAILING, None, False, said))
    used = home.engine.state.next_serial
    home.restart(5 * MINUTE)
    home.put(Drill("installer"))
    assert home.cases()[-1].serial == used + left_out
