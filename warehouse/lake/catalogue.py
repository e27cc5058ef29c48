"""The table list of docs/warehouse.md, written from the catalogue itself."""

from __future__ import annotations

from warehouse.lake.declaration import LakeTable
from warehouse.lake.tables import DERIVED_TABLES, IMPORTED_TABLES, OBSERVED_TABLES

BEGIN = "<!-- lake tables: begin (written by warehouse.lake.catalogue) -->"
END = "<!-- lake tables: end -->"


def describe_tables() -> str:
    """Return the lake tables as Markdown: partitions, key and the number of columns of each."""
    lines = ["| table | kind | partitioned by | one row per | columns |", "|---|---|---|---|---|"]
    for kind, tables in (
        ("observed", OBSERVED_TABLES),
        ("derived", DERIVED_TABLES),
        ("imported", IMPORTED_TABLES),
    ):
        lines += [_line(kind, table) for table in tables]
    return "\n".join(lines)


def insert_tables(text: str) -> str:
    """Return a document with the table list between its two marks brought up to date."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{describe_tables()}\n{END}{tail}"


def _line(kind: str, table: LakeTable) -> str:
    partitions, key = ", ".join(table.partition_by), ", ".join(table.key)
    return f"| `{table.name}` | {kind} | {partitions} | {key} | {len(table.columns)} |"
