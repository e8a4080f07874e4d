"""Notes of a day become acts in order of time; what moves becomes what a sensor says of it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rules.observation import DeviceId, Phenomenon
from sim.homes.act import Act, Plight, PlightKind
from sim.homes.ledger import MINUTE, SECOND, Ledger

BASE = datetime(2026, 1, 5, tzinfo=UTC)
HALL = DeviceId("hall-motion")
KETTLE = DeviceId("kettle")
Told = list[tuple[int, object, int | None]]


def _ms(at: datetime) -> int:
    return (at - BASE) // timedelta(milliseconds=1)


def _told(ledger: Ledger, until: int) -> Told:
    return [
        (_ms(one.at), one.value, None if one.hand is None else _ms(one.hand))
        for one in ledger.take(until)
        if isinstance(one, Act)
    ]


def test_a_movement_is_held_and_one_that_goes_on_is_told_again() -> None:
    ledger = Ledger(BASE, [HALL])
    for second in (0, 30, 80, 125, 500):
        ledger.hit(second * SECOND, HALL, second * SECOND)
    assert _told(ledger, 20 * MINUTE) == [
        (0, True, 0),
        (125_000, True, 125_000),
        (185_000, False, 125_000),
        (500_000, True, 500_000),
        (560_000, False, 500_000),
    ]


def test_what_a_plight_parts_is_not_one_movement() -> None:
    ledger = Ledger(BASE, [HALL])
    ledger.hit(0, HALL, 0)
    ledger.cut(10 * SECOND)
    ledger.hit(40 * SECOND, HALL, 40 * SECOND)
    # Without the second movement the sensor still says that the first one ended.
    kept = [one for one in _told(ledger, 9 * MINUTE) if one[2] == 0]
    assert kept == [(0, True, 0), (60_000, False, 0)]


def test_what_nobody_began_ends_by_itself_whoever_walks_by() -> None:
    ledger = Ledger(BASE, [HALL])
    ledger.hit(0, HALL, None)
    ledger.hit(20 * SECOND, HALL, 20 * SECOND)
    assert _told(ledger, 9 * MINUTE) == [(0, True, None), (80_000, False, None)]


def test_what_is_not_installed_is_not_told_and_what_is_later_is_kept() -> None:
    ledger = Ledger(BASE, [KETTLE])
    ledger.hit(0, HALL, 0)
    plight = Plight(BASE + timedelta(seconds=5), PlightKind.COLLAPSE)
    ledger.put(5 * SECOND, plight)
    ledger.act(9 * SECOND, KETTLE, Phenomenon.POWER_W, 0.0, 1 * SECOND)
    ledger.act(1 * SECOND, KETTLE, Phenomenon.POWER_W, 1800.0, 1 * SECOND)
    first = list(ledger.take(6 * SECOND))
    assert [one.at for one in first] == [BASE + timedelta(seconds=1), plight.at]
    assert first[1] is plight
    assert _told(ledger, MINUTE) == [(9_000, 0.0, 1_000)]


@given(
    st.lists(st.tuples(st.integers(0, 3_600_000), st.booleans())),
    st.lists(st.integers(0, 3_600_000), max_size=3),
    st.lists(st.integers(0, 3_700_000), max_size=4),
)
def test_any_hits_give_a_sensor_that_starts_and_ends(
    hits: list[tuple[int, bool]], cuts: list[int], looks: list[int]
) -> None:
    ledger = Ledger(BASE, [HALL])
    for cut in cuts:
        ledger.cut(cut)
    for at, by_hand in hits:
        ledger.hit(at, HALL, at if by_hand else None)
    told = [one for until in [*sorted(looks), 4_000_000] for one in _told(ledger, until)]
    assert all(one[0] <= other[0] for one, other in pairwise(told))
    assert all(hand is None or hand <= at for at, _, hand in told)
    assert not told or told[-1][1] is False
    assert {at for at, value, _ in told if value} <= {at for at, _ in hits}
    assert bool(told) is bool(hits)
