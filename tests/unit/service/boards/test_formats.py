from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.boards import formats
from service.boards.comparisons import compare_costs


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("1234.5"), "1,234.50 EUR"),
        (Decimal("-0.004"), "0.00 EUR"),
        (Decimal("-41200"), "\N{MINUS SIGN}41,200.00 EUR"),
        (None, formats.NOT_KNOWN),
    ],
)
def test_money_carries_its_currency_and_is_never_minus_zero(amount: Decimal | None, text: str) -> None:
    assert formats.money(amount, "EUR") == text


def test_money_takes_the_decimals_of_its_currency() -> None:
    assert formats.money(Decimal("1234.5"), "JPY") == "1,234 JPY"
    assert formats.money(Decimal("1.2345"), "KWD") == "1.234 KWD"


def test_headlines_drop_coins_from_a_thousand_on() -> None:
    assert formats.headline_money(Decimal("999.99"), "EUR") == "999.99 EUR"
    assert formats.headline_money(Decimal("1000.4"), "EUR") == "1,000 EUR"
    assert formats.headline_money(Decimal("12.5"), "EUR", like=Decimal(2000)) == "12 EUR"


def test_a_change_reads_without_colour() -> None:
    more = compare_costs(Decimal(110), Decimal(100), 20, 20)
    assert more.text("EUR") == "\N{BLACK UP-POINTING TRIANGLE} +10.00 EUR (+10.0 %)"
    assert more.tone is formats.Tone.BAD
    less = compare_costs(Decimal(90), Decimal(100), 20, 20)
    assert less.text("EUR").startswith("\N{BLACK DOWN-POINTING TRIANGLE} \N{MINUS SIGN}10.00 EUR")
    assert less.tone is formats.Tone.GOOD


def test_a_change_from_nothing_has_no_percentage() -> None:
    change = compare_costs(Decimal(10), Decimal(0), 1, 1)
    assert change.ratio is None
    assert "%" not in change.text("EUR")


def test_periods_of_different_length_are_compared_by_their_average_per_day() -> None:
    change = compare_costs(Decimal(3100), Decimal(3000), 31, 30)
    assert change.is_average
    assert change.difference == 0


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 11, 1), date(2026, 11, 20), "1\N{EN DASH}20 Nov 2026"),
        (date(2026, 10, 30), date(2026, 11, 2), "30 Oct \N{EN DASH} 2 Nov 2026"),
        (date(2025, 12, 30), date(2026, 1, 2), "30 Dec 2025 \N{EN DASH} 2 Jan 2026"),
        (date(2026, 11, 1), date(2026, 11, 1), "1 Nov 2026"),
    ],
)
def test_days_are_written_short(first: date, last: date, text: str) -> None:
    assert formats.date_span(first, last) == text


def test_units_stand_beside_every_amount() -> None:
    assert formats.cores(0.05) == "0.050 cores"
    assert formats.cores(1.5) == "1.50 cores"
    assert formats.cores(None) == "not set"
    assert formats.memory(512 * 2**20) == "512 MiB"
    assert formats.memory(1.5 * 2**30) == "1.50 GiB"
    assert formats.percent(0.1234) == "12.3 %"
    assert formats.percent(None) == formats.NOT_KNOWN
    assert formats.multiple(1.354) == "1.35\N{MULTIPLICATION SIGN}"
    assert formats.duration(timedelta(minutes=5)) == "5 minutes"
    assert formats.duration(timedelta(hours=40)) == "40 hours"
    assert formats.duration(timedelta(hours=80)) == "3 days"
    assert formats.moment(datetime(2026, 11, 2, 7, 5, tzinfo=UTC)) == "2 Nov 2026 07:05 UTC"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_written_money_reads_back_to_its_rounding(amount: Decimal) -> None:
    text = formats.money(amount, "EUR").removesuffix(" EUR").replace(",", "")
    assert Decimal(text.replace("\N{MINUS SIGN}", "-")) == round(amount, 2)
