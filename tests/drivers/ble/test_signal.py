"""How well devices are received, from what was heard."""

import pytest

from drivers.ble.signal import Reception, Signals

A, B = "C0:00:00:00:00:0A", "C0:00:00:00:00:0B"
DAY_S = 86_400.0


def only(signals: Signals) -> Reception:
    (reception,) = signals.receptions()
    return reception


def stretch(
    signals: Signals, begin_s: float, end_s: float, rssi_dbm: int, every_s: float = 10.0
) -> None:
    at_s = begin_s
    while at_s < end_s:
        signals.take(A, "hci0", rssi_dbm, at_s)
        at_s += every_s


def test_the_best_source_of_a_device_comes_first() -> None:
    signals = Signals()
    signals.take(B, "hci0", -50, 0.0)
    signals.take(A, "hci0", -80, 0.0)
    signals.take(A, "hci1", -60, 0.0)
    found = [(one.address, one.source) for one in signals.receptions()]
    assert found == [(A, "hci1"), (A, "hci0"), (B, "hci0")]


def test_one_that_becomes_weaker_shows_it_and_is_not_drowned() -> None:
    signals = Signals()
    stretch(signals, 0.0, DAY_S, -60)
    assert only(signals).trend_db == pytest.approx(0.0, abs=0.1)
    stretch(signals, DAY_S, DAY_S + 1800, -75, every_s=40.0)
    assert only(signals).trend_db < -8
    assert not only(signals).drowned


def test_adverts_that_become_fewer_at_the_same_strength_are_drowned() -> None:
    signals = Signals()
    stretch(signals, 0.0, DAY_S, -60)
    assert not only(signals).drowned
    stretch(signals, DAY_S, DAY_S + 1800, -61, every_s=40.0)
    assert only(signals).drowned
    assert only(signals).every_s > 25


def test_a_button_is_never_drowned() -> None:
    signals = Signals()
    stretch(signals, 0.0, 60 * DAY_S, -60, every_s=3600.0)
    stretch(signals, 60 * DAY_S, 70 * DAY_S, -60, every_s=20_000.0)
    assert not only(signals).drowned


@pytest.mark.parametrize(("usually_s", "known"), [(55.0, True), (61.0, False)])
def test_only_of_one_that_speaks_every_minute_it_is_known_how_often(
    usually_s: float, *, known: bool
) -> None:
    signals = Signals()
    stretch(signals, 0.0, 2 * DAY_S, -60, every_s=usually_s)
    assert not only(signals).drowned
    # To the average of the day that is little, to that of the last minutes much.
    signals.take(A, "hci0", -60, only(signals).last_s + 400.0)
    assert only(signals).drowned == known


def test_of_few_adverts_no_trend_is_told() -> None:
    signals = Signals()
    signals.take(A, "hci0", -40, 0.0)
    signals.take(A, "hci0", -90, DAY_S)
    assert only(signals).trend_db == 0.0
    assert only(signals).heard == 2


def test_what_is_kept_is_bounded() -> None:
    signals = Signals()
    for number in range(1000):
        signals.take(A, f"proxy{number}", -60, 0.0)
        signals.take(f"C0:{number}", "hci0", -60, 0.0)
    assert sum(one.address == A for one in signals.receptions()) == 16
    signals.retain({A})
    assert {one.address for one in signals.receptions()} == {A}
