"""Real hourly series: CPU of virtual machines, CPU and memory of resource pools."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def azure_hours(data: Path) -> FloatArray:
    """Return hourly mean CPU of 50 virtual machines, shape (50, hours)."""
    values = pd.read_parquet(data / "usage" / "azure_v1_avg_vm00_49.parquet").to_numpy(dtype=np.float64).T
    hours = values.shape[1] // 12
    return values[:, : hours * 12].reshape(len(values), hours, 12).mean(axis=2)


def pool_hours(data: Path, measure: str = "cpu") -> FloatArray:
    """Return hourly mean CPU (or ``mem``) of 21 resource pools, shape (21, hours)."""
    rows = pd.read_parquet(data / "usage" / "pools_dev_aug01_23.parquet")
    table = rows.assign(hour=rows["ts"].dt.floor("h")).pivot_table(
        index="cluster", columns="hour", values=measure, aggfunc="mean"
    )
    return table.to_numpy(dtype=np.float64)


def bitbrains_hours(data: Path) -> FloatArray:
    """Return hourly mean CPU of 50 virtual machines that burst, shape (50, 720); NaN where none is known."""
    rows = pd.read_parquet(data / "usage" / "opendc_bitbrains_small_trace.parquet")
    first = rows["timestamp"].min().floor("h")
    grids = []
    for _, one in rows.groupby("id"):
        end = ((one["timestamp"] - first) / pd.Timedelta("5min")).astype(int).to_numpy()
        steps = np.maximum((one["duration"] / 300_000).round().astype(int).to_numpy(), 1)
        grid = np.full(721 * 12, np.nan)
        for last, count, value in zip(end, steps, one["cpu_usage"].to_numpy(), strict=True):
            grid[max(last - count + 1, 0) : last + 1] = value
        grids.append(grid[: 720 * 12].reshape(720, 12))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an hour of which nothing is known has no mean
        return np.nanmean(np.stack(grids), axis=2)


def naive_wape(series: FloatArray, horizon: int, period: int, *, first: int = 168) -> float:
    """Return the summed error of repeating the last ``period`` steps, daily origins, over what was there."""
    missed = there = 0.0
    for origin in range(first, series.shape[1] - horizon + 1, 24):
        past = series[:, origin - period : origin]
        guess = np.tile(past, -(-horizon // period))[:, :horizon]
        truth = series[:, origin : origin + horizon]
        known = np.isfinite(guess) & np.isfinite(truth)
        missed += float(np.abs(guess - truth)[known].sum())
        there += float(np.abs(truth)[known].sum())
    return missed / there
