from datetime import date, timedelta
from decimal import Decimal

from models.comparison.changes import cross_team, period_over_period, year_over_year

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


def days(first, count):
    return [first + timedelta(days=index) for index in range(count)]


def test_a_running_month_is_compared_over_equally_many_final_days():
    costs = dict.fromkeys(days(OCTOBER, 31), Decimal(10)) | dict.fromkeys(days(NOVEMBER, 5), Decimal(12))
    change = period_over_period(costs, costs, NOVEMBER, OCTOBER, date(2026, 11, 30))
    assert (change.day_count, change.absolute, change.relative) == (5, Decimal(10), Decimal("0.2"))


def test_a_day_that_is_not_final_is_left_out_on_both_sides():
    costs = dict.fromkeys(days(OCTOBER, 3), Decimal(10)) | dict.fromkeys(days(NOVEMBER, 3), Decimal(10))
    final = set(costs) - {date(2026, 10, 2)}
    assert period_over_period(costs, final, NOVEMBER, OCTOBER, date(2026, 11, 3)).day_count == 2


def test_on_a_base_of_0_the_relative_change_is_not_known():
    costs = {OCTOBER: Decimal(0), NOVEMBER: Decimal(5)}
    change = period_over_period(costs, costs, NOVEMBER, OCTOBER, NOVEMBER)
    assert (change.absolute, change.relative) == (Decimal(5), None)


def test_without_a_pair_of_final_days_there_is_no_comparison():
    assert period_over_period({NOVEMBER: Decimal(1)}, [NOVEMBER], NOVEMBER, OCTOBER, NOVEMBER) is None


def test_a_year_is_compared_by_date_and_leap_days_are_left_out():
    costs = dict.fromkeys(days(date(2023, 2, 27), 4), Decimal(1)) | dict.fromkeys(
        days(date(2024, 2, 27), 4), Decimal(2)
    )
    change = year_over_year(costs, costs, date(2024, 2, 27), date(2024, 3, 1))
    assert (change.day_count, change.absolute) == (3, Decimal(3))


def test_teams_are_ranked_by_cost_and_share_ranks():
    shares = cross_team({"b": Decimal(2), "a": Decimal(2), None: Decimal(4), "z": Decimal(0)})
    assert [(share.team, share.rank) for share in shares] == [(None, 1), ("a", 2), ("b", 2), ("z", 4)]
    assert shares[0].share_ratio == Decimal("0.5")


def test_shares_of_nothing_are_not_known():
    assert cross_team({"a": Decimal(0)})[0].share_ratio is None
