"""Parts that forecasts are made of, each against what numpy or statsmodels say."""

import numpy as np
import pytest
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from models.forecast.accuracy import replay_forecasts
from models.forecast.intervals import calibrate
from models.forecast.month_end import forecast_remaining
from models.forecast.order_statistics import median_of
from models.forecast.seasonal_naive import list_models
from models.forecast.smoothing import Smoothing, smooth
from models.forecast.totals import HOLT_WINTERS, predict_holt_winters, try_holt_winters
from models.forecast.usage_grid import UsageCells, place_usage, sum_groups
from models.forecast.weights import Losses, name_mixes, weigh_models

WEEK = np.array([100, 110, 105, 100, 95, 40, 30], dtype=float)


@pytest.mark.parametrize("count", range(1, 9))
def test_the_median_of_arrays_is_the_median(count: int) -> None:
    arrays = np.random.default_rng(count).normal(size=(count, 5, 7)).astype(np.float32)
    assert median_of(list(arrays)) == pytest.approx(np.median(arrays, axis=0))


def test_smoothing_many_series_is_holt_winters_of_each() -> None:
    series = (10 + np.random.default_rng(3).normal(size=(2, 60))).astype(np.float32)
    setting = Smoothing("test", 0.3, 0.2)
    ours = smooth(series, 7, setting, [60])[60].predict(slice(None), 14)
    for row, one in enumerate(series):
        reference = ExponentialSmoothing(
            one[7:].astype(float),
            seasonal="add",
            seasonal_periods=7,
            initialization_method="known",
            initial_level=one[:7].mean(),
            initial_seasonal=(one[:7] - one[:7].mean()).astype(float),
        ).fit(smoothing_level=0.3, smoothing_seasonal=0.2 * 0.7, optimized=False)
        theirs = np.asarray(reference.forecast(6))
        # The seventh step's season is that of the newest error, which statsmodels does not yet put in.
        assert ours[row, :6] == pytest.approx(theirs, rel=1e-4)


def test_weights_follow_the_smaller_error_and_sum_to_one() -> None:
    total = np.ones((3, 10, 2, 1), dtype=np.float32)
    total[1, :, 0] = 0.5
    total[2, :, 1] = 0.4
    losses = Losses(
        ("last_value", "same_hour_yesterday", "median_of_days"), total, np.ones((10, 2, 1), np.float32)
    )
    weights = weigh_models(losses)
    assert weights.sum(axis=0) == pytest.approx(np.ones((2, 1)))
    assert weights[1, 0, 0] > 0.95
    assert weights[2, 1, 0] > 0.9
    assert name_mixes(losses.names, weights[:, :, 0]) == ["same_hour_yesterday", "median_of_days"]


def test_an_origin_that_is_judged_does_not_make_its_own_weights() -> None:
    total = np.ones((2, 2, 1, 1), dtype=np.float32)
    total[1, 1] = 0.01
    losses = Losses(("last_value", "same_hour_yesterday"), total, np.ones((2, 1, 1), np.float32))
    assert weigh_models(losses)[1, 0, 0] > 0.9
    assert weigh_models(losses, without_origin=1)[1, 0, 0] == pytest.approx(0.5)


def test_bounds_hold_their_share_of_new_residuals_and_never_come_closer() -> None:
    rng = np.random.default_rng(8)
    size = rng.lognormal(0, 1, 200)[None, :, None]
    bucket = np.repeat([0, 1, 2], [1, 3, 8])
    residual = (rng.standard_t(4, (30, 200, 12)) * size).astype(np.float32)
    fresh = rng.standard_t(4, (50, 200, 12)) * size
    lower, upper = calibrate(residual, bucket).bands(np.zeros((200, 12), np.float32))
    for coverage in (0.5, 0.8, 0.95):
        inside = ((fresh >= lower[coverage]) & (fresh <= upper[coverage])).mean()
        assert inside == pytest.approx(coverage, abs=0.05)
        assert (np.diff(upper[coverage], axis=1) >= 0).all()
        assert (np.diff(lower[coverage], axis=1) <= 0).all()


def test_statsmodels_is_taken_where_it_beats_the_simple_model() -> None:
    days = 84
    growing = np.tile(WEEK, 12) * np.exp(0.02 * np.arange(days))
    simple = list_models({"week": 7}, days)["last_value"]
    found = try_holt_winters(growing, simple, 7, 0.4)
    assert found is not None
    assert found.wape < 0.2
    assert try_holt_winters(growing, simple, 7, 0.02) is None
    assert try_holt_winters(growing, predict_holt_winters, 7, 0.4) is None
    (month,) = forecast_remaining(growing[None, :], 10, most_fits=1)
    assert month.model == HOLT_WINTERS
    assert month.naive_wape is not None
    assert month.backtest_wape is not None
    assert month.backtest_wape < month.naive_wape


def test_bounds_of_a_month_are_nested() -> None:
    noisy = np.tile(WEEK, 8) * np.random.default_rng(5).normal(1, 0.1, 56)
    (found,) = forecast_remaining(noisy[None, :], 10)
    widths = found.half_width_ratios
    assert widths[0.5] < widths[0.8] < widths[0.95]
    assert found.half_width_ratio == widths[0.8]


def test_hours_without_a_row_are_zero_only_where_the_hour_is_whole_and_the_workload_lives() -> None:
    cells = UsageCells(np.array([0, 0, 1]), np.array([1, 3, 2]), np.array([5.0, 6.0, np.nan]))
    is_whole = np.array([True, True, True, True, False, True])
    grid = place_usage(cells, 2, is_whole)
    assert np.array_equal(grid[0], [np.nan, 5, 0, 6, np.nan, 0], equal_nan=True)
    assert np.array_equal(grid[1], [np.nan, np.nan, np.nan, 0, np.nan, 0], equal_nan=True)
    total = sum_groups(grid, [0, 0], 1)
    assert np.array_equal(total[0], [np.nan, 5, 0, 6, np.nan, 0], equal_nan=True)
    assert sum_groups(grid, [-1, 0], 1)[0, 1:3].tolist() != [5.0, 0.0]


def test_a_workload_that_stopped_two_days_ago_is_gone_and_not_idle() -> None:
    cells = UsageCells(np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1))
    grid = place_usage(cells, 1, np.ones(60, np.bool_))
    assert grid[0, 47] == 0.0
    assert np.isnan(grid[0, 48:]).all()


def test_a_replay_counts_errors_and_coverage_by_hand() -> None:
    series = np.tile(np.array([[10.0], [20.0]]), 300)
    series[0, 290:] = 12.0
    found = replay_forecasts(series, 10, [290])
    assert found is not None
    assert found.wape == pytest.approx(20 / 320)
    assert found.naive_wape == pytest.approx(20 / 320)
    assert found.mean_loss_ratio == pytest.approx(1.0)
    assert found.coverage[0.8] == pytest.approx(0.5)
    assert found.worse_ratio == 0.0
