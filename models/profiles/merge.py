"""Stored daily histograms merged per container of a workload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS, FloatArray, IntArray
from models.profiles.histogram import decay_weight
from models.profiles.pod_days import PodDays, largest_per, sum_per
from models.profiles.rows import BoolArray, HistogramRows
from models.vocabulary.windows import DAY


@dataclass(frozen=True, eq=False)
class KeptDays:
    """The pod-days that profiles go by, shape (pod-days,), for CPU and for memory."""

    cpu: BoolArray
    memory: BoolArray


@dataclass(frozen=True, eq=False)
class MergedHistograms:
    """One row per container; counts have shape (n, 176), the rest (n,).

    ``cpu`` holds every sample; the decayed ones leave start-up out, except for short-lived containers,
    which have nothing else. ``day_maxima`` has one array per container: the largest memory of each pod and
    day, start-up included. ``measured`` are samples before anything was left out.
    """

    cpu: FloatArray
    cpu_decayed: FloatArray
    memory_decayed: FloatArray
    maxima: dict[str, FloatArray]
    samples: dict[str, FloatArray]
    measured: dict[str, FloatArray]
    day_maxima: list[FloatArray]
    pod_count: FloatArray
    new_pod_count: FloatArray


def merge_histograms(
    rows: HistogramRows,
    pods: PodDays,
    kept: KeptDays,
    window_end: tuple[datetime, datetime],
    half_life: timedelta,
    is_short_lived: BoolArray,
) -> MergedHistograms:
    """Merge daily histograms per container; a day's counts halve with every half-life of its age.

    Parameters
    ----------
    rows : HistogramRows
    pods : PodDays
        Of the same rows.
    kept : KeptDays
    window_end : tuple of datetime
        Start of day 0 and end of the window: age is counted from the end of a row's day to the latter.
    half_life : timedelta
    is_short_lived : ndarray of bool, shape (n,)
        Containers whose start-up counts as service.
    """
    start, end = window_end
    age = (end - start).total_seconds() - (rows.day.astype(np.float64) + 1.0) * DAY.total_seconds()
    serves = ~rows.is_startup | is_short_lived[rows.container]
    weight = decay_weight(age, half_life)
    keeps = {
        "cpu": kept.cpu[pods.slot] & ~rows.is_statistic("memory_max_5m"),
        "memory": kept.memory[pods.slot] & rows.is_statistic("memory_max_5m"),
    }
    size = rows.container_count
    cpu_group = np.where(keeps["cpu"], rows.container, -1)
    is_mean = rows.is_statistic("cpu_mean_5m")
    is_memory = rows.is_statistic("memory_max_5m")
    pod_count, new_pod_count = _count_pods(pods, size)
    return MergedHistograms(
        cpu=rows.cpu.merge(cpu_group, (size, CPU_BUCKETS.count)),
        cpu_decayed=rows.cpu.merge(np.where(serves, cpu_group, -1), (size, CPU_BUCKETS.count), weight),
        memory_decayed=rows.memory.merge(
            np.where(serves & keeps["memory"], rows.container, -1), (size, MEMORY_BUCKETS.count), weight
        ),
        maxima=_maxima(rows, keeps),
        samples={
            "cpu": _count_samples(rows, is_mean & keeps["cpu"]),
            "memory": _count_samples(rows, keeps["memory"]),
        },
        measured={"cpu": _count_samples(rows, is_mean), "memory": _count_samples(rows, is_memory)},
        day_maxima=_day_maxima(pods, kept.memory, size),
        pod_count=pod_count,
        new_pod_count=new_pod_count,
    )


def _maxima(rows: HistogramRows, keeps: dict[str, BoolArray]) -> dict[str, FloatArray]:
    def largest(mask: BoolArray) -> FloatArray:
        return largest_per(rows.container[mask], rows.maximum[mask], rows.container_count)

    return {
        "cpu_mean_5m": largest(keeps["cpu"] & rows.is_statistic("cpu_mean_5m")),
        "cpu_max_1m": largest(keeps["cpu"] & rows.is_statistic("cpu_max_1m")),
        "cpu_startup": largest(keeps["cpu"] & rows.is_startup),
        "memory_max_5m": largest(keeps["memory"]),
        "memory_startup": largest(keeps["memory"] & rows.is_startup),
    }


def _count_samples(rows: HistogramRows, mask: BoolArray) -> FloatArray:
    return sum_per(rows.container[mask], rows.samples[mask], rows.container_count)


def _day_maxima(pods: PodDays, kept: BoolArray, containers: int) -> list[FloatArray]:
    chosen = kept & ~np.isnan(pods.memory_max)
    best, owner = pods.memory_max[chosen], pods.container[chosen]
    edges = np.searchsorted(owner, np.arange(containers + 1)).tolist()
    return [best[first:last] for first, last in pairwise(edges)]


def _count_pods(pods: PodDays, containers: int) -> tuple[FloatArray, FloatArray]:
    """Return pods per container, and those first seen after the first day of the container."""
    first = _is_first(pods)
    owner, first_day = pods.container[first], pods.day[first]
    container_first = np.full(containers, np.iinfo(np.int64).max)
    np.minimum.at(container_first, owner, first_day)
    is_new = first_day > container_first[owner]
    return (
        np.bincount(owner, minlength=containers).astype(np.float64),
        np.bincount(owner[is_new], minlength=containers).astype(np.float64),
    )


def _is_first(pods: PodDays) -> IntArray:
    """Return the first pod-day of each pod of a container; entries are ordered by container, pod and day."""
    change = (np.diff(pods.container) != 0) | (np.diff(pods.pod) != 0)
    return np.flatnonzero(np.concatenate([np.ones(min(pods.count, 1), dtype=np.bool_), change]))
