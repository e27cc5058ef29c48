"""Chargeback rows as CSV: texts as they are, numbers with a point and a fixed number of decimals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.chargeback.lines import UNITS
from models.vocabulary.money import minor_digits
from service.exports.columns import Charge, ChargeContext, Column, Kind, Value
from service.exports.csv_text import csv_text

BYTE_ORDER_MARK = "\ufeff"
"""Tells Excel that a CSV is UTF-8."""


def nine_decimals(units: int) -> str:
    """Return nano-units as a decimal with a point and nine places."""
    whole, part = divmod(abs(units), UNITS)
    return f"{'-' if units < 0 else ''}{whole}.{part:09d}"


def coins(units: int, currency: str) -> str:
    """Return nano-units, already rounded, with the decimals of the currency."""
    digits = minor_digits(currency)
    whole, part = divmod(abs(units), UNITS)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{part // 10 ** (9 - digits):0{digits}d}" if digits else f"{sign}{whole}"


def _decimal(value: Decimal) -> str:
    return format(value, "f")


@lru_cache(maxsize=1 << 10)
def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _day(day: date) -> str:
    return day.isoformat()


_RENDER: dict[Kind, Callable[[Any], str]] = {
    Kind.MONEY: nine_decimals,
    Kind.QUANTITY: _decimal,
    Kind.PRICE: _decimal,
    Kind.INSTANT: _instant,
    Kind.DAY: _day,
}


_Cell = tuple[Value, Callable[[Any], str] | None, bool]
"""The way to a value, how it is written (None: as coins of the row's currency), whether it is a text."""


def write_csv(
    target: Path,
    columns: Sequence[Column],
    rows: Iterable[Charge],
    context: ChargeContext,
    *,
    has_mark: bool = False,
) -> None:
    """Write rows as CSV (RFC 4180, UTF-8, CRLF).

    Parameters
    ----------
    target : Path
    columns : sequence of Column
    rows : iterable of Charge
    context : ChargeContext
    has_mark : bool
        Whether the file begins with a byte order mark.
    """
    plan = [
        (column.value, _RENDER.get(column.kind), column.kind in (Kind.TEXT, Kind.JSON)) for column in columns
    ]
    texts = (_texts(plan, row, context) for row in rows)
    with target.open("wb") as out:
        if has_mark:
            out.write(BYTE_ORDER_MARK.encode())
        for piece in csv_text([column.name for column in columns], texts):
            out.write(piece.encode())


def _texts(plan: Sequence[_Cell], row: Charge, context: ChargeContext) -> list[str]:
    texts = []
    for value_of, render, is_text in plan:
        value: Any = value_of(row, context)
        if is_text:
            texts.append(value)
        elif value is None:
            texts.append("")
        elif render is None:
            texts.append(coins(value, row.line.currency))
        else:
            texts.append(render(value))
    return texts
