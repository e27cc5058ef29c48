"""Daily histograms and summaries of one cluster-day: a pure function of files that worker processes run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from models.profiles.container_day import SOURCE_COLUMNS as SUMMARY_COLUMNS
from models.profiles.container_day import summarise_day
from models.profiles.daily import SOURCE_COLUMNS as HISTOGRAM_COLUMNS
from models.profiles.daily import build_day_histograms
from warehouse.lake.observed_tables import CONTAINER_HOUR
from warehouse.lake.partition_files import StagedFile, read_partition, write_partition

HISTOGRAMS = "container_histogram_day"
SUMMARIES = "container_day"
SOURCE_COLUMNS = tuple(dict.fromkeys((*SUMMARY_COLUMNS, *HISTOGRAM_COLUMNS)))
"""Columns of ``container_hour`` that both tables are built from."""

TEXT_COLUMNS = (
    "namespace",
    "workload_kind",
    "workload_name",
    "revision",
    "pod_uid",
    "container",
    "container_kind",
    "node_key",
)


@dataclass(frozen=True)
class HistogramTask:
    """One cluster-day. Picklable.

    Parameters
    ----------
    files : tuple of str
        Pinned ``container_hour`` files of the day, from ``Lake.files``.
    lake_url, storage_options
        Where the result goes.
    """

    cluster: str
    day: date
    files: tuple[str, ...]
    lake_url: str
    storage_options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BuiltDay:
    """Staged files of one cluster-day. Picklable."""

    histograms: StagedFile
    summaries: StagedFile


def build_histogram_partition(task: HistogramTask) -> BuiltDay:
    """Write histograms and summaries of a cluster-day as staged files.

    Raises
    ------
    StorageError
        If a file cannot be read or written.
    """
    rows = read_container_hours(task.files, SOURCE_COLUMNS, task.storage_options)
    partition = {"cluster": task.cluster, "day": task.day}
    built = {HISTOGRAMS: build_day_histograms(rows), SUMMARIES: summarise_day(rows)}
    staged = {
        table: write_partition(table, partition, part, task.lake_url, task.storage_options)
        for table, part in built.items()
    }
    return BuiltDay(staged[HISTOGRAMS], staged[SUMMARIES])


def read_container_hours(
    files: Sequence[str], columns: Sequence[str], storage_options: Mapping[str, str]
) -> pa.Table:
    """Return rows of ``container_hour`` files as one table, text columns as dictionary codes."""
    coded = [name for name in columns if name in TEXT_COLUMNS]
    parts = list(read_partition(files, columns, dictionary_columns=coded, storage_options=storage_options))
    if not parts:
        return pa.schema([(name, CONTAINER_HOUR.columns[name]) for name in columns]).empty_table()
    return pa.concat_tables(parts)
