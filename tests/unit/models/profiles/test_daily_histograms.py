from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from support.container_usage import MIB, Container, constant, container_hours

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS
from models.profiles.daily import SOURCE_COLUMNS, build_day_histograms
from models.vocabulary.errors import InputError

MIDNIGHT = datetime(2026, 10, 5, tzinfo=UTC)


def histograms_of(*containers: Container, hours: int = 24) -> list[dict]:
    rows = container_hours(containers, MIDNIGHT, hours).select(list(SOURCE_COLUMNS))
    return build_day_histograms(rows).to_pylist()


def test_every_value_falls_into_its_bucket():
    found = histograms_of(Container(cpu=constant(0.5), memory=constant(300 * MIB)))
    cpu, memory = found
    assert (cpu["statistic"], memory["statistic"]) == ("cpu_mean_5m", "memory_max_5m")
    assert cpu["bucket_index"] == [int(CPU_BUCKETS.find([0.5])[0])]
    assert memory["bucket_index"] == [int(MEMORY_BUCKETS.find([300 * MIB])[0])]
    assert cpu["bucket_count"] == memory["bucket_count"] == [288]
    assert cpu["maximum"] == 0.5
    assert cpu["total"] == pytest.approx(144.0)
    assert cpu["sample_count"] == 288


def test_the_first_half_hour_of_a_pod_stands_apart():
    found = {
        row["statistic"]: row
        for row in histograms_of(Container(first_hour=3), Container(workload="older"))
        if row["workload_name"] == "web"
    }
    assert found["cpu_mean_5m_startup"]["sample_count"] == 6
    assert found["cpu_mean_5m"]["sample_count"] == 21 * 12 - 6
    assert found["memory_max_5m_startup"]["sample_count"] == 6


def test_a_pod_that_ran_at_midnight_has_no_start_up():
    assert {row["statistic"] for row in histograms_of(Container())} == {"cpu_mean_5m", "memory_max_5m"}


def test_values_that_were_not_observed_count_nowhere():
    rows = container_hours([Container()], MIDNIGHT, 2).to_pylist()
    rows[0]["cpu_usage_cores_by_5m"] = [None] * 6 + [0.2] * 6
    rows[1]["cpu_usage_cores_by_5m"] = None
    table = pa.Table.from_pylist(rows, schema=container_hours([], MIDNIGHT, 0).schema)
    found = build_day_histograms(table.select(list(SOURCE_COLUMNS))).to_pylist()
    assert found[0]["sample_count"] == 6
    assert found[0]["maximum"] == pytest.approx(0.2)


def test_the_order_of_rows_does_not_matter():
    containers = [Container(pods=2, cpu=lambda h: 0.1 + 0.01 * (h % 7)), Container("side", workload="api")]
    rows = container_hours(containers, MIDNIGHT, 24).select(list(SOURCE_COLUMNS))
    shuffled = rows.take(pa.array(np.random.default_rng(3).permutation(rows.num_rows)))
    assert build_day_histograms(rows).equals(build_day_histograms(shuffled))


def test_text_columns_may_be_dictionaries():
    rows = container_hours([Container(pods=2)], MIDNIGHT, 24).select(list(SOURCE_COLUMNS))
    coded = rows
    for index, name in enumerate(rows.column_names):
        if pa.types.is_string(rows.schema.field(name).type):
            coded = coded.set_column(index, name, rows.column(name).dictionary_encode())
    assert build_day_histograms(coded).equals(build_day_histograms(rows))


def test_a_day_without_rows_gives_no_histogram():
    assert histograms_of() == []


def test_a_list_of_other_length_is_refused():
    rows = container_hours([Container()], MIDNIGHT, 1).to_pylist()
    rows[0]["cpu_usage_cores_by_5m"] = [0.1] * 11
    table = pa.Table.from_pylist(rows, schema=container_hours([], MIDNIGHT, 0).schema)
    with pytest.raises(InputError, match="twelve"):
        build_day_histograms(table.select(list(SOURCE_COLUMNS)))
