"""Storing an observed window so that a kill at any moment loses and doubles nothing.

(a) transaction: check the lease, mark the hours pending; (b) replace the lake tables, each flushed to disk;
(c) transaction, only if no newer writer has begun: complete, no longer pending. Whatever dies in between
leaves pending hours, which are owed and written again as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pyarrow as pa

from models.vocabulary.errors import InputError, LeaseLost
from warehouse.database.clusters import ensure_registered
from warehouse.database.connection import Database
from warehouse.database.leases import check_lease
from warehouse.database.ledger_rows import (
    Stored,
    Writing,
    begin_hours,
    check_source_of_record,
    finish_hours,
)
from warehouse.database.periods import refuse_closed
from warehouse.fencing import INGEST_JOB, Lease
from warehouse.lake.conform import conform
from warehouse.lake.contents import HOUR_TABLES, Contents
from warehouse.lake.store import Lake
from warehouse.observed import ObservedWindow

OnStep = Callable[[str], None]
"""Called with a name after each step; a test may kill the process there."""

GROWING_TABLES = ("label_set", "object_history")


def ignore_step(_step: str) -> None:
    """Do nothing at a step."""


def record_window(
    observed: ObservedWindow,
    lease: Lease,
    *,
    lake: Lake,
    database: Database,
    now: Callable[[], datetime],
    on_step: OnStep = ignore_step,
) -> None:
    """Store an observed window in lake and ledger.

    Raises
    ------
    InputError
        If a row does not conform to its table or lies outside the window; nothing is stored.
    Conflict
        If another source has stored one of the hours, or their month is closed.
    LeaseLost
        If the lease is not one of ingest on this cluster, or somebody took it over.
    StorageError
        If lake or database cannot be written; the hours stay owed.
    """
    if (lease.job, lease.cluster) != (INGEST_JOB, observed.cluster):
        raise LeaseLost(
            f"observations of {observed.cluster} are stored under the lease {INGEST_JOB}/{observed.cluster}, "
            f"not {lease.application}"
        )
    tables = _conformed(observed)
    contents = _contents(lake, tables)
    hours = [report.hour for report in observed.hours]
    writing = Writing(observed.source, observed.cluster, lease, now())
    with database.write() as connection:
        check_lease(connection, lease)
        ensure_registered(connection, observed.cluster)
        refuse_closed(connection, observed.window)
        check_source_of_record(connection, observed.source, observed.cluster, hours)
        begin_hours(connection, writing, hours)
    on_step("pending")
    versions = _write_tables(observed, tables, lake, lease, on_step)
    with database.write() as connection:
        check_lease(connection, lease)
        finish_hours(connection, writing, observed.hours, Stored(contents, versions))
        on_step("before commit of ledger")
    on_step("complete")


def _conformed(observed: ObservedWindow) -> dict[str, pa.Table]:
    tables = {name: conform(name, rows) for name, rows in observed.tables.items()}
    for name, rows in tables.items():
        clusters = set(rows.column("cluster").unique().to_pylist())
        if clusters - {observed.cluster}:
            raise InputError(f"is not {observed.cluster}", field=f"{name}.cluster", value=sorted(clusters))
        if name in HOUR_TABLES:
            _check_hours(observed, name, rows)
    return tables


def _check_hours(observed: ObservedWindow, name: str, rows: pa.Table) -> None:
    wanted = set(observed.window.hours())
    pairs = rows.select(["day", "hour"]).group_by(["day", "hour"]).aggregate([]).to_pylist()
    for pair in pairs:
        if pair["hour"] not in wanted:
            raise InputError(
                f"is not an hour of {observed.window}", field=f"{name}.hour", value=pair["hour"].isoformat()
            )
        if pair["day"] != pair["hour"].date():
            raise InputError("is not the UTC day of its hour", field=f"{name}.day", value=str(pair["day"]))


def _contents(lake: Lake, tables: dict[str, pa.Table]) -> Contents:
    contents: Contents = {}
    for name, rows in tables.items():
        if name in HOUR_TABLES:
            lake.add_contents_of(contents, name, rows)
    return contents


def _write_tables(
    observed: ObservedWindow, tables: dict[str, pa.Table], lake: Lake, lease: Lease, on_step: OnStep
) -> dict[str, int]:
    versions = {}
    for name in GROWING_TABLES:
        if name in tables:
            versions[name] = lake.add_absent(name, tables[name], fence=lease)
            on_step(f"written {name}")
    for name, declared in HOUR_TABLES.items():
        rows = tables.get(name)
        is_empty = rows is None or rows.num_rows == 0
        if is_empty and not lake.files(name, cluster=observed.cluster, window=observed.window):
            continue  # nothing to store and nothing to remove
        present = declared.schema.empty_table() if rows is None else rows
        versions[name] = lake.replace(name, observed.cluster, observed.window, present, fence=lease)
        on_step(f"written {name}")
    return versions
