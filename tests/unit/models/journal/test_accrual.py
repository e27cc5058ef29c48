"""Estimating the days of a month that are not final."""

from __future__ import annotations

import numpy as np
import pytest

from models.chargeback.lines import UNITS
from models.journal.accrual import FORECAST, MEAN, Days, estimate_open_days


def days(before: int, behind: list[float], ahead: int, level: float = 10.0) -> Days:
    return Days(np.full(before, level), np.array(behind, dtype=np.float64), ahead)


def test_a_steady_cost_is_forecast_day_by_day() -> None:
    found = estimate_open_days("USD", days(40, [10.0] * 20, 10), 200 * UNITS)
    assert (found.final_day_count, found.open_day_count, found.method) == (20, 10, FORECAST)
    assert found.estimated == pytest.approx(100 * UNITS)
    assert found.lower_80 is not None
    assert found.upper_80 is not None
    assert found.lower_80 <= found.estimated <= found.upper_80


def test_a_gap_counts_as_the_mean_of_the_final_days() -> None:
    found = estimate_open_days("USD", days(40, [10.0, float("nan"), 10.0], 0), 20 * UNITS)
    assert (found.final_day_count, found.open_day_count) == (2, 1)
    assert found.estimated == pytest.approx(10 * UNITS)


def test_under_28_days_the_mean_counts_and_there_is_no_interval() -> None:
    found = estimate_open_days("USD", days(0, [4.0, 6.0], 3), 10 * UNITS)
    assert (found.method, found.estimated, found.lower_80) == (MEAN, 15 * UNITS, None)
    assert found.reason == "2 final days are stored; a forecast needs 28"


def test_with_no_final_day_at_all_nothing_is_made_up() -> None:
    found = estimate_open_days("USD", days(0, [], 30), 0)
    assert (found.method, found.estimated, found.open_day_count) == (None, 0, 30)


def test_a_month_that_has_not_begun_to_be_final_is_forecast_from_the_one_before() -> None:
    found = estimate_open_days("USD", days(60, [], 30), 0)
    assert found.estimated == pytest.approx(300 * UNITS)


def test_a_month_whose_days_are_all_final_needs_no_estimate() -> None:
    found = estimate_open_days("USD", days(0, [4.0, 6.0], 0), 10 * UNITS)
    assert (found.open_day_count, found.estimated) == (0, 0)
