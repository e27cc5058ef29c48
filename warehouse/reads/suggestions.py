"""Sums over suggestions and reasons for silence, counted in the database for the teams a principal sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVarTuple

from sqlalchemy import Connection, Select, Table, func, select, tuple_

from models.vocabulary.identity import ContainerKey, Principal
from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.suggestion_life import RecommendationState
from warehouse.database.connection import Database
from warehouse.database.recommendation_rows import (
    KEY_COLUMNS,
    StoredRecommendation,
    from_row,
    key_of,
)
from warehouse.database.schema import RECOMMENDATION, RECOMMENDATION_EVENT, SILENCE

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


@dataclass(frozen=True)
class AppliedLife:
    """A suggestion that was applied, and what was advised for the same container afterwards.

    ``later`` holds when each later suggestion was first made and what it advised, oldest first.
    """

    stored: StoredRecommendation
    applied_from: datetime
    later: tuple[tuple[datetime, ResourceValues], ...]


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

    def applied_lives(self, principal: Principal) -> list[AppliedLife]:
        """Return every suggestion that was ever applied, with the later ones for the same containers."""
        columns = RECOMMENDATION.c
        chosen = _visible(
            select(RECOMMENDATION).where(columns.applied_from.is_not(None)), RECOMMENDATION, principal
        )
        with self._database.read() as connection:
            applied = [from_row(row) for row in connection.execute(chosen.order_by(columns.id)).mappings()]
            later = _proposals(connection) if applied else {}
        return [_life(one, later.get(one.recommendation.key, ())) for one in applied]

    def silences(self, principal: Principal) -> list[SilenceCount]:
        """Return how many containers get no suggestion, by reason, the most frequent first."""
        count = func.count()
        statement = select(SILENCE.c.reason, count).group_by(SILENCE.c.reason)
        statement = statement.order_by(count.desc(), SILENCE.c.reason)
        with self._database.read() as connection:
            rows = connection.execute(_visible(statement, SILENCE, principal)).all()
        return [SilenceCount(*row) for row in rows]


def _proposals(connection: Connection) -> dict[ContainerKey, list[tuple[datetime, ResourceValues]]]:
    """Return when each suggestion was first made and what it advised, of containers with an applied one."""
    columns, events = RECOMMENDATION.c, RECOMMENDATION_EVENT.c
    key = [columns[name] for name in KEY_COLUMNS]
    applied = select(*key).where(columns.applied_from.is_not(None))
    statement = (
        select(*key, events.occurred_at, columns.content["advised"].label("advised"))
        .join(RECOMMENDATION_EVENT, events.recommendation_id == columns.id)
        .where(events.sequence == 1, tuple_(*key).in_(applied))
        .order_by(events.occurred_at)
    )
    found: dict[ContainerKey, list[tuple[datetime, ResourceValues]]] = {}
    for row in connection.execute(statement).mappings():
        values = ResourceValues(**row["advised"])
        found.setdefault(key_of(row), []).append((row["occurred_at"], values))
    return found


def _life(stored: StoredRecommendation, proposals: Sequence[tuple[datetime, ResourceValues]]) -> AppliedLife:
    start = stored.applied_from
    if start is None:
        raise ValueError("only an applied suggestion has such a life")
    return AppliedLife(stored, start, tuple(one for one in proposals if one[0] > start))


def _visible(statement: Select[*Ts], table: Table, principal: Principal) -> Select[*Ts]:
    teams = principal.visible_teams()
    return statement if teams is None else statement.where(table.c.team.in_(sorted(teams)))
