from dataclasses import replace
from math import nan

import pytest

from benchmarks.detection.asked import Asked, Budget, Method
from benchmarks.detection.figures import Told, as_json, tell
from benchmarks.detection.record import Counts, Record
from benchmarks.detection.report import picture
from benchmarks.detection.scored import Scored
from benchmarks.detection.study import Study

H = 3_600.0
DAY = 24 * H
ASKED = Asked(moments=4, methods=(Method.ONGI_PROMPT,))


def record(name: str) -> Record:
    """A sign every six hours for 88 days, the last at the end: 60 are scored."""
    signs = [6 * H * number for number in range(88 * 4 + 1)]
    return Record(name, 0.0, 88 * DAY, signs, [], has_door=False, has_motion=False)


def told(**delays: list[float]) -> Told:
    """Of two equal homes, one of which is always found after ten hours."""
    rest = dict.fromkeys(("clean", "noisy1", "noisy3", "outage"), [10 * H] * 4)
    some = Scored(
        delays={**rest, **{name: [each * H for each in hours] for name, hours in delays.items()}},
        counts=Counts(all=4, at_home=3, in_absences=2),
        outage_counts=Counts(all=6),
        prompts=12,
        unanswered=3,
    )
    others = Scored(delays=rest)
    keys = [(Method.ONGI_PROMPT, budget) for budget in Budget]
    scored = {"a": dict.fromkeys(keys, some), "b": dict.fromkeys(keys, others)}
    return tell(Study(ASKED, (record("a"), record("b")), scored))[0]


def test_what_is_out_already_is_counted_and_left_out() -> None:
    one = told(clean=[1.0, nan, 3.0, nan], noisy3=[nan, nan, 8.0, 12.0])
    assert one.all.moments == 8
    assert one.all.already == one.homes["a"].already == 2
    assert one.homes["a"].median_h == 2.0
    assert one.all.median_h == 10.0
    assert one.homes["a"].median_noisy3_h == 10.0
    assert one.homes["a"].median_noisy1_h == 10.0


def test_rates_are_of_thirty_scored_days_and_prompts_of_seven() -> None:
    one = told()
    here = one.homes["a"]
    assert here.days == 60
    assert here.realised_per_30d == 2.0
    assert here.realised_home_per_30d == 1.5
    assert here.with_absences_per_30d == 3.0
    assert here.realised_outage_per_30d == 3.0
    assert here.prompts_per_7d == pytest.approx(12 / 60 * 7)
    assert here.unanswered_per_7d == pytest.approx(3 / 60 * 7)
    assert one.all.realised_per_30d == 1.0
    # Four in 120 days: 1.0899 to 10.2416 of the exact interval.
    assert one.all.interval == pytest.approx((1.0899 / 4, 10.2416 / 4), abs=1e-3)


def test_only_who_is_asked_has_prompts_in_the_json() -> None:
    study = Study(replace(ASKED, methods=(Method.FIXED_24,)), (record("a"),), {})
    one = told()
    silent = replace(one, all=replace(one.all, prompts_per_7d=None, unanswered_per_7d=None))
    [asking] = as_json(study, [one])["methods"].values()  # type: ignore[attr-defined]
    [other] = as_json(study, [silent])["methods"].values()  # type: ignore[attr-defined]
    assert "prompts_per_7d" in asking["per_30d_1"]
    assert "prompts_per_7d" not in other["per_30d_1"]


def test_day_and_night_and_just_active_are_told_apart() -> None:
    asked = replace(ASKED, moments=500)
    records = (record("a"),)
    moments = Study(asked, records).moments(records[0])

    def delay(at: float) -> float:
        """Half an hour for who was active within five minutes, 1 h by day, 9 h by night."""
        if at % (6 * H) <= 300:
            return H / 2
        return H if 7 * H <= at % DAY < 22 * H else 9 * H

    delays = list(map(delay, moments))
    scored = Scored(delays=dict.fromkeys(("clean", "noisy1", "noisy3", "outage"), delays))
    keys = [(Method.ONGI_PROMPT, budget) for budget in Budget]
    one = tell(Study(asked, records, {"a": dict.fromkeys(keys, scored)}))[0].all
    assert (one.median_day_h, one.median_night_h, one.median_just_active_h) == (1.0, 9.0, 0.5)


def test_the_picture_has_a_point_for_each_budget() -> None:
    one = told()
    drawn = picture([one, replace(one, budget=Budget.HALF_YEAR)])
    assert drawn is not None
    [trace] = drawn.paths
    assert trace.method == "ongi_prompt"
    assert len(trace.points) == 2
    assert 0 < trace.points[0].x < trace.points[0].high
    assert trace.points[0].low < trace.points[0].x
    assert picture([]) is None
