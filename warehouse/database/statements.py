"""Statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps in two dialects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite


def _insert(connection: Connection, table: Table) -> Any:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def wait_for_turn(connection: Connection, name: str) -> None:
    """Let one transaction of a name at a time pass; it holds its turn until it ends.

    Rows that are not there yet cannot be locked, so PostgreSQL gets an advisory lock; transactions of SQLite
    that write follow each other anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))


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
