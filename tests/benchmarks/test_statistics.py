import pytest

from benchmarks.detection.statistics import poisson_interval, quantile


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Tables of the exact Poisson interval, as in Garwood 1936.
    [
        (0, 0.0, 3.6889),
        (1, 0.0253, 5.5716),
        (5, 1.6235, 11.6683),
        (10, 4.7954, 18.3904),
        (100, 81.3640, 121.6268),
    ],
)
def test_the_exact_poisson_interval(count: int, low: float, high: float) -> None:
    assert poisson_interval(count) == pytest.approx((low, high), abs=2e-4)


def test_quantiles_lie_on_the_line_between_ranks() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0], 0.9) == 3.0
    assert quantile([0.0, 1.0, 2.0, 3.0], 0.5) == 1.5
    assert quantile([0.0, 10.0], 0.9) == pytest.approx(9.0)
