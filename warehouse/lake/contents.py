"""What the lake holds per hour: rows and an order-free checksum, by which ledger and lake are compared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from warehouse.lake.declaration import LakeTable
from warehouse.lake.tables import OBSERVED_TABLES

HOUR_TABLES: dict[str, LakeTable] = {
    table.name: table for table in OBSERVED_TABLES if table.window_column == "hour"
}
"""Observed tables that hold whole hours; the others only grow."""

Contents = dict[datetime, dict[str, Any]]
"""Hour to table to ``{"rows": int, "checksum": str}``; tables without rows in an hour are left out."""


def checksum_columns(table: LakeTable) -> list[str]:
    """Return the columns that the checksum of a table covers, and the hour."""
    return [
        name
        for name, kind in table.columns.items()
        if not pa.types.is_list(kind) and name not in ("cluster", "day")
    ]


def checksum_sql(table: LakeTable, alias: str) -> str:
    """Return a statement that gives hour, row count and checksum of a scan.

    The checksum adds up (modulo 2^64, hence in any order) the md5 of every row's scalar columns. Lists
    are left out: they become null when they grow old.
    """
    names = [name for name in checksum_columns(table) if name not in ("hour", *table.added_columns)]
    text = " || chr(31) || ".join(f"coalesce({name}::VARCHAR, '')" for name in names)
    text += "".join(
        f" || coalesce(chr(31) || '{name}=' || {name}::VARCHAR, '')" for name in table.added_columns
    )
    return (
        f"SELECT hour, count(*) AS row_count, "
        f"(sum(md5_number_lower({text})::HUGEINT) % 18446744073709551616)::VARCHAR AS checksum "
        f"FROM {alias} GROUP BY hour"
    )


def add_contents(contents: Contents, table: str, sums: pa.Table) -> None:
    """Enter the result of `checksum_sql` for one table."""
    for row in sums.to_pylist():
        entry = contents.setdefault(row["hour"], {})
        entry[table] = {"rows": row["row_count"], "checksum": row["checksum"]}


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return, in words, in which tables an hour is not what the ledger says."""
    problems = []
    for table in sorted({*expected, *found}):
        wanted, present = expected.get(table), found.get(table)
        if wanted != present:
            rows = 0 if present is None else present["rows"]
            promised = 0 if wanted is None else wanted["rows"]
            detail = "other values" if rows == promised else f"{rows} rows instead of {promised}"
            problems.append(f"{table} has {detail}")
    return problems
