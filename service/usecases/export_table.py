"""Rows of a lake table as a file, for tools that do not read Delta."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from models.vocabulary.errors import StorageError, UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HourWindow
from service.runtime import Runtime
from warehouse.lake.tables import TABLES


def export_table(
    runtime: Runtime,
    principal: Principal,
    table: str,
    output_file: Path,
    *,
    cluster: str | None = None,
    window: HourWindow | None = None,
) -> int:
    """Write rows of a table, in the order of its key, and return how many.

    Parameters
    ----------
    principal : Principal
        Platform or admin: rows of every team are written.
    table : str
        A table of ``warehouse.lake.tables``.
    output_file : Path
        ``.parquet``, or ``.csv`` in which lists are JSON.

    Raises
    ------
    Forbidden
        If the principal may not read every row.
    UsageError
        If there is no such table, or the file's ending is neither.
    StorageError
        If the file cannot be written.
    """
    principal.require(Role.PLATFORM)
    if table not in TABLES:
        raise UsageError(f"there is no table {table!r}: write one of {', '.join(TABLES)}")
    if output_file.suffix not in (".parquet", ".csv"):
        raise UsageError(f"{output_file} ends in neither .parquet nor .csv")
    rows = runtime.warehouse.lake.scan(table, cluster=cluster, window=window)
    rows = rows.sort_by([(name, "ascending") for name in TABLES[table].key])
    try:
        if output_file.suffix == ".parquet":
            pq.write_table(rows, output_file)
        else:
            pa_csv.write_csv(_flat(rows), output_file)
    except OSError as problem:
        raise StorageError(f"{output_file} cannot be written: {problem.strerror or problem}") from problem
    return int(rows.num_rows)


def _flat(rows: pa.Table) -> pa.Table:
    """Return the table with lists as JSON text, which CSV can hold."""
    for position, field in enumerate(rows.schema):
        if pa.types.is_list(field.type):
            texts = [
                None if value is None else json.dumps(value) for value in rows.column(position).to_pylist()
            ]
            rows = rows.set_column(position, field.name, pa.array(texts, pa.string()))
    return rows
