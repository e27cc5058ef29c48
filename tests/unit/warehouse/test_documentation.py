from __future__ import annotations

from pathlib import Path

from warehouse.lake.catalogue import describe_tables, insert_tables
from warehouse.lake.tables import TABLES


def test_the_table_list_in_the_documentation_is_up_to_date(repository: Path) -> None:
    text = (repository / "docs" / "warehouse.md").read_text()
    assert insert_tables(text) == text


def test_every_table_is_listed() -> None:
    assert all(f"| `{name}` |" in describe_tables() for name in TABLES)
