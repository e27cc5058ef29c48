"""Cells of small files as values: exact decimals and days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from models.vocabulary.errors import InputError


def decimal_cell(file: str, number: int, field: str, value: object) -> Decimal | None:
    """Return a cell as an exact decimal, None when it is empty.

    Raises
    ------
    InputError
        If it is not a finite decimal number.
    """
    if value is None:
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise InputError("is not a number", file=file, row=number, field=field, value=value)
    return amount


def day_cell(file: str, number: int, field: str, value: object) -> date:
    """Return a cell as a day.

    Raises
    ------
    InputError
        If it is not one like 2026-10-31.
    """
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise InputError(
            "is not a day like 2026-10-31", file=file, row=number, field=field, value=value
        ) from None
