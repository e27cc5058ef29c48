"""Load tests of workloads, and the weights of their request metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select

from models.vocabulary.identity import WorkloadKey
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.replica_tables import LOAD_TEST, REQUEST_METRIC_FIT
from warehouse.database.statements import insert_or_update

_KEY = ("cluster", "namespace", "workload_kind", "workload_name")


@dataclass(frozen=True)
class LoadTest:
    """What one replica of a workload carried in a test while it kept its service level.

    Parameters
    ----------
    workload : WorkloadKey
    metric : str
        ``rps``, ``weighted_rps``, ``cpu_cores``, ``memory_bytes``, or any name with ``peak_demand``.
    tested_at : datetime
    capacity_per_replica : float
        In ``unit``, above 0.
    unit : str
    service_level : str
        In the owner's words: ``p99 < 300 ms``.
    stop_rule_ratio : float or None
        Share of slow or failed answers at which the test ended.
    peak_demand : float or None
        What the owner expects of the whole workload; None where it is measured.
    source_file, source_row
        Where it was read.
    """

    workload: WorkloadKey
    metric: str
    tested_at: datetime
    capacity_per_replica: float
    unit: str
    service_level: str
    stop_rule_ratio: float | None = None
    peak_demand: float | None = None
    source_file: str | None = None
    source_row: int | None = None


class LoadTests:
    """All load tests of a warehouse; a test of the same workload, metric and time is replaced."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, tests: Sequence[LoadTest], note: AuditNote) -> None:
        """Store tests with their entry in the audit log; all or nothing."""
        rows = [{**_values(test), "imported_at": note.at} for test in tests]
        with self._database.write() as connection:
            insert_or_update(connection, LOAD_TEST, rows)
            append_entry(connection, note)

    def list(self, cluster: str | None = None) -> list[LoadTest]:
        """Return the tests, by workload and metric, the newest first."""
        columns = LOAD_TEST.c
        statement = select(LOAD_TEST).order_by(
            *(columns[name] for name in _KEY), columns.metric, columns.tested_at.desc()
        )
        if cluster is not None:
            statement = statement.where(columns.cluster == cluster)
        with self._database.read() as connection:
            return [_load_test(row._mapping) for row in connection.execute(statement)]


@dataclass(frozen=True)
class StoredFit:
    """Weights of one workload's latency buckets as they were fitted.

    ``content`` is the document of `models.request_metrics.weights.RequestWeights`.
    """

    workload: WorkloadKey
    metric: str
    fitted_at: datetime
    held_out_r2: float | None
    plain_held_out_r2: float | None
    content: Mapping[str, Any]


class RequestMetricFits:
    """All fits of a warehouse; the same fit twice is stored once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, fit: StoredFit) -> None:
        """Store a fit; one of the same workload, metric and time is replaced."""
        key = {**_key_values(fit.workload), "metric": fit.metric, "fitted_at": fit.fitted_at}
        columns = REQUEST_METRIC_FIT.c
        with self._database.write() as connection:
            connection.execute(
                delete(REQUEST_METRIC_FIT).where(*(columns[name] == value for name, value in key.items()))
            )
            connection.execute(
                insert(REQUEST_METRIC_FIT).values(
                    **key,
                    held_out_r2=fit.held_out_r2,
                    plain_held_out_r2=fit.plain_held_out_r2,
                    content=dict(fit.content),
                )
            )

    def newest(self, at: datetime, cluster: str | None = None) -> list[StoredFit]:
        """Return the newest fit of each workload and metric at an instant."""
        columns = REQUEST_METRIC_FIT.c
        by = [columns[name] for name in (*_KEY, "metric")]
        position = func.row_number().over(partition_by=by, order_by=columns.fitted_at.desc())
        ranked = select(REQUEST_METRIC_FIT, position.label("position")).where(columns.fitted_at <= at)
        if cluster is not None:
            ranked = ranked.where(columns.cluster == cluster)
        inner = ranked.subquery()
        statement = (
            select(inner)
            .where(inner.c.position == 1)
            .order_by(*(inner.c[name] for name in (*_KEY, "metric")))
        )
        with self._database.read() as connection:
            return [_stored_fit(row._mapping) for row in connection.execute(statement)]


def _key_values(workload: WorkloadKey) -> dict[str, str]:
    return dict(zip(_KEY, (workload.cluster, workload.namespace, workload.kind, workload.name), strict=True))


def _workload(row: RowMapping) -> WorkloadKey:
    return WorkloadKey(*(row[name] for name in _KEY))


def _values(test: LoadTest) -> dict[str, Any]:
    values = {name: value for name, value in vars(test).items() if name != "workload"}
    return {**_key_values(test.workload), **values}


def _load_test(row: RowMapping) -> LoadTest:
    kept = {name: value for name, value in row.items() if name not in {*_KEY, "imported_at"}}
    return LoadTest(workload=_workload(row), **kept)


def _stored_fit(row: RowMapping) -> StoredFit:
    return StoredFit(
        _workload(row),
        row["metric"],
        row["fitted_at"],
        row["held_out_r2"],
        row["plain_held_out_r2"],
        row["content"],
    )
