"""Forecasts of real series, judged by what came: against naive ones, and by their intervals."""

from pathlib import Path

import numpy as np
import pytest
from support.traces import azure_hours, bitbrains_hours, naive_wape, pool_hours

from models.forecast.accuracy import Accuracy, replay_forecasts, spread_moments


@pytest.fixture(scope="module")
def fleets(shared_data: Path) -> dict[str, np.ndarray]:
    return {
        "azure": azure_hours(shared_data),
        "pools": np.concatenate([pool_hours(shared_data), pool_hours(shared_data, "mem")]),
        "bitbrains": bitbrains_hours(shared_data),
    }


@pytest.fixture(scope="module")
def day_ahead(fleets: dict[str, np.ndarray]) -> dict[str, Accuracy]:
    return {name: _replay(series, 24, 20) for name, series in fleets.items()}


def _replay(series: np.ndarray, horizon: int, count: int) -> Accuracy:
    hours = series.shape[1]
    found = replay_forecasts(series, horizon, spread_moments(hours, horizon, count, int(hours * 0.66)))
    assert found is not None
    return found


def test_no_naive_forecast_wins_everywhere(shared_data: Path) -> None:
    """The baseline of data/README.md: pools .775 and .424, virtual machines about .18 and .36."""
    pools, machines = pool_hours(shared_data), azure_hours(shared_data)
    assert naive_wape(pools, 24, 1) == pytest.approx(0.775, abs=0.001)
    assert naive_wape(pools, 24, 168) == pytest.approx(0.424, abs=0.001)
    assert naive_wape(machines, 24, 24) == pytest.approx(0.18, abs=0.01)
    assert naive_wape(machines, 24, 168) == pytest.approx(0.36, abs=0.01)


def test_a_day_ahead_each_fleet_loses_no_more_than_its_best_naive(day_ahead: dict[str, Accuracy]) -> None:
    ratio = {name: found.mean_loss_ratio for name, found in day_ahead.items()}
    assert ratio["azure"] < 0.9
    assert ratio["pools"] < 0.92
    assert ratio["bitbrains"] <= 1.0


def test_few_series_are_worse_than_the_best_naive_by_five_per_cent(day_ahead: dict[str, Accuracy]) -> None:
    count = sum(found.series_count for found in day_ahead.values())
    worse = sum(found.worse_ratio * found.series_count for found in day_ahead.values())
    surely = sum(found.surely_worse_ratio * found.series_count for found in day_ahead.values())
    assert worse / count <= 0.1
    assert surely / count <= 0.01


@pytest.mark.parametrize("name", ["azure", "pools", "bitbrains"])
def test_intervals_of_a_day_hold_what_they_say(day_ahead: dict[str, Accuracy], name: str) -> None:
    coverage = day_ahead[name].coverage
    assert 0.45 <= coverage[0.5] <= 0.63
    assert 0.75 <= coverage[0.8] <= 0.87
    assert 0.91 <= coverage[0.95] <= 0.98


def test_a_week_ahead_it_is_the_same(fleets: dict[str, np.ndarray]) -> None:
    for name, count in (("azure", 5), ("pools", 2)):
        found = _replay(fleets[name], 168, count)
        assert found.mean_loss_ratio is not None
        assert found.mean_loss_ratio < 0.95, name
        assert 0.75 <= found.coverage[0.8] <= 0.92, name


def test_an_hour_ahead_it_is_the_same(fleets: dict[str, np.ndarray]) -> None:
    found = _replay(fleets["azure"], 1, 16)
    assert found.mean_loss_ratio is not None
    assert found.mean_loss_ratio < 0.95
    assert 0.72 <= found.coverage[0.8] <= 0.88
