"""The lake table ``forecast``: what a run replaces of its month, and what stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from service.runtime import Runtime
from warehouse.lake.derived_tables import FORECAST
from warehouse.lake.reading import TableScan

_OTHERS = """SELECT * FROM stored WHERE run_month = $month
             AND NOT (list_contains($kinds, series_kind) AND (run_at = $run_at OR NOT $keeps_runs))
             ORDER BY series_kind, series, run_at, target_start"""
_COUNT = "SELECT count(*) AS rows FROM stored WHERE run_month = $month"


def replace_kinds(
    runtime: Runtime,
    run_at: datetime,
    kinds: Sequence[str],
    parts: Sequence[pa.Table],
    *,
    keeps_earlier_runs: bool = False,
) -> None:
    """Replace rows of some kinds in the month of a run; nothing is written when nothing is there.

    Parameters
    ----------
    runtime : Runtime
    run_at : datetime
    kinds : sequence of str
        ``series_kind`` values that this run makes.
    parts : sequence of pyarrow.Table
        Rows of these kinds; columns that they lack are null.
    keeps_earlier_runs : bool
        False keeps only this run of the month.
    """
    lake, month = runtime.warehouse.lake, f"{run_at:%Y-%m}"
    tables = {"stored": TableScan("forecast")}
    stored = lake.query(_COUNT, tables=tables, parameters={"month": month}).column("rows")[0].as_py()
    bound = {"month": month, "kinds": list(kinds), "run_at": run_at, "keeps_runs": keeps_earlier_runs}
    others = lake.query(_OTHERS, tables=tables, parameters=bound)
    rows = pa.concat_tables([_shaped(others), *(_shaped(part) for part in parts)])
    if rows.num_rows or stored:
        lake.replace_rows("forecast", {"run_month": month}, rows)


def _shaped(rows: pa.Table) -> pa.Table:
    schema = FORECAST.schema
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
