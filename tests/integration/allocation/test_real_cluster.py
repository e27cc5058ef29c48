"""A real OpenShift cluster of five nodes (koku-metrics-operator, Apache-2.0), allocated exactly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from support.fleet import store

from models.pricing.price_list import PriceRow
from models.vocabulary.windows import HOUR, HourWindow
from service.runtime import Runtime
from service.usecases.allocation import allocate
from warehouse.lake.tables import TABLES
from warehouse.observed import HourReport, ObservedWindow, WindowState

PRICE = Decimal("0.768")
CAUSES = ("used_cost", "unused_request_cost", "unmeasured_cost", "idle_cost", "overhead_cost")


def read(shared_data: Path) -> ObservedWindow:
    """Return the recording as an observed window: a row per pod-hour is one container."""
    frame = pd.read_parquet(shared_data / "usage" / "openshift_cluster_3h.parquet")
    frame["hour"] = frame["ts"].dt.floor("h")
    frame["day"] = frame["hour"].dt.date
    window = HourWindow(frame["hour"].min().to_pydatetime(), frame["hour"].max().to_pydatetime() + HOUR)
    uid = frame["namespace"] + "/" + frame["pod"] + "@" + frame["node"]
    place = {
        "cluster": "openshift",
        "day": frame["day"],
        "hour": frame["hour"],
        "pod_uid": uid,
        "namespace": frame["namespace"],
        "pod": frame["pod"],
        "node_key": frame["node"],
        "workload_kind": "Pod",
        "workload_name": frame["pod"],
    }
    containers = pd.DataFrame(
        {
            **place,
            "container": "(pod)",
            "running_seconds": 3600.0,
            "cpu_request_core_seconds": frame["pod_request_cpu_core_seconds"],
            "cpu_usage_core_seconds": frame["pod_usage_cpu_core_seconds"],
            "memory_request_byte_seconds": frame["pod_request_memory_byte_seconds"],
            "memory_usage_byte_seconds": frame["pod_usage_memory_byte_seconds"],
        }
    )
    pods = pd.DataFrame({**place, "scheduled_seconds": 3600.0})
    first = frame.drop_duplicates(["hour", "node"])
    nodes = pd.DataFrame(
        {
            "cluster": "openshift",
            "day": first["day"],
            "hour": first["hour"],
            "node_key": first["node"],
            "node": first["node"],
            "instance_type": "m5.4xlarge",
            "running_seconds": 3600.0,
            "cpu_capacity_cores": first["node_capacity_cpu_cores"],
            "memory_capacity_bytes": first["node_capacity_memory_bytes"],
        }
    )
    tables = {"container_hour": containers, "pod_hour": pods, "node_hour": nodes}
    reports = tuple(HourReport(hour, WindowState.COMPLETE, None, 1, "recorded") for hour in window.hours())
    arrow = {name: _arrow(name, table) for name, table in tables.items()}
    return ObservedWindow("openshift", "files", window, arrow, reports)


def _arrow(name: str, frame: pd.DataFrame) -> pa.Table:
    kinds = TABLES[name].columns
    return pa.table({key: pa.array(frame[key], kinds[key], from_pandas=True) for key in frame.columns})


@pytest.fixture
def runtime(shared_data: Path, tmp_path: Path) -> Runtime:
    found = Runtime.for_test(tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC))
    found.warehouse.prices.replace([PriceRow("m5.4xlarge", "USD", PRICE, datetime(2021, 1, 1, tzinfo=UTC))])
    store(found, read(shared_data))
    allocate(found)
    return found


def test_each_node_hour_of_a_real_cluster_adds_up_to_its_price(runtime):
    frame = runtime.warehouse.lake.scan("allocation_hour").to_pandas()
    sums: dict[tuple[object, str], Decimal] = {}
    for row in frame.to_dict("records"):
        key = (row["hour"], row["node_key"])
        own = sum((row[name] for name in CAUSES if row[name] is not None), Decimal(0))
        sums[key] = sums.get(key, Decimal(0)) + own
    node_hours = runtime.warehouse.lake.scan("node_hour").num_rows
    assert len(sums) == node_hours > 5
    assert set(sums.values()) == {PRICE}


def test_unset_requests_and_missing_usage_stay_unknown(runtime):
    frame = runtime.warehouse.lake.scan("allocation_hour").to_pandas()
    containers = frame[(frame["line_kind"] == "container") & (frame["resource"] == "cpu")]
    assert len(containers) == 602
    assert containers["request_seconds"].isna().sum() == 602 - 587
    assert containers["usage_seconds"].isna().sum() == 602 - 455
    unmeasured = containers["unmeasured_cost"].notna()
    assert unmeasured.sum() == 602 - 455
    assert containers.loc[unmeasured, "used_cost"].isna().all()


def test_most_of_a_real_cluster_is_idle_and_requests_exceed_use(runtime):
    rows = runtime.warehouse.lake.scan("cost_day").to_pandas()
    cost = {
        name: float(sum(value for value in rows[name] if value is not None))
        for name in (*CAUSES, "total_cost")
    }
    assert cost["idle_cost"] > cost["total_cost"] / 2
    assert cost["unused_request_cost"] > cost["used_cost"] * 0.5
    assert np.isclose(sum(cost[name] for name in CAUSES), cost["total_cost"])
    assert set(rows["billing_date"]) <= {date(2021, 7, 20), date(2021, 7, 20) + timedelta(days=1)}
