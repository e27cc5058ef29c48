"""Converted lines add up to the converted total."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from support.books import charge, month_end_rates

from models.chargeback.lines import LineKind, amount
from models.exchange.convert import convert_lines, convert_summary, missing_rates
from models.exchange.rates import DatedRate, MonthRates, RateRule

FIRST, SECOND, LAST = date(2026, 10, 1), date(2026, 10, 2), date(2026, 10, 31)


def daily_rates() -> MonthRates:
    def rate(value: str, day: date) -> DatedRate:
        return DatedRate(Decimal(value), day, "ECB")

    daily = {("USD", FIRST): rate("0.5", FIRST), ("USD", SECOND): rate("2", SECOND)}
    return MonthRates("EUR", RateRule.DAILY, FIRST, LAST, {"USD": rate("1", LAST)}, daily)


def test_cents_go_to_the_largest_remainders() -> None:
    """3 x 0.05 x 0.9 = 0.135, rounded half-even 0.14: 0.045 each gives 0.04 and one cent to the first two."""
    found = convert_lines([charge("0.05")] * 3, month_end_rates(), digits=2)
    assert [amount(one.units) for one in found if one] == [Decimal("0.05"), Decimal("0.05"), Decimal("0.04")]


def test_a_converted_line_names_rate_day_and_origin() -> None:
    (found,) = convert_lines([charge("100.00")], month_end_rates())
    assert found is not None
    assert (found.currency, amount(found.units)) == ("EUR", Decimal(90))
    assert (found.rate, found.rate_day, found.origin) == (Decimal("0.9"), date(2026, 10, 30), "ECB")


def test_the_rounding_line_takes_what_is_missing_to_whole_cents() -> None:
    lines = [charge("1.111111111"), charge("-0.001111111", kind=LineKind.ROUNDING, cost_centre=None)]
    found = [one.units for one in convert_lines(lines, month_end_rates("0.333")) if one]
    assert found == [370_000_000, 0]
    assert sum(found) == 370_000_000


def test_without_a_rounding_line_the_largest_takes_it() -> None:
    lines = [charge("0.10"), charge("1.00")]
    found = [one.units for one in convert_lines(lines, month_end_rates("0.3333")) if one]
    assert found == [33_330_000, 336_670_000]


def test_lines_in_the_reporting_currency_stay_as_they_are() -> None:
    (found,) = convert_lines([charge("1.123456789", currency="EUR")], month_end_rates())
    assert found is not None
    assert (found.units, found.rate) == (1_123_456_789, Decimal(1))


def test_without_a_reporting_currency_nothing_is_converted() -> None:
    assert convert_lines([charge("1.00")], MonthRates()) == [None]


def test_a_currency_without_a_rate_stays_unconverted_and_is_named() -> None:
    lines = [charge("1.00"), charge("1.00", currency="CNY")]
    found = convert_lines(lines, month_end_rates())
    assert [one is None for one in found] == [False, True]
    assert missing_rates(lines, month_end_rates()) == [("CNY", None)]


def test_a_day_without_a_rate_is_named() -> None:
    lines = [charge("1.00", day=FIRST), charge("1.00", day=date(2026, 10, 3))]
    assert missing_rates(lines, daily_rates()) == [("USD", date(2026, 10, 3))]
    assert convert_lines(lines, daily_rates()) == [None, None]


def test_a_summary_under_daily_rates_is_what_its_days_add_up_to() -> None:
    """10 x 0.5 + 10 x 2 = 25; the rate of the line is unknown because it had two."""
    detail = [charge("10.00", day=FIRST), charge("10.00", day=SECOND)]
    summary = [charge("20.00")]
    (found,) = convert_summary(summary, detail, daily_rates())
    assert found is not None
    assert (amount(found.units), found.rate) == (Decimal(25), None)
    of_detail = convert_lines(detail, daily_rates())
    assert sum(one.units for one in of_detail if one) == found.units
    assert [one.rate for one in of_detail if one] == [Decimal("0.5"), Decimal(2)]


def test_a_correction_is_converted_apart_from_the_months_own_lines() -> None:
    own = charge("10.00", day=FIRST)
    corrected = replace(
        charge("-1.00", day=date(2026, 9, 5)), correction="2026-09-r1-c1", restates="2026-09-r1"
    )
    summary = [replace(own, day=None), replace(corrected, day=None)]
    found = convert_summary(summary, [own, corrected], daily_rates())
    assert [amount(one.units) for one in found if one] == [Decimal(5), Decimal(-1)]
