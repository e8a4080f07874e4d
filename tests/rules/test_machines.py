"""Plugs that count as a hand, and what machines do on them by themselves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from random import Random

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.device import Device, EvidenceRole
from rules.engine import Engine
from rules.events import LifeSeen, Outcome
from rules.inputs import Closed
from rules.observation import Phenomenon
from rules.sentence import Say
from tests.rules.home import DOOR, EPOCH, HOUR, KETTLE, MINUTE, MOTION, NODE, Home, device

INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
BLIND = AlarmKey(AlarmKind.HOME_BLIND)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)
SECOND = timedelta(seconds=1)
W, RELAY = Phenomenon.POWER_W, Phenomenon.RELAY_ON
FRIDGE, BLANKET, RICE, LAMP = (
    device(name, W, mains=True) for name in ("fridge", "blanket", "rice cooker", "lamp")
)
SWITCH = device("switch", RELAY, mains=True)


def home_with(*devices: Device) -> Home:
    """A home among plugs; devices keep so long a contract that no report is needed."""
    home = Home(
        *(replace(each, report_every=YEAR) for each in (KETTLE, MOTION, DOOR, NODE, *devices))
    )
    home.reports = False
    for each in (KETTLE, *devices):
        for phenomenon in each.phenomena:
            home.see(each.id, phenomenon, 0.0 if phenomenon is W else False)
    home.live()
    return home


def counted(home: Home, name: str) -> int:
    """How many signs of life of a device have counted."""
    return sum(life.counted for life in home.of(LifeSeen) if life.device == name)


def silent_since(home: Home) -> timedelta:
    life = home.engine.state.life
    assert life is not None
    return home.now - life.at


def cycle(home: Home, name: str, watts: float, runs: timedelta, rests: timedelta) -> None:
    """One run of a machine, and its rest."""
    home.see(name, W, watts)
    home.wait(runs)
    home.see(name, W, 1.2)
    home.wait(rests)


def cool(home: Home, span: timedelta, random: Random) -> None:
    """A fridge for so long: some minutes more or less each time."""
    end = home.now + span
    while home.now < end:
        watts = random.uniform(85, 100)
        cycle(
            home, "fridge", watts, random.uniform(16, 20) * MINUTE, random.uniform(33, 39) * MINUTE
        )


def days_of(
    home: Home, name: str, hours: Iterable[float], days: Iterable[int], jitter: timedelta
) -> None:
    """Somebody, or a timer, switches a thing on at those hours and off ten minutes later."""
    random = Random(5)
    at = sorted(
        EPOCH + day * DAY + hour * HOUR + jitter * random.uniform(-1, 1)
        for day in days
        for hour in hours
    )
    for moment in at:
        if moment > home.now:
            home.wait(moment - home.now)
        switch(home, name, on=True)
        home.wait(10 * MINUTE)
        switch(home, name, on=False)


def switch(home: Home, name: str, *, on: bool) -> None:
    if name == SWITCH.id:
        home.see(name, RELAY, on)
    else:
        home.see(name, W, 60.0 if on else 0.0)


# ------------------------------------------------------------------------------- what comes again


def test_a_fridge_on_a_plug_for_hands_hides_nobody_who_collapsed() -> None:
    home, random = home_with(FRIDGE), Random(1)
    for _ in range(8):
        home.live()
        cool(home, 2 * HOUR, random)
    home.live()
    collapsed = home.now
    cool(home, 9 * HOUR, random)
    assert home.state(INACTIVITY) is AlarmState.RAISED
    assert home.cases()[-1].at - collapsed <= 8 * HOUR + MINUTE


@pytest.mark.parametrize("runs", [MINUTE, 5 * MINUTE, 40 * MINUTE])
def test_a_cycle_never_seen_before_stops_counting_after_two_repeats(runs: timedelta) -> None:
    home = home_with(FRIDGE)
    home.wait(5 * HOUR)
    for _ in range(20):
        cycle(home, "fridge", 90.0, runs, 2 * runs)
    assert counted(home, "fridge") <= 3
    assert silent_since(home) >= 16 * 3 * runs


def test_a_compressor_whose_door_is_opened_now_and_then_is_known_after_two_days() -> None:
    home, random = home_with(FRIDGE), Random(2)

    def pass_day() -> None:
        for _ in range(27):
            rests = max(random.gauss(36, 12), 6) * MINUTE
            cycle(home, "fridge", random.uniform(80, 110), 17 * MINUTE, rests)

    pass_day()
    pass_day()
    pass_day()
    before = counted(home, "fridge")
    pass_day()
    assert counted(home, "fridge") == before


def test_cooking_rice_is_a_hand_and_keeping_it_warm_is_none() -> None:
    home = home_with(RICE)
    for _ in range(4):
        home.wait(12 * HOUR)
        home.see("rice cooker", W, 800.0)
        assert silent_since(home) == timedelta()
        home.wait(35 * MINUTE)
        home.see("rice cooker", W, 1.5)
        for _ in range(20):
            home.wait(13 * MINUTE)
            home.see("rice cooker", W, 45.0)
            home.wait(MINUTE)
            home.see("rice cooker", W, 1.5)
        assert silent_since(home) >= 3.5 * HOUR


def test_a_blanket_counts_in_the_evening_and_its_thermostat_not_all_night() -> None:
    home, random, nights = home_with(BLANKET), Random(3), 20
    for _ in range(nights):
        home.wait(14 * HOUR)
        home.see("blanket", W, 100.0)
        assert silent_since(home) == timedelta()
        for _ in range(24):
            home.wait(random.uniform(5, 10) * MINUTE)
            home.see("blanket", W, 0.8)
            home.wait(random.uniform(8, 17) * MINUTE)
            home.see("blanket", W, 100.0)
        home.see("blanket", W, 0.8)
    assert counted(home, "blanket") <= 3 * nights


def test_a_report_that_is_lost_or_a_defrosting_makes_no_hand_of_a_machine() -> None:
    home = home_with(FRIDGE)
    for number in range(40):
        if number % 9:
            cycle(home, "fridge", 90.0, 18 * MINUTE, 36 * MINUTE)
        else:
            home.wait((54, 75, 108)[number // 9 % 3] * MINUTE)
    assert counted(home, "fridge") <= 3


def test_a_machine_is_the_same_after_its_plug_was_away_for_hours() -> None:
    home = Home(KETTLE, NODE, FRIDGE)
    for _ in range(30):
        cycle(home, "fridge", 90.0, 18 * MINUTE, 36 * MINUTE)
    before = counted(home, "fridge")
    home.dead = {FRIDGE.id}
    home.wait(5 * HOUR)
    home.dead = set()
    for _ in range(5):
        cycle(home, "fridge", 90.0, 18 * MINUTE, 36 * MINUTE)
    assert counted(home, "fridge") == before
    assert before <= 3


def test_a_kettle_on_the_plug_of_a_fridge_is_a_hand() -> None:
    home = home_with(FRIDGE)
    for number in range(60):
        cycle(home, "fridge", 90.0, 18 * MINUTE, 30 * MINUTE)
        if number % 7 == 3:
            home.see("fridge", W, 1850.0)
            assert silent_since(home) == timedelta()
            home.wait(3 * MINUTE)
            home.see("fridge", W, 1.2)


# ----------------------------------------------------------------------------- who acts by habit


@given(st.lists(st.integers(15, 600), min_size=5, max_size=30))
def test_who_varies_by_ten_minutes_is_never_taken_for_a_machine(gaps: list[int]) -> None:
    home, last = home_with(LAMP), 0
    for each in gaps:
        gap = each if abs(each - last) >= 10 else each + 20
        last = gap
        home.wait((gap - 1) * MINUTE)
        # Who is up at the same minute as on other days is seen by more than one device.
        home.see("motion", Phenomenon.MOTION, True)
        home.see("motion", Phenomenon.MOTION, False)
        home.wait(MINUTE)
        switch(home, "lamp", on=True)
        assert silent_since(home) == timedelta()
        switch(home, "lamp", on=False)


@pytest.mark.parametrize("every", [HOUR, 90 * MINUTE, 2 * HOUR])
def test_who_drinks_tea_by_the_hour_is_never_silent_for_long(every: timedelta) -> None:
    home = home_with(LAMP)
    random, begin, longest = Random(4), home.now, timedelta()
    for day in range(14):
        for number in range(15 * HOUR // every):
            at = begin + day * DAY + number * every + random.uniform(0, 30) * MINUTE
            home.wait(max(at - home.now, SECOND))
            if number:
                longest = max(longest, silent_since(home))
            switch(home, "lamp", on=True)
            home.wait(3 * MINUTE)
            switch(home, "lamp", on=False)
            if number == 0:
                assert silent_since(home) <= 3 * MINUTE
    assert longest <= 3.5 * every


def test_who_switches_the_television_on_for_the_news_each_day_counts() -> None:
    home = home_with(LAMP)
    days_of(home, "lamp", [8.4, 21.0], range(60), 5 * MINUTE)
    assert counted(home, "lamp") == 120


# ---------------------------------------------------------------------------------- what is timed


@pytest.mark.parametrize("name", ["lamp", "switch"])
def test_a_timer_at_the_same_minute_counts_no_longer_from_the_fifth_day_on(name: str) -> None:
    home = home_with(LAMP, SWITCH)
    days_of(home, name, [7.0, 18.5], range(4), 20 * SECOND)
    assert counted(home, name) >= 8
    home.wait(2 * HOUR)
    home.live()
    before = home.engine.state.life
    days_of(home, name, [7.0, 18.5], range(4, 8), 20 * SECOND)
    assert home.engine.state.life == before


def test_a_timer_that_rests_over_the_weekend_stays_one() -> None:
    home = home_with(LAMP)
    days_of(home, "lamp", [7.0], (0, 1, 2, 3, 4, 7, 8, 9, 10, 11), 20 * SECOND)
    before = counted(home, "lamp")
    days_of(home, "lamp", [7.0], [14], 20 * SECOND)
    assert counted(home, "lamp") == before


def test_who_is_about_when_a_timer_switches_counts_by_it_too() -> None:
    home = home_with(LAMP)
    begin = home.now
    for day in range(8):
        home.wait(begin + day * DAY + 7 * HOUR - 20 * MINUTE - home.now)
        home.see("motion", Phenomenon.MOTION, True)
        home.see("motion", Phenomenon.MOTION, False)
        assert silent_since(home) >= HOUR
        home.wait(20 * MINUTE)
        switch(home, "lamp", on=True)
        assert silent_since(home) == timedelta()
        home.wait(HOUR)
        switch(home, "lamp", on=False)


def test_timers_lend_each_other_no_weight_nor_the_light_that_they_make() -> None:
    light = device("light", Phenomenon.ILLUMINANCE_LX)
    home = home_with(LAMP, SWITCH, replace(light, report_every=YEAR))
    begin = home.now
    for day in range(12):
        home.wait(begin + day * DAY + 7 * HOUR - home.now)
        for lux in (3.0, 180.0):
            home.see("light", Phenomenon.ILLUMINANCE_LX, lux)
            switch(home, "lamp", on=True)
            home.wait(MINUTE)
        home.wait(20 * MINUTE)
        switch(home, "switch", on=True)
        home.wait(20 * MINUTE)
        switch(home, "lamp", on=False)
        home.wait(50 * MINUTE)
        switch(home, "switch", on=False)
    assert silent_since(home) >= 6 * DAY


# ------------------------------------------------------------------------ one sign beside another


def test_a_plug_that_goes_off_counts_beside_another_device_only() -> None:
    home = home_with(LAMP)
    home.wait(2 * HOUR)
    switch(home, "lamp", on=True)
    home.wait(30 * MINUTE)
    home.see("lamp", W, 0.4)
    assert silent_since(home) == 30 * MINUTE
    home.wait(HOUR)
    home.press()
    home.wait(MINUTE)
    switch(home, "lamp", on=True)
    home.wait(10 * MINUTE)
    home.see("lamp", W, 0.4)
    assert silent_since(home) == timedelta()


def test_a_plug_of_a_weak_device_that_goes_off_does_not_count_beside_itself() -> None:
    cooler = device("cooler", W, evidence=EvidenceRole.WEAK, mains=True)
    home, random = home_with(cooler), Random(6)
    for _ in range(12):
        home.wait(random.uniform(2, 6) * HOUR)
        cycle(home, "cooler", 700.0, random.uniform(5, 50) * MINUTE, HOUR)
    assert counted(home, "cooler") == 0


def test_a_fridge_makes_no_lone_motion_count() -> None:
    home, random = home_with(FRIDGE), Random(1)
    cool(home, 20 * HOUR, random)
    home.live()
    for _ in range(4):
        cool(home, 2 * HOUR, random)
        home.see("motion", Phenomenon.MOTION, True)
        home.see("motion", Phenomenon.MOTION, False)
    cool(home, 2 * HOUR, random)
    assert silent_since(home) >= 10 * HOUR


def test_who_is_behind_a_dead_kettle_and_a_fridge_is_unseen_and_not_silent() -> None:
    home, random = Home(KETTLE, NODE, FRIDGE), Random(1)
    for _ in range(10):
        home.live()
        cool(home, 6 * HOUR, random)
    assert home.state(BLIND) is AlarmState.NORMAL
    home.dead = {KETTLE.id}
    cool(home, 30 * HOUR, random)
    assert home.state(BLIND) is AlarmState.RAISED
    assert home.state(INACTIVITY) is AlarmState.NORMAL
    home.dead = set()
    home.live()
    cool(home, 9 * HOUR, random)
    assert home.state(INACTIVITY) is AlarmState.RAISED


def test_a_kettle_that_died_before_the_fridge_was_known_leaves_the_home_blind() -> None:
    home, random = Home(KETTLE, NODE, FRIDGE), Random(1)
    home.dead = {KETTLE.id}
    cool(home, DAY, random)
    assert home.state(BLIND) is AlarmState.NORMAL
    cool(home, 2 * DAY, random)
    assert home.state(BLIND) is AlarmState.RAISED
    # A kettle takes the place of the fridge.
    home.wait(4 * HOUR)
    home.see("fridge", W, 1800.0)
    assert not home.engine.state.alarm(BLIND).present


def called(home: Home, kind: AlarmKind) -> int:
    return sum(case.alarm.kind is kind for case in home.cases())


def test_where_machines_are_all_there_is_nobody_is_seen_and_nobody_called() -> None:
    home, random = Home(NODE, FRIDGE, RICE), Random(1)
    home.see("rice cooker", W, 0.0)
    for _ in range(3 * 24):
        home.see("rice cooker", W, 45.0)
        cool(home, HOUR, random)
        home.see("rice cooker", W, 1.5)
    assert home.state(BLIND) is AlarmState.RAISED
    (blind,) = [case for case in home.cases() if case.alarm == BLIND]
    assert [each.say for each in blind.explanation] == [Say.HOME_BLIND_BY_MACHINES]
    before = called(home, AlarmKind.INACTIVITY)
    for serial in list(home.engine.state.cases):
        home.put(Closed(serial, Outcome.FALSE))
    cool(home, 6 * DAY, random)
    assert called(home, AlarmKind.INACTIVITY) == before
    assert home.engine.alarm_time_if_silent() is None


def test_a_hand_at_one_of_them_is_seen_and_its_silence_called() -> None:
    home, random = Home(NODE, FRIDGE), Random(1)
    cool(home, 3 * DAY, random)
    for serial in list(home.engine.state.cases):
        home.put(Closed(serial, Outcome.FALSE))
    home.see("fridge", W, 1800.0)
    home.see("fridge", W, 0.0)
    assert not home.engine.state.alarm(BLIND).present
    cool(home, 6 * HOUR, random)
    assert home.state(INACTIVITY) is AlarmState.NORMAL
    cool(home, 2 * HOUR, random)
    assert home.state(INACTIVITY) is AlarmState.RAISED


def test_what_a_machine_hid_is_no_silence_once_something_else_is_plugged_in() -> None:
    home, random = Home(NODE, FRIDGE), Random(1)
    cool(home, 3 * DAY, random)
    for serial in list(home.engine.state.cases):
        home.put(Closed(serial, Outcome.FALSE))
    before = called(home, AlarmKind.INACTIVITY)
    cool(home, DAY, random)
    # After a power cut another load is no sign of life by itself: nobody knows who began it.
    home.restart(3 * HOUR)
    home.see("fridge", W, 600.0)
    assert not home.engine.state.alarm(BLIND).present
    foretold = home.engine.alarm_time_if_silent()
    assert foretold is not None
    home.jump(HOUR)
    assert home.engine.alarm_time_if_silent() == foretold + HOUR
    home.wait(7 * HOUR)
    assert called(home, AlarmKind.INACTIVITY) == before


# -------------------------------------------------------------------------------- what is kept


def test_a_clock_that_is_set_moves_what_is_known_of_machines() -> None:
    known = []
    for shift in (timedelta(), timedelta(days=40)):
        home, random = home_with(FRIDGE, LAMP), Random(1)
        days_of(home, "lamp", [7.0, 18.5], range(5), 20 * SECOND)
        cool(home, DAY, random)
        home.jump(shift)
        cool(home, 2 * HOUR, random)
        home.jump(-shift)
        cool(home, 2 * HOUR, random)
        heard = home.engine.state.devices
        known.append([heard[each.id].switchings for each in (FRIDGE, LAMP)])
    assert known[0] == known[1]


def test_what_is_known_of_machines_outlives_restarts() -> None:
    home, random = home_with(FRIDGE), Random(1)
    cool(home, DAY, random)
    before = counted(home, "fridge")
    for down in (timedelta(), 3 * HOUR):
        home.restart(down)
        cool(home, 5 * HOUR, random)
    assert counted(home, "fridge") == before


def test_a_snapshot_of_a_program_that_knew_no_machines_is_read() -> None:
    home = home_with(FRIDGE)
    cycle(home, "fridge", 90.0, 18 * MINUTE, 36 * MINUTE)
    version, body = cbor2.loads(home.engine.snapshot())
    for heard in body["devices"].values():
        del heard["switchings"]
    del body["other"]
    engine = Engine.restored(home.book, cbor2.dumps([version, body]), [])
    assert engine.state.devices[FRIDGE.id].switchings == []


def test_what_is_remembered_of_a_plug_is_bounded() -> None:
    home, random = home_with(LAMP), Random(7)
    for _ in range(400):
        home.wait(random.uniform(3, 60) * MINUTE)
        home.see("lamp", W, random.choice((15.0, 60.0, 200.0, 700.0, 1800.0, 3000.0)))
        home.wait(MINUTE)
        home.see("lamp", W, 0.0)
    home.engine.state.tally.counts.clear()
    assert len(cbor2.dumps(cbor2.loads(home.engine.snapshot())[1]["devices"])) < 3_000
