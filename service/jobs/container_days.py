"""Summaries of one cluster-day of containers, for profiles: a pure function that worker processes run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.events.calendar import CalendarEvent
from models.profiles.container_day import summarise_day
from models.profiles.daily import build_day_histograms
from models.profiles.encoding import group_rows
from service.jobs.histograms import SOURCE_COLUMNS, read_container_hours

_WORKLOAD = ("namespace", "workload_kind", "workload_name")
_USAGE = frozenset(
    {
        "cpu_usage_core_seconds",
        "memory_usage_byte_seconds",
        "cpu_throttled_ratio",
        "cpu_usage_cores_by_5m",
        "cpu_usage_cores_max_1m_by_5m",
        "memory_usage_bytes_max_by_5m",
    }
)


@dataclass(frozen=True)
class ContainerDayTask:
    """One cluster-day. Picklable.

    Parameters
    ----------
    files : tuple of str
        Pinned ``container_hour`` files of the day.
    end : datetime
        Hours that end after it are left out: nothing later than the event time asked for is read.
    with_histograms : bool
        Build the day's histograms from these hours too, because the stored ones hold others.
    left_out : tuple of CalendarEvent
        Hours of these events count as not measured for the workloads that they concern.
    """

    cluster: str
    day: date
    files: tuple[str, ...]
    end: datetime
    with_histograms: bool
    left_out: tuple[CalendarEvent, ...] = ()
    storage_options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ContainerDay:
    """Summaries of a day, and its histograms where they were asked for; both carry the column ``day``."""

    summaries: pa.Table
    histograms: pa.Table | None


def summarise_partition(task: ContainerDayTask) -> ContainerDay:
    """Return one row per container of a workload.

    Raises
    ------
    StorageError
        If a file cannot be read.
    """
    rows = read_container_hours(task.files, SOURCE_COLUMNS, task.storage_options)
    rows = rows.filter(pc.less(rows.column("hour"), pa.scalar(task.end, pa.timestamp("us", "UTC"))))
    rows = leave_out_events(rows, task.cluster, task.left_out)
    histograms = _dated(build_day_histograms(rows), task.day) if task.with_histograms else None
    return ContainerDay(_dated(summarise_day(rows), task.day), histograms)


def leave_out_events(rows: pa.Table, cluster: str, events: Sequence[CalendarEvent]) -> pa.Table:
    """Return container hours without the usage of events: requests, running time, kills and restarts stay.

    Parameters
    ----------
    rows : pyarrow.Table
        Columns of ``container_hour``.
    cluster : str
    events : sequence of CalendarEvent
    """
    if not events or rows.num_rows == 0:
        return rows
    inside = np.zeros(rows.num_rows, dtype=np.bool_)
    hour = rows.column("hour").cast(pa.timestamp("s", "UTC")).cast(pa.int64()).to_numpy()
    workloads = group_rows(rows, list(_WORKLOAD))
    firsts = rows.select(list(_WORKLOAD)).take(pa.array(workloads.first_row)).to_pylist()
    for event in events:
        concerned = np.array([event.scope.covers(cluster, *row.values()) for row in firsts], dtype=np.bool_)
        window = event.window
        at = (hour >= window.start.timestamp()) & (hour < window.end.timestamp())
        inside |= at & concerned[workloads.code]
    ordinary = pa.array(~inside)
    for position, name in enumerate(rows.column_names):
        if name in _USAGE:
            column = rows.column(name)
            empty = pa.scalar(None, column.type)
            rows = rows.set_column(position, name, pc.if_else(ordinary, column, empty))
    return rows


def _dated(rows: pa.Table, day: date) -> pa.Table:
    return rows.append_column("day", pa.array([day] * rows.num_rows, pa.date32()))
