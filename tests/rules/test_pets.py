"""Homes where an animal lives: what it stirs is no sign of the resident."""

from dataclasses import replace
from datetime import timedelta

import cbor2
import pytest

from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.device import Device, EvidenceRole
from rules.engine import Engine
from rules.inputs import Boot, DeviceChanged
from rules.observation import Phenomenon
from rules.rulebook import PRESETS, Evidence, Preset
from rules.sentence import Say
from tests.rules.home import DOOR, EPOCH, HOUR, KETTLE, MINUTE, MOTION, NODE, Home, device

BLIND = AlarmKey(AlarmKind.HOME_BLIND)
INACTIVITY = AlarmKey(AlarmKind.INACTIVITY)
BOOK = replace(PRESETS[Preset.LIVING_ALONE_HIGH_RISK], evidence=Evidence(pet=True))
MAT = device("mat", Phenomenon.OCCUPANCY)
LAMP = device("lamp", Phenomenon.ILLUMINANCE_LX)
OVER_PETS = replace(MOTION, evidence=EvidenceRole.PERSON)
MULTI = device("multi", Phenomenon.MOTION, Phenomenon.ILLUMINANCE_LX)


def pet_home(*devices: Device) -> Home:
    return Home(*(devices or (KETTLE, MOTION, MAT, DOOR, NODE)), book=BOOK)


def run_about(home: Home, span: timedelta) -> None:
    """A dog, every twenty minutes for so long: through the room and over the mat."""
    for _ in range(span // (20 * MINUTE)):
        for is_there in (True, False):
            home.see("motion", Phenomenon.MOTION, is_there)
            home.see("mat", Phenomenon.OCCUPANCY, is_there)
            home.wait(10 * MINUTE)


def test_who_collapses_beside_a_dog_is_asked_and_found_in_time() -> None:
    home = pet_home()
    home.live()
    run_about(home, 7 * HOUR + 40 * MINUTE)
    assert home.state(INACTIVITY) is AlarmState.NORMAL
    run_about(home, 20 * MINUTE)
    assert home.state(INACTIVITY) is AlarmState.RAISED
    (case,) = home.cases()
    assert case.at - EPOCH == 8 * HOUR
    assert Say.PROMPT_UNANSWERED in {each.say for each in case.explanation}
    run_about(home, 20 * HOUR)
    assert not [each for each in home.updates() if each.explanation[0].say is Say.LIFE_AGAIN]


def test_without_the_setting_the_dog_is_taken_for_the_resident() -> None:
    home = Home(KETTLE, MOTION, MAT, DOOR, NODE)
    home.live()
    run_about(home, 20 * HOUR)
    assert not home.cases()


@pytest.mark.parametrize("who", ["kettle", "door", "node"])
def test_what_only_a_hand_can_do_counts_as_ever(who: str) -> None:
    home = pet_home()
    home.live()
    run_about(home, 7 * HOUR)
    if who == "kettle":
        home.see("kettle", Phenomenon.POWER_W, 1800.0)
    elif who == "door":
        home.see("door", Phenomenon.CONTACT_OPEN, True)
    else:
        home.press()
    run_about(home, 7 * HOUR + 40 * MINUTE)
    assert not home.cases()


def test_a_dog_makes_no_weak_sign_count() -> None:
    home = pet_home(KETTLE, MOTION, MAT, LAMP, NODE)
    home.live()
    home.wait(3 * HOUR)
    home.see("lamp", Phenomenon.ILLUMINANCE_LX, 2.0)
    home.see("motion", Phenomenon.MOTION, True)
    home.wait(MINUTE)
    home.see("lamp", Phenomenon.ILLUMINANCE_LX, 180.0)
    home.wait(5 * HOUR)
    assert [case.alarm for case in home.cases()] == [INACTIVITY]


def test_a_sensor_that_overlooks_animals_counts_and_watches() -> None:
    home = pet_home(OVER_PETS, NODE)
    for _ in range(20):
        for moves in (True, False):
            home.see("motion", Phenomenon.MOTION, moves)
            home.wait(15 * MINUTE)
    assert not home.cases()
    home.wait(8 * HOUR)
    assert [case.alarm for case in home.cases()] == [INACTIVITY]


@pytest.mark.parametrize("devices", [(MOTION, MAT, NODE), (MULTI, NODE)])
def test_a_home_with_nothing_but_what_an_animal_stirs_is_blind(
    devices: tuple[Device, ...],
) -> None:
    home = pet_home(*devices)
    home.wait(MINUTE)
    (case,) = home.cases()
    assert case.alarm == BLIND
    assert [each.say for each in case.explanation] == [Say.HOME_BLIND_BESIDE_PET]
    home.wait(50 * HOUR)
    assert home.cases() == [case]
    assert home.engine.alarm_time_if_silent() is None


def test_a_blind_home_with_a_pet_sees_with_its_first_plug() -> None:
    home = pet_home(MOTION, NODE)
    home.wait(HOUR)
    home.put(DeviceChanged((MOTION, NODE, KETTLE)))
    assert home.state(BLIND) is AlarmState.RAISED
    home.see("kettle", Phenomenon.POWER_W, 0.0)
    assert home.state(BLIND) is AlarmState.CLEARED
    assert home.engine.alarm_time_if_silent() == home.now + 8 * HOUR


def test_a_plug_not_heard_yet_makes_no_home_blind() -> None:
    home = pet_home(MOTION, KETTLE, NODE)
    home.dead = {KETTLE.id}
    home.wait(HOUR)
    assert not home.cases()
    home.wait(HOUR)
    assert BLIND in {case.alarm for case in home.cases()}


def test_motion_proves_no_silence_when_the_plugs_are_lost() -> None:
    home = pet_home()
    home.live()
    home.wait(HOUR)
    home.dead = {KETTLE.id, DOOR.id}
    home.wait(20 * HOUR)
    kinds = {case.alarm.kind for case in home.cases()}
    assert AlarmKind.HOME_BLIND in kinds
    assert AlarmKind.INACTIVITY not in kinds


def test_an_outing_is_not_told_from_rooms_that_a_dog_keeps_busy_or_quiet() -> None:
    home = pet_home()
    home.live()
    home.wait(MINUTE)
    home.see("door", Phenomenon.CONTACT_OPEN, True)
    home.see("door", Phenomenon.CONTACT_OPEN, False)
    home.wait(8 * HOUR)
    assert home.engine.state.away is None
    assert home.state(INACTIVITY) is AlarmState.RAISED


def test_an_animal_that_moves_in_counts_from_the_next_start() -> None:
    home = Home(MOTION, NODE)
    home.wait(2 * HOUR)
    assert not home.cases()
    home.book = BOOK
    home.restart(MINUTE)
    assert [case.alarm for case in home.cases()] == [BLIND]
    home.book = PRESETS[Preset.LIVING_ALONE_HIGH_RISK]
    home.restart(MINUTE)
    assert home.state(BLIND) is AlarmState.CLEARED


def test_a_snapshot_of_a_program_that_knew_no_pets_is_brought_up_to_date() -> None:
    home = pet_home()
    home.live()
    home.wait(HOUR)
    version, body = cbor2.loads(home.engine.snapshot())
    del body["seen_beside_pet"]
    engine = Engine.restored(BOOK, cbor2.dumps([version, body]), [])
    engine.handle(Boot(2, timedelta(), trusted=True), home.now)
    assert engine.alarm_time_if_silent() == home.engine.alarm_time_if_silent() is not None


@pytest.mark.parametrize("preset", list(Preset))
def test_an_animal_may_live_in_any_home(preset: Preset) -> None:
    book = replace(PRESETS[preset], evidence=Evidence(pet=True))
    home = Home(MOTION, book=book)
    home.wait(HOUR)
    blind = [case.alarm for case in home.cases()] == [BLIND]
    assert blind == book.inactivity.enabled
