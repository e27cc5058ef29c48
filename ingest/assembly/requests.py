"""Rows of ``request_bucket_hour`` from the histograms that owners named."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.assembly.frames import Axis, Floats, Frame
from ingest.assembly.owners import Workloads
from ingest.assembly.pods import Pods
from ingest.assembly.request_metric import RequestMetric
from models.ownership.globs import glob_matches
from models.request_metrics.buckets import RequestRates, canonical_bound, split_buckets
from models.vocabulary.errors import InputError
from models.vocabulary.windows import BIN_SECONDS, BINS_PER_HOUR
from warehouse.lake.observed_tables import REQUEST_BUCKET_HOUR

_LOG = logging.getLogger(__name__)

Workload = tuple[str, str, str]
"""Namespace, kind, name."""

_Cumulative = dict[Workload, dict[str, Floats]]


def build_request_rows(
    cluster: str,
    axis: Axis,
    answers: Iterable[tuple[RequestMetric, Frame]],
    pods: Pods,
    workloads: Workloads,
) -> pa.Table:
    """Return one row per workload, metric, bucket and hour in which it was observed.

    A pod counts for its own workload if a scope of the metric covers that; series of pods that nobody saw
    are left out. A histogram without bucket ``+Inf`` is left out with a warning.
    """
    rows: list[dict[str, Any]] = []
    for metric, frame in answers:
        for workload, cumulative in _by_workload(metric, frame, axis, pods, workloads).items():
            try:
                rates = split_buckets(cumulative)
            except InputError as problem:
                _LOG.warning("%s of %s: %s", metric.metric, "/".join(workload), problem)
                continue
            rows += _rows(cluster, workload, metric.metric, rates, axis)
    rows.sort(key=lambda row: tuple(row[name] for name in REQUEST_BUCKET_HOUR.key))
    return pa.Table.from_pylist(rows, schema=REQUEST_BUCKET_HOUR.schema)


def _by_workload(
    metric: RequestMetric, frame: Frame, axis: Axis, pods: Pods, workloads: Workloads
) -> _Cumulative:
    """Add up the series of each workload, by bound; a bin is observed where any pod was."""
    dense = frame.dense(0, axis.bin_count)
    found: _Cumulative = {}
    for labels, values in zip(frame.labels, dense, strict=True):
        workload = _workload_of(metric, labels, pods, workloads)
        if workload is None or "le" not in labels:
            continue
        by_bound = found.setdefault(workload, {})
        bound = canonical_bound(labels["le"])
        before = by_bound.get(bound)
        by_bound[bound] = values if before is None else _add(before, values)
    return found


def _add(one: Floats, other: Floats) -> Floats:
    total = np.nan_to_num(one) + np.nan_to_num(other)
    return np.asarray(np.where(np.isnan(one) & np.isnan(other), np.nan, total))


def _workload_of(
    metric: RequestMetric, labels: Mapping[str, str], pods: Pods, workloads: Workloads
) -> Workload | None:
    if not metric.pod_label:
        scope = metric.scopes[0]
        return scope.namespace, scope.workload_kind, scope.workload
    pod = {
        "namespace": labels.get(metric.namespace_label, ""),
        "pod": labels.get(metric.pod_label, ""),
    }
    for row in pods.find(pod):
        namespace, name = pods.namespaces[row], workloads.names[row]
        for scope in metric.scopes:
            if glob_matches(scope.namespace, namespace) and glob_matches(scope.workload, name):
                return namespace, workloads.kinds[row], name
    return None


def _rows(
    cluster: str, workload: Workload, metric: str, rates: RequestRates, axis: Axis
) -> Iterator[dict[str, Any]]:
    by_hour = rates.rates.reshape(len(rates.upper_bounds), axis.hour_count, BINS_PER_HOUR)
    for position, hour in enumerate(axis.window.hours()):
        if np.isnan(by_hour[:, position]).all():
            continue
        for bound, bins in zip(rates.upper_bounds, by_hour[:, position], strict=True):
            yield {
                "cluster": cluster,
                "day": hour.date(),
                "hour": hour,
                "namespace": workload[0],
                "workload_kind": workload[1],
                "workload_name": workload[2],
                "metric": metric,
                "upper_bound": bound,
                "request_count": float(np.nansum(bins) * BIN_SECONDS),
                "requests_per_second_by_5m": [None if np.isnan(v) else float(v) for v in bins],
            }
