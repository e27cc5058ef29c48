from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from models.budget.proration import budget_of_days, daily_budget


@given(st.decimals(min_value=0, max_value=10**9, places=6), st.integers(1, 12))
def test_the_days_of_a_month_add_up_to_its_budget(amount, month):
    days = daily_budget(f"2028-{month:02d}", amount)
    assert sum(days.values()) == amount
    assert max(days.values()) - min(days.values()) <= Decimal("0.000001")


def test_days_of_two_months_take_each_months_rate():
    budgets = {"2026-09": Decimal(300), "2026-10": Decimal(310)}
    assert budget_of_days(budgets, [date(2026, 9, 30), date(2026, 10, 1)]) == Decimal(20)


def test_a_day_without_a_budget_makes_the_whole_unknown_not_smaller():
    assert budget_of_days({"2026-09": Decimal(300)}, [date(2026, 9, 30), date(2026, 10, 1)]) is None
