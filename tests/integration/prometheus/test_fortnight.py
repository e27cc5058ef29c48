"""A simulated fortnight through a real Prometheus beside the same as files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from support.prometheus import Fortnight

from ingest.files.source import FileSource
from ingest.prometheus.settings import PrometheusSettings
from ingest.prometheus.source import PrometheusSource
from models.vocabulary.windows import HourWindow
from warehouse.lake.tables import TABLES
from warehouse.observed import ObservedWindow, WindowState

pytestmark = pytest.mark.prometheus


@pytest.fixture(scope="module")
def observed(prometheus_fortnight: Fortnight) -> tuple[ObservedWindow, ObservedWindow]:
    """Return the fortnight as Prometheus tells it and as the files do."""
    summary = prometheus_fortnight.summary
    window = HourWindow(summary.start, summary.end)
    source = PrometheusSource(PrometheusSettings(prometheus_fortnight.url))
    assert summary.node_file is not None
    with FileSource(list(summary.usage_files), [summary.node_file]) as files:
        return source.observe(prometheus_fortnight.cluster, window), files.observe(
            prometheus_fortnight.cluster, window
        )


def frames(observed: tuple[ObservedWindow, ObservedWindow], table: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    one, other = (as_lake_types(table, window.tables[table]) for window in observed)
    return one, other


def as_lake_types(table: str, rows: pa.Table) -> pd.DataFrame:
    """Return rows with the column types of the lake, whatever encoding the source chose."""
    fields = [field for field in TABLES[table].schema if field.name in rows.column_names]
    return rows.select([field.name for field in fields]).cast(pa.schema(fields)).to_pandas()


def test_every_hour_of_the_fortnight_is_there(observed: tuple[ObservedWindow, ObservedWindow]) -> None:
    states = [report.state for report in observed[0].hours]
    assert len(states) == 14 * 24
    assert set(states) == {WindowState.COMPLETE}


def test_what_nodes_cost_is_fed_by_identical_facts(observed: tuple[ObservedWindow, ObservedWindow]) -> None:
    columns = [
        "hour", "node", "instance_type", "region", "zone", "node_pool", "purchase_option", "running_seconds",
        "cpu_capacity_cores", "memory_capacity_bytes", "cpu_allocatable_cores", "memory_allocatable_bytes",
    ]  # fmt: skip
    metrics, files = (
        f[columns].sort_values(["hour", "node"], ignore_index=True) for f in frames(observed, "node_hour")
    )
    pd.testing.assert_frame_equal(metrics, files)


@pytest.mark.parametrize(
    "quantity",
    [
        "cpu_request_core_seconds",
        "memory_request_byte_seconds",
        "cpu_usage_core_seconds",
        "memory_usage_byte_seconds",
    ],
)
def test_teams_agree_within_half_a_percent(
    observed: tuple[ObservedWindow, ObservedWindow], quantity: str
) -> None:
    totals = []
    for frame in frames(observed, "container_hour"):
        main = frame[~frame.container.isin(["(pod)", "init-config"])]
        totals.append(main.groupby("namespace")[quantity].sum())
    pd.testing.assert_series_equal(totals[0], totals[1], rtol=0.005)


def test_workloads_pods_and_kills_agree(observed: tuple[ObservedWindow, ObservedWindow]) -> None:
    metrics, files = frames(observed, "container_hour")
    names = ["namespace", "workload_kind", "workload_name"]
    assert set(metrics[names].itertuples(index=False)) == set(files[names].itertuples(index=False))
    assert metrics.oom_killed_count.sum() == pytest.approx(files.oom_killed_count.sum(), abs=2)


def test_labels_that_change_in_the_middle_are_two_sets_in_time(
    observed: tuple[ObservedWindow, ObservedWindow],
) -> None:
    pods, _ = frames(observed, "pod_hour")
    assert pods.label_set_id.notna().mean() > 0.99
    known = set(observed[0].tables["label_set"]["label_set_id"].to_pylist())
    assert set(pods.label_set_id.dropna()) <= known


def test_an_hour_asked_for_alone_has_the_rows_of_the_whole(
    observed: tuple[ObservedWindow, ObservedWindow], prometheus_fortnight: Fortnight
) -> None:
    hour = HourWindow.of_hour(datetime(2026, 11, 5, 7, tzinfo=UTC))
    source = PrometheusSource(PrometheusSettings(prometheus_fortnight.url))
    alone = source.observe(
        prometheus_fortnight.cluster, HourWindow(hour.start, hour.end + timedelta(hours=1))
    )
    whole = frames(observed, "container_hour")[0]
    part = whole[(whole.hour >= hour.start) & (whole.hour < hour.end)].reset_index(drop=True)
    own = alone.tables["container_hour"].to_pandas()
    own = own[own.hour < hour.end].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, part)
