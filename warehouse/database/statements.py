"""Statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps in two dialects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def _insert(connection: Connection, table: Table) -> Any:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_or_ignore(connection: Connection, table: Table) -> Any:
    """Return an INSERT that leaves a row with the same primary key as it is."""
    return _insert(connection, table).on_conflict_do_nothing(index_elements=list(table.primary_key.columns))


def insert_or_update(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; where the primary key is there already, set the other columns."""
    if not rows:
        return
    statement = _insert(connection, table)
    keys = {column.name for column in table.primary_key.columns}
    changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes),
        [dict(row) for row in rows],
    )
