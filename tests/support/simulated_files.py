"""Usage files written by hand, and the totals of what a file source makes of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from ingest.files.source import FileSource
from models.vocabulary.windows import HOUR, HourWindow, floor_hour
from warehouse.lake.conform import conform
from warehouse.observed import ObservedWindow

START = datetime(2026, 10, 5, 10, tzinfo=UTC)

USAGE_ROW: dict[str, object] = {
    "cluster": "prod",
    "namespace": "web",
    "workload_kind": "Deployment",
    "workload_name": "shop",
    "pod": "shop-5d8f-x2x4z",
    "pod_uid": "uid-1",
    "container": "app",
    "node": "node-a",
    "interval_start": "2026-10-05T10:00:00Z",
    "interval_seconds": 300,
    "cpu_usage_cores": 0.5,
    "memory_usage_bytes": 1e9,
    "cpu_request_cores": 1.0,
}
NODE_ROW: dict[str, object] = {
    "cluster": "prod",
    "node": "node-a",
    "valid_from": "2026-10-01T00:00:00Z",
    "valid_to": "",
    "instance_type": "m6i.large",
    "region": "us-east-1",
    "cpu_capacity_cores": 2,
    "memory_capacity_bytes": 8e9,
}


def usage_row(minute: float = 0, /, **changes: object) -> dict[str, object]:
    """Return a usage row that begins some minutes after START."""
    moment = datetime.fromtimestamp(START.timestamp() + minute * 60, UTC)
    return {**USAGE_ROW, "interval_start": f"{moment:%Y-%m-%dT%H:%M:%SZ}", **changes}


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows as CSV with the columns of all of them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def observe_all(source: FileSource, cluster: str) -> ObservedWindow:
    """Observe everything that the files say about a cluster."""
    oldest, newest = source.oldest(cluster), source.newest(cluster)
    assert oldest is not None
    assert newest is not None
    last = floor_hour(newest)
    return source.observe(cluster, HourWindow(floor_hour(oldest), last if last == newest else last + HOUR))


def observe_rows(
    folder: Path,
    rows: Sequence[Mapping[str, object]],
    nodes: Sequence[Mapping[str, object]] = (NODE_ROW,),
) -> ObservedWindow:
    """Write rows to files and observe all of them."""
    usage = write_rows(folder / "usage.csv", rows)
    node_file = write_rows(folder / "nodes.csv", nodes) if nodes else None
    with FileSource([usage], [node_file] if node_file else []) as source:
        return observe_all(source, "prod")


def lake_rows(observed: ObservedWindow, table: str) -> list[dict[str, object]]:
    """Return the rows as the lake would take them."""
    return conform(table, observed.tables[table]).to_pylist()


def total(table: pa.Table, column: str) -> float:
    """Return the sum of a column, null counted as nothing."""
    return float(sum(value for value in table.column(column).to_pylist() if value is not None))
