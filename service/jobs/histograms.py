"""Daily histograms of one cluster-day: a pure function of files that worker processes run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from models.profiles.daily import SOURCE_COLUMNS, build_day_histograms
from warehouse.lake.observed_tables import CONTAINER_HOUR
from warehouse.lake.partition_files import StagedFile, read_partition, write_partition

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


def build_histogram_partition(task: HistogramTask) -> StagedFile:
    """Write the histograms of a cluster-day as one staged file.

    Raises
    ------
    StorageError
        If a file cannot be read or written.
    """
    rows = read_container_hours(task.files, SOURCE_COLUMNS, task.storage_options)
    partition = {"cluster": task.cluster, "day": task.day}
    histograms = build_day_histograms(rows)
    return write_partition(
        "container_histogram_day", partition, histograms, task.lake_url, task.storage_options
    )


def read_container_hours(
    files: Sequence[str], columns: Sequence[str], storage_options: Mapping[str, str]
) -> pa.Table:
    """Return rows of ``container_hour`` files as one table, text columns as dictionary codes."""
    coded = [name for name in columns if name in TEXT_COLUMNS]
    parts = list(read_partition(files, columns, dictionary_columns=coded, storage_options=storage_options))
    if not parts:
        return pa.schema([(name, CONTAINER_HOUR.columns[name]) for name in columns]).empty_table()
    return pa.concat_tables(parts)
