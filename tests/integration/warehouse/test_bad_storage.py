"""What happens when storage fails: nothing is half stored, and the message says what to do."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from support.ports import free_port
from support.warehouse import container_rows, folder_location, observed_window, store_window, table_digest

from models.vocabulary.errors import StorageError, UsageError
from models.vocabulary.windows import HourWindow
from warehouse.checks import check_warehouse
from warehouse.gateway import Warehouse, migrate_warehouse, open_warehouse
from warehouse.lake.durability import commit_file
from warehouse.lake.partition_files import write_partition
from warehouse.reconcile import reconcile

MIDNIGHT = datetime(2026, 10, 1, tzinfo=UTC)
WINDOW = HourWindow(MIDNIGHT, MIDNIGHT + timedelta(hours=3))


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """Let every write beyond a size fail, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_the_table_as_it_was(fresh_warehouse: Warehouse) -> None:
    lake = fresh_warehouse.lake
    lake.replace("container_hour", "alpha", WINDOW, container_rows("alpha", WINDOW))
    before = table_digest(fresh_warehouse, "container_hour")
    with files_of_at_most(500), pytest.raises(StorageError, match="is full; nothing"):
        lake.replace("container_hour", "alpha", WINDOW, container_rows("alpha", WINDOW, usage=0.5))
    assert table_digest(fresh_warehouse, "container_hour") == before


def test_a_full_disk_while_a_worker_writes_is_said_plainly(fresh_warehouse: Warehouse) -> None:
    rows = container_rows("alpha", WINDOW, pods=500).drop_columns(["cluster", "day"])
    with files_of_at_most(500), pytest.raises(StorageError, match="Nothing of it is stored"):
        write_partition(
            "container_hour",
            {"cluster": "alpha", "day": MIDNIGHT.date()},
            rows,
            fresh_warehouse.location.lake_url,
        )
    assert fresh_warehouse.lake.scan("container_hour").num_rows == 0


def test_a_full_disk_of_the_database_leaves_the_window_owed(fresh_warehouse: Warehouse) -> None:
    with fresh_warehouse.database.read() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    big = HourWindow(MIDNIGHT, MIDNIGHT + timedelta(days=31))
    with fresh_warehouse.database.engine.connect() as connection:
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        connection.rollback()
    with pytest.raises(StorageError, match="is full"):
        store_window(fresh_warehouse, observed_window("alpha", big))
    assert fresh_warehouse.ledger.rows("alpha", big) == []


def test_an_unreachable_database_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://millicore:hunter2@127.0.0.1:{free_port()}/millicore"
    location = replace(folder_location(tmp_path), database_url=url)
    with pytest.raises(StorageError, match=r"127\.0\.0\.1") as caught:
        open_warehouse(location)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(location)


def test_a_warehouse_that_was_never_migrated_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="run `millicore migrate`"):
        open_warehouse(folder_location(tmp_path))


def test_a_lake_that_is_missing_says_so(fresh_warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="run `millicore migrate`"):
        open_warehouse(replace(fresh_warehouse.location, lake_url=str(tmp_path / "elsewhere")))


def test_a_database_of_a_newer_version_is_refused(fresh_warehouse: Warehouse) -> None:
    with fresh_warehouse.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer Millicore"):
        open_warehouse(fresh_warehouse.location)
    with pytest.raises(StorageError, match="newer Millicore"):
        migrate_warehouse(fresh_warehouse.location)


def test_an_unknown_database_kind_or_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="use sqlite or postgresql"):
        open_warehouse(replace(folder_location(tmp_path), database_url="mysql://host/db"))
    with pytest.raises(UsageError, match="'regoin' is not known"):
        open_warehouse(replace(folder_location(tmp_path), storage_options={"regoin": "eu"}))


def test_a_healthy_warehouse_has_only_good_findings(any_warehouse: Warehouse) -> None:
    store_window(any_warehouse, observed_window("alpha", WINDOW))
    findings = check_warehouse(any_warehouse.location, WINDOW)
    assert [finding for finding in findings if not finding.is_good] == []
    assert {"database", "one writer per version"} <= {finding.check for finding in findings}


def test_a_bad_trailing_commit_is_set_aside_and_its_hours_are_owed(
    fresh_warehouse: Warehouse, tmp_path: Path
) -> None:
    store_window(fresh_warehouse, observed_window("alpha", WINDOW))
    version = fresh_warehouse.lake.versions()["container_hour"]
    commit_file(tmp_path / "lake" / "container_hour", version).write_bytes(b"")
    bad = [f for f in check_warehouse(fresh_warehouse.location) if not f.is_good]
    assert [finding.check for finding in bad] == ["log of container_hour"]
    assert "doctor --heal" in bad[0].remedy
    check_warehouse(fresh_warehouse.location, heal=True)
    assert fresh_warehouse.ledger.owed("files", "alpha", WINDOW) == [WINDOW]
    store_window(fresh_warehouse, observed_window("alpha", WINDOW))
    assert fresh_warehouse.lake.scan("container_hour").num_rows == 6
    assert reconcile(fresh_warehouse, "alpha", WINDOW) == []


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_damaged_data_file_is_found_and_its_hours_are_owed(fresh_warehouse: Warehouse, damage: str) -> None:
    store_window(fresh_warehouse, observed_window("alpha", WINDOW))
    (file,) = (Path(name) for name in fresh_warehouse.lake.files("container_hour"))
    file.unlink() if damage == "missing" else file.write_bytes(b"PAR1")
    bad = [f for f in check_warehouse(fresh_warehouse.location) if not f.is_good]
    assert [finding.check for finding in bad] == ["data of container_hour"]
    healed = check_warehouse(fresh_warehouse.location, heal=True)
    assert "3 are owed again" in healed[-1].detail
    assert fresh_warehouse.ledger.owed("files", "alpha", WINDOW) == [WINDOW]
    store_window(fresh_warehouse, observed_window("alpha", WINDOW))
    assert check_warehouse(fresh_warehouse.location, WINDOW)[-1].is_good


def test_a_bad_checkpoint_is_set_aside_and_no_row_is_lost(fresh_warehouse: Warehouse, tmp_path: Path) -> None:
    store_window(fresh_warehouse, observed_window("alpha", WINDOW))
    fresh_warehouse.lake.checkpoint("container_hour")
    log = tmp_path / "lake" / "container_hour" / "_delta_log"
    (checkpoint,) = log.glob("*.checkpoint.parquet")
    checkpoint.write_bytes(b"PAR1")
    assert any(not finding.is_good for finding in check_warehouse(fresh_warehouse.location))
    check_warehouse(fresh_warehouse.location, heal=True)
    assert fresh_warehouse.lake.scan("container_hour").num_rows == 6
