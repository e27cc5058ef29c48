"""Column types that mean the same on SQLite and PostgreSQL: instants, money, rates, JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from models.vocabulary.errors import InputError
from models.vocabulary.windows import to_utc


class Instant(TypeDecorator[datetime]):
    """An aware instant in UTC to the microsecond; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment as the database keeps it."""
        if value is None:
            return None
        moment = to_utc(value)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ScaledDecimal(TypeDecorator[Decimal]):
    """An exact decimal kept as a whole number of its smallest unit.

    SQLite has no decimals: SQLAlchemy's ``Numeric`` is a float there.

    Parameters
    ----------
    digits : int
        Decimals kept; a value with more is refused, never rounded.
    """

    impl = BigInteger
    cache_ok = True

    def __init__(self, digits: int) -> None:
        super().__init__()
        self.digits = digits

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return the whole number of units.

        Raises
        ------
        InputError
            If the value has more decimals than the column keeps, or does not fit 64 bits.
        """
        if value is None:
            return None
        units = value.scaleb(self.digits)
        if units != units.to_integral_value():
            raise InputError(f"has more than {self.digits} decimals", field="amount", value=str(value))
        if not -(2**63) <= units < 2**63:
            raise InputError("is too large to be stored", field="amount", value=str(value))
        return int(units)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        """Return the decimal."""
        return None if value is None else Decimal(int(value)).scaleb(-self.digits)


class ExactDecimal(TypeDecorator[Decimal]):
    """A finite decimal with all its digits, as text. For unit prices and shares, which nobody sums in SQL."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Return the decimal in plain notation.

        Raises
        ------
        InputError
            If it is not finite or needs more than 40 characters.
        """
        if value is None:
            return None
        text = format(value, "f")
        if not value.is_finite() or len(text) > 40:
            raise InputError("is not a decimal of at most 40 digits", field="rate", value=str(value))
        return text

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        """Return the decimal."""
        return None if value is None else Decimal(value)


def money() -> ScaledDecimal:
    """Return the type of an amount: integers of a millionth; its currency stands beside it."""
    return ScaledDecimal(6)


def rate() -> ExactDecimal:
    """Return the type of a unit price, share or exchange rate."""
    return ExactDecimal()


def document() -> TypeEngine[Any]:
    """Return the type of a JSON document."""
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
