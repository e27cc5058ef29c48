"""Day and week are found when they are there, and noise, trends and steps are not taken for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from models.profiles.season import Seasonality, find_seasonality

HOURS = 14 * 24
CLOCK = np.arange(HOURS)


def noise(count: int, persistence: float, seed: int = 5) -> np.ndarray:
    """Autoregressive noise of unit variance, one row per series."""
    steps = np.random.default_rng(seed).normal(size=(count, HOURS + 200))
    series = lfilter([1.0], [1.0, -persistence], steps, axis=1)[:, 200:]
    return series / series.std(axis=1, keepdims=True)


def share(found: Seasonality, hours: int) -> float:
    return float((found.period_hours == hours).mean())


@pytest.mark.parametrize("persistence", [0.0, 0.7, 0.9])
@pytest.mark.parametrize("rise", [0.0, 8.0])
def test_noise_has_no_season_with_or_without_a_trend(persistence: float, rise: float) -> None:
    found = find_seasonality(10 + noise(2000, persistence) + rise * CLOCK / HOURS, 0)
    assert share(found, 24) <= 0.005
    assert share(found, 168) <= 0.03
    assert np.isnan(found.strength[np.isnan(found.period_hours)]).all()


@pytest.mark.parametrize("rise", [0.0, 12.0])
def test_a_day_is_found_under_noise_and_trend(rise: float) -> None:
    day = 1.5 * np.sin(CLOCK / 24 * 2 * np.pi)
    found = find_seasonality(10 + noise(300, 0.7) + day + rise * CLOCK / HOURS, 2)
    assert share(found, 24) >= 0.95
    assert np.nanmedian(found.strength) == pytest.approx(1.5**2 / 2 / (1 + 1.5**2 / 2), abs=0.08)


@pytest.mark.parametrize("first_weekday", [0, 3, 6])
def test_a_week_is_found_wherever_the_window_begins(first_weekday: int) -> None:
    weekday = (first_weekday + CLOCK // 24) % 7
    found = find_seasonality(10 + noise(300, 0.7) + np.where(weekday < 5, 1.5, -1.5), first_weekday)
    assert share(found, 168) >= 0.95


def test_a_single_busy_weekday_is_a_week_once_four_weeks_show_it() -> None:
    month = np.arange(2 * HOURS)
    busy = np.where(month // 24 % 7 == 2, 4.0, 0.0)
    series = 10 + np.hstack([noise(100, 0.3), noise(100, 0.3, seed=6)]) + busy
    assert share(find_seasonality(series, 0), 168) >= 0.9
    # Two busy days a week apart are paired by chance once in thirteen times: two weeks cannot tell.
    assert share(find_seasonality(series[:, :HOURS], 0), 168) <= 0.1


def test_a_step_is_no_season() -> None:
    for hour in (60, 120, 168, 180, 290):
        found = find_seasonality(10 + 0.3 * noise(200, 0.3) + np.where(hour <= CLOCK, 5.0, 0.0), 0)
        assert share(found, 24) <= 0.01
        assert share(found, 168) <= 0.02


def test_a_constant_and_an_unknown_series_have_no_season() -> None:
    found = find_seasonality(np.stack([np.full(HOURS, 0.3), np.full(HOURS, np.nan), np.zeros(HOURS)]), 0)
    assert np.isnan(found.period_hours).all()


def test_a_few_days_are_too_short_for_a_verdict() -> None:
    day = np.sin(CLOCK / 24 * 2 * np.pi)[None, : 5 * 24]
    assert np.isnan(find_seasonality(day, 0).period_hours).all()


def test_gaps_do_not_hide_a_day() -> None:
    series = 10 + noise(100, 0.5) + 2 * np.sin(CLOCK / 24 * 2 * np.pi)
    series[:, 40:60] = np.nan
    series[:, 200] = np.nan
    assert share(find_seasonality(series, 0), 24) >= 0.95


def test_the_permutation_test_agrees_with_the_closed_form() -> None:
    """The daily p-value against its definition: days turned by random hours, noise kept."""
    random = np.random.default_rng(3)
    series = 10 + noise(40, 0.7, seed=9) + 0.7 * np.sin(CLOCK / 24 * 2 * np.pi)
    found = find_seasonality(series, 0).period_hours == 24
    days = (series - series.mean(axis=1, keepdims=True)).reshape(40, 14, 24)

    def score(turned: np.ndarray) -> np.ndarray:
        return (turned.mean(axis=1) ** 2).sum(axis=1)

    truth, beaten = score(days), np.zeros(40)
    for _ in range(400):
        shift = random.integers(0, 24, 14)
        hour = (np.arange(24)[None, :] + shift[:, None]) % 24
        beaten += score(np.take_along_axis(days, hour[None], axis=2)) >= truth
    chance = (1 + beaten) / 401
    assert (chance[found] <= 0.05).all()
    assert found[chance <= 1 / 401].mean() >= 0.5


def hourly(shared_data: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(shared_data / "usage" / name)


def test_real_pools_repeat_by_the_week(shared_data: Path) -> None:
    rows = hourly(shared_data, "pools_dev_aug01_23.parquet")
    table = rows.assign(hour=rows.ts.dt.floor("h")).pivot_table("cpu", "hour", "cluster", "mean")
    table = table.asfreq("h").iloc[: 22 * 24]
    weekday = table.index[0].weekday()
    pools = find_seasonality(table.to_numpy().T.copy(), weekday)
    assert (pools.period_hours == 168).sum() >= 8
    assert np.isnan(pools.period_hours).sum() <= 4
    together = find_seasonality(table.sum(axis=1).to_numpy()[None, :], weekday)
    assert together.period_hours[0] == 168
    assert together.strength[0] > 0.7


def test_about_a_fifth_of_real_machines_repeat_by_the_day(shared_data: Path) -> None:
    values = hourly(shared_data, "azure_v1_avg_vm00_49.parquet").to_numpy()[: 14 * 288]
    found = find_seasonality(values.reshape(14 * 24, 12, -1).mean(axis=1).T, 2)
    assert 0.1 <= share(found, 24) <= 0.3
    assert share(found, 168) <= 0.05
