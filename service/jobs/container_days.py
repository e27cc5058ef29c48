"""Summaries of one cluster-day of containers, for profiles: a pure function that worker processes run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from models.profiles.container_day import SOURCE_COLUMNS, summarise_day
from models.profiles.daily import SOURCE_COLUMNS as HISTOGRAM_COLUMNS
from models.profiles.daily import build_day_histograms
from service.jobs.histograms import read_container_hours


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
        Build the day's histograms from these hours too, because the stored ones hold later ones.
    """

    cluster: str
    day: date
    files: tuple[str, ...]
    end: datetime
    with_histograms: bool
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
    columns = tuple(dict.fromkeys((*SOURCE_COLUMNS, *HISTOGRAM_COLUMNS)))
    rows = read_container_hours(task.files, columns, task.storage_options)
    rows = rows.filter(pc.less(rows.column("hour"), pa.scalar(task.end, pa.timestamp("us", "UTC"))))
    histograms = _dated(build_day_histograms(rows), task.day) if task.with_histograms else None
    return ContainerDay(_dated(summarise_day(rows), task.day), histograms)


def _dated(rows: pa.Table, day: date) -> pa.Table:
    return rows.append_column("day", pa.array([day] * rows.num_rows, pa.date32()))
