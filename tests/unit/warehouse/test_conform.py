from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from support.warehouse import container_rows

from models.vocabulary.errors import InputError
from models.vocabulary.windows import HourWindow
from warehouse.lake.conform import conform
from warehouse.lake.tables import TABLES

HOUR = HourWindow.of_hour(datetime(2026, 10, 1, 5, tzinfo=UTC))


def _rows(**changed: object) -> pa.Table:
    rows = container_rows("alpha", HOUR, pods=2)
    for name, values in changed.items():
        index = rows.column_names.index(name) if name in rows.column_names else None
        column = values if isinstance(values, pa.Array) else pa.array(values)
        rows = rows.append_column(name, column) if index is None else rows.set_column(index, name, column)
    return rows


def test_conformed_rows_have_the_declared_schema() -> None:
    conformed = conform("container_hour", _rows())
    assert conformed.schema == TABLES["container_hour"].schema
    assert conformed.column("revision").null_count == 2


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(InputError, match="cpu_usage_cor"):
        conform("container_hour", _rows(cpu_usage_cor=[1.0, 2.0]))


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(InputError, match="not a table of the lake"):
        conform("container_hours", _rows())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="NaN or an infinite value"):
        conform("container_hour", _rows(running_seconds=[1.0, value]))


def test_nan_inside_a_list_is_refused() -> None:
    bins = [[0.5] * 11 + [float("nan")], [0.5] * 12]
    with pytest.raises(InputError, match="cpu_usage_cores_by_5m"):
        conform("container_hour", _rows(cpu_usage_cores_by_5m=pa.array(bins, pa.list_(pa.float32()))))


def test_a_sum_that_overflows_is_not_mistaken_for_nan() -> None:
    conformed = conform("container_hour", _rows(running_seconds=[1.7e308, 1.7e308]))
    assert conformed.column("running_seconds").to_pylist() == [1.7e308, 1.7e308]


def test_a_fraction_does_not_become_a_whole_number() -> None:
    with pytest.raises(InputError, match="restart_count"):
        conform("container_hour", _rows(restart_count=[7.9, 1.0]))
    assert conform("container_hour", _rows(restart_count=[7.0, 1.0])).column("restart_count").to_pylist() == [
        7,
        1,
    ]


def test_a_column_of_nothing_keeps_its_declared_type() -> None:
    conformed = conform("container_hour", _rows(revision=[None, None]))
    assert conformed.schema.field("revision").type == pa.string()


def test_a_time_without_zone_is_refused() -> None:
    naive = pa.array([datetime(2026, 10, 1, 5)] * 2, pa.timestamp("us"))  # noqa: DTZ001
    with pytest.raises(InputError, match="no time zone"):
        conform("container_hour", _rows(hour=naive))


def test_a_time_of_another_zone_is_the_same_instant() -> None:
    berlin = datetime(2026, 10, 1, 7, tzinfo=timezone(timedelta(hours=2)))
    conformed = conform(
        "container_hour", _rows(hour=pa.array([berlin] * 2, pa.timestamp("ns", "Europe/Berlin")))
    )
    assert conformed.column("hour").to_pylist() == [HOUR.start] * 2


def test_a_time_finer_than_a_microsecond_is_refused() -> None:
    fine = pa.array(np.array([1, 2]), pa.timestamp("ns", "UTC"))
    with pytest.raises(InputError, match="hour"):
        conform("container_hour", _rows(hour=fine))


def test_a_key_that_is_null_or_absent_is_refused() -> None:
    with pytest.raises(InputError, match=r"pod_uid.*belongs to the key"):
        conform("container_hour", _rows(pod_uid=["a", None]))
    with pytest.raises(InputError, match="missing"):
        conform("container_hour", _rows().drop_columns(["container"]))


@pytest.mark.parametrize("name", ["null", "", "NULL", "Prod", "a/b", "a b", "x" * 64])
def test_a_cluster_name_that_a_path_would_change_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cluster"):
        conform("container_hour", _rows(cluster=[name, name]))


def test_dictionary_columns_are_decoded() -> None:
    coded = pa.array(["uid-1", "uid-2"]).dictionary_encode()
    assert conform("container_hour", _rows(pod_uid=coded)).column("pod_uid").to_pylist() == ["uid-1", "uid-2"]


def test_money_is_never_a_float() -> None:
    rows = pa.table(
        {
            "cluster": ["alpha"],
            "day": [date(2026, 10, 1)],
            "hour": pa.array([HOUR.start], pa.timestamp("us", "UTC")),
            "asset_kind": ["node"],
            "asset": ["n"],
            "list_cost": [0.1],
        }
    )
    with pytest.raises(InputError, match="money is written as decimals"):
        conform("asset_price_hour", rows)
