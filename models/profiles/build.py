"""Profiles of all containers of a cluster at once, from day summaries and daily histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS, FloatArray, IntArray
from models.profiles.classify import ClassRules, ShapeFacts, classify
from models.profiles.container_day import KEY, read_series
from models.profiles.encoding import group_rows, read_floats
from models.profiles.histogram import read_percentiles
from models.profiles.merge import MergedHistograms, merge_histograms
from models.profiles.shape import (
    HOURS_PER_WEEK,
    fit_trend,
    hour_of_week,
    largest_by_slot,
    mean_by_day,
    rising_share,
    share_explained,
    smooth_week,
)
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.profile import ResourceProfile, WorkloadClass
from models.vocabulary.windows import BINS_PER_HOUR, HourWindow, day_start

HALF_LIFE = timedelta(days=7)
"""VPA takes 24 hours, which sees little but yesterday: on simulated clusters 7 days gave a quarter of the
changes at a lower share of samples above the request (`millicore backtest rightsizing`)."""

CONFIDENT_DAYS = 14.0
SHORT_LIVED_SECONDS = 1800.0
"""Containers whose longest pod ran shorter than this are short-lived: start-up is all there is."""


@dataclass(frozen=True, eq=False)
class UsageEvidence:
    """What a policy and its back-test read of one container's past, beside the profile.

    Parameters
    ----------
    cpu_counts, cpu_counts_decayed : ndarray of float, shape (176,)
        5-minute samples per bucket, all pods pooled; decayed with the half-life of the build.
    memory_day_maxima : ndarray of float, shape (container-days,)
        Largest memory of each pod's container on each day, start-up included, bytes.
    """

    cpu_counts: FloatArray
    cpu_counts_decayed: FloatArray
    memory_day_maxima: FloatArray


@dataclass(frozen=True, eq=False)
class ProfileSet:
    """Profiles and the evidence behind them, in the same order (by key)."""

    profiles: list[ResourceProfile]
    evidence: list[UsageEvidence]


@dataclass(frozen=True)
class ProfileOptions:
    """How profiles are built.

    Parameters
    ----------
    half_life : timedelta
        Age at which a sample counts half.
    rules : ClassRules
    hpa_metrics : mapping of (namespace, workload kind, workload name) to metric names
        What a HorizontalPodAutoscaler scales each workload on.
    """

    half_life: timedelta = HALF_LIFE
    rules: ClassRules = field(default_factory=ClassRules)
    hpa_metrics: Mapping[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Fleet:
    """Day summaries joined over the window; matrices have shape (containers, hours of the window's days)."""

    newest: pa.Table
    code: IntArray
    series: dict[str, FloatArray]
    totals: dict[str, FloatArray]
    first_day: date

    @property
    def count(self) -> int:
        return int(self.newest.num_rows)


_TOTALS = (
    "running_seconds",
    "observed_seconds",
    "cpu_usage_core_seconds",
    "memory_usage_byte_seconds",
    "oom_killed_count",
    "restart_count",
)
_MAXIMA = ("memory_oom_bytes_max", "pod_seconds_max")


def build_profiles(
    cluster: str, days: pa.Table, histograms: pa.Table, window: HourWindow, options: ProfileOptions
) -> ProfileSet:
    """Return one profile per container of a workload that ran in the window.

    Parameters
    ----------
    cluster : str
    days : pyarrow.Table
        Rows of `container_day.summarise_day` with a ``day`` column (date), all days of the window joined.
    histograms : pyarrow.Table
        ``container_histogram_day`` rows of the same days.
    window : HourWindow
        Event time that the rows come from; nothing after its end is read.
    options : ProfileOptions

    Returns
    -------
    ProfileSet
        Ordered by key. A container that has hours but no measured usage has a profile with ``None``.
    """
    if days.num_rows == 0:
        return ProfileSet([], [])
    fleet = _join_days(days, window)
    short = fleet.totals["pod_seconds_max"] < SHORT_LIVED_SECONDS
    merged = merge_histograms(fleet.newest, histograms, window.end, options.half_life, short)
    facts = _shape_facts(fleet, merged, window)
    classes = classify(facts, options.rules)
    columns = _columns(fleet, merged, facts, window)
    profiles = [
        ResourceProfile(
            window_start=window.start,
            window_end=window.end,
            hpa_metrics=options.hpa_metrics.get(_workload(fields["key"]), ()),
            **fields,
        )
        for fields in _assemble(cluster, fleet, columns, classes)
    ]
    evidence = [
        UsageEvidence(merged.cpu[row], merged.cpu_decayed[row], merged.day_maxima[row])
        for row in range(fleet.count)
    ]
    return ProfileSet(profiles, evidence)


def _workload(key: ContainerKey) -> tuple[str, str, str]:
    return key.workload.namespace, key.workload.kind, key.workload.name


def _join_days(days: pa.Table, window: HourWindow) -> _Fleet:
    days = days.sort_by("day")
    groups = group_rows(days, list(KEY))
    first_day = window.start.date()
    epoch_days = days.column("day").combine_chunks().cast(pa.int32()).to_numpy(zero_copy_only=False)
    position = epoch_days - (first_day - date(1970, 1, 1)).days
    day_count = len(list(window.days()))
    names = (
        "cpu_usage_cores_mean",
        "cpu_usage_cores_p95",
        "memory_usage_bytes_max",
        "replica_count",
        "cpu_throttled_ratio",
    )
    series = {name: _place(read_series(days, name), groups.code, position, day_count) for name in names}
    totals = {name: _sum_per(groups.code, read_floats(days.column(name)), groups.count) for name in _TOTALS}
    for name in _MAXIMA:
        best = np.full(groups.count, np.nan)
        np.fmax.at(best, groups.code, read_floats(days.column(name)))
        totals[name] = best
    last_row = np.zeros(groups.count, dtype=np.int64)
    np.maximum.at(last_row, groups.code, np.arange(days.num_rows))
    return _Fleet(days.take(pa.array(last_row)), groups.code, series, totals, first_day)


def _sum_per(code: IntArray, values: FloatArray, size: int) -> FloatArray:
    return np.bincount(code, weights=np.nan_to_num(values), minlength=size).astype(np.float64)


def _place(values: FloatArray, code: IntArray, position: IntArray, day_count: int) -> FloatArray:
    grid = np.full((int(code.max()) + 1, day_count, values.shape[1]), np.nan)
    grid[code, position] = values
    return grid.reshape(len(grid), -1)


def _shape_facts(fleet: _Fleet, merged: MergedHistograms, window: HourWindow) -> ShapeFacts:
    cpu, memory = fleet.series["cpu_usage_cores_mean"], fleet.series["memory_usage_bytes_max"]
    cpu_trend = fit_trend(smooth_week(mean_by_day(cpu)))
    rising, growth = rising_share(memory)
    slots = hour_of_week(fleet.first_day.weekday(), cpu.shape[1])
    is_weekend = slots // 24 >= 5
    running = ~np.isnan(fleet.series["replica_count"])
    quantiles = read_percentiles(merged.cpu_decayed, [0.5, 0.99], CPU_BUCKETS)
    seen_hours = _hours_since_first(running, fleet.first_day, window)
    return ShapeFacts(
        kinds=fleet.newest.column("workload_kind").to_pylist(),
        history_days=seen_hours / 24.0,
        running_ratio=running.sum(axis=1) / np.maximum(seen_hours, 1.0),
        cpu_max_cores=merged.maxima["cpu_mean_5m"],
        burstiness=quantiles[:, 1] / quantiles[:, 0],
        cpu_growth_per_day=_ratio(cpu_trend.slope_per_day, _mean(cpu)),
        cpu_growth_explained=cpu_trend.explained_ratio,
        memory_rising=rising,
        memory_growth_per_day=_ratio(growth, _mean(memory)),
        daily_explained=share_explained(cpu, slots % 24, 24),
        weekly_explained=share_explained(cpu, slots % 24 + 24 * is_weekend, 48),
    )


def _hours_since_first(running: NDArray[np.bool_], first_day: date, window: HourWindow) -> FloatArray:
    """Return the hours from each container's first one to the end of the window."""
    start = day_start(first_day)
    end_hour = (window.end - start) / timedelta(hours=1)
    hours: FloatArray = np.where(running.any(axis=1), end_hour - running.argmax(axis=1), 0.0)
    return hours


def _mean(matrix: FloatArray) -> FloatArray:
    known = (~np.isnan(matrix)).sum(axis=1)
    mean: FloatArray = np.divide(
        np.nansum(matrix, axis=1), known, out=np.full(len(matrix), np.nan), where=known > 0
    )
    return mean


def _columns(
    fleet: _Fleet, merged: MergedHistograms, facts: ShapeFacts, window: HourWindow
) -> dict[str, FloatArray]:
    """Return the numeric columns of the profiles, named as the fields of ``ResourceProfile``."""
    cpu = read_percentiles(merged.cpu_decayed, [0.5, 0.95, 0.99], CPU_BUCKETS)
    memory = read_percentiles(merged.memory_decayed, [0.99], MEMORY_BUCKETS)
    totals, series = fleet.totals, fleet.series
    hours = np.maximum(facts.history_days * 24.0, 1.0)
    last_hour = int((window.end - day_start(fleet.first_day)) / timedelta(hours=1))
    memory_max = series["memory_usage_bytes_max"]
    observed_days = np.maximum(facts.history_days, 1.0)
    return {
        "history_days": facts.history_days,
        "cpu_sample_count": merged.samples["cpu"],
        "memory_sample_count": merged.samples["memory"],
        "sample_coverage_ratio": _ratio(totals["observed_seconds"], totals["running_seconds"]),
        "pod_count": merged.pod_count,
        "replica_count_mean": np.nansum(series["replica_count"], axis=1) / hours,
        "cpu_usage_cores_mean": _measured(merged.samples["cpu"], totals, "cpu_usage_core_seconds"),
        "cpu_usage_cores_p50_decayed": cpu[:, 0],
        "cpu_usage_cores_p95_decayed": cpu[:, 1],
        "cpu_usage_cores_p99_decayed": cpu[:, 2],
        "cpu_usage_cores_max_5m": merged.maxima["cpu_mean_5m"],
        "cpu_usage_cores_max_1m": merged.maxima["cpu_max_1m"],
        "memory_usage_bytes_mean": _measured(merged.samples["memory"], totals, "memory_usage_byte_seconds"),
        "memory_usage_bytes_p99_decayed": memory[:, 0],
        "memory_usage_bytes_max": merged.maxima["memory_max_5m"],
        "memory_usage_bytes_max_24h": _row_maximum(memory_max[:, max(last_hour - 24, 0) : last_hour]),
        "memory_startup_bytes_max": merged.maxima["memory_startup"],
        "memory_oom_bytes_max": totals["memory_oom_bytes_max"],
        "cpu_throttled_ratio_p95": _nearest_rank(series["cpu_throttled_ratio"], 0.95),
        "oom_killed_count": totals["oom_killed_count"],
        "restart_count": totals["restart_count"],
        "cpu_trend_ratio_per_day": facts.cpu_growth_per_day,
        "memory_trend_bytes_per_day": fit_trend(mean_by_day(memory_max)).slope_per_day,
        "cpu_burstiness_ratio": facts.burstiness,
        "churn_pods_per_day": merged.new_pod_count / observed_days,
        "confidence": _confidence(facts, merged, totals),
        "is_short_lived": totals["pod_seconds_max"] < SHORT_LIVED_SECONDS,
        "last_seen_hours_ago": _last_seen(series["replica_count"], last_hour),
    }


def _confidence(facts: ShapeFacts, merged: MergedHistograms, totals: dict[str, FloatArray]) -> FloatArray:
    """Return ``min(days / 14, samples / expected, coverage)``: how far the history can be trusted."""
    expected = np.maximum(totals["running_seconds"] / 3600.0 * BINS_PER_HOUR, 1.0)
    coverage = _ratio(totals["observed_seconds"], totals["running_seconds"])
    least = np.minimum(facts.history_days / CONFIDENT_DAYS, merged.samples["cpu"] / expected)
    confidence: FloatArray = np.clip(np.fmin(least, coverage), 0.0, 1.0)
    return confidence


def _measured(samples: FloatArray, totals: dict[str, FloatArray], name: str) -> FloatArray:
    return np.where(samples > 0, _ratio(totals[name], totals["running_seconds"]), np.nan)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    ratio: FloatArray = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return ratio


def _row_maximum(matrix: FloatArray) -> FloatArray:
    best = np.where(np.isnan(matrix), -np.inf, matrix).max(axis=1, initial=-np.inf)
    answer: FloatArray = np.where(np.isfinite(best), best, np.nan)
    return answer


def _nearest_rank(matrix: FloatArray, probability: float) -> FloatArray:
    """Return the nearest-rank percentile of each row's known values."""
    known = (~np.isnan(matrix)).sum(axis=1)
    rank = np.maximum(np.ceil(known * probability).astype(np.int64) - 1, 0)
    ordered = np.sort(matrix, axis=1)  # NaN sorts last
    return np.where(known > 0, ordered[np.arange(len(matrix)), rank], np.nan)


def _last_seen(replicas: FloatArray, last_hour: int) -> FloatArray:
    running = ~np.isnan(replicas[:, :last_hour])
    newest = running.shape[1] - 1 - running[:, ::-1].argmax(axis=1)
    seen: FloatArray = np.where(running.any(axis=1), last_hour - 1 - newest, np.nan).astype(np.float64)
    return seen


_COUNTS = frozenset(
    {"cpu_sample_count", "memory_sample_count", "pod_count", "oom_killed_count", "restart_count"}
)
_ZERO_IF_UNKNOWN = frozenset({"sample_coverage_ratio", "confidence"})
_IN_FORCE = ("cpu_request_cores", "cpu_limit_cores", "memory_request_bytes", "memory_limit_bytes")


def _assemble(
    cluster: str, fleet: _Fleet, columns: dict[str, FloatArray], classes: list[tuple[WorkloadClass, str]]
) -> list[dict[str, Any]]:
    """Return the fields of each profile that do not depend on window and options."""
    texts = {
        name: fleet.newest.column(name).to_pylist()
        for name in (*KEY, "revision", "container_kind", *_IN_FORCE)
    }
    numbers = {name: _to_values(name, values) for name, values in columns.items()}
    slots = hour_of_week(fleet.first_day.weekday(), fleet.series["cpu_usage_cores_p95"].shape[1])
    weekly = largest_by_slot(fleet.series["cpu_usage_cores_p95"], slots, HOURS_PER_WEEK)
    unknown = np.isnan(weekly)
    peak = np.where(unknown, -np.inf, weekly).argmax(axis=1)
    return [
        {
            "key": ContainerKey(
                WorkloadKey(
                    cluster,
                    texts["namespace"][row],
                    texts["workload_kind"][row],
                    texts["workload_name"][row],
                ),
                texts["container"][row],
            ),
            "revision": texts["revision"][row],
            "container_kind": texts["container_kind"][row] or "main",
            **{name: texts[name][row] for name in _IN_FORCE},
            **{name: values[row] for name, values in numbers.items()},
            "cpu_usage_cores_by_hour_of_week_p95": (
                None if unknown[row].any() else tuple(weekly[row].tolist())
            ),
            "peak_hour_of_week": int(peak[row]) if not unknown[row].all() else None,
            "workload_class": classes[row][0],
            "class_reason": classes[row][1],
        }
        for row in range(fleet.count)
    ]


def _to_values(name: str, values: FloatArray) -> list[Any]:
    if name in _COUNTS:
        return [int(value) for value in values]
    if name in _ZERO_IF_UNKNOWN:
        return list(np.nan_to_num(values).tolist())
    if values.dtype == np.bool_:
        return list(values.tolist())
    return [None if math.isnan(value) else value for value in values.tolist()]
