"""What the lake promises, on a folder with SQLite and on S3 with PostgreSQL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from support.warehouse import container_rows, table_digest

from models.vocabulary.errors import InputError, LeaseLost, StorageError
from models.vocabulary.windows import HourWindow
from warehouse.gateway import Warehouse
from warehouse.lake.location import LakeRoot
from warehouse.lake.partition_files import read_partition, write_partition
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.lake.tables import TABLES

MIDNIGHT = datetime(2026, 10, 1, tzinfo=UTC)
TWO_DAYS = HourWindow(MIDNIGHT, MIDNIGHT + timedelta(days=2))


def _hour(number: int) -> HourWindow:
    return HourWindow.of_hour(MIDNIGHT + timedelta(hours=number))


def test_an_hour_written_twice_leaves_the_same_rows(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    for _ in range(2):
        lake.replace("container_hour", "alpha", TWO_DAYS, container_rows("alpha", TWO_DAYS))
    once = table_digest(any_warehouse, "container_hour")
    lake.replace("container_hour", "alpha", _hour(30), container_rows("alpha", _hour(30)))
    assert table_digest(any_warehouse, "container_hour") == once
    assert lake.scan("container_hour").num_rows == 48 * 2


def test_a_window_over_several_days_is_one_commit(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    before = lake.versions()["container_hour"]
    month = HourWindow(MIDNIGHT, MIDNIGHT + timedelta(days=31))
    version = lake.replace("container_hour", "alpha", month, container_rows("alpha", month, pods=1))
    assert version == lake.versions()["container_hour"] == before + 1
    assert lake.scan("container_hour", window=month).num_rows == month.hour_count


def test_a_scan_reads_only_its_cluster_window_and_columns(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    for cluster in ("alpha", "beta"):
        lake.replace("container_hour", cluster, TWO_DAYS, container_rows(cluster, TWO_DAYS))
    rows = lake.scan("container_hour", cluster="beta", window=_hour(25), columns=["cluster", "hour"])
    assert rows.to_pylist() == [{"cluster": "beta", "hour": MIDNIGHT + timedelta(hours=25)}] * 2


def test_an_empty_table_reads_with_its_declared_types(any_warehouse: Warehouse) -> None:
    for name, declared in TABLES.items():
        rows = any_warehouse.lake.scan(name)
        assert rows.num_rows == 0
        assert [field.type for field in rows.schema] == list(declared.columns.values())


def test_rows_come_back_as_they_were_written(any_warehouse: Warehouse) -> None:
    written = container_rows("alpha", _hour(3), pods=3)
    any_warehouse.lake.replace("container_hour", "alpha", _hour(3), written)
    read = any_warehouse.lake.scan("container_hour", columns=written.column_names)
    assert read.sort_by("pod_uid").to_pylist() == written.to_pylist()


def test_replacing_a_window_by_nothing_empties_it(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    lake.replace("container_hour", "alpha", TWO_DAYS, container_rows("alpha", TWO_DAYS))
    lake.replace("container_hour", "alpha", _hour(0), container_rows("alpha", _hour(0)).slice(0, 0))
    assert lake.scan("container_hour").num_rows == 47 * 2


def test_rows_outside_the_window_are_refused(any_warehouse: Warehouse) -> None:
    with pytest.raises(StorageError):
        any_warehouse.lake.replace("container_hour", "alpha", _hour(1), container_rows("alpha", _hour(2)))
    assert any_warehouse.lake.scan("container_hour").num_rows == 0


def test_a_fenced_writer_is_refused(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    rows = container_rows("alpha", _hour(1))
    lake.replace("container_hour", "alpha", _hour(1), rows, fence=7)
    with pytest.raises(LeaseLost, match=r"fence 7.*fence 6"):
        lake.replace("container_hour", "alpha", _hour(2), container_rows("alpha", _hour(2)), fence=6)
    lake.replace("container_hour", "beta", _hour(1), container_rows("beta", _hour(1)), fence=1)
    lake.replace("container_hour", "alpha", _hour(1), rows, fence=7)


def test_only_absent_keys_are_added(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    version = lake.add_absent("label_set", _label_sets("one", "two"))
    assert lake.add_absent("label_set", _label_sets("two", "one")) == version
    lake.add_absent("label_set", _label_sets("two", "three", "three"))
    ids = lake.scan("label_set", columns=["label_set_id"]).column(0).to_pylist()
    assert sorted(ids) == ["one", "three", "two"]


def _label_sets(*ids: str) -> pa.Table:
    rows = [
        {
            "cluster": "alpha",
            "month": "2026-10",
            "label_set_id": name,
            "labels": "{}",
            "first_seen_at": MIDNIGHT,
        }
        for name in ids
    ]
    return pa.Table.from_pylist(rows, schema=TABLES["label_set"].schema)


def _workload_hours(hours: HourWindow, cost: str) -> pa.Table:
    return pa.table(
        {
            "hour": pa.array(list(hours.hours()), pa.timestamp("us", tz="UTC")),
            "namespace": pa.array(["shop"] * hours.hour_count).dictionary_encode(),
            "workload_kind": ["Deployment"] * hours.hour_count,
            "workload_name": ["web"] * hours.hour_count,
            "cost": pa.array([Decimal(cost)] * hours.hour_count, pa.decimal128(18, 9)),
        }
    )


def _stage(warehouse: Warehouse, day: date, rows: pa.Table) -> object:
    location = warehouse.location
    return write_partition(
        "workload_hour",
        {"cluster": "alpha", "day": day},
        rows,
        location.lake_url,
        location.storage_options,
    )


def test_staged_partitions_replace_what_was_there_in_one_commit(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    days = list(TWO_DAYS.days())
    partitions = [{"cluster": "alpha", "day": day} for day in days]
    for cost in ("1.000000001", "2.5"):
        files = [_stage(any_warehouse, day, _workload_hours(HourWindow.of_day(day), cost)) for day in days]
        version = lake.replace_partitions("workload_hour", partitions, files)
    assert version == 2
    rows = lake.scan("workload_hour")
    assert rows.num_rows == 48
    assert set(rows.column("cost").to_pylist()) == {Decimal("2.500000000")}
    lake.replace_partitions("workload_hour", partitions[:1], [])
    assert lake.scan("workload_hour").num_rows == 24


def test_staged_files_are_invisible_until_they_are_committed(any_warehouse: Warehouse) -> None:
    _stage(any_warehouse, MIDNIGHT.date(), _workload_hours(_hour(0), "1"))
    assert any_warehouse.lake.scan("workload_hour").num_rows == 0


def test_a_staged_file_outside_the_replaced_partitions_is_refused(any_warehouse: Warehouse) -> None:
    staged = _stage(any_warehouse, date(2026, 10, 2), _workload_hours(_hour(24), "1"))
    with pytest.raises(InputError, match="is not a partition of workload_hour that is replaced"):
        any_warehouse.lake.replace_partitions(
            "workload_hour", [{"cluster": "alpha", "day": date(2026, 10, 1)}], [staged]
        )


def test_workers_read_files_with_codes_and_partition_columns(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    lake.replace("container_hour", "alpha", _hour(5), container_rows("alpha", _hour(5)))
    files = lake.files("container_hour", cluster="alpha", window=_hour(5))
    columns = ["pod_uid", "cluster", "day", "revision", "cpu_usage_core_seconds"]
    tables = read_partition(
        files,
        columns,
        dictionary_columns=["pod_uid", "revision"],
        storage_options=any_warehouse.location.storage_options,
    )
    rows = pa.concat_tables(tables)
    assert rows.column_names == columns
    assert pa.types.is_dictionary(rows.schema.field("pod_uid").type)
    assert rows.to_pylist()[0] == {
        "pod_uid": "uid-0",
        "cluster": "alpha",
        "day": date(2026, 10, 1),
        "revision": None,
        "cpu_usage_core_seconds": 900.0,
    }


def test_files_of_another_hour_are_not_listed(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    for number in (1, 2):
        lake.replace("container_hour", "alpha", _hour(number), container_rows("alpha", _hour(number)))
    assert len(lake.files("container_hour", cluster="alpha", window=_hour(1))) == 1
    assert len(lake.files("container_hour", cluster="alpha")) == 2
    assert lake.files("container_hour", cluster="beta") == []


def test_a_query_joins_scans_with_parameters_in_utc(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    lake.replace("container_hour", "alpha", TWO_DAYS, container_rows("alpha", TWO_DAYS))
    rows = lake.query(
        "SELECT date_trunc('day', hour)::DATE AS utc_day, count(*) AS row_count FROM used "
        "WHERE pod_uid = $pod GROUP BY 1 ORDER BY 1",
        tables={"used": TableScan("container_hour", "alpha", TWO_DAYS)},
        parameters={"pod": "uid-1"},
    )
    assert rows.to_pylist() == [{"utc_day": day, "row_count": 24} for day in TWO_DAYS.days()]


def test_a_pin_reads_the_versions_that_it_fixed(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    lake.replace("container_hour", "alpha", _hour(1), container_rows("alpha", _hour(1)))
    pin = any_warehouse.pin()
    lake.replace("container_hour", "alpha", _hour(2), container_rows("alpha", _hour(2)))
    assert lake.scan("container_hour", pin=pin).num_rows == 2
    assert lake.scan("container_hour").num_rows == 4


def test_rows_of_one_day_of_a_month_table_are_replaced(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    for day, total in ((1, "1.5"), (2, "2.5"), (1, "3.25")):
        rows = _cost_day(date(2026, 10, day), Decimal(total))
        predicate = {"billing_month": "2026-10", "billing_date": date(2026, 10, day), "cluster": "alpha"}
        lake.replace_rows("cost_day", predicate, rows)
    totals = lake.scan("cost_day", columns=["billing_date", "total_cost"]).sort_by("billing_date").to_pylist()
    assert totals == [
        {"billing_date": date(2026, 10, 1), "total_cost": Decimal("3.25")},
        {"billing_date": date(2026, 10, 2), "total_cost": Decimal("2.5")},
    ]


def _cost_day(day: date, total: Decimal) -> pa.Table:
    row = {
        "billing_month": "2026-10",
        "billing_date": day,
        "cluster": "alpha",
        "line_kind": "node",
        "resource": "cpu",
        "total_cost": total,
    }
    kinds = pa.schema([(name, TABLES["cost_day"].columns[name]) for name in row])
    return pa.Table.from_pylist([row], schema=kinds)


def test_compaction_checkpoint_and_vacuum_keep_every_row(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    day = HourWindow.of_day(MIDNIGHT.date())
    for hour in day.hours():
        window = HourWindow.of_hour(hour)
        lake.replace("container_hour", "alpha", window, container_rows("alpha", window))
    before = table_digest(any_warehouse, "container_hour")
    lake.compact("container_hour", "alpha", MIDNIGHT.date())
    lake.checkpoint("container_hour")
    lake.vacuum("container_hour")
    assert len(lake.files("container_hour")) == 1
    assert table_digest(any_warehouse, "container_hour") == before


def test_a_compacted_month_table_keeps_every_row(any_warehouse: Warehouse) -> None:
    lake = any_warehouse.lake
    for name in ("one", "two", "three"):
        lake.add_absent("label_set", _label_sets(name))
    before = table_digest(any_warehouse, "label_set")
    lake.compact("label_set", "alpha", MIDNIGHT.date())
    assert len(lake.files("label_set")) == 1
    assert table_digest(any_warehouse, "label_set") == before


def test_vacuum_below_two_days_is_refused(any_warehouse: Warehouse) -> None:
    with pytest.raises(InputError, match="below 48"):
        any_warehouse.lake.vacuum("container_hour", retention_hours=24)


def test_staged_days_survive_partial_replacement_and_compaction(any_warehouse: Warehouse) -> None:
    """Files of workers (required columns, lz4, missing columns) are rewritten by Delta without loss."""
    lake = any_warehouse.lake
    day = MIDNIGHT.date()
    staged = _stage(any_warehouse, day, _workload_hours(HourWindow.of_day(day), "1"))
    lake.replace_partitions("workload_hour", [{"cluster": "alpha", "day": day}], [staged])
    with_cluster = _workload_hours(_hour(3), "9").append_column("cluster", pa.array(["alpha"]))
    lake.replace(
        "workload_hour", "alpha", _hour(3), with_cluster.append_column("day", pa.array([day], pa.date32()))
    )
    lake.compact("workload_hour", "alpha", day)
    costs = lake.scan("workload_hour").column("cost").to_pylist()
    assert sorted(costs) == [Decimal(1)] * 23 + [Decimal(9)]


def test_two_writers_of_the_same_hours_never_double_a_row(any_warehouse: Warehouse) -> None:
    location = any_warehouse.location
    root = LakeRoot.parse(location.lake_url, location.storage_options)
    start = threading.Barrier(2)

    def write(pods: int) -> None:
        lake = Lake(root, query_threads=1)
        start.wait()
        for number in range(3):
            lake.replace(
                "container_hour", "alpha", _hour(number), container_rows("alpha", _hour(number), pods)
            )
        lake.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(write, pods) for pods in (5, 7)]:
            done.result()
    rows = any_warehouse.lake.scan("container_hour", columns=["hour"])
    counts = rows.group_by("hour").aggregate([([], "count_all")]).column("count_all").to_pylist()
    assert len(counts) == 3
    assert set(counts) <= {5, 7}


def test_writers_of_different_clusters_do_not_disturb_each_other(any_warehouse: Warehouse) -> None:
    location = any_warehouse.location
    root = LakeRoot.parse(location.lake_url, location.storage_options)

    def write(cluster: str) -> None:
        lake = Lake(root, query_threads=1)
        for number in range(3):
            lake.replace(
                "container_hour", cluster, _hour(number), container_rows(cluster, _hour(number)), fence=1
            )
        lake.close()

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(write, cluster) for cluster in ("alpha", "beta", "gamma")]:
            done.result()
    assert any_warehouse.lake.scan("container_hour").num_rows == 3 * 3 * 2


def test_an_older_reader_whose_files_are_gone_gets_the_newest_rows(fresh_warehouse: Warehouse) -> None:
    lake = fresh_warehouse.lake
    lake.replace("container_hour", "alpha", _hour(1), container_rows("alpha", _hour(1)))
    pin = fresh_warehouse.pin()
    (old,) = lake.files("container_hour")
    lake.replace("container_hour", "alpha", _hour(1), container_rows("alpha", _hour(1), usage=0.5))
    Path(old).unlink()  # what vacuum does, days later
    rows = lake.scan("container_hour", columns=["cpu_usage_core_seconds"], pin=pin)
    assert rows.column(0).to_pylist() == [1800.0, 1800.0]


def test_a_file_that_is_missing_is_said_plainly(fresh_warehouse: Warehouse) -> None:
    fresh_warehouse.lake.replace("container_hour", "alpha", _hour(1), container_rows("alpha", _hour(1)))
    Path(fresh_warehouse.lake.files("container_hour")[0]).unlink()
    with pytest.raises(StorageError, match="could not be read"):
        fresh_warehouse.lake.scan("container_hour")


def test_queries_run_in_utc_whatever_the_machine_says(
    fresh_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    rows = fresh_warehouse.lake.query(
        "SELECT current_setting('TimeZone') AS zone, TIMESTAMPTZ '2026-10-01 00:00:00Z'::DATE AS day",
        tables={},
    )
    assert rows.to_pylist() == [{"zone": "UTC", "day": date(2026, 10, 1)}]
