"""Which rows are new: an anti-join on the key, for tables that only grow."""

from __future__ import annotations

import pyarrow as pa

from warehouse.lake.declaration import LakeTable

POSITION = "position_in_candidates"


def candidates(declared: LakeTable, rows: pa.Table) -> pa.Table:
    """Return the key columns of rows and their positions."""
    return rows.select(list(declared.key)).append_column(POSITION, pa.array(range(rows.num_rows), pa.int64()))


def absent_sql(declared: LakeTable, candidate: str, known: str) -> str:
    """Return a statement that gives the position of each candidate whose key is not known.

    Of candidates with the same key it gives the first.
    """
    keys = ", ".join(declared.key)
    matches = " AND ".join(f"c.{name} = k.{name}" for name in declared.key)
    return (
        f"SELECT min({POSITION}) AS {POSITION} FROM {candidate} AS c "
        f"WHERE NOT EXISTS (SELECT 1 FROM {known} AS k WHERE {matches}) "
        f"GROUP BY {keys} ORDER BY 1"
    )
