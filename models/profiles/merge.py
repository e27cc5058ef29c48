"""Stored daily histograms merged per container of a workload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS, Buckets, FloatArray, IntArray
from models.profiles.container_day import KEY
from models.profiles.daily import STARTUP_SUFFIX
from models.profiles.encoding import group_rows, read_floats
from models.profiles.histogram import decay_weight, merge_lists
from models.vocabulary.windows import DAY


@dataclass(frozen=True, eq=False)
class MergedHistograms:
    """One row per container; counts have shape (n, 176), the rest (n,).

    ``cpu`` holds every sample; the decayed ones leave start-up out, except for short-lived containers,
    which have nothing else. ``day_maxima`` has one array per container: the largest memory of each pod and
    day, start-up included.
    """

    cpu: FloatArray
    cpu_decayed: FloatArray
    memory_decayed: FloatArray
    maxima: dict[str, FloatArray]
    samples: dict[str, FloatArray]
    day_maxima: list[FloatArray]
    pod_count: FloatArray
    new_pod_count: FloatArray


@dataclass(frozen=True, eq=False)
class _Rows:
    """Histogram rows that belong to a container, with their codes."""

    table: pa.Table
    container: IntArray
    container_count: int
    day: IntArray
    weight: FloatArray
    base: NDArray[np.object_]
    is_startup: NDArray[np.bool_]

    def dense(self, name: str, buckets: Buckets, *, startup: bool, decayed: bool) -> FloatArray:
        """Merge one statistic per container."""
        chosen = np.flatnonzero((self.base == name) & (self.is_startup == startup))
        part = self.table.take(pa.array(chosen))
        return merge_lists(
            part.column("bucket_index"),
            part.column("bucket_count"),
            self.container[chosen],
            (self.container_count, buckets.count),
            self.weight[chosen] if decayed else None,
        )

    def largest(self, mask: NDArray[np.bool_]) -> FloatArray:
        """Return the largest ``maximum`` per container among some rows; NaN where there is none."""
        best = np.full(self.container_count, np.nan)
        np.fmax.at(best, self.container[mask], read_floats(self.table.column("maximum"))[mask])
        return best


def merge_histograms(
    containers: pa.Table,
    histograms: pa.Table,
    window_end: datetime,
    half_life: timedelta,
    is_short_lived: NDArray[np.bool_],
) -> MergedHistograms:
    """Merge daily histograms per container; a day's counts halve with every half-life of its age.

    Parameters
    ----------
    containers : pyarrow.Table
        The key columns of n containers.
    histograms : pyarrow.Table
        ``container_histogram_day`` rows; those of other containers are left out.
    window_end : datetime
        Age is counted from the end of each row's day to this instant.
    half_life : timedelta
    is_short_lived : ndarray of bool, shape (n,)
        Containers whose start-up counts as service.
    """
    rows = _select(containers, histograms, window_end, half_life)
    short = is_short_lived[:, None]

    def serving(name: str, buckets: Buckets) -> FloatArray:
        started = rows.dense(name, buckets, startup=True, decayed=True)
        return rows.dense(name, buckets, startup=False, decayed=True) + np.where(short, started, 0.0)

    is_memory = rows.base == "memory_max_5m"
    pod_count, new_pod_count = _count_pods(rows)
    return MergedHistograms(
        cpu=rows.dense("cpu_mean_5m", CPU_BUCKETS, startup=False, decayed=False)
        + rows.dense("cpu_mean_5m", CPU_BUCKETS, startup=True, decayed=False),
        cpu_decayed=serving("cpu_mean_5m", CPU_BUCKETS),
        memory_decayed=serving("memory_max_5m", MEMORY_BUCKETS),
        maxima={
            "cpu_mean_5m": rows.largest(rows.base == "cpu_mean_5m"),
            "cpu_max_1m": rows.largest(rows.base == "cpu_max_1m"),
            "memory_max_5m": rows.largest(is_memory),
            "memory_startup": rows.largest(is_memory & rows.is_startup),
        },
        samples={
            "cpu": _count_samples(rows, rows.base == "cpu_mean_5m"),
            "memory": _count_samples(rows, is_memory),
        },
        day_maxima=_day_maxima(rows, is_memory),
        pod_count=pod_count,
        new_pod_count=new_pod_count,
    )


def _select(containers: pa.Table, histograms: pa.Table, window_end: datetime, half_life: timedelta) -> _Rows:
    parts = [
        pa.table({name: table.column(name).cast(pa.string()) for name in KEY})
        for table in (containers, histograms)
    ]
    groups = group_rows(pa.concat_tables(parts), list(KEY))
    owner = np.full(groups.count, -1, dtype=np.int64)
    owner[groups.code[: containers.num_rows]] = np.arange(containers.num_rows)
    container = owner[groups.code[containers.num_rows :]]
    chosen = np.flatnonzero(container >= 0)
    table = histograms.take(pa.array(chosen))
    day = table.column("day").combine_chunks().cast(pa.int32()).to_numpy(zero_copy_only=False)
    age = window_end.timestamp() - (day.astype(np.float64) + 1.0) * DAY.total_seconds()
    statistic = table.column("statistic").cast(pa.string()).to_pylist()
    return _Rows(
        table,
        container[chosen],
        containers.num_rows,
        day.astype(np.int64),
        decay_weight(age, half_life),
        np.array([name.removesuffix(STARTUP_SUFFIX) for name in statistic], dtype=object),
        np.array([name.endswith(STARTUP_SUFFIX) for name in statistic], dtype=np.bool_),
    )


def _count_samples(rows: _Rows, mask: NDArray[np.bool_]) -> FloatArray:
    counted = read_floats(rows.table.column("sample_count")) * mask
    return np.bincount(rows.container, weights=counted, minlength=rows.container_count).astype(np.float64)


def _day_maxima(rows: _Rows, is_memory: NDArray[np.bool_]) -> list[FloatArray]:
    chosen = np.flatnonzero(is_memory)
    part = rows.table.take(pa.array(chosen))
    pods = group_rows(part, ["pod_uid"])
    size = pods.count + 1
    combined = (rows.container[chosen] * size + pods.code) * 100_000 + rows.day[chosen]
    slots, slot = np.unique(combined, return_inverse=True)
    best = np.full(len(slots), -np.inf)
    np.maximum.at(best, slot, read_floats(part.column("maximum")))
    owner = slots // 100_000 // size
    edges = np.searchsorted(owner, np.arange(rows.container_count + 1))
    return [best[edges[row] : edges[row + 1]] for row in range(rows.container_count)]


def _count_pods(rows: _Rows) -> tuple[FloatArray, FloatArray]:
    """Return pods per container, and those first seen after the first day of the container."""
    pods = group_rows(rows.table, ["pod_uid"])
    combined = rows.container * (pods.count + 1) + pods.code
    each, slot = np.unique(combined, return_inverse=True)
    first_day = np.full(len(each), np.iinfo(np.int64).max)
    np.minimum.at(first_day, slot, rows.day)
    owner = each // (pods.count + 1)
    container_first = np.full(rows.container_count, np.iinfo(np.int64).max)
    np.minimum.at(container_first, owner, first_day)
    is_new = first_day > container_first[owner]
    return (
        np.bincount(owner, minlength=rows.container_count).astype(np.float64),
        np.bincount(owner[is_new], minlength=rows.container_count).astype(np.float64),
    )
