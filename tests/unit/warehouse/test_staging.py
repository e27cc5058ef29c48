from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from models.vocabulary.errors import InputError
from warehouse.gateway import Warehouse
from warehouse.lake.partition_files import StagedFile, write_partition

DAY = date(2026, 10, 1)
PARTITION = {"cluster": "alpha", "day": DAY}


def _hours(count: int) -> pa.Array:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    return pa.array([start + timedelta(hours=i) for i in range(count)], pa.timestamp("us", tz="UTC"))


def _batch(count: int = 2, **columns: object) -> pa.Table:
    return pa.table(
        {
            "hour": _hours(count),
            "namespace": pa.array(["shop"] * count).dictionary_encode(),
            "workload_kind": ["Deployment"] * count,
            "workload_name": ["web"] * count,
            **columns,
        }
    )


def _write(lake_url: str, *batches: pa.Table) -> StagedFile:
    return write_partition("workload_hour", PARTITION, iter(batches), lake_url)


def _commit(warehouse: Warehouse, staged: StagedFile) -> pa.Table:
    warehouse.lake.replace_partitions("workload_hour", [PARTITION], [staged])
    return warehouse.lake.scan("workload_hour")


def test_batches_of_different_shapes_all_come_back(fresh_warehouse: Warehouse) -> None:
    url = fresh_warehouse.location.lake_url
    staged = _write(
        url,
        _batch(2, cpu_request_cores=[1.0, 2.0]),
        _batch(3, cpu_request_cores=[1.0, None, 3.0]),
        _batch(1, memory_request_bytes=[5.0]),
        _batch(2, cpu_request_cores=[7.0, 8.0]),
    )
    assert staged.row_count == 8
    assert len(staged.parts) == 3
    rows = _commit(fresh_warehouse, staged)
    cpu = rows.column("cpu_request_cores").to_pylist()
    assert sorted(value for value in cpu if value is not None) == [1.0, 1.0, 2.0, 3.0, 7.0, 8.0]
    assert [value for value in rows.column("memory_request_bytes").to_pylist() if value] == [5.0]


def test_many_shapes_share_a_last_file(fresh_warehouse: Warehouse) -> None:
    names = [
        "replica_count_mean",
        "cpu_request_cores",
        "cpu_usage_cores_mean",
        "cpu_usage_cores_max_5m",
        "memory_request_bytes",
        "memory_usage_bytes_mean",
        "memory_usage_bytes_max_5m",
    ]
    batches = [_batch(1, **{name: [1.0]}) for name in names] * 2
    staged = _write(fresh_warehouse.location.lake_url, *batches)
    assert len(staged.parts) <= 6
    rows = _commit(fresh_warehouse, staged)
    assert rows.num_rows == 14
    for name in names:
        assert 14 - rows.column(name).null_count == 2


def test_nothing_is_staged_for_no_rows(fresh_warehouse: Warehouse) -> None:
    assert _write(fresh_warehouse.location.lake_url).parts == ()
    assert _write(fresh_warehouse.location.lake_url, _batch(0)).row_count == 0


def test_money_of_64_bits_is_stored_as_it_is(fresh_warehouse: Warehouse) -> None:
    units = np.array([1_500_000_001, 2], dtype=np.int64)
    short = pa.Array.from_buffers(pa.decimal64(18, 9), 2, [None, pa.py_buffer(units)])
    rows = _commit(fresh_warehouse, _write(fresh_warehouse.location.lake_url, _batch(2, cost=short)))
    assert sorted(rows.column("cost").to_pylist()) == [Decimal("0.000000002"), Decimal("1.500000001")]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"cpu_request_cores": [1.0, float("nan")]}, "NaN"),
        ({"cpu_request_cores": [1, 2]}, "is int64, not double"),
        ({"cpu_cores": [1.0, 2.0]}, "not a column"),
    ],
)
def test_what_the_lake_does_not_hold_is_refused(
    fresh_warehouse: Warehouse, columns: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        _write(fresh_warehouse.location.lake_url, _batch(2, **columns))


def test_a_null_key_is_refused(fresh_warehouse: Warehouse) -> None:
    rows = _batch(2)
    without = rows.drop_columns(["workload_name"])
    with_null = without.append_column("workload_name", pa.array(["a", None]))
    with pytest.raises(InputError, match="belongs to the key"):
        _write(fresh_warehouse.location.lake_url, with_null)
    with pytest.raises(InputError, match="belongs to the key"):
        _write(fresh_warehouse.location.lake_url, without)


@pytest.mark.parametrize("partition", [{"cluster": "alpha"}, {"cluster": "a/b", "day": DAY}])
def test_a_partition_that_is_none_is_refused(
    fresh_warehouse: Warehouse, partition: dict[str, object]
) -> None:
    with pytest.raises(InputError):
        write_partition("workload_hour", partition, _batch(), fresh_warehouse.location.lake_url)


def test_a_worker_process_hands_back_what_it_staged(fresh_warehouse: Warehouse) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        staged = pool.submit(
            write_partition, "workload_hour", PARTITION, _batch(5), fresh_warehouse.location.lake_url
        ).result()
    assert pickle.loads(pickle.dumps(staged)) == staged
    assert _commit(fresh_warehouse, staged).num_rows == 5
