"""Day summaries of a cluster joined over a window: hourly series and daily totals of each container."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.profiles.buckets import FloatArray, IntArray
from models.profiles.container_day import HOURS, KEY, SeriesArray, read_series
from models.profiles.encoding import group_rows, read_floats
from models.profiles.rows import EPOCH, BoolArray
from models.vocabulary.windows import HourWindow

AnyFloat = TypeVar("AnyFloat", np.float32, np.float64)

CPU_SERIES = ("cpu_usage_cores_mean", "cpu_usage_cores_p50", "cpu_usage_cores_p95")
MEMORY_SERIES = "memory_usage_bytes_max"
_SERIES = (*CPU_SERIES, MEMORY_SERIES, "replica_count", "cpu_throttled_ratio")
_ROWS_AT_ONCE = 1024
_TOTALS = (
    "running_seconds",
    "observed_seconds",
    "cpu_usage_core_seconds",
    "memory_usage_byte_seconds",
    "oom_killed_count",
    "restart_count",
    "memory_oom_bytes_max",
    "pod_seconds_max",
)


@dataclass(frozen=True, eq=False)
class ContainerDays:
    """Containers that ran in the window, ordered by key.

    Parameters
    ----------
    newest : pyarrow.Table
        The newest day summary of each container.
    series : dict of str to ndarray of float32, shape (containers, hours of the window's days)
    totals : dict of str to ndarray of float, shape (containers, days)
        NaN on days without the container.
    first_day : date
    """

    newest: pa.Table
    series: dict[str, SeriesArray]
    totals: dict[str, FloatArray]
    first_day: date

    @property
    def count(self) -> int:
        """Number of containers."""
        return int(self.newest.num_rows)

    def parts(self, names: Sequence[str]) -> Iterator[list[FloatArray]]:
        """Yield series as float64, some containers at a time so that they stay in the processor's cache."""
        for first in range(0, self.count, _ROWS_AT_ONCE):
            yield [self.series[name][first : first + _ROWS_AT_ONCE].astype(np.float64) for name in names]

    def total(self, name: str, mask: BoolArray | None = None) -> FloatArray:
        """Return the sum over days, or over some of them, shape (containers,)."""
        values = self.totals[name] if mask is None else np.where(mask, self.totals[name], np.nan)
        summed: FloatArray = np.nansum(values, axis=1)
        return summed

    def scale(self, cpu: FloatArray, memory: FloatArray) -> ContainerDays:
        """Multiply the CPU and memory series of each day; NaN takes the day out, shape (containers, days)."""
        series = dict(self.series)
        for names, factor in ((CPU_SERIES, cpu), ((MEMORY_SERIES,), memory)):
            rows = np.flatnonzero((factor != 1.0).any(axis=1))
            for name in names if len(rows) else ():
                changed = series[name].copy()
                changed[rows] *= np.repeat(factor[rows], HOURS, axis=1).astype(np.float32)
                series[name] = changed
        rows = np.flatnonzero(np.isnan(cpu).any(axis=1))
        throttled = series["cpu_throttled_ratio"].copy()
        throttled[rows] = np.where(np.repeat(np.isnan(cpu[rows]), HOURS, axis=1), np.nan, throttled[rows])
        series["cpu_throttled_ratio"] = throttled
        return replace(self, series=series)


def join_days(days: pa.Table, window: HourWindow) -> ContainerDays:
    """Place the summaries of single days side by side.

    Parameters
    ----------
    days : pyarrow.Table
        Rows of `container_day.summarise_day` with a column ``day``, at least one.
    window : HourWindow
        Begins at a midnight; days outside of it are not allowed.
    """
    groups = group_rows(days, list(KEY))
    first_day = window.start.date()
    epoch_days = days.column("day").cast(pa.int32()).combine_chunks().to_numpy(zero_copy_only=False)
    position = epoch_days.astype(np.int64) - (first_day - EPOCH).days
    day_count = len(list(window.days()))
    series = {
        name: _place(read_series(days, name), groups.code, position, (groups.count, day_count), np.float32)
        for name in _SERIES
    }
    totals = {
        name: _place(
            read_floats(days.column(name))[:, None],
            groups.code,
            position,
            (groups.count, day_count),
            np.float64,
        )
        for name in _TOTALS
    }
    newest_day = np.full(groups.count, -1, dtype=np.int64)
    np.maximum.at(newest_day, groups.code, position)
    newest = np.zeros(groups.count, dtype=np.int64)
    is_newest = position == newest_day[groups.code]
    newest[groups.code[is_newest]] = np.flatnonzero(is_newest)
    texts = [name for name in days.column_names if name not in (*_SERIES, *_TOTALS)]
    return ContainerDays(days.select(texts).take(pa.array(newest)), series, totals, first_day)


def _place(
    values: NDArray[AnyFloat],
    code: IntArray,
    position: IntArray,
    shape: tuple[int, int],
    kind: type[AnyFloat],
) -> NDArray[AnyFloat]:
    """Return values per container and day as one row per container, NaN where a day is missing."""
    cell = code * shape[1] + position
    if len(cell) == shape[0] * shape[1] and (np.diff(cell) == 1).all():
        return values.reshape(shape[0], -1)
    grid: NDArray[AnyFloat] = np.full((shape[0] * shape[1], values.shape[1]), np.nan, dtype=kind)
    grid[cell] = values
    return grid.reshape(shape[0], -1)
