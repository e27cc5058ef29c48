"""A history's day summaries and histograms as the daily use that statistics and back-tests read."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.profiles.buckets import CPU_BUCKETS, MEMORY_BUCKETS, Buckets, FloatArray, IntArray
from models.profiles.container_day import KEY
from models.profiles.daily import STARTUP_SUFFIX
from models.profiles.encoding import group_rows, read_floats
from models.profiles.histogram import merge_lists
from models.vocabulary.identity import ContainerKey, WorkloadKey
from recommender.basis_use import CountArray, DailyUse
from service.usecases.profiles import History

_CPU, _MEMORY = "cpu_mean_5m", "memory_max_5m"
_KEY_SCHEMA = pa.schema([(name, pa.string()) for name in KEY])
_EPOCH = date(1970, 1, 1)


def daily_use(history: History, *, with_memory_counts: bool = False) -> DailyUse:
    """Return the use of each container per day, from its day summaries and histograms.

    Parameters
    ----------
    history : History
    with_memory_counts : bool
        Memory samples per bucket too, which only the back-test of other systems' rules reads.
    """
    day_count = len(list(history.window.days()))
    summaries, histograms = history.summaries, history.histograms
    statistic = histograms.column("statistic")
    lists = ["bucket_index", "bucket_count"]
    cpu = histograms.select([*KEY, "day", *lists]).filter(_is_one_of(statistic, _CPU))
    read = [*KEY, "day", "maximum", *(lists if with_memory_counts else ())]
    memory = histograms.select(read).filter(_is_one_of(statistic, _MEMORY))
    tables = (summaries, cpu, memory)
    keys = [table.select(list(KEY)).cast(_KEY_SCHEMA) for table in tables]
    groups = group_rows(pa.concat_tables(keys), list(KEY))
    day = np.concatenate([_day_numbers(table) for table in tables]) - _day_number(history.window.start.date())
    edges = np.cumsum([table.num_rows for table in tables])[:-1]
    summary_cell, cpu_cell, memory_cell = np.split(groups.code * day_count + day, edges)
    shape = (groups.count, day_count)
    seconds = read_floats(summaries.column("running_seconds"))
    return DailyUse(
        cpu_counts=_counted(cpu, cpu_cell, shape, CPU_BUCKETS),
        memory_maxima=_largest(memory_cell, read_floats(memory.column("maximum")), shape),
        cpu_requests=_placed(summary_cell, read_floats(summaries.column("cpu_request_cores")), shape),
        memory_requests=_placed(summary_cell, read_floats(summaries.column("memory_request_bytes")), shape),
        replicas=_placed(summary_cell, seconds / 86_400.0, shape),
        memory_oom_bytes=_placed(summary_cell, read_floats(summaries.column("memory_oom_bytes_max")), shape),
        first_weekday=history.window.start.weekday(),
        memory_counts=_counted(memory, memory_cell, shape, MEMORY_BUCKETS) if with_memory_counts else None,
    )


def list_keys(history: History, cluster: str) -> list[ContainerKey]:
    """Return the container of each row of the daily use: all that have a summary or a histogram, in order."""
    names = list(KEY)
    parts = [table.select(names).cast(_KEY_SCHEMA) for table in (history.summaries, history.histograms)]
    rows = pa.concat_tables(parts).group_by(names).aggregate([])
    ordered = rows.sort_by([(name, "ascending") for name in names]).select(names).to_pylist()
    return [
        ContainerKey(
            WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"]),
            row["container"],
        )
        for row in ordered
    ]


def _counted(table: pa.Table, cell: IntArray, shape: tuple[int, int], buckets: Buckets) -> CountArray:
    counts: CountArray = merge_lists(
        table.column("bucket_index"),
        table.column("bucket_count"),
        cell,
        (shape[0] * shape[1], buckets.count),
        is_single=True,
    )
    return counts.reshape(*shape, buckets.count)


def _largest(cell: IntArray, values: FloatArray, shape: tuple[int, int]) -> FloatArray:
    best = np.full(shape[0] * shape[1], np.nan)
    np.fmax.at(best, cell, values)
    return best.reshape(shape)


def _placed(cell: IntArray, values: FloatArray, shape: tuple[int, int]) -> FloatArray:
    placed = np.full(shape[0] * shape[1], np.nan)
    placed[cell] = values
    return placed.reshape(shape)


def _is_one_of(statistic: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Say which rows are of a statistic, its start-up part included."""
    names = [name, f"{name}{STARTUP_SUFFIX}"]
    return pc.is_in(statistic.cast(pa.string()), pa.array(names))


def _day_numbers(table: pa.Table) -> IntArray:
    days: IntArray = table.column("day").cast(pa.int32()).to_numpy().astype(np.int64)
    return days


def _day_number(day: date) -> int:
    return (day - _EPOCH).days
