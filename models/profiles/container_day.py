"""What one UTC day says about each container of a workload, pods pooled: hourly series and totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.profiles.buckets import FloatArray, IntArray
from models.profiles.encoding import Groups, group_rows, null_where_nan, read_bins, read_floats
from models.profiles.shape import row_maximum
from models.vocabulary.windows import BINS_PER_HOUR

CODE_VERSION = "container-day-1"
"""Changes whenever the rows this module writes would change, so that stored days are rebuilt."""

SeriesArray = NDArray[np.float32]
"""Hourly series: half the memory of float64, and more digits than any source has."""

HOURS = 24
KEY = ("namespace", "workload_kind", "workload_name", "container")
SERIES = (
    "cpu_usage_cores_mean",
    "cpu_usage_cores_p50",
    "cpu_usage_cores_p95",
    "memory_usage_bytes_max",
    "replica_count",
    "cpu_throttled_ratio",
)
"""Columns of 24 hourly values; see `summarise_day`."""

SOURCE_COLUMNS = (
    "hour",
    "pod_uid",
    *KEY,
    "container_kind",
    "revision",
    "running_seconds",
    "cpu_request_core_seconds",
    "cpu_limit_cores",
    "cpu_usage_core_seconds",
    "memory_request_byte_seconds",
    "memory_limit_bytes",
    "memory_usage_byte_seconds",
    "cpu_throttled_ratio",
    "oom_killed_count",
    "restart_count",
    "sample_coverage_ratio",
    "cpu_usage_cores_by_5m",
    "memory_usage_bytes_max_by_5m",
)
"""Columns of ``container_hour`` that a summary reads."""


@dataclass(frozen=True, eq=False)
class _Cells:
    """Rows of one day placed in a grid of container x hour."""

    table: pa.Table
    groups: Groups
    cell: IntArray
    hour_of_day: IntArray

    def total(self, values: FloatArray) -> FloatArray:
        """Sum of a column per cell, nulls left out."""
        known = ~np.isnan(values)
        size = self.groups.count * HOURS
        sums = np.bincount(self.cell[known], weights=values[known], minlength=size)
        return sums.astype(np.float64)

    def per_group(self, values: FloatArray) -> FloatArray:
        """Sum of a column per container."""
        sums: FloatArray = self.total(values).reshape(-1, HOURS).sum(axis=1)
        return sums


def summarise_day(rows: pa.Table) -> pa.Table:
    """Return one row per container of a workload for one cluster and UTC day.

    Parameters
    ----------
    rows : pyarrow.Table
        ``container_hour`` rows of one cluster-day, columns `SOURCE_COLUMNS`, any order.

    Returns
    -------
    pyarrow.Table
        `KEY`; ``container_kind``, ``revision`` and the requests and limits in force, all of the newest hour;
        totals (``running_seconds``, ``observed_seconds``, core- and byte-seconds of usage, OOM kills,
        restarts, ``memory_oom_bytes_max``: the largest of usage and limit in an hour with a kill;
        ``pod_seconds_max``: the longest a pod ran); lists of 24 hourly values, null where the container did
        not run: mean usage per replica, median and p95 of the hour's 5-minute values (mean over pods; of
        twelve values the nearest-rank p95 is the largest), memory maximum, replicas, throttled ratio.
    """
    cells = _place(rows)
    seconds = read_floats(cells.table.column("running_seconds"))
    newest = _find_newest_row(cells, seconds)
    columns: dict[str, pa.Array] = {
        name: cells.table.column(name).take(pa.array(newest)).combine_chunks().cast(pa.string())
        for name in (*KEY, "container_kind", "revision")
    }
    columns |= _values_in_force(cells, newest, seconds)
    columns |= _totals(cells, seconds)
    columns |= {name: _as_lists(values) for name, values in _hourly(cells, seconds).items()}
    return pa.table(columns)


def read_series(days: pa.Table, name: str) -> SeriesArray:
    """Return a list column of day summaries as a matrix, shape (rows, 24), NaN for null."""
    flat = pc.list_flatten(days.column(name)).cast(pa.float32())
    values: SeriesArray = flat.combine_chunks().to_numpy(zero_copy_only=False)
    return values.reshape(-1, HOURS)


def _place(rows: pa.Table) -> _Cells:
    hour = rows.column("hour").combine_chunks().cast(pa.timestamp("s", "UTC")).cast(pa.int64())
    hour_of_day = (hour.to_numpy(zero_copy_only=False) // 3600) % HOURS
    groups = group_rows(rows, list(KEY))
    pods = group_rows(rows, ["pod_uid"])
    order = np.lexsort((pods.code, hour_of_day, groups.code))
    code = groups.code[order]
    ordered = Groups(code, np.searchsorted(code, np.arange(groups.count)))
    hour_of_day = hour_of_day[order]
    return _Cells(rows.take(pa.array(order)), ordered, code * HOURS + hour_of_day, hour_of_day)


def _find_newest_row(cells: _Cells, seconds: FloatArray) -> IntArray:
    """Return per container the row of its newest hour; of several pods the one that ran longest in it."""
    order = np.lexsort((np.nan_to_num(seconds), cells.hour_of_day, cells.groups.code))
    last = np.searchsorted(cells.groups.code[order], np.arange(cells.groups.count), side="right") - 1
    newest: IntArray = order[last]
    return newest


def _values_in_force(cells: _Cells, newest: IntArray, seconds: FloatArray) -> dict[str, pa.Array]:
    ran = np.where(seconds > 0, seconds, np.nan)[newest]

    def column(name: str) -> FloatArray:
        return read_floats(cells.table.column(name))[newest]

    return {
        "cpu_request_cores": null_where_nan(column("cpu_request_core_seconds") / ran),
        "cpu_limit_cores": null_where_nan(column("cpu_limit_cores")),
        "memory_request_bytes": null_where_nan(column("memory_request_byte_seconds") / ran),
        "memory_limit_bytes": null_where_nan(column("memory_limit_bytes")),
    }


def _totals(cells: _Cells, seconds: FloatArray) -> dict[str, pa.Array]:
    coverage = read_floats(cells.table.column("sample_coverage_ratio"))
    oom = np.nan_to_num(read_floats(cells.table.column("oom_killed_count")))
    restarts = np.nan_to_num(read_floats(cells.table.column("restart_count")))
    pods = group_rows(cells.table, ["pod_uid", *KEY])
    pod_seconds = np.bincount(pods.code, weights=np.nan_to_num(seconds), minlength=pods.count)
    longest = np.zeros(cells.groups.count)
    np.maximum.at(longest, cells.groups.code[pods.first_row], pod_seconds)
    return {
        "running_seconds": pa.array(cells.per_group(seconds)),
        "observed_seconds": pa.array(cells.per_group(seconds * coverage)),
        "cpu_usage_core_seconds": pa.array(
            cells.per_group(read_floats(cells.table.column("cpu_usage_core_seconds")))
        ),
        "memory_usage_byte_seconds": pa.array(
            cells.per_group(read_floats(cells.table.column("memory_usage_byte_seconds")))
        ),
        "oom_killed_count": pa.array(cells.per_group(oom).astype(np.int32)),
        "restart_count": pa.array(cells.per_group(restarts).astype(np.int32)),
        "memory_oom_bytes_max": null_where_nan(_memory_at_oom(cells, oom > 0)),
        "pod_seconds_max": pa.array(longest),
    }


def _memory_at_oom(cells: _Cells, killed: NDArray[np.bool_]) -> FloatArray:
    limit = read_floats(cells.table.column("memory_limit_bytes"))
    listed, bins = read_bins(cells.table.column("memory_usage_bytes_max_by_5m"))
    used = np.full(len(limit), np.nan)
    used[listed] = row_maximum(bins)
    at_kill = np.where(killed, np.fmax(limit, used), np.nan)
    return _maximum_per(cells.groups.code, at_kill, cells.groups.count)


def _hourly(cells: _Cells, seconds: FloatArray) -> dict[str, FloatArray]:
    size = cells.groups.count * HOURS
    running = cells.total(seconds)
    throttled = read_floats(cells.table.column("cpu_throttled_ratio"))
    listed, memory = read_bins(cells.table.column("memory_usage_bytes_max_by_5m"))
    peak = _maximum_per(cells.cell[listed], row_maximum(memory), size)
    bins = _mean_bins(cells, "cpu_usage_cores_by_5m", size)
    return {
        "cpu_usage_cores_mean": _mean_per_second(cells, seconds, "cpu_usage_core_seconds"),
        "cpu_usage_cores_p50": _row_median(bins),
        "cpu_usage_cores_p95": row_maximum(bins),
        "memory_usage_bytes_max": peak,
        "replica_count": np.where(running > 0, running / 3600.0, np.nan),
        "cpu_throttled_ratio": _maximum_per(cells.cell, throttled, size),
    }


def _mean_per_second(cells: _Cells, seconds: FloatArray, name: str) -> FloatArray:
    used = read_floats(cells.table.column(name))
    measured = cells.total(np.where(np.isnan(used), np.nan, seconds))
    mean: FloatArray = np.divide(
        cells.total(used), measured, out=np.full(len(measured), np.nan), where=measured > 0
    )
    return mean


def _mean_bins(cells: _Cells, name: str, size: int) -> FloatArray:
    """Return the mean over pods of each 5-minute bin, shape (cells, 12)."""
    listed, bins = read_bins(cells.table.column(name))
    position = cells.cell[listed, None] * BINS_PER_HOUR + np.arange(BINS_PER_HOUR)
    seen = ~np.isnan(bins)
    length = size * BINS_PER_HOUR
    total = np.bincount(position[seen], weights=bins[seen], minlength=length)
    pods = np.bincount(position[seen], minlength=length)
    mean: FloatArray = np.divide(total, pods, out=np.full(length, np.nan), where=pods > 0)
    return mean.reshape(size, BINS_PER_HOUR)


def _row_median(matrix: FloatArray) -> FloatArray:
    """Return the median of each row's known values, NaN where there is none."""
    ordered = np.sort(matrix, axis=1)  # NaN sorts last
    count = (~np.isnan(matrix)).sum(axis=1)
    row = np.arange(len(matrix))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, matrix.shape[1] - 1)
    middle: FloatArray = np.where(count > 0, (ordered[row, low] + ordered[row, high]) / 2, np.nan)
    return middle


def _maximum_per(code: IntArray, values: FloatArray, size: int) -> FloatArray:
    best = np.full(size, -np.inf)
    known = ~np.isnan(values)
    np.maximum.at(best, code[known], values[known])
    answer: FloatArray = np.where(np.isfinite(best), best, np.nan)
    return answer


def _as_lists(values: FloatArray) -> pa.Array:
    offsets = pa.array(np.arange(0, len(values) + 1, HOURS, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, null_where_nan(values).cast(pa.float32()))
