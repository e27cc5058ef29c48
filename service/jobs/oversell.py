"""Peaks of one cluster's nodes, predicted and replayed: a pure function of files, for workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa

from models.oversell.calibration import HISTORY_HOURS, PeakReplay, replay_peaks
from models.oversell.peaks import FloatArray, IntArray, TaskUsage, find_alive, predict_peaks
from models.profiles.encoding import Groups, group_rows, read_bins, read_floats
from models.vocabulary.windows import HourWindow
from service.jobs.histograms import read_container_hours

_TASK = ("pod_uid", "container")
_WORKLOAD = ("namespace", "workload_kind", "workload_name", "container")
_RESOURCES = {
    "cpu": ("cpu_request_core_seconds", "cpu_limit_cores", "cpu_usage_cores_by_5m"),
    "memory": ("memory_request_byte_seconds", "memory_limit_bytes", "memory_usage_bytes_max_by_5m"),
}


@dataclass(frozen=True)
class PeakTask:
    """One cluster and resource. Picklable.

    Parameters
    ----------
    files : tuple of str
        Pinned ``container_hour`` files of the window.
    window : HourWindow
        History; the alive tasks are those of its last hour.
    resource : str
        ``cpu`` or ``memory``.
    with_peaks : bool
        False only adds up what is sold (a resource that is not oversold needs no prediction).
    """

    cluster: str
    files: tuple[str, ...]
    window: HourWindow
    resource: str
    with_peaks: bool
    storage_options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class NodePeaks:
    """Per node key: what its alive tasks were sold and are expected to use, in cores or bytes.

    ``limits`` adds up the limits that are set. ``replay`` holds past predictions beside what came; its
    ``node`` counts positions in ``node_keys``.
    """

    resource: str
    node_keys: tuple[str, ...]
    requested: FloatArray
    limits: FloatArray
    predicted: FloatArray
    replay: PeakReplay


def measure_peaks(task: PeakTask) -> NodePeaks:
    """Return sold amounts, predicted peaks and the replay of past predictions of one cluster.

    Raises
    ------
    StorageError
        If a file cannot be read.
    """
    request, limit, bins = _RESOURCES[task.resource]
    columns: tuple[str, ...] = ("hour", *_TASK, *_WORKLOAD[:3], "node_key", "running_seconds", request, limit)
    rows = read_container_hours(
        task.files, (*columns, bins) if task.with_peaks else columns, task.storage_options
    )
    hour = _hours_from(rows, task.window.start)
    inside = np.flatnonzero((hour >= 0) & (hour < task.window.hour_count))
    rows, hour = rows.take(pa.array(inside)), hour[inside]
    tasks = group_rows(rows, list(_TASK))
    nodes = group_rows(rows, ["node_key"])
    newest = _newest_rows(tasks, hour)
    usage = TaskUsage(
        *_used(rows, tasks, hour, bins if task.with_peaks else None),
        task_workload=group_rows(rows, list(_WORKLOAD)).code[newest],
        task_node=nodes.code[newest],
        task_request=_per_second(rows, request)[newest],
        hours=task.window.hour_count,
    )
    alive = np.unique(tasks.code[hour == task.window.hour_count - 1])
    limits = read_floats(rows.column(limit))[newest]
    return NodePeaks(
        resource=task.resource,
        node_keys=tuple(rows.column("node_key").take(pa.array(nodes.first_row)).to_pylist()),
        requested=_sum_by_node(usage, alive, usage.task_request, nodes.count),
        limits=_sum_by_node(usage, alive, limits, nodes.count),
        predicted=_predict(usage, nodes.count),
        replay=replay_peaks(usage),
    )


def _hours_from(rows: pa.Table, start: datetime) -> IntArray:
    seconds = rows.column("hour").combine_chunks().cast(pa.timestamp("s", "UTC")).cast(pa.int64())
    hours: IntArray = (seconds.to_numpy(zero_copy_only=False) - int(start.timestamp())) // 3600
    return hours


def _newest_rows(tasks: Groups, hour: IntArray) -> IntArray:
    order = np.lexsort((hour, tasks.code))
    last = np.searchsorted(tasks.code[order], np.arange(tasks.count), side="right") - 1
    newest: IntArray = order[last]
    return newest


def _used(
    rows: pa.Table, tasks: Groups, hour: IntArray, column: str | None
) -> tuple[IntArray, IntArray, FloatArray]:
    if column is None:
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros((0, 12))
    listed, values = read_bins(rows.column(column))
    return tasks.code[listed], hour[listed], values


def _per_second(rows: pa.Table, column: str) -> FloatArray:
    seconds = read_floats(rows.column("running_seconds"))
    return read_floats(rows.column(column)) / np.where(seconds > 0, seconds, np.nan)


def _sum_by_node(usage: TaskUsage, alive: IntArray, values: FloatArray, count: int) -> FloatArray:
    weights = np.nan_to_num(values[alive])
    return np.bincount(usage.task_node[alive], weights=weights, minlength=count).astype(np.float64)


def _predict(usage: TaskUsage, count: int) -> FloatArray:
    alive = find_alive(usage, usage.hours - 1)
    peaks = np.zeros(count)
    if len(alive):
        found = predict_peaks(usage, alive, max(usage.hours - HISTORY_HOURS, 0), usage.hours)
        peaks[: len(found)] = found
    return peaks
