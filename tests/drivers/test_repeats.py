from drivers.repeats import Repeats


def test_what_is_still_repeated_is_remembered_longer_than_what_is_not() -> None:
    repeats = Repeats()
    for second in range(20):
        repeats.pressed("still", second)
        repeats.pressed(second, second)
        assert repeats.press("still", second, 100)
    assert repeats.press(19, 20, 100)
    assert not repeats.press(0, 20, 100)
