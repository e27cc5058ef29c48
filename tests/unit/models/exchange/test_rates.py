"""Which rate holds on a day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from models.exchange.rates import DatedRate, MonthRates, Quote, RateBook, RateRule

FRIDAY, MONDAY = date(2026, 10, 30), date(2026, 11, 2)


def quote(pair: str, day: date, rate: str) -> Quote:
    source, target = pair.split("/")
    return Quote(source, target, DatedRate(Decimal(rate), day, "ECB"))


def book(*quotes: Quote, max_age_days: int = 7, via: str | None = None) -> RateBook:
    return RateBook(quotes, max_age_days=max_age_days, via=via)


def test_the_newest_quote_that_is_not_younger_holds() -> None:
    found = book(quote("USD/EUR", date(2026, 10, 29), "0.91"), quote("USD/EUR", FRIDAY, "0.92")).find(
        "USD", "EUR", date(2026, 11, 1)
    )
    assert found == DatedRate(Decimal("0.92"), FRIDAY, "ECB")


def test_a_quote_of_tomorrow_is_no_rate_of_today() -> None:
    assert book(quote("USD/EUR", MONDAY, "0.92")).find("USD", "EUR", FRIDAY) is None


@pytest.mark.parametrize(("day", "is_known"), [(date(2026, 11, 6), True), (date(2026, 11, 7), False)])
def test_an_old_quote_is_no_rate(day: date, is_known: bool) -> None:
    assert (book(quote("USD/EUR", FRIDAY, "0.92")).find("USD", "EUR", day) is not None) == is_known


def test_a_currency_is_worth_itself() -> None:
    found = book().find("EUR", "EUR", FRIDAY)
    assert found is not None
    assert found.rate == 1


def test_a_pair_quoted_the_other_way_round_is_turned_round_and_says_so() -> None:
    found = book(quote("EUR/USD", FRIDAY, "1.6")).find("USD", "EUR", FRIDAY)
    assert found == DatedRate(Decimal("0.625"), FRIDAY, "ECB, inverse")


def test_a_turned_rate_keeps_fifteen_digits() -> None:
    found = book(quote("EUR/VND", FRIDAY, "30000")).find("VND", "EUR", FRIDAY)
    assert found is not None
    assert found.rate == Decimal("0.0000333333333333333")


def test_nothing_is_chained_unless_it_is_asked_for() -> None:
    quotes = (quote("EUR/USD", FRIDAY, "1.25"), quote("EUR/CNY", date(2026, 10, 29), "7.5"))
    assert book(*quotes).find("USD", "CNY", FRIDAY) is None
    chained = book(*quotes, via="EUR").find("USD", "CNY", FRIDAY)
    assert chained == DatedRate(Decimal("6.0"), date(2026, 10, 29), "ECB, inverse and ECB, through EUR")


def test_a_daily_rate_holds_for_its_day_and_never_for_another_of_the_month() -> None:
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    closing, daily = DatedRate(Decimal(2), last, "x"), DatedRate(Decimal(3), FRIDAY, "x")
    rates = MonthRates("EUR", RateRule.DAILY, first, last, {"USD": closing}, {("USD", FRIDAY): daily})
    assert rates.at("USD", FRIDAY) == daily
    assert rates.at("USD", date(2026, 10, 29)) is None
    assert rates.at("USD", None) == closing
    assert rates.at("USD", date(2026, 9, 30)) == closing
    assert dict(rates) == {"USD": closing}
