from datetime import date, timedelta

import pytest

from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import day_start
from service.usecases.forecasts import forecast_costs
from warehouse.reads.forecasts import MONTH_COST, ForecastReads

PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))
DAY_PRICE = 2 * 24 * 0.40


def test_a_flat_cluster_costs_the_same_every_day_to_the_month_end(world):
    run = forecast_costs(world)
    total = next(found for found in run.forecasts if found.team is None)
    assert total.month == date(2026, 10, 1)
    assert total.to_date == pytest.approx(10 * DAY_PRICE, abs=1e-6)
    assert total.value == pytest.approx(31 * DAY_PRICE, abs=1e-6)
    assert total.lower_80 <= total.value <= total.upper_80
    assert total.reason is None
    stored = ForecastReads(world.warehouse.lake).newest(
        PLATFORM, MONTH_COST, "EUR", day_start(date(2026, 10, 1)), world.now()
    )
    assert float(stored.value) == total.value


def test_teams_are_forecast_beside_the_total(world):
    run = forecast_costs(world)
    teams = {found.team for found in run.forecasts}
    assert teams == {None, "shop"}
    rows = world.warehouse.lake.scan("forecast").to_pylist()
    days = [row for row in rows if row["series_kind"] == "day_cost_team" and row["run_at"] == world.now()]
    assert len(days) == 21
    assert {row["series"] for row in days} == {"EUR/shop"}


def test_forecasting_twice_stores_the_same(world):
    forecast_costs(world)
    before = sorted(map(repr, world.warehouse.lake.scan("forecast").to_pylist()))
    forecast_costs(world)
    assert sorted(map(repr, world.warehouse.lake.scan("forecast").to_pylist())) == before


def test_under_28_final_days_the_reason_is_given(world):
    run = forecast_costs(world, world.now() - timedelta(days=10))
    assert {found.reason for found in run.forecasts} == {"24 final days are stored; a forecast needs 28"}
    assert {found.value for found in run.forecasts} == {None}
