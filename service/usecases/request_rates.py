"""Stored requests per second of workloads, by latency bucket, and what they weigh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from models.request_metrics.buckets import Floats, RequestRates, sort_bounds
from models.request_metrics.weights import read_weights
from models.vocabulary.identity import WorkloadKey
from models.vocabulary.windows import BINS_PER_HOUR, HOUR, HourWindow
from recommender.replica_demand import Requests
from service.runtime import Runtime
from warehouse.lake.reading import TableScan

_RATES = """
    SELECT namespace, workload_kind, workload_name, metric, upper_bound, hour,
           requests_per_second_by_5m AS bins
    FROM request_bucket_hour
    WHERE $workload IS NULL
       OR namespace || chr(31) || workload_kind || chr(31) || workload_name = $workload
    ORDER BY ALL"""

SeriesKey = tuple[WorkloadKey, str]
"""A workload and the name of its histogram."""


def read_rates(
    runtime: Runtime, cluster: str, window: HourWindow, workload: WorkloadKey | None = None
) -> dict[SeriesKey, RequestRates]:
    """Return the stored requests per second by bucket of each workload and histogram, 12 bins an hour."""
    name = None
    if workload is not None:
        name = chr(31).join((workload.namespace, workload.kind, workload.name))
    rows = runtime.warehouse.lake.query(
        _RATES,
        tables={"request_bucket_hour": TableScan("request_bucket_hour", cluster, window)},
        parameters={"workload": name},
    ).to_pylist()
    found: dict[SeriesKey, dict[str, Floats]] = {}
    for row in rows:
        key = WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"])
        by_bound = found.setdefault((key, row["metric"]), {})
        empty = np.full((window.hour_count, BINS_PER_HOUR), np.nan)
        bins = by_bound.setdefault(row["upper_bound"], empty)
        values = row["bins"] or [None] * BINS_PER_HOUR
        bins[(row["hour"] - window.start) // HOUR] = [np.nan if v is None else v for v in values]
    return {key: _stacked(by_bound) for key, by_bound in found.items()}


def _stacked(by_bound: Mapping[str, Floats]) -> RequestRates:
    bounds = sort_bounds(list(by_bound))
    return RequestRates(tuple(bounds), np.stack([by_bound[bound].ravel() for bound in bounds]))


def requests_of(
    runtime: Runtime, cluster: str, window: HourWindow, as_of: datetime
) -> dict[WorkloadKey, Requests]:
    """Return rates and weights of each workload; of several histograms the one that explains CPU best."""
    rates = read_rates(runtime, cluster, window)
    if not rates:
        return {}
    fits = {
        (fit.workload, fit.metric): fit
        for fit in runtime.warehouse.request_metric_fits.newest(as_of, cluster)
    }
    best: dict[WorkloadKey, tuple[float, Requests]] = {}
    for (key, metric), one in sorted(rates.items()):
        fit = fits.get((key, metric))
        quality = -np.inf if fit is None or fit.held_out_r2 is None else fit.held_out_r2
        if key not in best or quality > best[key][0]:
            weights = None if fit is None else read_weights(fit.content)
            best[key] = (quality, Requests(one, weights))
    return {key: requests for key, (_, requests) in best.items()}
