"""The simulated resident: one seed, one life."""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from random import Random
from zoneinfo import ZoneInfo

from rules.observation import Phenomenon
from sim.homes.act import Absence, Scene
from sim.homes.resident import FRONT_DOOR, Resident, fridge_cycles, spurious_pairs

SEOUL = ZoneInfo("Asia/Seoul")
FIRST = date(2026, 11, 22)

_DIGEST = """
import hashlib
from datetime import date
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo
from sim.homes.dwelling import ROOMS, dwelling
from sim.homes.resident import Resident
random = Random(20)
home = dwelling(random, ROOMS["ko"])
acts = list(islice(Resident(random, ZoneInfo("Asia/Seoul"), date(2026, 11, 22)).acts(), 2000))
told = [(one.device.id, one.device.address, one.key, one.readings) for one in home]
print(hashlib.sha256(repr((told, acts)).encode()).hexdigest())
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


def test_one_seed_is_one_life_under_any_hash_seed() -> None:
    assert _digest("1") == _digest("2") != hashlib.sha256(b"").hexdigest()


def test_another_seed_is_another_life() -> None:
    first, second = (list(islice(Resident(Random(s), SEOUL, FIRST).acts(), 50)) for s in (1, 2))
    assert first != second


def test_a_month_of_a_well_person_is_in_order_and_never_silent_for_long() -> None:
    for seed in range(10):
        acts = list(islice(Resident(Random(seed), SEOUL, FIRST).acts(), 3000))
        assert all(one.at <= other.at for one, other in pairwise(acts))
        assert all(act.at.tzinfo is UTC for act in acts)
        hands = [act.at for act in acts if act.hand == act.at]
        assert max(b - a for a, b in pairwise(hands)) < timedelta(hours=7)


def test_a_day_has_its_scenes_and_an_outing_is_nobody_at_home() -> None:
    resident = Resident(Random(3), SEOUL, FIRST)
    end = datetime(2026, 11, 29, 5, tzinfo=SEOUL)
    seen = []
    for act in resident.acts():
        if act.at >= end:
            break
        seen.append(act)
        if act.scene is Scene.GOES_OUT:
            assert act.device == FRONT_DOOR
            assert not resident.at_home(act.at + timedelta(minutes=5))
        if act.scene is Scene.DINNER:
            assert resident.at_home(act.at)
    scenes = {act.scene for act in seen}
    assert scenes >= set(Scene)


def test_what_ends_by_itself_names_the_hand_that_began_it() -> None:
    acts = list(islice(Resident(Random(3), SEOUL, FIRST).acts(), 500))
    for act in acts:
        assert act.hand is not None
        assert act.hand <= act.at
    assert any(act.hand != act.at and act.phenomenon is Phenomenon.POWER_W for act in acts)


def test_machines_and_spurious_motion_need_no_hand() -> None:
    start = datetime(2026, 11, 22, tzinfo=UTC)
    fridge = list(islice(fridge_cycles(Random(1), start), 100))
    spurious = list(islice(spurious_pairs(Random(1), start, [FRONT_DOOR]), 200))
    for acts in (fridge, spurious):
        assert all(act.hand is None for act in acts)
        assert all(one.at <= other.at for one, other in pairwise(acts))
    days = (spurious[-1].at - start) / timedelta(days=1)
    assert 60 < days < 160  # A hundred pairs, about one a day.


def test_an_absence_covers_its_span() -> None:
    begin = datetime(2026, 11, 22, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert Absence(begin).covers(begin + 1000 * hour)
    assert not Absence(begin).covers(begin - hour)
    assert not Absence(begin, begin + hour).covers(begin + hour)
