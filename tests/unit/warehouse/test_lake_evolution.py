"""Columns are added to tables of older versions, and whatever else an upgrade meets."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from support.warehouse import (
    container_rows,
    created_warehouse,
    folder_location,
    ingest_lease,
    observed_window,
    store_window,
)

from models.vocabulary.errors import StorageError
from models.vocabulary.windows import HourWindow
from warehouse.gateway import open_warehouse
from warehouse.lake.contents import HOUR_TABLES
from warehouse.lake.tables import TABLES
from warehouse.reconcile import reconcile

HOUR = HourWindow.of_hour(datetime(2026, 10, 1, tzinfo=UTC))
NEXT = HourWindow(HOUR.end, HOUR.end + timedelta(hours=1))


def _older(table: str, without: str) -> object:
    declared = TABLES[table]
    columns = {name: kind for name, kind in declared.columns.items() if name != without}
    return dataclasses.replace(declared, columns=columns)


def test_a_column_is_added_and_old_files_read_as_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = folder_location(tmp_path)
    with monkeypatch.context() as patch:
        patch.setitem(TABLES, "container_hour", _older("container_hour", "revision"))
        old = created_warehouse(location)
        old.lake.replace("container_hour", "alpha", HOUR, container_rows("alpha", HOUR))
        old.close()
    with pytest.raises(StorageError, match="of another version: run `millicore migrate`"):
        open_warehouse(location)
    new = created_warehouse(location)
    rows = container_rows("alpha", NEXT).append_column("revision", pa.array(["r1", "r1"]))
    new.lake.replace("container_hour", "alpha", NEXT, rows)
    assert new.lake.scan("container_hour").sort_by("hour").column("revision").to_pylist() == [
        None,
        None,
        "r1",
        "r1",
    ]
    new.lake.compact("container_hour", "alpha", HOUR.start.date())
    assert new.lake.scan("container_hour").column("revision").null_count == 2
    assert new.migrate() == []
    new.close()


def test_hours_stored_before_a_column_was_added_still_agree_with_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = folder_location(tmp_path)
    rows = {name: ["alpha"] if name == "cluster" else ["x"] for name in ("cluster", "pod_uid", "namespace")}
    table = pa.table({**rows, "day": [HOUR.start.date()], "hour": [HOUR.start], "scheduled_seconds": [60.0]})
    with monkeypatch.context() as patch:
        older = dataclasses.replace(TABLES["pod_hour"], columns=_without("pod_hour"), added_columns=())
        patch.setitem(TABLES, "pod_hour", older)
        patch.setitem(HOUR_TABLES, "pod_hour", older)
        old = created_warehouse(location)
        store_window(old, observed_window("alpha", HOUR, {"pod_hour": table}))
        old.close()
    new = created_warehouse(location)
    assert reconcile(new, "alpha", HOUR) == []
    with_column = table.append_column("is_host_network", pa.array([True]))
    lease = ingest_lease(new, "alpha")
    new.lake.replace("pod_hour", "alpha", HOUR, with_column, fence=lease)
    assert [mismatch.detail for mismatch in reconcile(new, "alpha", HOUR)] == [
        "the lake differs from the ledger: pod_hour has other values"
    ]
    new.close()


def _without(table: str) -> dict[str, pa.DataType]:
    declared = TABLES[table]
    return {name: kind for name, kind in declared.columns.items() if name not in declared.added_columns}


def test_a_table_without_its_key_is_not_this_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = folder_location(tmp_path)
    with monkeypatch.context() as patch:
        patch.setitem(TABLES, "volume_hour", _older("volume_hour", "volume"))
        created_warehouse(location).close()
    with pytest.raises(StorageError, match="lacks its key column volume"):
        created_warehouse(location)


def test_a_table_that_another_program_changed_is_refused(tmp_path: Path) -> None:
    warehouse = created_warehouse(folder_location(tmp_path))
    delta = DeltaTable(str(tmp_path / "lake" / "container_hour"))
    delta.alter.set_table_properties({"delta.minReaderVersion": "3", "delta.minWriterVersion": "7"})
    with pytest.raises(StorageError, match="another program changed it"):
        warehouse.lake.scan("container_hour")
    warehouse.close()


def test_a_checkpoint_is_written_by_itself(tmp_path: Path) -> None:
    warehouse = created_warehouse(folder_location(tmp_path))
    for _ in range(51):
        warehouse.lake.replace("container_hour", "alpha", HOUR, container_rows("alpha", HOUR))
    assert list((tmp_path / "lake" / "container_hour" / "_delta_log").glob("*.checkpoint.parquet"))
    assert warehouse.lake.scan("container_hour").num_rows == 2
    warehouse.close()
