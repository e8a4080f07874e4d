import pytest

from benchmarks.detection import rivals
from benchmarks.detection.asked import Budget, Method
from benchmarks.detection.record import Record
from benchmarks.detection.rivals import Prior

H = 3_600.0
DAY = 24 * H


def record(lengths_h: list[float], days: float) -> Record:
    """Silences of these lengths, one after the other."""
    signs = [0.0]
    for length in lengths_h:
        signs.append(signs[-1] + length * H)
    return Record("home", 0.0, days * DAY, signs, [], has_door=False, has_motion=False)


def test_fixed_hours_raise_in_each_silence_that_outlasts_them() -> None:
    home = record([23.9, 24.0, 25.0], 90)
    rule = rivals.rival(Method.FIXED_24, home, Budget.MONTH, Prior())
    assert rivals.alarms(rule, home.signs) == pytest.approx([(23.9 + 24 + 24) * H])


def test_the_constant_is_the_shortest_limit_that_meets_the_budget() -> None:
    # In 60 days fifty-seven silences of 8 h, and 9, 10, 12, 15 and 16 h; sixty days of nothing
    # stand before: 120 days allow four, which are the longer ones.
    home = record([*[8.0] * 57, 9.0, 10.0, 12.0, 15.0, 16.0], 120)
    rule = rivals.constant(home, Budget.MONTH, Prior((1.0,), 60.0))
    assert rule.limit(0.0, 60) == 9.0 * H


def test_the_constant_knows_no_silence_that_has_not_ended() -> None:
    home = record([10.0, 30.0, 12.0], 10)
    prior = Prior((5 * H, 4 * H, 3 * H), 60.0)
    # Two in sixty days are allowed, so the limit is the third longest: of 5, 4 and 3 h; then with
    # 10 h; the silence of 30 h ends in the second day, that of 12 h in the third.
    by_day = rivals.constant(home, Budget.MONTH, prior).by_day
    assert by_day[:4] == pytest.approx([3 * H, 4 * H, 5 * H, 10 * H])


def test_the_prior_weighs_sixty_days() -> None:
    # In 600 days twenty of 9 h are two in sixty, which the first day allows; a third is too many.
    others = Prior(tuple([9 * H] * 20 + [7 * H] * 10), 600.0)
    assert rivals.constant(record([], 1), Budget.MONTH, others).by_day[0] == 7 * H
    assert rivals.constant(record([], 1), Budget.HALF_YEAR, others).by_day[0] == 9 * H


def test_absences_teach_nothing() -> None:
    assert rivals.prior([record([5.0, 36.1, 6.0], 3)]).lengths == (6 * H, 5 * H)


def test_the_alert_line_is_the_widest_of_five_half_hours_and_its_buffers() -> None:
    records: list[list[float]] = [[] for _ in range(48)]
    records[20] = [float(n) for n in range(101)]  # The 97th percentile is 97.
    records[23] = [10.0]
    line = rivals.line(records)
    widest = [97.0] * 48
    widest[23] = widest[24] = widest[25] = 10.0  # 18 to 22 see the first, 21 to 25 the second.
    uniform = 0.3 * sum(widest) / 48
    assert line == pytest.approx([1.4 * each + uniform for each in widest])


def test_the_alert_line_keeps_the_longest_of_a_day_and_sixty_records() -> None:
    # Midnight to 08:00 once; then each day two silences that begin in that half hour.
    lengths = [0.25, 23.75] * 10
    line = rivals.cuddihy(record([8.0, *lengths], 12)).by_day[11]
    around_midnight = {46, 47, 0, 1, 2}
    mean = sum(8.0 if slot in around_midnight else 23.75 for slot in range(48)) / 48
    assert line[16] == pytest.approx((1.4 * 23.75 + 0.3 * mean) * H)
    # Once they are shorter for sixty days, the long ones are forgotten: 5 h from 08:15 on, and
    # from 13:15 on 18.75 h.
    shorter = [0.25, 5.0, 18.75] * 70
    later = rivals.cuddihy(record([8.0, *lengths, *shorter], 90)).by_day[85]
    longest = dict.fromkeys(around_midnight, 8.0) | dict.fromkeys(range(14, 19), 5.0)
    mean = sum(longest.get(slot, 18.75) for slot in range(48)) / 48
    assert later[16] == pytest.approx((1.4 * 5.0 + 0.3 * mean) * H)


def test_a_spurious_event_begins_the_silence_anew_and_what_comes_too_late_does_not() -> None:
    rule = rivals.Fixed(24 * H)
    assert rivals.alarm_after(rule, 0.0, [], 5 * H) == 24 * H
    assert rivals.alarm_after(rule, 0.0, [10 * H, 30 * H], 5 * H) == 54 * H
    assert rivals.alarm_after(rule, 0.0, [10 * H, 35 * H], 5 * H) == 34 * H


def test_after_a_collapse_no_rival_knows_the_days_that_followed() -> None:
    rule = rivals.Daily([10 * H, 5 * H, 1 * H])
    assert rivals.alarm_after(rule, 20 * H, [26 * H], 22 * H) == 36 * H
