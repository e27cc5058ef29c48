from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from models.budget.fiscal import CalendarRow
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import Money
from service.usecases.budgets import budget_status
from warehouse.database.plans import Budget

LEADER = Principal("leader", frozenset({Role.LEADERSHIP}))
OWNER = Principal("owner", frozenset({Role.OWNER}), frozenset({"shop"}))


@pytest.fixture(autouse=True)
def budgets(runtime):
    runtime.warehouse.budgets.replace(
        [
            Budget("all", "*", "2026-09", Money(Decimal(600), "EUR")),
            Budget("all", "*", "2026-10", Money(Decimal(620), "EUR")),
            Budget("team", "shop", "2026-10", Money(Decimal(62), "EUR")),
        ]
    )


def test_a_finished_month_stands_beside_its_budget(runtime):
    whole, team = budget_status(runtime, LEADER, "2026-10")
    assert whole.cost_to_date == 4 * 24 * 31 * Decimal("0.22")
    assert (whole.budget, whole.budget_to_date, whole.final_day_count) == (620, 620, 31)
    assert whole.state == "over"
    assert whole.forecast.value == pytest.approx(float(whole.cost_to_date))
    assert team.scope == "shop"
    assert team.spent_ratio == pytest.approx(float(team.cost_to_date) / 62)


def test_a_running_month_is_judged_by_its_forecast_and_compared_on_its_final_days(runtime):
    then = runtime.at(datetime(2026, 10, 16, 1, tzinfo=UTC))
    (whole, _) = budget_status(then, LEADER, "2026-10")
    assert whole.final_day_count == 15
    assert whole.budget_to_date == pytest.approx(Decimal(300), abs=Decimal("0.001"))
    assert whole.cost_to_date == 4 * 24 * 15 * Decimal("0.22")
    assert whole.forecast.value == pytest.approx(4 * 24 * 31 * 0.22, rel=0.02)


def test_a_quarter_without_a_budget_for_each_month_has_none(runtime):
    (whole, _) = budget_status(runtime, LEADER, "FY2026-Q4")
    assert (whole.budget, whole.state) == (None, "unknown")


def test_an_early_month_has_no_forecast_but_a_reason(runtime):
    then = runtime.at(datetime(2026, 9, 10, 1, tzinfo=UTC))
    (whole,) = budget_status(then, LEADER, "2026-09")
    assert whole.forecast is None
    assert "28" in whole.reason


def test_a_period_of_the_companys_own_calendar_takes_the_days_it_names(runtime):
    runtime.warehouse.fiscal_calendars.replace([CalendarRow(2027, 1, date(2026, 9, 28), date(2026, 10, 25))])
    try:
        (whole, _) = budget_status(runtime, LEADER, "FY2027-P01")
        assert whole.final_day_count == 28
        assert whole.budget == pytest.approx(Decimal(560), abs=Decimal("0.01"))
    finally:
        runtime.warehouse.fiscal_calendars.replace([])


def test_an_owner_sees_the_budget_of_the_own_team_only(runtime):
    (own,) = budget_status(runtime, OWNER, "2026-10")
    assert (own.scope_kind, own.scope) == ("team", "shop")
