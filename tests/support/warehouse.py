"""Warehouses for tests: a fresh one on a folder and SQLite, or on real S3 and PostgreSQL servers.

A suite makes the fixtures known in its own ``conftest.py``::

    from support.warehouse import fresh_warehouse  # noqa: F401
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from support.postgres import PostgresServer
from support.s3 import S3Server

from models.vocabulary.windows import HourWindow
from warehouse.fencing import INGEST_JOB, Lease
from warehouse.gateway import Warehouse, WarehouseLocation, migrate_warehouse, open_warehouse
from warehouse.lake.tables import TABLES
from warehouse.observed import HourReport, ObservedWindow, WindowState

NOON = datetime(2026, 10, 14, 12, tzinfo=UTC)
"""A fixed now for tests."""


def folder_location(folder: Path) -> WarehouseLocation:
    """Return the location of a warehouse below a folder."""
    return WarehouseLocation(f"{folder}/lake", f"sqlite:///{folder}/database/millicore.db", query_threads=1)


def created_warehouse(location: WarehouseLocation) -> Warehouse:
    """Create a warehouse and open it."""
    migrate_warehouse(location)
    return open_warehouse(location, now=lambda: NOON)


@pytest.fixture
def fresh_warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """An empty warehouse on a folder and SQLite."""
    warehouse = created_warehouse(folder_location(tmp_path))
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="session")
def server_template(request: pytest.FixtureRequest) -> ServerTemplate:
    """An empty warehouse on the S3 and PostgreSQL servers, to be copied."""
    s3_server = request.getfixturevalue("s3_server")
    postgres_server = request.getfixturevalue("postgres_server")
    location = WarehouseLocation(
        s3_server.new_bucket(), postgres_server.new_database(), s3_server.storage_options, query_threads=1
    )
    migrate_warehouse(location)
    return ServerTemplate(s3_server, postgres_server, location, s3_server.objects(location.lake_url))


@dataclass(frozen=True)
class ServerTemplate:
    """What a fresh warehouse on servers looks like; copying it is faster than migrating."""

    s3_server: S3Server
    postgres_server: PostgresServer
    location: WarehouseLocation
    objects: dict[str, bytes]

    def copy(self) -> WarehouseLocation:
        """Return the location of a copy."""
        lake_url = self.s3_server.new_bucket()
        self.s3_server.put_objects(lake_url, self.objects)
        template = self.location.database_url.rsplit("/", 1)[-1]
        database_url = self.postgres_server.new_database(template=template)
        return replace(self.location, lake_url=lake_url, database_url=database_url)


def _open(location: WarehouseLocation) -> Warehouse:
    return open_warehouse(location, now=lambda: NOON)


@pytest.fixture(
    params=[
        "folder and SQLite",
        pytest.param("S3 and PostgreSQL", marks=[pytest.mark.s3, pytest.mark.postgres]),
    ]
)
def any_warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """An empty warehouse, on each of the two kinds of storage in turn.

    Needs `server_template` and the fixtures of ``support.s3`` and ``support.postgres`` beside it.
    """
    if request.param == "folder and SQLite":
        warehouse = created_warehouse(folder_location(tmp_path))
    else:
        warehouse = _open(request.getfixturevalue("server_template").copy())
    yield warehouse
    warehouse.close()


@pytest.fixture(params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.postgres)])
def each_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """An empty warehouse with its lake in a folder, on each of the two databases in turn."""
    location = folder_location(tmp_path)
    if request.param == "PostgreSQL":
        location = replace(location, database_url=request.getfixturevalue("postgres_server").new_database())
    warehouse = created_warehouse(location)
    yield warehouse
    warehouse.close()


@pytest.fixture
def server_warehouse(server_template: ServerTemplate) -> Iterator[Warehouse]:
    """An empty warehouse on moto's S3 server and a real PostgreSQL."""
    warehouse = _open(server_template.copy())
    yield warehouse
    warehouse.close()


def table_digest(warehouse: Warehouse, table: str) -> str:
    """Return the sha256 of a lake table's sorted rows: equal content has an equal digest."""
    lines = sorted(repr(tuple(row.values())) for row in warehouse.lake.scan(table).to_pylist())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def lake_digest(warehouse: Warehouse) -> dict[str, str]:
    """Return `table_digest` of every table of the lake."""
    return {table: table_digest(warehouse, table) for table in TABLES}


def ingest_lease(warehouse: Warehouse, cluster: str, holder: str = "test") -> Lease:
    """Take the lease under which observations of a cluster are stored."""
    return warehouse.leases.acquire(INGEST_JOB, cluster, holder, timedelta(minutes=15), NOON)


def container_rows(cluster: str, window: HourWindow, pods: int = 2, *, usage: float = 0.25) -> pa.Table:
    """Return plain `container_hour` rows: one container per pod in every hour of a window."""
    rows = [
        {
            "cluster": cluster,
            "day": hour.date(),
            "hour": hour,
            "pod_uid": f"uid-{pod}",
            "container": "app",
            "namespace": "shop",
            "pod": f"web-{pod}",
            "node_key": "node-1",
            "workload_kind": "Deployment",
            "workload_name": "web",
            "container_kind": "main",
            "running_seconds": 3600.0,
            "cpu_usage_core_seconds": usage * 3600.0,
            "cpu_usage_cores_by_5m": [usage] * 12,
        }
        for hour in window.hours()
        for pod in range(pods)
    ]
    declared = TABLES["container_hour"]
    kinds = pa.schema([pa.field(name, declared.columns[name]) for name in (rows[0] if rows else {})])
    return pa.Table.from_pylist(rows, schema=kinds)


def observed_window(
    cluster: str,
    window: HourWindow,
    tables: Mapping[str, pa.Table] | None = None,
    *,
    source: str = "files",
    state: WindowState = WindowState.COMPLETE,
    input_hash: str = "input",
) -> ObservedWindow:
    """Return an observed window with one report per hour; `container_rows` unless tables are given."""
    present = {"container_hour": container_rows(cluster, window)} if tables is None else tables
    return ObservedWindow(
        cluster, source, window, present, tuple(_reports(window, present, state, input_hash))
    )


def _reports(
    window: HourWindow, tables: Mapping[str, pa.Table], state: WindowState, input_hash: str
) -> Sequence[HourReport]:
    counts: dict[datetime, int] = {}
    for rows in tables.values():
        for hour in rows.column("hour").to_pylist() if "hour" in rows.column_names else ():
            counts[hour] = counts.get(hour, 0) + 1
    return [HourReport(hour, state, 1.0, counts.get(hour, 0), input_hash) for hour in window.hours()]


def store_window(warehouse: Warehouse, observed: ObservedWindow) -> None:
    """Record a window under a lease taken and given back for it."""
    lease = ingest_lease(warehouse, observed.cluster)
    warehouse.record(observed, lease)
    warehouse.leases.release(lease)
