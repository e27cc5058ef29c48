from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forecast.many import forecast_many

seeds = st.integers(0, 10_000)
horizons = st.sampled_from([1, 7, 30, 200])


def fleet(seed: int, *, count: int = 5, hours: int = 300) -> np.ndarray:
    rng = np.random.default_rng(seed)
    step = np.arange(hours)
    level = rng.lognormal(1, 2, (count, 1))
    shape = 1 + rng.uniform(0, 1, (count, 1)) * np.sin(2 * np.pi * step / rng.choice([24, 168]))
    series = level * shape * rng.lognormal(0, rng.uniform(0, 0.5), (count, hours))
    series[rng.uniform(size=series.shape) < 0.02] = np.nan
    return series


@settings(max_examples=15)
@given(seeds, horizons, st.floats(1e-6, 1e12))
def test_the_unit_of_a_series_does_not_matter(seed: int, horizon: int, factor: float) -> None:
    series = fleet(seed)
    plain, scaled = forecast_many(series, horizon), forecast_many(series * factor, horizon)
    assert np.allclose(scaled.value, plain.value * factor, rtol=2e-3, atol=1e-4 * factor)
    assert np.allclose(scaled.wape, plain.wape, rtol=1e-2)


@settings(max_examples=10)
@given(seeds, horizons, st.floats(1, 1e3))
def test_what_is_always_there_is_added_to_the_forecast(seed: int, horizon: int, base: float) -> None:
    series = fleet(seed) + 1e3
    plain, raised = forecast_many(series, horizon), forecast_many(series + base, horizon)
    size = np.nanstd(series, axis=1, keepdims=True)
    assert (np.abs(raised.value - base - plain.value) <= 0.01 * size).all()


@settings(max_examples=15)
@given(seeds, horizons)
def test_intervals_are_nested_around_the_forecast_and_never_below_zero(seed: int, horizon: int) -> None:
    found = forecast_many(fleet(seed), horizon)
    lower, upper = found.lower, found.upper
    ladder = [lower[0.95], lower[0.8], lower[0.5], found.value, upper[0.5], upper[0.8], upper[0.95]]
    slack = 1e-5 * np.abs(found.value) + 1e-9
    assert (ladder[0] >= 0).all()
    assert all((below <= above + slack).all() for below, above in pairwise(ladder))


@settings(max_examples=10)
@given(seeds, st.permutations(range(5)))
def test_the_order_of_series_does_not_matter(seed: int, order: list[int]) -> None:
    series = fleet(seed)
    plain, moved = forecast_many(series, 24), forecast_many(series[order], 24)
    assert np.allclose(moved.value, plain.value[order], rtol=1e-3, atol=1e-6)


@settings(max_examples=15)
@given(seeds, horizons, st.integers(72, 400))
def test_there_is_a_number_or_a_reason(seed: int, horizon: int, hours: int) -> None:
    series = fleet(seed, hours=hours)
    series[0, : hours // 2] = np.nan
    found = forecast_many(series, horizon)
    for row, reason in enumerate(found.reason):
        numbers = [
            found.value[row],
            *(bound[row] for bound in (*found.lower.values(), *found.upper.values())),
        ]
        assert all(np.isfinite(one).all() == (reason is None) for one in numbers)
