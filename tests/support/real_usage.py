"""Recorded use of real machines and containers as daily use: what the back-test is judged on.

Azure V1 and Bitbrains are virtual machines with CPU alone, the resource pools have CPU and memory, the
OpenShift containers have CPU, memory and their own requests. Licences stand beside the files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from support.daily_use import from_samples

from models.profiles.buckets import FloatArray
from recommender.basis_use import DailyUse

AZURE_CORES = 4.0
_POOL_CPU_UNITS_PER_CORE = 200.0
_POOL_MEMORY_UNIT_BYTES = 1e7
_POOL_PROVISIONED = 1.3
_LONGEST_GAP_BINS = 12
_SHORTEST_DAYS = 10


def read_azure(folder: Path) -> DailyUse:
    """50 virtual machines, mean of 5 minutes, each taken to have 4 cores."""
    percent = pd.read_parquet(folder / "usage" / "azure_v1_avg_vm00_49.parquet").reset_index(drop=True)
    percent.index = pd.date_range("2016-11-16", periods=len(percent), freq="5min")
    cpu = _days(percent, "5min") / 100 * AZURE_CORES
    return _cpu_only(cpu, np.full(cpu.shape[0], AZURE_CORES))


def read_bitbrains(folder: Path) -> DailyUse:
    """50 virtual machines of Bitbrains; CPU in MHz becomes cores of the machine's own clock."""
    trace = pd.read_parquet(folder / "usage" / "opendc_bitbrains_small_trace.parquet")
    machines = pd.read_parquet(folder / "usage" / "opendc_bitbrains_small_meta.parquet").set_index("id")
    series = {}
    for name, rows in trace.groupby("id"):
        clock = machines.cpu_capacity[name] / machines.cpu_count[name]
        series[name] = _spread(rows, rows.cpu_usage.to_numpy() / clock)
    grid = pd.DataFrame(series)
    grid = grid[grid.index >= grid.index.max() - pd.Timedelta("30D")]
    grid = grid.reindex(pd.date_range(grid.index.min(), grid.index.max(), freq="5min"))
    cores = machines.cpu_count.loc[grid.columns].to_numpy(dtype=np.float64)
    return _cpu_only(_days(grid, "5min"), cores)


def read_pools(folder: Path) -> DailyUse:
    """21 resource pools with CPU and memory; provisioned is taken to be 1.3 times the largest use."""
    rows = pd.read_parquet(folder / "usage" / "pools_dev_aug01_23.parquet")
    rows["ts"] = rows.ts.dt.round("5min")
    cpu = _days(rows.pivot_table(index="ts", columns="cluster", values="cpu"), "5min")
    memory = _days(rows.pivot_table(index="ts", columns="cluster", values="mem"), "5min")
    cpu, memory = cpu / _POOL_CPU_UNITS_PER_CORE, memory * _POOL_MEMORY_UNIT_BYTES
    return from_samples(
        cpu,
        _day_maxima(memory),
        cpu_request=np.nanmax(cpu, axis=(1, 2))[:, None] * _POOL_PROVISIONED,
        memory_request=np.nanmax(memory, axis=(1, 2))[:, None] * _POOL_PROVISIONED,
    )


def read_openshift(folder: Path) -> DailyUse:
    """13 containers of OpenShift every 15 minutes, with the requests that were in force."""
    rows = pd.read_parquet(folder / "usage" / "openshift_containers_15min.parquet")
    rows["ts"] = rows.ts.dt.tz_localize(None).dt.floor("15min")
    names = [rows.series.astype(str), rows.container_name.astype(str)]
    series = [_openshift_series(own) for _, own in rows.groupby(names)]
    kept = [one for one in series if one.shape[1] >= _SHORTEST_DAYS]
    longest = max(one.shape[1] for one in kept)
    # The series were recorded at different times of 2023: they are laid beside each other by their ends.
    grid = np.full((4, len(kept), longest, kept[0].shape[2]), np.nan)
    for row, one in enumerate(kept):
        grid[:, row, longest - one.shape[1] :] = one
    return from_samples(
        grid[0],
        _day_maxima(grid[1]),
        cpu_request=_day_maxima(grid[2]),
        memory_request=_day_maxima(grid[3]),
    )


def _openshift_series(rows: pd.DataFrame) -> FloatArray:
    """Return CPU, memory and both requests of one container, shape (4, days, samples of a day)."""
    table = rows.groupby("ts").agg(
        cpu=("cpu_usage_container_avg", "mean"),
        memory=("memory_usage_container_max", "max"),
        cpu_request=("cpu_request_container_avg", "mean"),
        memory_request=("memory_request_container_avg", "mean"),
    )
    span = pd.date_range(table.index.min().floor("D"), table.index.max(), freq="15min")
    return _days(table.reindex(span), "15min")


READERS: dict[str, Callable[[Path], DailyUse]] = {
    "azure": read_azure,
    "bitbrains": read_bitbrains,
    "pools": read_pools,
    "openshift": read_openshift,
}


def _spread(rows: pd.DataFrame, cores: FloatArray) -> pd.Series:
    """Return run-length fragments as one value every 5 minutes; gaps stay gaps."""
    bins = np.clip(np.round(rows.duration.to_numpy() / 300_000).astype(np.int64), 1, _LONGEST_GAP_BINS)
    end = rows.timestamp.dt.tz_localize(None).dt.floor("5min").to_numpy()
    back = np.concatenate([np.arange(count) for count in bins])
    at = np.repeat(end, bins) - back * np.timedelta64(5, "m")
    series = pd.Series(np.repeat(cores, bins), index=pd.DatetimeIndex(at))
    return series[~series.index.duplicated()].sort_index()


def _days(grid: pd.DataFrame, every: str) -> FloatArray:
    """Return whole days of a grid of time by series, shape (series, days, samples)."""
    first = grid.index.min().ceil("D")
    span = pd.date_range(first, grid.index.max().floor("D"), freq=every, inclusive="left")
    samples = int(pd.Timedelta("1D") / pd.Timedelta(every))
    values = grid.reindex(span).to_numpy(dtype=np.float64).T
    return values.reshape(grid.shape[1], -1, samples)


def _day_maxima(values: FloatArray) -> FloatArray:
    best = np.where(np.isnan(values), -np.inf, values).max(axis=2)
    return np.where(np.isfinite(best), best, np.nan)


def _cpu_only(cpu: FloatArray, cores: FloatArray) -> DailyUse:
    nothing = np.full(cpu.shape[:2], np.nan)
    return from_samples(cpu, nothing, cpu_request=cores[:, None], memory_request=np.nan)
