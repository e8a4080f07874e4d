"""The person of `ongi sim run`: scenes for the story, and no silence that would be an alarm."""

from datetime import datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from sim.homes.act import Absence, Plight, Scene
from sim.homes.inhabitants import Inhabitants
from sim.homes.names import FRONT_DOOR
from sim.homes.population import DEMO, home

SEOUL = ZoneInfo("Asia/Seoul")
EVENING = datetime(2026, 11, 21, 21, tzinfo=SEOUL)
DAY = timedelta(days=1)


def test_the_demo_has_fourteen_devices_and_no_harm() -> None:
    quiet = home(1, 1, EVENING, DEMO)
    assert len(quiet.installed) == 14
    assert not any(isinstance(one, Plight) for one in islice(quiet.happenings(), 60_000))


def test_a_month_of_the_demo_is_never_silent_for_long_and_at_home_when_the_story_begins() -> None:
    for seed in range(1, 7):
        people = Inhabitants(home(seed, 1, EVENING, DEMO))
        hands = []
        story = EVENING.replace(hour=13, minute=40) + DAY
        for act in people.acts():
            if act.at > EVENING + 30 * DAY:
                break
            if act.at >= story:
                assert people.at_home(story)
                story += DAY
            if act.hand == act.at:
                hands.append(act.at)
        assert max(b - a for a, b in pairwise(hands)) < timedelta(hours=7)


def test_a_week_has_all_scenes_and_an_outing_is_nobody_at_home() -> None:
    people = Inhabitants(home(3, 1, EVENING, DEMO))
    scenes = set()
    for act in people.acts():
        if act.at > EVENING + 7 * DAY:
            break
        scenes.add(act.scene)
        if act.scene is Scene.GOES_OUT:
            assert act.device == FRONT_DOOR
            assert not people.at_home(act.at + timedelta(minutes=5))
        if act.scene is Scene.DINNER:
            assert people.at_home(act.at)
    assert scenes >= set(Scene)


def test_a_look_ahead_changes_nothing_and_finds_the_next_deed() -> None:
    looking, living = (Inhabitants(home(3, 1, EVENING, DEMO)) for _ in range(2))
    seen = []
    for act in islice(looking.acts(), 800):
        coming = looking.next_by_hand(act.at + timedelta(microseconds=1))
        assert coming is not None
        assert coming > act.at
        seen.append((act, coming))
    assert [act for act, _ in seen] == list(islice(living.acts(), 800))
    hands = [act.at for act, _ in seen if act.hand == act.at]
    for act, coming in seen[:400]:
        assert coming == next(hand for hand in hands if hand > act.at)


def test_an_absence_covers_its_span() -> None:
    hour = timedelta(hours=1)
    assert Absence(EVENING).covers(EVENING + 1000 * hour)
    assert not Absence(EVENING).covers(EVENING - hour)
    assert not Absence(EVENING, EVENING + hour).covers(EVENING + hour)
