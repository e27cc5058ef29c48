"""Bringing a database to the schema of this version, and refusing one that is not there."""

from __future__ import annotations

from importlib.resources import files as package_files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from models.vocabulary.errors import StorageError
from warehouse.database.connection import Database, create_sqlite_folder


def upgrade(database: Database) -> list[str]:
    """Apply every migration that is missing, in one transaction, and return their revisions.

    Raises
    ------
    StorageError
        If the database was migrated by a newer version, or cannot be reached.
    """
    create_sqlite_folder(database)
    before = current_revision(database)
    _refuse_newer(database, before)
    config = _config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    revisions = [script.revision for script in _scripts().walk_revisions("base", "heads")][::-1]
    return revisions[revisions.index(before) + 1 :] if before else revisions


def check_migrated(database: Database) -> None:
    """Refuse a database that is not exactly at the schema of this version.

    Raises
    ------
    StorageError
        If it was never migrated, is behind, or is ahead.
    """
    if database.is_sqlite and not _sqlite_file_exists(database):
        raise StorageError(f"there is no database at {database.url.database}: run `millicore migrate`")
    current = current_revision(database)
    _refuse_newer(database, current)
    if current is None:
        raise StorageError(f"the database {database.name} is empty: run `millicore migrate`")
    if current != _scripts().get_current_head():
        raise StorageError(f"the database {database.name} is of an older version: run `millicore migrate`")


def current_revision(database: Database) -> str | None:
    """Return the revision of the last migration, or None for an empty database."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(database: Database, revision: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions("base", "heads")}
    if revision is not None and revision not in known:
        raise StorageError(
            f"the database {database.name} was migrated by a newer Millicore (revision {revision}): "
            "install that version"
        )


def _sqlite_file_exists(database: Database) -> bool:

    return Path(str(database.url.database)).exists()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(package_files("warehouse.database") / "migrations"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
