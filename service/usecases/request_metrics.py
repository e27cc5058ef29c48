"""Weights of latency buckets, fitted to each workload's CPU from stored hours, and shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from models.request_metrics.buckets import RequestRates
from models.request_metrics.weights import RequestWeights, fit_weights, read_weights
from models.vocabulary.identity import Principal, Role, WorkloadKey
from models.vocabulary.windows import BINS_PER_HOUR, HOUR, HourWindow, floor_hour, to_utc
from recommender.workload_bins import WorkloadBins
from service.runtime import Runtime
from service.usecases.profiles import cluster_names
from service.usecases.request_rates import SeriesKey, read_rates
from service.usecases.unit_prices import read_teams
from service.usecases.workload_bins import read_workload_bins
from warehouse.database.replicas import StoredFit
from warehouse.lake.reading import TableScan

FIT_DAYS = 28


@dataclass(frozen=True)
class MetricFit:
    """The fit of one workload, or the reason why there is none.

    ``weights`` are None with a reason. ``newest_hour`` is the start of the newest stored hour of requests.
    """

    workload: WorkloadKey
    team: str | None
    metric: str
    fitted_at: datetime | None
    newest_hour: datetime | None
    weights: RequestWeights | None = None
    reason: str | None = None


def fit_request_metrics(
    runtime: Runtime, principal: Principal, as_of: datetime | None = None, cluster: str | None = None
) -> list[MetricFit]:
    """Fit the weights of every workload with stored requests, from the last 28 days, and store them.

    The same event time twice stores the same. A workload whose weights cannot be fitted keeps its older ones
    and is returned with the reason.

    Raises
    ------
    Forbidden
        If the principal is neither platform nor admin.
    """
    principal.require(Role.PLATFORM)
    moment = floor_hour(to_utc(as_of or runtime.now()))
    window = HourWindow(moment - timedelta(days=FIT_DAYS), moment)
    found = []
    for name in cluster_names(runtime, cluster):
        rates = read_rates(runtime, name, window)
        bins = read_workload_bins(runtime, window, {key for key, _ in rates})
        teams = read_teams(runtime, name, moment)
        for (key, metric), one in sorted(rates.items()):
            fit = _fit_one((key, metric), one, bins.get(key))
            newest = _newest_hour(one, window)
            told = replace(fit, team=teams.get(key), fitted_at=moment, newest_hour=newest)
            _store(runtime, told)
            found.append(told)
    return found


def _fit_one(series: SeriesKey, rates: RequestRates, bins: WorkloadBins | None) -> MetricFit:
    key, metric = series
    if bins is None:
        answer: RequestWeights | str = "no CPU of the workload is stored for these hours"
    else:
        answer = fit_weights(rates, bins.usage("cpu"))
    if isinstance(answer, str):
        return MetricFit(key, None, metric, None, None, reason=answer)
    return MetricFit(key, None, metric, None, None, weights=answer)


def _store(runtime: Runtime, fit: MetricFit) -> None:
    if fit.weights is None or fit.fitted_at is None:
        return
    runtime.warehouse.request_metric_fits.save(
        StoredFit(
            fit.workload,
            fit.metric,
            fit.fitted_at,
            fit.weights.held_out_r2,
            fit.weights.plain_held_out_r2,
            fit.weights.to_document(),
        )
    )


def show_request_metrics(
    runtime: Runtime, principal: Principal, cluster: str | None = None
) -> list[MetricFit]:
    """Return the newest weights of each workload that the principal may see, and what has none yet."""
    visible = principal.visible_teams()
    now = floor_hour(runtime.now())
    window = HourWindow(now - timedelta(days=FIT_DAYS), now)
    found = []
    for name in cluster_names(runtime, cluster):
        teams = read_teams(runtime, name, now)
        stored = {(fit.workload, fit.metric): fit for fit in _newest_fits(runtime, name, runtime.now())}
        newest = _newest_hours(runtime, name, window)
        for series in sorted({*stored, *newest}):
            key, metric = series
            team = teams.get(key)
            if visible is not None and team not in visible:
                continue
            fit = stored.get(series)
            weights = None if fit is None else read_weights(fit.content)
            reason = "not fitted yet (`millicore request-metric fit`)" if fit is None else None
            at = None if fit is None else fit.fitted_at
            found.append(MetricFit(key, team, metric, at, newest.get(series), weights, reason))
    return found


def _newest_fits(runtime: Runtime, cluster: str, at: datetime) -> list[StoredFit]:
    return runtime.warehouse.request_metric_fits.newest(at, cluster)


def _newest_hours(runtime: Runtime, cluster: str, window: HourWindow) -> dict[SeriesKey, datetime]:
    rows = runtime.warehouse.lake.query(
        "SELECT namespace, workload_kind, workload_name, metric, max(hour) AS newest "
        "FROM request_bucket_hour GROUP BY ALL ORDER BY ALL",
        tables={"request_bucket_hour": TableScan("request_bucket_hour", cluster, window)},
    ).to_pylist()
    return {
        (
            WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"]),
            row["metric"],
        ): row["newest"]
        for row in rows
    }


def _newest_hour(rates: RequestRates, window: HourWindow) -> datetime | None:
    known = np.flatnonzero(~np.isnan(rates.rates).all(axis=0))
    return None if not len(known) else window.start + int(known[-1]) // BINS_PER_HOUR * HOUR
