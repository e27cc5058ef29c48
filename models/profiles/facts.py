"""The numbers of profiles, column by column, from joined days and merged histograms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS, FloatArray
from models.profiles.classify import BATCH_KINDS, ShapeFacts
from models.profiles.container_day import HOURS
from models.profiles.days import MEMORY_SERIES, ContainerDays
from models.profiles.histogram import read_percentiles
from models.profiles.leak import find_climb
from models.profiles.merge import MergedHistograms
from models.profiles.rows import BoolArray
from models.profiles.season import find_seasonality
from models.profiles.shape import (
    divide,
    fit_trend,
    mean_by_day,
    rises_by_week,
    row_maximum,
    row_mean,
    row_quantile,
    smooth_week,
)
from models.vocabulary.windows import BINS_PER_HOUR, HourWindow, day_start

CONFIDENT_DAYS = 14.0
CLEAR_RISE = 3.0
"""Standard errors by which the same weekday must rise from week to week for growth."""

COLD_START_CONFIDENCE = 0.1
"""Less than a day of history always stays below this confidence."""

SHORT_LIVED_SECONDS = 1800.0
"""Containers whose longest pod ran shorter than this are short-lived: start-up is all there is."""


@dataclass(frozen=True, eq=False)
class Sources:
    """What the columns are computed from.

    Parameters
    ----------
    days : ContainerDays
        Series without what the profile leaves out; totals as observed.
    merged : MergedHistograms
    cpu_days, memory_days : ndarray of bool, shape (n, days)
        Days that the profile goes by.
    cpu_scale : ndarray of float, shape (n, days)
        Kept over observed mean CPU of each day.
    first_day_kept : ndarray of int, shape (n,)
    window : HourWindow
    """

    days: ContainerDays
    merged: MergedHistograms
    cpu_days: BoolArray
    memory_days: BoolArray
    cpu_scale: FloatArray
    first_day_kept: NDArray[np.int64]
    window: HourWindow

    @property
    def last_hour(self) -> int:
        """Hours from the first day's midnight to the end of the window."""
        return int((self.window.end - day_start(self.days.first_day)) / timedelta(hours=1))


@dataclass(frozen=True, eq=False)
class SeriesFacts:
    """What follows from the hourly series alone, one value per container."""

    cpu_growth_per_day: FloatArray
    cpu_growth_explained: FloatArray
    memory_rising: FloatArray
    memory_growth_per_day: FloatArray
    memory_growth_bytes_per_day: FloatArray
    memory_trend_bytes_per_day: FloatArray
    period_hours: FloatArray
    strength: FloatArray
    peak_valley_ratio: FloatArray
    throttled_p95: FloatArray


def read_series_facts(days: ContainerDays) -> SeriesFacts:
    """Describe the hourly series of each container."""
    names = ("cpu_usage_cores_mean", MEMORY_SERIES, "cpu_throttled_ratio")
    weekday = days.first_day.weekday()
    parts = [_describe(cpu, memory, slow, weekday) for cpu, memory, slow in days.parts(names)]
    return SeriesFacts(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _describe(
    cpu: FloatArray, memory: FloatArray, throttled: FloatArray, weekday: int
) -> tuple[FloatArray, ...]:
    daily = mean_by_day(cpu)
    trend = fit_trend(smooth_week(daily))
    climb = find_climb(memory)
    season = find_seasonality(cpu, weekday)
    return (
        divide(trend.slope_per_day, row_mean(cpu)),
        np.where(rises_by_week(daily) >= CLEAR_RISE, trend.explained_ratio, 0.0),
        climb.rising_ratio,
        divide(climb.growth_per_day, row_mean(memory)),
        climb.growth_per_day,
        fit_trend(mean_by_day(memory)).slope_per_day,
        season.period_hours,
        season.strength,
        find_peak_valley(cpu),
        row_quantile(throttled, 0.95),
    )


def collect_facts(sources: Sources, series: SeriesFacts) -> ShapeFacts:
    """Return what classes are decided on."""
    days, merged = sources.days, sources.merged
    running = ~np.isnan(days.series["replica_count"])
    quantiles = read_percentiles(merged.cpu_decayed, [0.5, 0.99], CPU_BUCKETS)
    seen_hours = _hours_since_first(running, sources)
    own = np.arange(running.shape[1])[None, :] >= HOURS * sources.first_day_kept[:, None]
    return ShapeFacts(
        kinds=days.newest.column("workload_kind").to_pylist(),
        history_days=seen_hours / HOURS,
        running_ratio=(running & own).sum(axis=1) / np.maximum(seen_hours, 1.0),
        cpu_max_cores=merged.maxima["cpu_mean_5m"],
        burstiness=divide(quantiles[:, 1], quantiles[:, 0]),
        cpu_growth_per_day=series.cpu_growth_per_day,
        cpu_growth_explained=series.cpu_growth_explained,
        memory_rising=series.memory_rising,
        memory_growth_per_day=series.memory_growth_per_day,
        memory_growth_bytes_per_day=series.memory_growth_bytes_per_day,
        period_hours=series.period_hours,
        strength=series.strength,
    )


def _hours_since_first(running: BoolArray, sources: Sources) -> FloatArray:
    """Return the hours from each container's first one that counts to the end of the window."""
    first = np.maximum(running.argmax(axis=1), HOURS * sources.first_day_kept)
    return np.where(running.any(axis=1), np.maximum(sources.last_hour - first, 0.0), 0.0)


def collect_columns(sources: Sources, series: SeriesFacts, facts: ShapeFacts) -> dict[str, FloatArray]:
    """Return the numeric columns of the profiles, named as the fields of ``ResourceProfile``."""
    return {
        **_measured(sources, facts),
        **_usage(sources),
        **_history(sources, facts),
        "cpu_throttled_ratio_p95": series.throttled_p95,
        "cpu_trend_ratio_per_day": series.cpu_growth_per_day,
        "memory_trend_bytes_per_day": series.memory_trend_bytes_per_day,
        "cpu_burstiness_ratio": facts.burstiness,
        "cpu_peak_valley_ratio": series.peak_valley_ratio,
        "seasonality_strength": series.strength,
    }


def _measured(sources: Sources, facts: ShapeFacts) -> dict[str, FloatArray]:
    merged, days = sources.merged, sources.days
    running, observed = days.total("running_seconds"), days.total("observed_seconds")
    coverage = divide(observed, running)
    expected = np.maximum(running / 3600.0 * BINS_PER_HOUR, 1.0)
    least = np.minimum(facts.history_days / CONFIDENT_DAYS, merged.measured["cpu"] / expected)
    return {
        "cpu_sample_count": merged.samples["cpu"],
        "memory_sample_count": merged.samples["memory"],
        "sample_coverage_ratio": coverage,
        "confidence": np.clip(np.fmin(least, coverage), 0.0, 1.0),
        "pod_count": merged.pod_count,
        "is_short_lived": is_short_lived(days),
    }


def is_short_lived(days: ContainerDays) -> BoolArray:
    """Return which containers never ran for longer than a start-up takes, shape (n,)."""
    return row_maximum(days.totals["pod_seconds_max"]) < SHORT_LIVED_SECONDS


def _usage(sources: Sources) -> dict[str, FloatArray]:
    merged, days = sources.merged, sources.days
    cpu = read_percentiles(merged.cpu_decayed, [0.5, 0.95, 0.99], CPU_BUCKETS)
    memory = read_percentiles(merged.memory_decayed, [0.99], MEMORY_BUCKETS)
    first_hour = max(sources.last_hour - HOURS, 0)
    last_day = days.series[MEMORY_SERIES][:, first_hour : sources.last_hour].astype(np.float64)
    used = np.nansum(days.totals["cpu_usage_core_seconds"] * sources.cpu_scale, axis=1)
    bytes_used = days.total("memory_usage_byte_seconds", sources.memory_days)
    return {
        "cpu_usage_cores_mean": _per_second(used, sources, sources.cpu_days, "cpu"),
        "cpu_usage_cores_p50_decayed": cpu[:, 0],
        "cpu_usage_cores_p95_decayed": cpu[:, 1],
        "cpu_usage_cores_p99_decayed": cpu[:, 2],
        "cpu_usage_cores_max_5m": merged.maxima["cpu_mean_5m"],
        "cpu_usage_cores_max_1m": merged.maxima["cpu_max_1m"],
        "cpu_startup_cores_max": merged.maxima["cpu_startup"],
        "memory_usage_bytes_mean": _per_second(bytes_used, sources, sources.memory_days, "memory"),
        "memory_usage_bytes_p99_decayed": memory[:, 0],
        "memory_usage_bytes_max": merged.maxima["memory_max_5m"],
        "memory_usage_bytes_max_24h": row_maximum(last_day),
        "memory_startup_bytes_max": merged.maxima["memory_startup"],
    }


def _per_second(used: FloatArray, sources: Sources, days: BoolArray, resource: str) -> FloatArray:
    seconds = sources.days.total("running_seconds", days)
    return np.where(sources.merged.samples[resource] > 0, divide(used, seconds), np.nan)


def _history(sources: Sources, facts: ShapeFacts) -> dict[str, FloatArray]:
    days, merged = sources.days, sources.merged
    replicas = days.series["replica_count"].astype(np.float64)
    hours = np.maximum(_hours_of(replicas, sources), 1.0)
    at_oom = np.where(sources.memory_days, days.totals["memory_oom_bytes_max"], np.nan)
    is_batch = np.array([kind in BATCH_KINDS for kind in facts.kinds], dtype=np.bool_)
    return {
        "history_days": facts.history_days,
        "replica_count_mean": np.nansum(replicas, axis=1) / hours,
        "churn_pods_per_day": merged.new_pod_count / np.maximum(hours / HOURS, 1.0),
        "oom_killed_count": days.total("oom_killed_count", sources.memory_days),
        "restart_count": days.total("restart_count", sources.memory_days),
        "memory_oom_bytes_max": row_maximum(at_oom),
        "last_seen_hours_ago": _last_seen(replicas, sources.last_hour),
        "run_count": np.where(is_batch, _finished(merged.pod_count, replicas, sources.last_hour), np.nan),
    }


def _hours_of(replicas: FloatArray, sources: Sources) -> FloatArray:
    running = ~np.isnan(replicas)
    return np.where(running.any(axis=1), sources.last_hour - running.argmax(axis=1), 0.0)


def _finished(pods: FloatArray, replicas: FloatArray, last_hour: int) -> FloatArray:
    """Return the pods that no longer run in the newest hour."""
    running = np.ceil(np.nan_to_num(replicas[:, last_hour - 1]) - 1e-6) if last_hour else np.zeros(len(pods))
    return np.maximum(pods - running, 0.0)


def _last_seen(replicas: FloatArray, last_hour: int) -> FloatArray:
    running = ~np.isnan(replicas[:, :last_hour])
    newest = running.shape[1] - 1 - running[:, ::-1].argmax(axis=1)
    return np.where(running.any(axis=1), last_hour - 1.0 - newest, np.nan)


def find_peak_valley(cpu: FloatArray) -> FloatArray:
    """Return the largest over the smallest hour of each container's mean day; NaN where an hour is unknown.

    Parameters
    ----------
    cpu : ndarray of float, shape (n, hours)
        From a midnight, whole days.
    """
    cut = cpu.reshape(len(cpu), -1, HOURS)
    known = ~np.isnan(cut)
    day = divide(np.where(known, cut, 0.0).sum(axis=1), known.sum(axis=1))
    return divide(day.max(axis=1), day.min(axis=1))
