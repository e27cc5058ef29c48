"""Money: exact decimals that carry their currency, and rounding that still adds up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from models.vocabulary.errors import InputError

NANO = Decimal("1e-9")
"""Smallest stored unit of allocated cost (nine decimals)."""

MICRO = Decimal("1e-6")
"""Smallest unit of money in the database (integers of a millionth)."""

_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}


def minor_digits(currency: str) -> int:
    """Return the decimals of a currency's smallest coin (ISO 4217): 2 unless listed otherwise."""
    return _MINOR_DIGITS.get(currency, 2)


def to_coins(amount: Decimal, currency: str) -> Decimal:
    """Return an amount rounded half-even to the smallest coin of its currency."""
    return round(amount, minor_digits(currency))


def check_currency(code: str) -> str:
    """Return the code if it has the form of an ISO 4217 code.

    Raises
    ------
    InputError
        If it is not three capital letters.
    """
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise InputError("is not a currency code like EUR", field="currency", value=code)
    return code


@dataclass(frozen=True)
class Money:
    """An exact amount in one currency. Amounts of different currencies are never added.

    Parameters
    ----------
    amount : Decimal
        Finite decimal; never a float.
    currency : str
        ISO 4217 code.

    Raises
    ------
    InputError
        If the amount is not a finite decimal or the currency is not a code.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise InputError("is not a finite decimal", field="amount", value=self.amount)
        check_currency(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Return nothing, in a currency."""
        return cls(Decimal(0), currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other).amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other).amount

    def rounded(self) -> Money:
        """Return the amount rounded half-even to the currency's smallest coin."""
        return Money(to_coins(self.amount, self.currency), self.currency)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise InputError(f"cannot be added to {self.currency}", field="currency", value=other.currency)
        return other

    def __str__(self) -> str:
        digits = minor_digits(self.currency)
        return f"{self.amount:,.{digits}f} {self.currency}"


def round_to_sum(amounts: Sequence[Decimal], digits: int) -> list[Decimal]:
    """Round amounts to ``digits`` decimals so that they add up to their rounded total.

    Largest-remainder method (Hamilton): each is rounded down, then the units still missing go to the
    largest remainders, ties to the earlier one. Each result is within one unit of its amount.

    Parameters
    ----------
    amounts : sequence of Decimal
        May be negative or empty.
    digits : int
        Decimals to keep.
    """
    unit = Decimal(1).scaleb(-digits)
    floors = [amount.quantize(unit, rounding=ROUND_FLOOR) for amount in amounts]
    target = sum(amounts, Decimal(0)).quantize(unit)
    missing = int((target - sum(floors, Decimal(0))) / unit)
    by_remainder = sorted(range(len(floors)), key=lambda i: (floors[i] - amounts[i], i))
    for index in by_remainder[:missing]:
        floors[index] += unit
    return floors
