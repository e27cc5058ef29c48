"""Daily histograms of every container of one cluster-day, from the 5-minute lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS, Buckets, FloatArray, IntArray
from models.profiles.encoding import Groups, group_rows, read_bins, read_floats
from models.vocabulary.windows import BINS_PER_HOUR

CODE_VERSION = "histogram-1"
"""Changes whenever the rows this module writes would change, so that stored days are rebuilt."""

STARTUP_BINS = 6
"""A pod's first 30 minutes are kept apart: they describe starting, not serving."""

STARTUP_SUFFIX = "_startup"
FULL_HOUR_SECONDS = 3600.0

STATISTICS: dict[str, tuple[str, Buckets]] = {
    "cpu_mean_5m": ("cpu_usage_cores_by_5m", CPU_BUCKETS),
    "cpu_max_1m": ("cpu_usage_cores_max_1m_by_5m", CPU_BUCKETS),
    "memory_max_5m": ("memory_usage_bytes_max_by_5m", MEMORY_BUCKETS),
}
"""Statistic -> source column of ``container_hour`` and its buckets."""

ATTRIBUTES = (
    "namespace",
    "workload_kind",
    "workload_name",
    "revision",
    "pod_uid",
    "container",
    "container_kind",
)
SOURCE_COLUMNS = ("hour", "running_seconds", *ATTRIBUTES, *(column for column, _ in STATISTICS.values()))
"""Columns of ``container_hour`` that the build reads."""


@dataclass(frozen=True, eq=False)
class _Day:
    """Rows of one day in the order (pod, container, hour), and where each pod started."""

    table: pa.Table
    containers: Groups
    hour_of_day: IntArray
    startup_end: IntArray


def build_day_histograms(rows: pa.Table) -> pa.Table:
    """Return one sparse histogram per container of a pod and statistic of one cluster-day.

    A value goes to the bucket that holds it (VPA's exponential buckets, ratio 1.05). Values of a pod's first
    30 minutes go to the statistic with suffix ``_startup`` instead. A pod counts as started on the day when
    its first observation is not in the first bin of the day's first observed hour.

    Parameters
    ----------
    rows : pyarrow.Table
        ``container_hour`` rows of one cluster and UTC day, columns ``SOURCE_COLUMNS``, any order; text
        columns may be dictionaries.

    Returns
    -------
    pyarrow.Table
        Columns of ``container_histogram_day`` without cluster and day; containers without a single
        observed value have no row.
    """
    if rows.num_rows == 0:
        return pa.table(_columns([]))
    day = _prepare(rows)
    parts = [
        part
        for name, (column, buckets) in STATISTICS.items()
        for part in _statistic_parts(day, name, column, buckets)
    ]
    return pa.table(_columns(parts) if parts else _columns([]))


@dataclass(frozen=True, eq=False)
class _Part:
    attributes: pa.Table
    statistic: str
    index: pa.Array
    count: pa.Array
    maximum: FloatArray
    total: FloatArray
    samples: IntArray


def _prepare(rows: pa.Table) -> _Day:
    containers = group_rows(rows, ["pod_uid", "container"])
    hour = rows.column("hour").combine_chunks().cast(pa.timestamp("s", "UTC")).cast(pa.int64())
    hour_of_day = (hour.to_numpy(zero_copy_only=False) // 3600) % 24
    order = np.lexsort((hour_of_day, containers.code))
    table = rows.take(pa.array(order))
    ordered = Groups(
        containers.code[order], np.searchsorted(containers.code[order], np.arange(containers.count))
    )
    pods = group_rows(table, ["pod_uid"])
    return _Day(table, ordered, hour_of_day[order], _find_startup_end(table, pods, hour_of_day[order]))


def _find_startup_end(table: pa.Table, pods: Groups, hour_of_day: IntArray) -> IntArray:
    """Return per row the first bin of the day (0..287) after its pod's start-up; 0 if it did not start."""
    first_bin = np.full(pods.count, 24 * BINS_PER_HOUR, dtype=np.int64)
    for column, _ in STATISTICS.values():
        listed, values = read_bins(table.column(column))
        seen = ~np.isnan(values)
        has_any = seen.any(axis=1)
        position = hour_of_day[listed] * BINS_PER_HOUR + seen.argmax(axis=1)
        np.minimum.at(first_bin, pods.code[listed][has_any], position[has_any])
    first_hour = np.full(pods.count, 24, dtype=np.int64)
    np.minimum.at(first_hour, pods.code, hour_of_day)
    in_first_hour = hour_of_day == first_hour[pods.code]
    running = np.where(in_first_hour, read_floats(table.column("running_seconds")), 0.0)
    longest = np.zeros(pods.count)
    np.maximum.at(longest, pods.code, np.nan_to_num(running))
    began_inside = (first_bin % BINS_PER_HOUR > 0) & (longest < FULL_HOUR_SECONDS)
    started = (first_hour > hour_of_day.min()) | began_inside
    end: IntArray = np.where(started, first_bin + STARTUP_BINS, 0)[pods.code]
    return end


def _statistic_parts(day: _Day, name: str, column: str, buckets: Buckets) -> list[_Part]:
    listed, values = read_bins(day.table.column(column))
    if len(listed) == 0:
        return []
    position = day.hour_of_day[listed, None] * BINS_PER_HOUR + np.arange(BINS_PER_HOUR)
    seen = ~np.isnan(values)
    is_startup = position < day.startup_end[listed, None]
    group = day.containers.code[listed]
    chosen = [(name, seen & ~is_startup), (name + STARTUP_SUFFIX, seen & is_startup)]
    return [
        _collect(day, statistic, buckets, group, values, mask) for statistic, mask in chosen if mask.any()
    ]


def _collect(
    day: _Day, statistic: str, buckets: Buckets, group: IntArray, values: FloatArray, mask: NDArray[np.bool_]
) -> _Part:
    size = day.containers.count
    flat = values[mask]
    owner = np.broadcast_to(group[:, None], values.shape)[mask]
    counted = np.bincount(owner * buckets.count + buckets.find(flat), minlength=size * buckets.count)
    cells = np.flatnonzero(counted)
    samples = np.bincount(owner, minlength=size)
    present = np.flatnonzero(samples)
    maximum = np.full(size, -np.inf)
    np.maximum.at(maximum, group, np.where(mask, values, -np.inf).max(axis=1))
    per_group = np.bincount(cells // buckets.count, minlength=size)[present]
    offsets = pa.array(np.concatenate(([0], np.cumsum(per_group))), pa.int32())
    return _Part(
        day.table.select(list(ATTRIBUTES)).take(pa.array(day.containers.first_row[present])),
        statistic,
        pa.ListArray.from_arrays(offsets, pa.array((cells % buckets.count).astype(np.int16))),
        pa.ListArray.from_arrays(offsets, pa.array(counted[cells].astype(np.int32))),
        maximum[present],
        np.bincount(owner, weights=flat, minlength=size).astype(np.float64)[present],
        samples[present],
    )


def _columns(parts: list[_Part]) -> dict[str, pa.ChunkedArray]:
    texts = {
        name: pa.chunked_array(
            [part.attributes.column(name).combine_chunks().cast(pa.string()) for part in parts], pa.string()
        )
        for name in ATTRIBUTES
    }
    return {
        **texts,
        "statistic": pa.chunked_array(
            [pa.array([part.statistic] * len(part.samples), pa.string()) for part in parts], pa.string()
        ),
        "bucket_index": pa.chunked_array([part.index for part in parts], pa.list_(pa.int16())),
        "bucket_count": pa.chunked_array([part.count for part in parts], pa.list_(pa.int32())),
        "maximum": pa.chunked_array([pa.array(part.maximum) for part in parts], pa.float64()),
        "total": pa.chunked_array([pa.array(part.total) for part in parts], pa.float64()),
        "sample_count": pa.chunked_array(
            [pa.array(part.samples.astype(np.int32)) for part in parts], pa.int32()
        ),
    }
