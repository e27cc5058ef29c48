from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from warehouse.database.every_table import METADATA
from warehouse.gateway import Warehouse


def test_the_migrations_build_the_declared_schema(fresh_warehouse: Warehouse) -> None:
    with fresh_warehouse.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_sqlite_keeps_what_it_promised(fresh_warehouse: Warehouse) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    with fresh_warehouse.database.read() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted}
    assert found == wanted
