"""One database, SQLite or PostgreSQL: transactions, and errors in words that help."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
    StatementError,
)

from models.vocabulary.errors import MillicoreError, StorageError, UsageError

_WRITES = "millicore_writes"
_BUSY_TIMEOUT_MS = 30_000


class Database:
    """A database by URL.

    Parameters
    ----------
    database_url : str
        ``sqlite:///folder/file.db`` or ``postgresql+psycopg://user:password@host/name``.

    Raises
    ------
    UsageError
        If the URL is neither.
    """

    def __init__(self, database_url: str) -> None:
        self.url = _checked_url(database_url)
        self.engine = _create_engine(self.url)

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file of SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def name(self) -> str:
        """Where the database is, without the password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads: everything in it is of one moment.

        Raises
        ------
        StorageError
            If the database cannot be reached or has not been migrated.
        """
        with self._problems(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that writes; it commits when the block ends well.

        On SQLite it takes the write lock at once, so that what it reads first still holds when it
        writes.

        Raises
        ------
        StorageError
            If the database cannot be reached or written.
        """
        with self._problems(), self.engine.connect() as plain:
            connection = plain.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _problems(self) -> Iterator[None]:
        try:
            yield
        except StatementError as problem:
            if isinstance(problem.orig, MillicoreError):  # a column type refused a value
                raise problem.orig from problem
            if isinstance(problem, OperationalError | ProgrammingError) or (
                isinstance(problem, DBAPIError) and _is_damage(problem)
            ):
                raise StorageError(self._describe(problem)) from problem
            raise

    def _describe(self, problem: DBAPIError) -> str:
        text = str(problem.orig).strip()
        first_line = text.splitlines()[0] if text else type(problem).__name__
        if "no such table" in text or type(problem.orig).__name__ == "UndefinedTable":
            return f"the database {self.name} lacks a table: run `millicore migrate`"
        if "full" in text or type(problem.orig).__name__ == "DiskFull":
            return f"the disk of the database {self.name} is full; nothing of this step is stored. Free space"
        if "locked" in text:
            return (
                f"the database {self.name} stayed locked by another writer for {_BUSY_TIMEOUT_MS // 1000} s"
            )
        if _is_damage(problem):
            return f"{self.url.database} is no database of SQLite, or is damaged: put a copy of it back"
        if self.is_sqlite and ("unable to open" in text or "readonly" in text):
            return (
                f"the database {self.url.database} cannot be written ({first_line}): check that its folder "
                "exists and who owns it"
            )
        if problem.connection_invalidated or isinstance(problem, OperationalError):
            where = self.url.host or self.url.database
            return (
                f"the database at {where} cannot be used: {_without_password(first_line, self.url)}. "
                "Check that it runs and that database_url is right"
            )
        return f"the database {self.name} refused a statement: {first_line}"


def _is_damage(problem: DBAPIError) -> bool:
    return isinstance(problem.orig, sqlite3.DatabaseError) and any(
        words in str(problem.orig) for words in ("not a database", "malformed")
    )


def _without_password(text: str, url: URL) -> str:
    return text.replace(str(url.password), "***") if url.password else text


def _checked_url(database_url: str) -> URL:
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise UsageError(
            "database_url is not a database URL: write sqlite:///folder/file.db or "
            "postgresql+psycopg://user:password@host/name"
        ) from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(f"database_url names {url.get_backend_name()}; use sqlite or postgresql+psycopg")
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and not url.database:
        raise UsageError("database_url names no file: write sqlite:///folder/file.db")
    return url


def _create_engine(url: URL) -> Engine:
    try:
        engine = create_engine(
            url,
            pool_pre_ping=url.get_backend_name() != "sqlite",
            json_serializer=_write_json,
            json_deserializer=msgspec.json.decode,
        )
    except (ModuleNotFoundError, NoSuchModuleError) as problem:
        raise UsageError(
            f"database_url {url.drivername} needs a driver that is not installed: pip install "
            "'millicore[postgres]'"
        ) from problem
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _write_json(value: Any) -> str:
    # several times as fast as the standard library, which a run of tens of thousands of suggestions feels
    return msgspec.json.encode(value).decode()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions itself, see _begin_sqlite
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def create_sqlite_folder(database: Database) -> None:
    """Create the folder of an SQLite file."""
    if database.is_sqlite and database.url.database:
        Path(database.url.database).expanduser().absolute().parent.mkdir(parents=True, exist_ok=True)
