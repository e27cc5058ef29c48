"""Rows of the window ledger within a caller's transaction: begin hours, finish them, owe them again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select, update

from models.vocabulary.errors import Conflict, LeaseLost
from models.vocabulary.windows import HourWindow
from warehouse.database.schema import WINDOW_LEDGER
from warehouse.database.statements import insert_or_update
from warehouse.fencing import Lease
from warehouse.observed import HourReport, WindowState
from warehouse.pins import LedgerRow

STORED_STATES = (WindowState.COMPLETE, WindowState.PARTIAL)
"""States in which rows of the hour stand in the lake."""

_L = WINDOW_LEDGER.c


@dataclass(frozen=True)
class Writing:
    """One act of writing hours of a cluster: for whom, under which lease, when."""

    source: str
    cluster: str
    lease: Lease
    now: datetime
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Stored:
    """What the lake got: rows and checksum per hour and table, and the version of each table."""

    contents: Mapping[datetime, Mapping[str, Any]] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)


def read_rows(connection: Connection, cluster: str | None, window: HourWindow) -> list[LedgerRow]:
    """Return ledger rows of one cluster, or of all, by cluster, hour and source."""
    statement = (
        select(WINDOW_LEDGER)
        .where(_L.hour >= window.start, _L.hour < window.end)
        .order_by(_L.cluster, _L.hour, _L.source)
    )
    if cluster is not None:
        statement = statement.where(_L.cluster == cluster)
    return [_to_row(row._mapping) for row in connection.execute(statement)]


def check_source_of_record(
    connection: Connection, source: str, cluster: str, hours: Sequence[datetime]
) -> None:
    """Refuse a second source for hours that another one has stored.

    Raises
    ------
    Conflict
        Naming both sources and the first such hour.
    """
    if not hours:
        return
    other = connection.execute(
        select(_L.source, _L.hour)
        .where(
            _L.cluster == cluster,
            _L.hour.between(min(hours), max(hours)),
            _L.source != source,
            _L.state.in_(STORED_STATES) | _L.pending_run_id.is_not(None),
        )
        .order_by(_L.hour)
    ).first()
    if other is not None:
        raise Conflict(
            f"cluster {cluster} has its hour {other.hour:%Y-%m-%dT%H:%MZ} from source {other.source!r}; "
            f"source {source!r} cannot store it too. Choose another window or another cluster name"
        )


def begin_hours(connection: Connection, writing: Writing, hours: Sequence[datetime]) -> None:
    """Mark hours as pending: from here until they are finished they are owed, whatever happens."""
    known = _attempts(connection, writing, hours)
    fresh = [
        _values(writing, HourReport(hour, WindowState.FAILED, None, 0, "", "begun and not finished"), 0)
        for hour in hours
        if hour not in known
    ]
    insert_or_update(connection, WINDOW_LEDGER, fresh)
    connection.execute(
        update(WINDOW_LEDGER)
        .where(_is_of(writing, hours), _L.fence <= writing.lease.fence)
        .values(pending_run_id=writing.run_id, attempts=_L.attempts + 1, fence=writing.lease.fence)
    )


def finish_hours(
    connection: Connection, writing: Writing, reports: Sequence[HourReport], stored: Stored
) -> None:
    """Settle the pending hours of one writing.

    Raises
    ------
    LeaseLost
        If a newer writer has begun one of the hours since.
    """
    hours = [report.hour for report in reports]
    mine = connection.execute(
        select(func.count())
        .select_from(WINDOW_LEDGER)
        .where(
            _is_of(writing, hours),
            _L.fence <= writing.lease.fence,
            _L.pending_run_id == writing.run_id,
        )
    ).scalar_one()
    if mine != len(hours):
        raise LeaseLost(
            f"{writing.lease.holder}: another writer has taken over hours of {writing.cluster} "
            "that this one had begun"
        )
    write_reports(connection, writing, reports, stored)


def write_reports(
    connection: Connection, writing: Writing, reports: Sequence[HourReport], stored: Stored | None = None
) -> None:
    """Write reports as ledger rows that are not pending, keeping the number of attempts."""
    if not reports:
        return
    attempts = _attempts(connection, writing, [report.hour for report in reports])
    rows = [_values(writing, report, attempts.get(report.hour, 1), stored) for report in reports]
    insert_or_update(connection, WINDOW_LEDGER, rows)


def forget_table(connection: Connection, table: str, cluster: str, window: HourWindow) -> None:
    """Drop a table from the contents of a cluster's stored hours; state and hashes stay."""
    for row in read_rows(connection, cluster, window):
        if table not in row.contents:
            continue
        left = {name: content for name, content in row.contents.items() if name != table}
        connection.execute(
            update(WINDOW_LEDGER)
            .where(_L.cluster == cluster, _L.source == row.source, _L.hour == row.hour)
            .values(contents=left)
        )


def owe_again(connection: Connection, row: LedgerRow, reason: str) -> bool:
    """Make an hour owed whose rows in the lake are not what the ledger says.

    Nothing happens, and False is returned, if a writer has begun the hour since the row was read.
    """
    result = connection.execute(
        update(WINDOW_LEDGER)
        .where(
            _L.cluster == row.cluster,
            _L.source == row.source,
            _L.hour == row.hour,
            _L.attempts == row.attempts,
            _L.pending_run_id.is_(None),
        )
        .values(state=WindowState.FAILED.value, note=reason, contents={})
    )
    return result.rowcount == 1


def _attempts(connection: Connection, writing: Writing, hours: Sequence[datetime]) -> dict[datetime, int]:
    rows = connection.execute(select(_L.hour, _L.attempts).where(_is_of(writing, hours)))
    return {row.hour: row.attempts for row in rows}


def _is_of(writing: Writing, hours: Sequence[datetime]) -> Any:
    return and_(
        _L.cluster == writing.cluster,
        _L.source == writing.source,
        _L.hour.between(min(hours), max(hours)),
    )


def _values(
    writing: Writing, report: HourReport, attempts: int, stored: Stored | None = None
) -> dict[str, Any]:
    present = stored or Stored()
    return {
        "cluster": writing.cluster,
        "hour": report.hour,
        "source": writing.source,
        "state": report.state.value,
        "coverage_ratio": report.coverage_ratio,
        "row_count": report.row_count,
        "input_hash": report.input_hash,
        "note": report.note,
        "attempts": attempts,
        "pending_run_id": None,
        "fence": writing.lease.fence,
        "contents": dict(present.contents.get(report.hour, {})),
        "delta_versions": dict(present.versions),
        "recorded_at": writing.now,
    }


def _to_row(values: Mapping[Any, Any]) -> LedgerRow:
    return LedgerRow(
        source=values["source"],
        cluster=values["cluster"],
        hour=values["hour"],
        state=WindowState(values["state"]),
        coverage_ratio=values["coverage_ratio"],
        row_count=values["row_count"],
        input_hash=values["input_hash"],
        note=values["note"],
        attempts=values["attempts"],
        is_pending=values["pending_run_id"] is not None,
        fence=values["fence"],
        contents=values["contents"],
        delta_versions=values["delta_versions"],
        recorded_at=values["recorded_at"],
    )
