"""Hourly use of workloads as a grid, and the sums of their teams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.forecast.seasonal_naive import FloatArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class UsageCells:
    """What is stored: one cell per workload and hour in which it ran.

    Parameters
    ----------
    workload, step : ndarray of int, shape (cells,)
        Row and hour of each cell.
    value : ndarray of float, shape (cells,)
        NaN where it ran but was not measured.
    """

    workload: NDArray[np.int64]
    step: NDArray[np.int64]
    value: FloatArray


def place_usage(cells: UsageCells, workload_count: int, is_whole: BoolArray) -> FloatArray:
    """Return use per workload and hour.

    0 where a workload did not run in an hour that is stored completely, between its first hour and two days
    after its last; NaN before and after, in hours that are not stored completely, and where it was not
    measured.

    Parameters
    ----------
    cells : UsageCells
    workload_count : int
    is_whole : ndarray of bool, shape (hours,)

    Returns
    -------
    ndarray of float, shape (workloads, hours)
    """
    hours = len(is_whole)
    grid = np.full((workload_count, hours), np.nan)
    first = np.full(workload_count, hours)
    last = np.full(workload_count, -1)
    np.minimum.at(first, cells.workload, cells.step)
    np.maximum.at(last, cells.workload, cells.step)
    step = np.arange(hours)
    lives = (step >= first[:, None]) & (step <= last[:, None] + _GONE_AFTER_HOURS)
    grid[lives & is_whole] = 0.0
    grid[cells.workload, cells.step] = cells.value
    return grid


_GONE_AFTER_HOURS = 47
"""A workload that has not run for two days is gone, not idle."""


def sum_groups(grid: FloatArray, group: Sequence[int], group_count: int) -> FloatArray:
    """Return the sums of groups of rows per hour; NaN in hours in which nothing of a group is known.

    Parameters
    ----------
    grid : ndarray of float, shape (n, hours)
    group : sequence of int, length n
        Group of each row; below 0 for none.
    group_count : int
    """
    member = np.asarray(group)[:, None] == np.arange(group_count)
    total: FloatArray = member.T.astype(np.float64) @ np.nan_to_num(grid)
    is_known = (member.T.astype(np.float64) @ np.isfinite(grid)) > 0
    return np.where(is_known, total, np.nan)
