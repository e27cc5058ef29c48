from __future__ import annotations

from decimal import Decimal

import pytest

from models.vocabulary.errors import InputError
from models.vocabulary.money import Money, round_to_sum


def test_amounts_of_different_currencies_are_never_added() -> None:
    with pytest.raises(InputError, match="cannot be added to EUR"):
        Money(Decimal(1), "EUR") + Money(Decimal(1), "USD")


def test_a_float_is_not_money() -> None:
    with pytest.raises(InputError, match="not a finite decimal"):
        Money(0.1, "EUR")  # type: ignore[arg-type]


def test_not_a_number_is_not_money() -> None:
    with pytest.raises(InputError, match="not a finite decimal"):
        Money(Decimal("NaN"), "EUR")


def test_money_prints_with_the_coins_of_its_currency() -> None:
    assert str(Money(Decimal("1234.5"), "EUR")) == "1,234.50 EUR"
    assert str(Money(Decimal("1234.5"), "JPY")) == "1,234 JPY"


def test_cents_missing_from_a_sum_go_to_the_largest_remainders() -> None:
    third = Decimal(10) / Decimal(3)
    assert round_to_sum([third, third, third], 2) == [Decimal("3.34"), Decimal("3.33"), Decimal("3.33")]


def test_credits_round_so_that_the_sum_holds_too() -> None:
    rounded = round_to_sum([Decimal("-0.005"), Decimal("10.005"), Decimal("0.004")], 2)
    assert sum(rounded) == Decimal("10.00")
