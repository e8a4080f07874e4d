"""Faults drawn from a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import pytest

from sim.faults.catalogue import CATALOGUE, may_have
from sim.faults.drawn import Profile, drawn
from sim.faults.fault import OF_CENTER, OF_DEVICE, Fault, FaultKind
from sim.homes.dwelling import ROOMS, Installed, dwelling

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Home:
    number: int
    installed: Sequence[Installed]


def home(number: int) -> Home:
    return Home(number, dwelling(Random(number), ROOMS["en"]))


HOMES = [home(1), home(2), home(3)]


def of(faults: Sequence[Fault], number: int | None) -> list[Fault]:
    return [replace(one, number=0) for one in faults if one.home == number]


@pytest.mark.parametrize("profile", [Profile.CALM, Profile.STORM])
@pytest.mark.parametrize("days", [2, 10, 60, 365])
@pytest.mark.parametrize("seed", [1, 41, 2**63])
def test_every_fault_is_one_that_can_be(profile: Profile, days: int, seed: int) -> None:
    faults = drawn(profile, seed, HOMES, days)
    installed = {one.number: {each.device.id: each for each in one.installed} for one in HOMES}
    assert [one.number for one in faults] == list(range(1, len(faults) + 1))
    for one in faults:
        assert one.begin >= DAY
        assert one.lasting >= timedelta(seconds=1)
        assert one.begin + one.lasting <= timedelta(days=days) - DAY / 4
        assert one.begin % timedelta(seconds=1) == timedelta()
        assert (one.home is None) == (one.kind in OF_CENTER)
        if one.kind in OF_DEVICE:
            assert one.device is not None
        if one.device is not None and one.home is not None:
            assert may_have(one.kind, installed[one.home][one.device])
        amount = CATALOGUE[one.kind].amount
        assert one.amount == 0 if amount is None else amount.fits(one.amount)


def test_nothing_is_drawn_where_nothing_shall_be_wrong() -> None:
    assert drawn(Profile.NONE, 41, HOMES, 365) == ()
    assert drawn(Profile.STORM, 41, HOMES, 1) == ()


def test_the_same_seed_draws_the_same() -> None:
    assert drawn(Profile.STORM, 41, HOMES, 60) == drawn(Profile.STORM, 41, HOMES, 60)
    assert drawn(Profile.STORM, 41, HOMES, 60) != drawn(Profile.STORM, 42, HOMES, 60)


@pytest.mark.parametrize("profile", [Profile.CALM, Profile.STORM])
def test_one_home_more_changes_no_other_fault(profile: Profile) -> None:
    three = drawn(profile, 41, HOMES, 365)
    two = drawn(profile, 41, HOMES[:2], 365)
    assert three[: len(two)] == two
    assert of(drawn(profile, 41, [HOMES[2]], 365), 3) == of(three, 3)
    assert drawn(profile, 41, HOMES[::-1], 365) == three


def test_homes_have_faults_of_their_own() -> None:
    twins = [HOMES[0], replace(HOMES[0], number=2)]
    faults = drawn(Profile.STORM, 41, twins, 60)
    begins = [{one.begin for one in faults if one.home == number} for number in (1, 2)]
    assert len(begins[0] & begins[1]) < 5


def test_a_storm_has_every_kind_several_times_a_month() -> None:
    faults = drawn(Profile.STORM, 41, [HOMES[0]], 60)
    for kind in FaultKind:
        assert sum(one.kind is kind for one in faults) >= 3


def test_a_short_storm_has_all_kinds_still() -> None:
    kinds = {one.kind for one in drawn(Profile.STORM, 41, [HOMES[0]], 10)}
    assert kinds == set(FaultKind)


def test_a_storm_overlaps_and_has_long_faults() -> None:
    faults = of(drawn(Profile.STORM, 41, [HOMES[0]], 365), 1)
    down = [one.lasting for one in faults if one.kind is FaultKind.UPLINK_DOWN]
    assert 15 * DAY < max(down) <= 30 * DAY
    assert sum(down, timedelta()) < 300 * DAY
    jumps = [one.amount for one in faults if one.kind is FaultKind.CLOCK_JUMP]
    assert min(jumps) < -4 * 86_400
    assert max(jumps) > 4 * 86_400
    assert max(map(abs, jumps)) <= 14 * 86_400
    middle = 180 * DAY
    assert len({one.kind for one in faults if one.begin <= middle < one.begin + one.lasting}) > 5


def test_calm_is_what_a_healthy_fleet_sees() -> None:
    homes = [home(number) for number in range(1, 21)]
    faults = drawn(Profile.CALM, 41, homes, 365)
    loss = [one for one in faults if one.kind is FaultKind.FRAME_LOSS]
    assert [(one.home, one.amount, one.lasting) for one in loss] == [
        (number, 0.02, timedelta(days=365 - 1.25)) for number in range(1, 21)
    ]

    def a_home_year(kind: FaultKind) -> float:
        return sum(one.kind is kind for one in faults) / 20

    assert 0.5 < a_home_year(FaultKind.DEAD_SENSOR) < 1.5
    assert a_home_year(FaultKind.BATTERY_SAG) == a_home_year(FaultKind.DEAD_SENSOR)
    assert 11 <= a_home_year(FaultKind.POWER_CUT) <= 13
    nights = [one.lasting for one in faults if one.kind is FaultKind.UPLINK_DOWN]
    assert 11 <= len(nights) / 20 <= 13
    assert max(nights) <= timedelta(hours=10)
    assert not any(a_home_year(kind) for kind in (FaultKind.CLOCK_JUMP, FaultKind.DISK_CORRUPTED))


def test_a_dead_battery_was_weak_before() -> None:
    homes = [home(number) for number in range(1, 21)]
    faults = drawn(Profile.CALM, 41, homes, 365)
    for dead in (one for one in faults if one.kind is FaultKind.DEAD_SENSOR):
        assert any(
            one.begin < dead.begin
            and one.begin + one.lasting == dead.begin + dead.lasting
            and one.amount <= 3
            for one in faults
            if one.kind is FaultKind.BATTERY_SAG
            and (one.home, one.device) == (dead.home, dead.device)
        )
