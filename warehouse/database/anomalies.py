"""Cost anomalies that were found: one row per run of days, told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import RowMapping, select

from models.vocabulary.identity import Principal
from warehouse.database.connection import Database
from warehouse.database.plan_tables import COST_ANOMALY
from warehouse.database.statements import insert_or_update


class AnomalyState(StrEnum):
    """Whether a run still stands."""

    FOUND = "found"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class CostAnomaly:
    """Days on which one payer's cost left its usual range.

    Parameters
    ----------
    currency : str
    scope_kind, scope : str
        ``team`` and its name, ``unowned`` and ``*``, or ``cluster`` and its name for idle and overhead.
    first_day, last_day : date
        Of the run, both included.
    day_count : int
        Anomalous days of the run.
    expected_cost, actual_cost : Decimal
        Sums over these days.
    money_at_risk : Decimal
        Excess so far, plus the excess per day for the rest of the fiscal month; negative for a drop.
    cause, cause_text : str
        ``price``, ``volume`` or ``workload``, and what moved most, in words.
    state : AnomalyState
    detected_at : datetime
        When it was first told.
    """

    currency: str
    scope_kind: str
    scope: str
    first_day: date
    last_day: date
    day_count: int
    expected_cost: Decimal
    actual_cost: Decimal
    money_at_risk: Decimal
    cause: str
    cause_text: str
    state: AnomalyState
    detected_at: datetime

    @property
    def key(self) -> tuple[str, str, str, date]:
        """What makes it the same anomaly when more days join it."""
        return self.currency, self.scope_kind, self.scope, self.first_day


class CostAnomalies:
    """All anomalies of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, found: Sequence[CostAnomaly], since: date) -> list[CostAnomaly]:
        """Store what a run found from a day on, and return what nobody was told of before.

        A known one keeps the moment it was first told. One that began since that day and is found no more is
        withdrawn. Recording the same twice changes nothing and tells nothing.
        """
        with self._database.write() as connection:
            statement = select(COST_ANOMALY).where(COST_ANOMALY.c.first_day >= since)
            rows = [_anomaly(row._mapping) for row in connection.execute(statement)]
            known = {one.key: one for one in rows}
            told = [one for one in found if one.key not in known]
            kept = [
                replace(one, detected_at=known[one.key].detected_at) if one.key in known else one
                for one in found
            ]
            standing = {one.key for one in found}
            gone = [replace(one, state=AnomalyState.WITHDRAWN) for one in rows if one.key not in standing]
            insert_or_update(
                connection, COST_ANOMALY, [vars(one) | {"state": one.state.value} for one in (*kept, *gone)]
            )
        return told

    def list(self, principal: Principal, since: date | None = None) -> list[CostAnomaly]:
        """Return the anomalies that the principal may see and that still stand, the newest first."""
        columns = COST_ANOMALY.c
        statement = (
            select(COST_ANOMALY)
            .where(columns.state == AnomalyState.FOUND.value)
            .order_by(columns.first_day.desc(), columns.scope_kind, columns.scope, columns.currency)
        )
        teams = principal.visible_teams()
        if teams is not None:
            statement = statement.where(columns.scope_kind == "team", columns.scope.in_(sorted(teams)))
        if since is not None:
            statement = statement.where(columns.last_day >= since)
        with self._database.read() as connection:
            return [_anomaly(row._mapping) for row in connection.execute(statement)]


def _anomaly(values: RowMapping) -> CostAnomaly:
    return CostAnomaly(**{**values, "state": AnomalyState(values["state"])})
