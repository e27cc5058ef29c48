"""What people plan and measure beside the clusters: budgets, exchange rates, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import delete, insert, select

from models.vocabulary.errors import InputError, NotFound
from models.vocabulary.identity import Principal
from models.vocabulary.money import Money, check_currency
from models.vocabulary.windows import month_bounds
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.schema import BUDGET, BUSINESS_METRIC, EXCHANGE_RATE
from warehouse.database.statements import insert_or_update

_SCOPE_KINDS = ("all", "team", "cost_centre", "cluster")


@dataclass(frozen=True)
class Budget:
    """What may be spent in one month.

    ``scope_kind`` is all, team, cost_centre or cluster; ``scope`` its name (``*`` for all).
    """

    scope_kind: str
    scope: str
    month: str
    amount: Money


@dataclass(frozen=True)
class ExchangeRate:
    """What one unit of a currency is worth in another on a day, and who said so."""

    from_currency: str
    to_currency: str
    day: date
    rate: Decimal
    origin: str


@dataclass(frozen=True)
class BusinessMetric:
    """A number of the business on a day (orders, active users), to divide cost by."""

    name: str
    scope: str
    day: date
    value: float
    unit: str


class Budgets:
    """All budgets of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, rows: Sequence[Budget]) -> None:
        """Store these budgets instead of all present ones; all or nothing.

        Raises
        ------
        InputError
            If a scope or month is not one, or two rows are for the same scope, month and currency.
        """
        values = [_budget_values(row) for row in rows]
        keys = [(row.scope_kind, row.scope, row.month, row.amount.currency) for row in rows]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise InputError("has two amounts", field="budget", value=" ".join(twice))
        with self._database.write() as connection:
            connection.execute(delete(BUDGET))
            if values:
                connection.execute(insert(BUDGET), values)

    def list(self, principal: Principal, month: str | None = None) -> list[Budget]:
        """Return the budgets that the principal may see: all, or those of the own teams."""
        teams = principal.visible_teams()
        columns = BUDGET.c
        statement = select(BUDGET).order_by(columns.month, columns.scope_kind, columns.scope)
        if month is not None:
            statement = statement.where(columns.month == month)
        if teams is not None:
            statement = statement.where(columns.scope_kind == "team", columns.scope.in_(sorted(teams)))
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return [Budget(row.scope_kind, row.scope, row.month, Money(row.amount, row.currency)) for row in rows]


class ExchangeRates:
    """Dated rates between currencies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, rates: Sequence[ExchangeRate], note: AuditNote | None = None) -> None:
        """Store rates and, if given, an entry in the audit log; one of the same pair and day is replaced.

        Raises
        ------
        InputError
            If a currency is not one or a rate is not positive.
        """
        for entry in rates:
            check_currency(entry.from_currency)
            check_currency(entry.to_currency)
            if not (entry.rate.is_finite() and entry.rate > 0):
                raise InputError("is not above 0", field="rate", value=str(entry.rate))
        with self._database.write() as connection:
            insert_or_update(connection, EXCHANGE_RATE, [vars(entry) for entry in rates])
            if note is not None:
                append_entry(connection, note)

    def list(self, first: date, last: date) -> list[ExchangeRate]:
        """Return every rate quoted from the first to the last day, ordered by pair and day."""
        columns = EXCHANGE_RATE.c
        statement = (
            select(EXCHANGE_RATE)
            .where(columns.day.between(first, last))
            .order_by(columns.from_currency, columns.to_currency, columns.day)
        )
        with self._database.read() as connection:
            return [ExchangeRate(**row._mapping) for row in connection.execute(statement)]

    def at(self, from_currency: str, to_currency: str, day: date) -> ExchangeRate:
        """Return the newest rate that is not younger than the day.

        Raises
        ------
        NotFound
            If there is none; nothing is assumed.
        """
        if from_currency == to_currency:
            return ExchangeRate(from_currency, to_currency, day, Decimal(1), "same currency")
        columns = EXCHANGE_RATE.c
        statement = (
            select(EXCHANGE_RATE)
            .where(
                columns.from_currency == from_currency,
                columns.to_currency == to_currency,
                columns.day <= day,
            )
            .order_by(columns.day.desc())
        )
        with self._database.read() as connection:
            row = connection.execute(statement).first()
        if row is None:
            raise NotFound(f"there is no exchange rate from {from_currency} to {to_currency} on {day}")
        return ExchangeRate(**row._mapping)


class BusinessMetrics:
    """Numbers of the business by day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, metrics: Sequence[BusinessMetric]) -> None:
        """Store values; one of the same name, scope and day is replaced."""
        with self._database.write() as connection:
            insert_or_update(connection, BUSINESS_METRIC, [vars(metric) for metric in metrics])

    def list(self, name: str, first: date, last: date) -> list[BusinessMetric]:
        """Return the values of a metric from the first to the last day."""
        columns = BUSINESS_METRIC.c
        statement = (
            select(BUSINESS_METRIC)
            .where(columns.name == name, columns.day.between(first, last))
            .order_by(columns.day, columns.scope)
        )
        with self._database.read() as connection:
            return [BusinessMetric(**row._mapping) for row in connection.execute(statement)]


def _budget_values(row: Budget) -> dict[str, object]:
    month_bounds(row.month)
    if row.scope_kind not in _SCOPE_KINDS:
        raise InputError(f"is not one of {', '.join(_SCOPE_KINDS)}", field="scope_kind", value=row.scope_kind)
    return {
        "scope_kind": row.scope_kind,
        "scope": row.scope,
        "month": row.month,
        "currency": row.amount.currency,
        "amount": row.amount.amount,
    }
