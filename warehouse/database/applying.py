"""Attempts to apply suggestions in a cluster: who, when, how, and what the API said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func, insert, select

from models.applying.attempt import ApplyMethod, ApplyResult
from models.vocabulary.identity import ContainerKey, Principal, WorkloadKey
from warehouse.database.applying_tables import APPLY_ATTEMPT
from warehouse.database.connection import Database

_A = APPLY_ATTEMPT.c


@dataclass(frozen=True)
class ApplyAttempt:
    """One attempt; nothing of it changes later.

    Parameters
    ----------
    recommendation_id : str
    key : ContainerKey
    team : str or None
        Owner at that time.
    principal : str
        Who asked for it.
    attempted_at : datetime
    action : str
        ``apply`` or ``rollback``.
    method : ApplyMethod
    is_dry_run : bool
    result : ApplyResult
    message : str
        What the API or the check that stopped it said.
    answer : mapping
        Values sent, HTTP status, conflicts, details per pod, warnings.
    """

    recommendation_id: str
    key: ContainerKey
    team: str | None
    principal: str
    attempted_at: datetime
    action: str
    method: ApplyMethod
    is_dry_run: bool
    result: ApplyResult
    message: str
    answer: Mapping[str, Any] = field(default_factory=dict)


class ApplyAttempts:
    """All attempts of a warehouse. What people read needs a `Principal`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, attempt: ApplyAttempt) -> None:
        """Record an attempt."""
        values = {
            name: value for name, value in asdict(attempt).items() if name not in ("key", "method", "result")
        }
        workload = attempt.key.workload
        values |= {
            "cluster": workload.cluster,
            "namespace": workload.namespace,
            "workload_kind": workload.kind,
            "workload_name": workload.name,
            "container": attempt.key.container,
            "method": attempt.method.value,
            "result": attempt.result.value,
        }
        with self._database.write() as connection:
            connection.execute(insert(APPLY_ATTEMPT).values(**values))

    def list(
        self, principal: Principal, *, recommendation_id: str | None = None, cluster: str | None = None
    ) -> list[ApplyAttempt]:
        """Return attempts that the principal may see, the newest first.

        Raises
        ------
        Forbidden
            If the principal may read nothing.
        """
        statement = select(APPLY_ATTEMPT)
        teams = principal.visible_teams()
        if teams is not None:
            statement = statement.where(_A.team.in_(sorted(teams)))
        if recommendation_id is not None:
            statement = statement.where(_A.recommendation_id == recommendation_id)
        if cluster is not None:
            statement = statement.where(_A.cluster == cluster)
        with self._database.read() as connection:
            rows = connection.execute(statement.order_by(_A.attempted_at.desc(), _A.id.desc()))
            return [_from_row(row._mapping) for row in rows]

    def count_changed(self, cluster: str, since: datetime) -> int:
        """Return how many workloads of a cluster were, or may have been, changed since an instant.

        An attempt whose answer was lost counts, dry runs do not.
        """
        changed = (
            select(_A.namespace, _A.workload_kind, _A.workload_name)
            .where(
                _A.cluster == cluster,
                _A.attempted_at >= since,
                _A.is_dry_run.is_(False),
                _A.action == "apply",
                _A.result.in_([ApplyResult.APPLIED.value, ApplyResult.UNKNOWN.value]),
            )
            .distinct()
            .subquery()
        )
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(changed)).scalar_one())


def _from_row(row: RowMapping) -> ApplyAttempt:
    workload = WorkloadKey(row["cluster"], row["namespace"], row["workload_kind"], row["workload_name"])
    same = ("recommendation_id", "team", "principal", "attempted_at", "action", "message", "answer")
    return ApplyAttempt(
        key=ContainerKey(workload, row["container"]),
        method=ApplyMethod(row["method"]),
        result=ApplyResult(row["result"]),
        is_dry_run=bool(row["is_dry_run"]),
        **{name: row[name] for name in same},
    )
