import numpy as np
import pytest

from models.forecast.backtest import choose_models, list_origins
from models.forecast.interval import conformal_quantile
from models.forecast.month_end import explain_missing, forecast_remaining
from models.forecast.seasonal_naive import (
    fill_gaps,
    list_models,
    predict_last_value,
    predict_profile_with_level,
    predict_seasonal_naive,
)

WEEK = np.array([100, 110, 105, 100, 95, 40, 30], dtype=float)


def test_seasonal_naive_repeats_the_last_week():
    history = np.concatenate([WEEK * 0.5, WEEK])[None, :]
    assert predict_seasonal_naive(history, 9, 7)[0].tolist() == [*WEEK, *WEEK[:2]]


def test_last_value_repeats_itself():
    assert predict_last_value(np.array([[1.0, 2.0]]), 3).tolist() == [[2.0, 2.0, 2.0]]


def test_the_profile_takes_its_level_from_the_newest_week():
    history = np.concatenate([WEEK, WEEK, WEEK, WEEK * 2])[None, :]
    assert predict_profile_with_level(history, 7, 7)[0] == pytest.approx(WEEK * 2)


def test_gaps_take_the_value_of_a_week_before():
    series = np.tile(WEEK, 2)[None, :]
    series[0, 9] = np.nan
    assert fill_gaps(series, 7)[0, 9] == WEEK[2]
    series[0, 0] = np.nan
    assert fill_gaps(series, 7)[0, 0] == WEEK[1]


def test_a_weekly_series_is_forecast_by_week_and_a_drifting_one_by_its_last_value():
    weekly = np.tile(WEEK, 6)
    walk = 100 + 20 * np.cumsum(np.sign(np.sin(np.arange(42) * 1.7) + 0.2))
    series = np.stack([weekly, walk])
    models = list_models({"week": 7}, 42)
    choice = choose_models(series, models, 7, list_origins(42, 7, 14))
    assert choice.model[0] == "seasonal_naive_week"
    assert choice.model[1] == "last_value"
    assert choice.wape[0] == 0


def test_the_month_end_of_a_weekly_series_is_exact_with_no_width():
    (found,) = forecast_remaining(np.tile(WEEK, 5)[None, :], 10)
    assert found.daily.tolist() == [*WEEK, *WEEK[:3]]
    assert found.remaining == pytest.approx(WEEK.sum() + WEEK[:3].sum())
    assert found.half_width_ratio == 0.0


def test_noise_widens_the_interval():
    noisy = np.tile(WEEK, 8) * np.random.default_rng(5).normal(1, 0.1, 56)
    (found,) = forecast_remaining(noisy[None, :], 10)
    assert 0.005 < found.half_width_ratio < 0.3


def test_no_day_remaining_adds_nothing():
    (found,) = forecast_remaining(np.tile(WEEK, 5)[None, :], 0)
    assert found.remaining == 0.0


def test_a_series_of_nothing_has_no_interval_and_no_error():
    (found,) = forecast_remaining(np.zeros((1, 28)), 5)
    assert found.remaining == 0.0
    assert found.half_width_ratio is None
    assert found.backtest_wape is None


def test_28_final_days_are_needed():
    assert explain_missing(28) is None
    assert "27 final days" in explain_missing(27)


def test_the_conformal_quantile_is_a_value_that_was_seen():
    values = np.arange(1.0, 11.0)
    assert conformal_quantile(values, 0.8) == 9.0
    assert conformal_quantile(values[:2], 0.8) == 2.0
