"""Sums over suggestions and reasons for silence, counted in the database for the teams a principal sees."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVarTuple

from sqlalchemy import Select, Table, func, select

from models.vocabulary.identity import Principal
from models.vocabulary.recommendation import RecommendationState
from warehouse.database.connection import Database
from warehouse.database.schema import RECOMMENDATION, SILENCE

Ts = TypeVarTuple("Ts")


@dataclass(frozen=True)
class OpenSaving:
    """Requested saving of open suggestions in one currency, per 30-day month, and how many there are."""

    currency: str
    saving: Decimal
    count: int


@dataclass(frozen=True)
class SilenceCount:
    """Containers without a suggestion for one reason."""

    reason: str
    container_count: int


class SuggestionReads:
    """Counts over suggestions.

    Parameters
    ----------
    database : Database
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_savings(self, principal: Principal) -> list[OpenSaving]:
        """Return the sum of requested savings that are above zero, open suggestions only, by currency."""
        columns = RECOMMENDATION.c
        statement = (
            select(columns.currency, columns.requested_saving_per_month)
            .where(columns.state == RecommendationState.PROPOSED)
            .where(columns.requested_saving_per_month > Decimal(0), columns.currency.is_not(None))
        )
        sums: dict[str, tuple[Decimal, int]] = {}
        with self._database.read() as connection:
            for currency, saving in connection.execute(_visible(statement, RECOMMENDATION, principal)):
                total, count = sums.get(currency, (Decimal(0), 0))
                sums[currency] = (total + saving, count + 1)
        return [OpenSaving(currency, *found) for currency, found in sorted(sums.items())]

    def silences(self, principal: Principal) -> list[SilenceCount]:
        """Return how many containers get no suggestion, by reason, the most frequent first."""
        count = func.count()
        statement = select(SILENCE.c.reason, count).group_by(SILENCE.c.reason)
        statement = statement.order_by(count.desc(), SILENCE.c.reason)
        with self._database.read() as connection:
            rows = connection.execute(_visible(statement, SILENCE, principal)).all()
        return [SilenceCount(*row) for row in rows]


def _visible(statement: Select[*Ts], table: Table, principal: Principal) -> Select[*Ts]:
    teams = principal.visible_teams()
    return statement if teams is None else statement.where(table.c.team.in_(sorted(teams)))
