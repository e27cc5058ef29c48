"""Hourly use of workloads, for forecasts."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from models.vocabulary.windows import HourWindow
from warehouse.database.ledger import WindowLedger
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.observed import WindowState
from warehouse.pins import Pin

_COLUMNS = (
    "hour",
    "namespace",
    "workload_kind",
    "workload_name",
    "replica_count_mean",
    "cpu_usage_cores_mean",
    "memory_usage_bytes_mean",
)
_SQL = """SELECT dense_rank() OVER (ORDER BY namespace, workload_kind, workload_name) - 1 AS workload,
             namespace, workload_kind, workload_name, date_diff('hour', $start, hour) AS step,
             replica_count_mean, cpu_usage_cores_mean, memory_usage_bytes_mean
      FROM rows WHERE workload_name IS NOT NULL ORDER BY workload, step"""


def workload_usage(lake: Lake, cluster: str, window: HourWindow, pin: Pin | None = None) -> pa.Table:
    """Return one row per workload of a cluster and hour of a window, by workload and hour.

    Returns
    -------
    pyarrow.Table
        ``workload`` numbers them from 0 in the order of their names, ``step`` the hours of the window;
        use is null where it was not measured.
    """
    scan = TableScan("workload_hour", cluster, window, _COLUMNS)
    return lake.query(_SQL, tables={"rows": scan}, parameters={"start": window.start}, pin=pin)


def whole_hours(ledger: WindowLedger, cluster: str, window: HourWindow) -> set[datetime]:
    """Return the hours of a window that are stored completely: what is not there then did not run."""
    return {row.hour for row in ledger.rows(cluster, window) if row.state is WindowState.COMPLETE}
