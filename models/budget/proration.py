"""What a budget allows by day: a month spread evenly over its days, without a remainder."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from models.allocation.apportion import apportion

_DIGITS = 6
"""Budgets are kept to a millionth."""


def daily_budget(month: str, amount: Decimal) -> dict[date, Decimal]:
    """Return the budget of each day of a month, to a millionth; the days add up to the month.

    Parameters
    ----------
    month : str
        ``2026-10``.
    amount : Decimal
        Of at most six decimals, in one currency.
    """
    year, number = (int(part) for part in month.split("-"))
    count = calendar.monthrange(year, number)[1]
    shares = apportion(int(amount.scaleb(_DIGITS)), [1] * count)
    return {
        date(year, number, index + 1): Decimal(share).scaleb(-_DIGITS) for index, share in enumerate(shares)
    }


def budget_of_days(by_month: Mapping[str, Decimal], days: Iterable[date]) -> Decimal | None:
    """Return what months' budgets allow on just these days; None when a day's month has no budget."""
    spread: dict[str, dict[date, Decimal]] = {}
    total = Decimal(0)
    for day in days:
        month = f"{day:%Y-%m}"
        if month not in by_month:
            return None
        if month not in spread:
            spread[month] = daily_budget(month, by_month[month])
        total += spread[month][day]
    return total
