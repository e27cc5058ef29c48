"""Reading one query of a database that is not ours, such as a company's CMDB; nothing is written there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from models.vocabulary.errors import SourceError, SourceUnreachable, UsageError

_MOST_ROWS = 1_000_000
_READS = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:select|with)\b", re.IGNORECASE)


def fetch_rows(database_url: str, query: str, timeout_seconds: float = 30.0) -> list[Mapping[str, Any]]:
    """Return the rows of a query, each a mapping of column to value.

    The query runs in a read-only transaction where the database knows one (PostgreSQL; SQLite files are
    opened for reading), and is rolled back everywhere.

    Parameters
    ----------
    database_url : str
        An SQLAlchemy URL whose driver is installed.
    query : str
        One SELECT.
    timeout_seconds : float

    Raises
    ------
    UsageError
        If the URL is none, its driver is missing, or the text is no query.
    SourceUnreachable
        If the database does not answer.
    SourceError
        If it refuses the query, or answers more than a million rows.
    """
    url = _checked_url(database_url)
    if not _READS.match(query):
        raise UsageError("the query of a CMDB source begins with SELECT or WITH")
    engine = _engine(url, timeout_seconds)
    try:
        with engine.connect() as connection:
            _forbid_writes(connection, timeout_seconds)
            return _fetched(connection, query, url)
    except SQLAlchemyError as problem:
        raise _as_source_error(problem, url) from problem
    finally:
        engine.dispose()


def _checked_url(database_url: str) -> URL:
    try:
        url = make_url(database_url)
        url.get_dialect()
    except ArgumentError as problem:
        raise UsageError(
            "database_url of the CMDB source is not an SQLAlchemy URL like postgresql+psycopg://..."
        ) from problem
    except (NoSuchModuleError, ImportError) as problem:
        raise UsageError(f"the driver of {_shown(database_url)} is not installed") from problem
    return url


def _shown(database_url: str) -> str:
    return database_url.partition("://")[0]


def _engine(url: URL, timeout_seconds: float) -> Engine:
    try:
        if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
            query = {**url.query, "mode": "ro", "uri": "true"}
            return create_engine(url.set(database=f"file:{url.database}", query=query))
        if url.get_backend_name() == "postgresql":
            wait = {"connect_timeout": max(int(timeout_seconds), 1)}
            return create_engine(url, connect_args=wait)
        return create_engine(url)
    except (NoSuchModuleError, ImportError) as problem:
        raise UsageError(f"the driver of {url.drivername} is not installed") from problem


def _forbid_writes(connection: Connection, timeout_seconds: float) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(f"SET LOCAL statement_timeout = {int(timeout_seconds * 1000)}"))
    elif connection.dialect.name in ("mysql", "mariadb"):
        connection.execute(text("SET TRANSACTION READ ONLY"))


def _fetched(connection: Connection, query: str, url: URL) -> list[Mapping[str, Any]]:
    # colons and percent signs are the query's own (casts, LIKE), never parameters of ours
    plain = connection.execution_options(no_parameters=True)
    result = plain.exec_driver_sql(query)
    rows = [dict(row) for row in result.mappings().fetchmany(_MOST_ROWS + 1)]
    if len(rows) > _MOST_ROWS:
        raise SourceError(f"{_place(url)}: the query returns more than {_MOST_ROWS:,} rows")
    return list(rows)


def _place(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _as_source_error(problem: SQLAlchemyError, url: URL) -> SourceError:
    original = getattr(problem, "orig", None) or problem
    lines = str(original).strip().splitlines() or [type(original).__name__]
    message = lines[0]
    if url.password:
        message = message.replace(str(url.password), "***")
    if type(problem).__name__ == "OperationalError" and "syntax" not in message and "no such" not in message:
        return SourceUnreachable(f"{_place(url)} cannot be used: {message}. Nothing was changed")
    return SourceError(f"{_place(url)} refuses the query: {message}")
