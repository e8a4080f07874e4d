"""Populations: one seed is one life, in order of time, with harm about as often as asked for."""

import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile

import pytest

from rules.device import EvidenceRole
from rules.errors import ConfigError
from rules.evidence import ON_W
from rules.observation import DeviceId, Phenomenon, Value
from rules.rulebook import PRESETS, Evidence, Preset
from sim.homes import names
from sim.homes.act import (
    Act,
    Announced,
    Happening,
    Plight,
    PlightKind,
    Scene,
    SlowHarm,
    SlowKind,
)
from sim.homes.population import DEMO, POPULATIONS, ZONE, SimulatedHome, home

START = datetime(2026, 1, 5, tzinfo=ZONE)
DAY = timedelta(days=1)
YEARS = 2
_SHUT = timedelta(seconds=30)
"The door is shut behind oneself."
_OF_SEASON = {names.BLANKET, names.FAN}

_DIGEST = """
import hashlib
from datetime import datetime
from itertools import islice
from sim.homes.population import POPULATIONS, ZONE, home
digest = hashlib.sha256()
for population in POPULATIONS:
    one = home(20, 3, datetime(2026, 7, 1, tzinfo=ZONE), population)
    # Not the sets of phenomena: those are written in any order.
    told = [(each.device.id, each.device.address, each.readings) for each in one.installed]
    digest.update(repr(told).encode())
    for happening in islice(one.happenings(), 4_000):
        digest.update(repr(happening).encode())
print(digest.hexdigest())
"""


def _digest(hash_seed: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", _DIGEST],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout


def _until(one: SimulatedHome, days: int) -> Iterator[Happening]:
    end = one.start + days * DAY
    return takewhile(lambda happening: happening.at < end, one.happenings())


class Lived:
    """Two years of a home, counted in one pass."""

    def __init__(self, lived: SimulatedHome) -> None:
        self.home = lived
        self.plights: list[Plight] = []
        self.announced: list[Announced] = []
        self.told: Counter[tuple[DeviceId, Value]] = Counter()
        self.rises: Counter[DeviceId] = Counter()
        self.observations = 0
        self.machines_by_hand = 0
        self.lone_pairs = 0
        self.by_month: defaultdict[tuple[DeviceId, int], int] = defaultdict(int)
        self.hottest_c = 0.0
        self.outings = 0
        self.deeds_while_out = 0
        self._out: datetime | None = None
        self._watts: dict[DeviceId, float] = {}
        before = lived.start
        for one in _until(lived, 365 * YEARS):
            assert before <= one.at
            before = one.at
            match one:
                case Plight():
                    assert lived.at_home(one.at)
                    self.plights.append(one)
                case Announced():
                    self.announced.append(one)
                case Act():
                    self._see(one)

    def _follow(self, act: Act) -> None:
        if act.scene is Scene.GOES_OUT:
            self._out = act.at
            self.outings += 1
        elif act.scene is Scene.COMES_HOME:
            self._out = None
        elif self._out is not None and act.hand == act.at > self._out + _SHUT:
            self.deeds_while_out += 1

    def _see(self, act: Act) -> None:
        self.observations += 1
        assert act.hand is None or act.hand <= act.at
        self._follow(act)
        if act.device in _OF_SEASON:
            self.by_month[act.device, act.at.astimezone(ZONE).month] += 1
        match act.phenomenon:
            case Phenomenon.POWER_W:
                watts = self._watts.get(act.device, 0.0)
                self._watts[act.device] = float(act.value)
                if watts < ON_W <= float(act.value):
                    self.rises[act.device] += 1
                    if act.device == names.FRIDGE and act.hand is not None:
                        self.machines_by_hand += 1
            case Phenomenon.TEMPERATURE_C:
                self.hottest_c = max(self.hottest_c, float(act.value))
                self.machines_by_hand += act.hand is not None
            case Phenomenon.MOTION:
                self.lone_pairs += bool(act.value) and act.hand is None
            case Phenomenon.SMOKE | Phenomenon.LEAK | Phenomenon.GAS | Phenomenon.SOS:
                self.told[DeviceId(act.phenomenon.value), act.value] += 1
                self.machines_by_hand += (
                    act.hand == act.at and act.phenomenon is not Phenomenon.SOS
                )
            case _:
                pass


@pytest.fixture(scope="module")
def lived() -> list[Lived]:
    return [Lived(home(41, number, START, "rooms")) for number in (1, 2, 3)]


def test_one_seed_is_one_life_under_any_hash_seed() -> None:
    assert _digest("1") == _digest("2")


def test_asked_again_a_home_lives_the_same_life_and_another_number_another() -> None:
    one, again, other = home(7, 1, START), home(7, 1, START), home(7, 2, START)
    first = list(islice(one.happenings(), 3_000))
    assert (
        first == list(islice(one.happenings(), 3_000)) == list(islice(again.happenings(), 3_000))
    )
    assert one.installed == again.installed
    assert first != list(islice(other.happenings(), 3_000))


def test_what_is_installed_does_not_change_the_life() -> None:
    many, few = home(7, 1, START, "rooms"), home(7, 1, START, "plugs")
    both = {one.device.id for one in many.installed} & {one.device.id for one in few.installed}
    assert names.KETTLE in both

    def deeds(lived: SimulatedHome) -> list[datetime]:
        return [
            one.at
            for one in _until(lived, 20)
            if isinstance(one, Act) and one.device == names.KETTLE
        ]

    assert deeds(many) == deeds(few) != []


@pytest.mark.parametrize("population", POPULATIONS)
def test_a_population_has_what_its_name_says(population: str) -> None:
    homes = [home(5, number, START, population) for number in range(1, 9)]
    for one in homes:
        ids = [each.device.id for each in one.installed]
        assert len(set(ids)) == len(ids)
        pet = one.nature.pet
        assert one.book == replace(PRESETS[one.preset], evidence=Evidence(pet=pet))
        assert pet or population not in {"pet", "perilous-pet"}
        assert any(each.device.evidence is EvidenceRole.HAND for each in one.installed)
        first = next(one.happenings())
        assert START <= first.at < START + DAY
        if population == "plugs":
            plugs = [each for each in one.installed if each.device.mains_powered]
            assert 4 <= len(plugs) <= 8
            assert len(plugs) == len(one.installed)
            assert any(Phenomenon.ILLUMINANCE_LX in each.device.phenomena for each in plugs)
        elif population == "mistaken":
            assert {names.FRIDGE, names.BLANKET, names.URN, names.PORCH_LAMP} <= set(ids)
            assert {each.device.evidence for each in one.installed} == {EvidenceRole.HAND}
        elif population not in {"mixed", DEMO}:
            assert 36 <= len(one.installed) <= 41
    expected = {
        "semi-basement": Preset.SEMI_BASEMENT,
        "two": Preset.TWO_RESIDENTS,
        "carer": Preset.LIVING_ALONE_WITH_CARER,
        "dementia": Preset.LIVING_ALONE_DEMENTIA,
        "failing": Preset.LIVING_ALONE_DEMENTIA,
    }
    if population in expected:
        assert {one.preset for one in homes} == {expected[population]}
    if population == "pet":
        alone = {Preset.LIVING_ALONE_WITH_PET, Preset.LIVING_ALONE_HIGH_RISK}
        assert {one.preset for one in homes} == alone
    if population == "mixed":
        assert len({len(one.installed) for one in homes}) > 3


def test_an_unknown_population_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"'flats'.*mixed, rooms"):
        home(1, 1, START, "flats")


def test_devices_read_at_the_start_what_was_left_on() -> None:
    evening = datetime(2026, 1, 15, 23, 59, tzinfo=ZONE)
    homes = [home(7, number, evening, "rooms") for number in range(1, 16)]
    left: defaultdict[DeviceId, set[bool]] = defaultdict(set)
    for one in homes:
        for each in one.installed:
            if each.device.id in {names.FRIDGE, names.BED}:
                _, value = each.readings[0]
                left[each.device.id].add(float(value) > ON_W or value is True)
    # All but the odd one are in bed by then; a fridge runs for a third of the time.
    assert left[names.FRIDGE] == {False, True}
    assert True in left[names.BED]


def test_harm_comes_about_as_often_as_asked_for(lived: list[Lived]) -> None:
    years = YEARS * len(lived)
    kinds = Counter(plight.kind for one in lived for plight in one.plights)
    assert 3.5 <= kinds[PlightKind.COLLAPSE] / years <= 9
    assert 0.3 <= kinds[PlightKind.FALL] / years <= 3.5
    told = sum((one.told for one in lived), Counter())
    for phenomenon in ("smoke", "leak", "sos"):
        assert 0.1 <= told[DeviceId(phenomenon), True] / years <= 8
    for phenomenon in ("smoke", "leak", "gas"):
        # What begins ends, but for the last one.
        device = DeviceId(phenomenon)
        assert abs(told[device, True] - told[device, False]) <= len(lived)
    for one in lived:
        assert all(b.at - a.at >= 3 * DAY for a, b in pairwise(one.plights))


def test_who_fell_is_seen_in_one_room_and_ever_less(lived: list[Lived]) -> None:
    fallen = [plight for one in lived for plight in one.plights if plight.kind is PlightKind.FALL]
    assert fallen
    for plight in fallen:
        assert len({act.device for act in plight.acts}) <= 1
        assert all(act.at > plight.at and act.hand is not None for act in plight.acts)
        assert list(plight.acts) == sorted(plight.acts, key=lambda act: act.at)
    assert any(plight.acts for plight in fallen)


def test_who_is_out_does_nothing_at_home_and_does_not_collapse_there(lived: list[Lived]) -> None:
    for one in lived:
        assert one.outings > 20
        assert one.deeds_while_out == 0


def test_absences_are_announced_by_some(lived: list[Lived]) -> None:
    announced = [each.away for one in lived for each in one.announced]
    assert any(not away.ends for away in announced)
    for one in lived:
        for each in one.announced:
            assert each.away.until is None or each.away.until > each.at


def test_machines_work_without_hands(lived: list[Lived]) -> None:
    assert sum(one.machines_by_hand for one in lived) == 0


def test_a_load_rises_once_for_each_use(lived: list[Lived]) -> None:
    days = 365 * YEARS
    for one in lived:
        assert 0.5 < one.rises[names.KETTLE] / days < 9
        assert 0.1 < one.rises[names.RICE_COOKER] / days < 1.5
        assert one.rises[names.TELEVISION] / days < 8
        if one.rises[names.WASHING_MACHINE]:
            # A dozen phases, and one rise.
            assert one.rises[names.WASHING_MACHINE] / days < 0.9


def test_motion_that_nobody_made_comes_about_once_a_day(lived: list[Lived]) -> None:
    for one in lived:
        assert 0.8 < one.lone_pairs / (365 * YEARS) < 1.2


def test_a_pet_is_seen_far_more_often() -> None:
    pet = home(41, 1, START, "pet")
    nobody = sum(
        isinstance(one, Act) and one.phenomenon is Phenomenon.MOTION and one.hand is None
        for one in _until(pet, 30)
    )
    assert nobody / 2 > 8 * 30


def test_a_year_of_a_full_home_is_about_a_million_observations(lived: list[Lived]) -> None:
    year = timedelta(days=365)
    for one in lived:
        reports = sum(
            len(each.readings) * (year / (0.93 * each.device.report_every))
            for each in one.home.installed
        )
        assert 0.9e6 < reports + one.observations / YEARS < 1.4e6


def test_seasons_are_seen(lived: list[Lived]) -> None:
    for one in lived:
        fitted = {each.device.id for each in one.home.installed}
        if names.BLANKET in fitted:
            assert one.by_month[names.BLANKET, 1] > 500
            assert one.by_month[names.BLANKET, 7] == 0
        if names.FAN in fitted:
            assert one.by_month[names.FAN, 8] > 0
            assert one.by_month[names.FAN, 1] == 0
        assert 27 < one.hottest_c < 40


def test_the_sun_rises_and_sets_by_the_season() -> None:
    lit: dict[int, set[int]] = {}
    for month in (1, 7):
        start = datetime(2026, month, 10, tzinfo=ZONE)
        lit[month] = {
            one.at.astimezone(ZONE).hour
            for one in _until(home(3, 1, start, "plugs"), 8)
            if isinstance(one, Act)
            and one.phenomenon is Phenomenon.ILLUMINANCE_LX
            # By the sky alone.
            and (one.hand is None or one.at - one.hand > timedelta(hours=1))
        }
    assert min(lit[1]) >= 7
    assert max(lit[1]) <= 18
    assert min(lit[7]) == 5
    assert max(lit[7]) >= 19


def test_a_carer_comes_on_weekdays_and_friends_on_most_days() -> None:
    def came(population: str) -> Counter[int]:
        """Days of the week on which the door was used while the resident stayed at home."""
        days: Counter[int] = Counter()
        for number in range(1, 4):
            lived = home(5, number, START, population)
            for one in _until(lived, 28):
                if isinstance(one, Act) and one.device == names.FRONT_DOOR and one.scene is None:
                    days[one.at.astimezone(ZONE).weekday()] += bool(one.value)
        return days

    cared, visited, others = came("carer"), came("visited"), came("rooms")
    assert all(cared[day] > 2 * max(cared[5], cared[6]) for day in range(5))
    # Nobody's carer comes on a weekend.
    assert visited[5] + visited[6] > 4 * (others[5] + others[6])


def test_who_has_dementia_goes_out_at_night_now_and_then() -> None:
    def nights(population: str) -> int:
        return sum(
            isinstance(one, Act)
            and one.device == names.FRONT_DOOR
            and 2 <= one.at.astimezone(ZONE).hour < 4
            for number in (1, 2)
            for one in _until(home(6, number, START, population), 90)
        )

    assert nights("dementia") > 2 * nights("rooms")


def test_who_fails_forgets_the_heater_eats_nothing_for_days_goes_out_at_night_and_weakens() -> (
    None
):
    begun: Counter[SlowKind] = Counter()
    there: set[SlowKind] = set()
    heats, cooked = False, 0
    for one in _until(home(9, 5, START, "failing"), 200):
        match one:
            case SlowHarm(kind=kind, ends=ends):
                assert ends is (kind in there)
                there ^= {kind}
                begun[kind] += not ends
                assert kind is not SlowKind.LEFT_ON or heats
                # Only what was put on before is done.
                cooked = 0
            case Act(device=names.HEATER, value=value):
                heats = float(value) > ON_W
                assert heats or SlowKind.LEFT_ON not in there
            case Act(phenomenon=Phenomenon.POWER_W, device=device, value=value, hand=hand):
                by_hand = hand == one.at and float(value) > ON_W
                cooked += by_hand and device in {names.KETTLE, names.MICROWAVE}
                assert SlowKind.NOT_EATING not in there or not cooked
    assert begun.keys() == set(SlowKind)
