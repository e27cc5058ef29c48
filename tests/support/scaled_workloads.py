"""Workloads that scale: 5-minute sums made by hand, and their autoscalers and requests as stored rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from support.container_usage import GIB, Container, observed

from models.kubernetes.autoscalers import read_hpa
from models.vocabulary.identity import WorkloadKey
from models.vocabulary.replicas import Scaler
from models.vocabulary.windows import BINS_PER_HOUR, HOUR, HourWindow
from recommender.workload_bins import ContainerBins, WorkloadBins
from service.leasing import holding
from service.runtime import Runtime
from warehouse.lake.tables import TABLES

START = datetime(2026, 11, 1, tzinfo=UTC)
WEB = WorkloadKey("alpha", "shop", "Deployment", "web")
HISTOGRAM = "http_request_duration_seconds_bucket"


def utilisation(percent: int, name: str = "cpu") -> dict[str, Any]:
    """Return a metric of an autoscaler: a share of the request."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def hpa_spec(low: int = 2, high: int = 6, *metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the kept part of a HorizontalPodAutoscaler of ``web``; 50 % CPU unless metrics are given."""
    return {
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "minReplicas": low,
        "maxReplicas": high,
        "metrics": list(metrics) or [utilisation(50)],
    }


def web_hpa(low: int = 2, high: int = 6, *metrics: Mapping[str, Any]) -> Scaler:
    """Return it as read."""
    return read_hpa("shop", "web", hpa_spec(low, high, *metrics))


def bins_of(
    replicas: Sequence[float],
    cpu_per_pod: Sequence[float],
    request: float | None = 1.0,
    seen: Sequence[float] | None = None,
) -> WorkloadBins:
    """Return whole hours of one container: replicas and CPU of each pod per bin."""
    count = np.array(replicas, dtype=float)
    visible = count if seen is None else np.array(seen, dtype=float)
    running = np.repeat(count.reshape(-1, BINS_PER_HOUR).mean(axis=1), BINS_PER_HOUR)
    cpu = np.where(visible > 0, visible * np.array(cpu_per_pod, dtype=float), np.nan)
    asked = np.full(len(count), np.nan) if request is None else request * running
    app = ContainerBins(
        usage={"cpu": cpu, "memory": visible * GIB / 2},
        request={"cpu": asked, "memory": running * GIB},
        seen=visible,
        running=running,
        is_rollout=np.zeros(len(count), dtype=bool),
    )
    return WorkloadBins(WEB, START, {"app": app})


def store_world(
    runtime: Runtime,
    containers: Sequence[Container],
    hours: int,
    objects: Sequence[dict[str, Any]] = (),
    requests: pa.Table | None = None,
) -> HourWindow:
    """Store containers from ``START`` on, with objects and request buckets, as ingest does."""
    window = observed(containers, ["node-1"], START, hours)
    tables = dict(window.tables)
    if objects:
        tables["object_history"] = pa.Table.from_pylist(list(objects), schema=TABLES["object_history"].schema)
    if requests is not None:
        tables["request_bucket_hour"] = requests
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        runtime.warehouse.record(replace(window, tables=tables), held.lease)
    return window.window


def object_row(
    kind: str,
    name: str,
    spec: Mapping[str, Any],
    valid_from: datetime = START,
    *,
    is_gone: bool = False,
) -> dict[str, Any]:
    """Return one version of an object of namespace ``shop``."""
    return {
        "cluster": "alpha",
        "month": f"{valid_from:%Y-%m}",
        "kind": kind,
        "namespace": "shop",
        "name": name,
        "uid": f"uid-{kind}-{name}",
        "valid_from": valid_from,
        "valid_to": valid_from if is_gone else None,
        "spec": json.dumps(dict(spec)),
        "spec_hash": "",
        "observed_by": "test",
    }


def request_rows(rates: Mapping[str, np.ndarray], workload: WorkloadKey = WEB) -> pa.Table:
    """Return ``request_bucket_hour`` rows from requests per second by bound, 12 bins an hour."""
    rows = []
    for bound, values in rates.items():
        for position, bins in enumerate(values.reshape(-1, BINS_PER_HOUR)):
            hour = START + position * HOUR
            rows.append(
                {
                    "cluster": workload.cluster,
                    "day": hour.date(),
                    "hour": hour,
                    "namespace": workload.namespace,
                    "workload_kind": workload.kind,
                    "workload_name": workload.name,
                    "metric": HISTOGRAM,
                    "upper_bound": bound,
                    "request_count": float(bins.sum() * 300),
                    "requests_per_second_by_5m": bins.tolist(),
                }
            )
    return pa.Table.from_pylist(rows, schema=TABLES["request_bucket_hour"].schema)
