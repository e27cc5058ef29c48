"""Profiles of all containers of a cluster at once, from day summaries and daily histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from models.profiles.buckets import FloatArray
from models.profiles.classify import BATCH_KINDS, ShapeFacts, classify
from models.profiles.columns import build_objects, list_rows, list_values, list_whole
from models.profiles.container_day import KEY
from models.profiles.days import CPU_SERIES, ContainerDays, join_days
from models.profiles.facts import Sources, collect_columns, collect_facts, is_short_lived, read_series_facts
from models.profiles.hours import week_quantiles
from models.profiles.kept import Kept, keep_days
from models.profiles.merge import merge_histograms
from models.profiles.options import HALF_LIFE, ProfileOptions
from models.profiles.outliers import IDENTITY_KINDS
from models.profiles.pod_days import PodDays, collect_pod_days
from models.profiles.rows import BoolArray, HistogramRows, read_rows
from models.profiles.skew import list_outliers, list_revisions, measure_skew
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.profile import ResourceProfile, WorkloadClass
from models.vocabulary.windows import HourWindow

__all__ = ["HALF_LIFE", "ProfileOptions", "ProfileSet", "UsageEvidence", "build_profiles"]

_IN_FORCE = ("cpu_request_cores", "cpu_limit_cores", "memory_request_bytes", "memory_limit_bytes")


@dataclass(frozen=True, eq=False)
class UsageEvidence:
    """What a policy and its back-test read of one container's past, beside the profile.

    Outlier pods and revisions that the profile does not follow are left out here too.

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
    """Profiles and the evidence behind them, in the same order (by key).

    Parameters
    ----------
    profiles : list of ResourceProfile
    evidence : list of UsageEvidence
    kept_histograms : ndarray of bool, shape (rows of the histograms given,), optional
        Rows that the profiles go by: without CPU of outlier pods, and without revisions that the newest one
        is unlike.
    """

    profiles: list[ResourceProfile]
    evidence: list[UsageEvidence]
    kept_histograms: BoolArray | None = None


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
        Event time that the rows come from, from a midnight; nothing after its end is read.
    options : ProfileOptions

    Returns
    -------
    ProfileSet
        Ordered by key. A container that has hours but no measured usage has a profile with ``None``.
    """
    if days.num_rows == 0:
        return ProfileSet([], [], np.zeros(histograms.num_rows, dtype=np.bool_))
    joined = join_days(days, window)
    rows = read_rows(joined.newest, histograms, joined.first_day)
    pods = collect_pod_days(rows)
    has_identity = _is_one_of(joined, IDENTITY_KINDS)
    kept = keep_days(joined, pods, has_identity=has_identity, is_batch=_is_one_of(joined, BATCH_KINDS))
    merged = merge_histograms(
        rows, pods, kept.pod_days, (window.start, window.end), options.half_life, is_short_lived(joined)
    )
    sources = Sources(
        joined.scale(kept.cpu_scale, kept.memory_scale), merged,
        ~np.isnan(kept.cpu_scale), ~np.isnan(kept.memory_scale), kept.cpu_scale,
        kept.revisions.first_day_kept, window,
    )  # fmt: skip
    series = read_series_facts(sources.days)
    facts = collect_facts(sources, series)
    numbers = collect_columns(sources, series, facts)
    columns = _number_columns(numbers, sources, rows, pods, kept)
    columns |= _text_columns(cluster, joined, window, options)
    columns |= _class_columns(facts, options, kept)
    columns |= _week_columns(sources, options)
    columns |= _pod_columns(rows, pods, kept, sources, has_identity)
    evidence = [
        UsageEvidence(*found) for found in zip(merged.cpu, merged.cpu_decayed, merged.day_maxima, strict=True)
    ]
    return ProfileSet(build_objects(joined.count, columns), evidence, _kept_rows(rows, pods, kept))


def _is_one_of(days: ContainerDays, kinds: frozenset[str]) -> BoolArray:
    return np.array(
        [kind in kinds for kind in days.newest.column("workload_kind").to_pylist()], dtype=np.bool_
    )


def _kept_rows(rows: HistogramRows, pods: PodDays, kept: Kept) -> BoolArray:
    is_memory = rows.is_statistic("memory_max_5m")
    keeps = np.zeros(rows.source.num_rows, dtype=np.bool_)
    keeps[rows.chosen] = np.where(is_memory, kept.pod_days.memory[pods.slot], kept.pod_days.cpu[pods.slot])
    return keeps


def _number_columns(
    numbers: dict[str, FloatArray], sources: Sources, rows: HistogramRows, pods: PodDays, kept: Kept
) -> dict[str, list[Any]]:
    skew = measure_skew(rows, pods, kept.pod_days, sources.merged)
    numbers = numbers | {
        "cpu_usage_cores_p95_pod_p95": skew.cpu_p95,
        "cpu_usage_cores_p95_pod_max": skew.cpu_max,
        "memory_usage_bytes_max_pod_p95": skew.memory_p95,
    }
    runs = list_whole(numbers.pop("run_count"))
    columns = {name: list_values(name, values) for name, values in numbers.items()}
    return columns | {"run_count": runs}


def _text_columns(
    cluster: str, days: ContainerDays, window: HourWindow, options: ProfileOptions
) -> dict[str, list[Any]]:
    texts = {
        name: days.newest.column(name).to_pylist()
        for name in (*KEY, "revision", "container_kind", *_IN_FORCE)
    }
    keys = list(zip(*(texts.pop(name) for name in KEY), strict=True))
    return {
        **texts,
        "key": [
            ContainerKey(WorkloadKey(cluster, namespace, kind, name), container)
            for namespace, kind, name, container in keys
        ],
        "container_kind": [kind or "main" for kind in texts["container_kind"]],
        "hpa_metrics": [options.hpa_metrics.get(key[:3], ()) for key in keys],
        "window_start": [window.start] * days.count,
        "window_end": [window.end] * days.count,
    }


def _class_columns(facts: ShapeFacts, options: ProfileOptions, kept: Kept) -> dict[str, list[Any]]:
    classes, reasons = map(list, zip(*classify(facts, options.rules), strict=True))
    for row in np.flatnonzero(kept.revisions.is_unlike).tolist():
        reasons[row] = f"{reasons[row]}; {kept.explain(row)}"
    leaks = np.where(
        facts.is_leaking(options.rules) & np.array([name is not WorkloadClass.BATCH for name in classes]),
        facts.memory_growth_bytes_per_day,
        np.nan,
    )
    return {
        "seasonality_period_hours": list_whole(facts.period_hours),
        "workload_class": classes,
        "class_reason": reasons,
        "memory_leak_bytes_per_day": list_values("memory_leak_bytes_per_day", leaks),
    }


def _week_columns(sources: Sources, options: ProfileOptions) -> dict[str, list[Any]]:
    weekday = sources.days.first_day.weekday()
    week = week_quantiles(sources.days.parts(CPU_SERIES), weekday, options.half_life)
    unknown = np.isnan(week.p95)
    peak = np.where(unknown.all(axis=1), np.nan, np.where(unknown, -np.inf, week.p95).argmax(axis=1))
    return {
        "cpu_usage_cores_by_hour_of_week_p50": list_rows(week.p50),
        "cpu_usage_cores_by_hour_of_week_p95": list_rows(week.p95),
        "cpu_usage_cores_by_hour_of_week_p99": list_rows(week.p99),
        "peak_hour_of_week": list_whole(peak),
    }


def _pod_columns(
    rows: HistogramRows, pods: PodDays, kept: Kept, sources: Sources, has_identity: BoolArray
) -> dict[str, list[Any]]:
    first_day, count = sources.days.first_day, sources.days.count
    outliers = list_outliers(rows, pods, kept.outliers, has_identity, first_day)
    revisions = list_revisions(rows, pods, kept.revisions, sources.merged, first_day)
    return {
        "outlier_pods": [outliers.get(row, ()) for row in range(count)],
        "revisions": [revisions.get(row, ()) for row in range(count)],
        "is_new_revision_unlike": kept.revisions.is_unlike.tolist(),
    }
