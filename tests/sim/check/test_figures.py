"""The figures of a run, by their definitions."""

from dataclasses import fields
from datetime import timedelta

import pytest

from rules.alarm import AlarmKey, AlarmKind
from rules.codec import moment_us
from sim.check import Figures, check, figures
from sim.check.figures import home_figures, percentile_h
from sim.faults.fault import FaultKind
from sim.homes.act import PlightKind
from sim.world.chronicle import Chronicle, Trouble
from tests.sim.check.story import HOUR, LEAK, SECOND, START, Good, on


def told(story: Good) -> Figures:
    return figures(story.run, check(story.run), 1.23456)


def test_the_keys_are_those_of_the_json() -> None:
    assert [each.name for each in fields(Figures)] == [
        "digest",
        "seed",
        "wall_s",
        "escalations",
        "lost",
        "doubled",
        "collapses",
        "found",
        "found_p50_h",
        "found_p90_h",
        "blind",
        "false_per_30d",
        "violations",
    ]


def test_a_good_story() -> None:
    found = told(Good())
    # Leak, call and inactivity; a dead device is nobody in danger. 23.5 h and a second later.
    assert found == Figures("d", 41, 1.235, 3, 0, 0, 1, 1, 23.5, 23.5, 0, 0.0, ())


def test_nothing_is_none_and_not_zero() -> None:
    empty = Chronicle(1, START, on(2), on(2))
    found = figures(empty, (), 0.0)
    assert (found.found_p50_h, found.found_p90_h, found.false_per_30d) == (None, None, 0.0)
    assert percentile_h([], 90) is None


@pytest.mark.parametrize(
    ("hours", "percent", "found"),
    [((5,), 50, 5.0), ((1, 3), 50, 1.0), ((1, 3), 90, 3.0), (tuple(range(1, 11)), 90, 9.0)],
)
def test_a_percentile_is_a_value_that_was_there(
    hours: tuple[int, ...], percent: int, found: float
) -> None:
    assert percentile_h([n * HOUR for n in reversed(hours)], percent) == found


def test_lost_and_doubled_are_counted() -> None:
    story = Good()
    story.forget_at_center(story.dead)
    story.run.stored += [story.row_of(story.leak)] * 2
    found = told(story)
    assert (found.lost, found.doubled, len(found.violations)) == (1, 2, 3)
    (row,) = home_figures(story.run, found.violations)
    assert (row.home, row.violations, row.collapses, row.found) == (1, 3, 1, 1)


def test_a_collapse_in_a_home_that_was_said_to_be_silent_is_blind() -> None:
    story = Good()
    story.home.troubles.append(Trouble(on(5, 14), PlightKind.COLLAPSE, helped=on(5, 14.5)))
    assert told(story).blind == 1


def test_false_is_a_silence_that_life_ended() -> None:
    story = Good()
    story.home.troubles.clear()
    # Twelve days and a quarter: one in them is 2.449 in thirty.
    assert told(story).false_per_30d == pytest.approx(30 / 12.25, abs=1e-3)


def test_false_is_a_danger_that_no_device_noticed() -> None:
    story = Good()
    story.home.alerts.clear()
    assert told(story).false_per_30d == pytest.approx(2 * 30 / 12.25, abs=1e-3)


def test_false_is_heat_told_by_a_sensor_that_drifts() -> None:
    story = Good()
    story.escalates(on(8), AlarmKey(AlarmKind.HEAT, LEAK.id))
    assert told(story).false_per_30d == 0.0
    story.fault(FaultKind.DRIFTING_SENSOR, on(7), on(9), device=LEAK.id)
    assert told(story).false_per_30d == pytest.approx(30 / 12.25, abs=1e-3)


def test_drills_are_no_escalations() -> None:
    story = Good()
    case = story.run.cases[0]
    story.run.cases[0] = type(case)(
        case.id, case.gateway, case.own, case.alarm, case.opened, drill=True
    )
    assert told(story).escalations == 2


def test_found_is_later_than_the_plight_by_true_time() -> None:
    story = Good()
    assert story.trouble.found is not None
    assert story.trouble.found - story.trouble.at == timedelta(hours=23.5) + SECOND


def test_a_collapse_that_is_not_due_when_the_run_ends_does_not_count() -> None:
    story = Good()
    end = story.run.end
    story.home.troubles.append(Trouble(end - 5 * HOUR, PlightKind.COLLAPSE))
    found = told(story)
    assert (found.collapses, found.found) == (1, 1)
    assert not found.violations
    (row,) = home_figures(story.run, found.violations)
    assert (row.collapses, row.found, row.not_due) == (1, 1, 1)


def test_a_collapse_that_was_due_and_not_found_counts() -> None:
    story = Good()
    for moments in (story.home.life, story.home.signs):
        while moments and moments[-1] > moment_us(on(9)):
            moments.pop()
    story.home.troubles.append(Trouble(on(9), PlightKind.COLLAPSE))
    found = told(story)
    assert (found.collapses, found.found) == (2, 1)
    assert [each.checker for each in found.violations] == ["collapse-found"]
    (row,) = home_figures(story.run, found.violations)
    assert row.not_due == 0
