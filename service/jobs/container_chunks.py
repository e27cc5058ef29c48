"""Reading a cluster-day's container-hours in chunks that hold whole hours, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from service.jobs.node_hours import HOUR_MICROSECONDS, HourSlots, constant, floats, take_codes
from warehouse.lake.partition_files import read_partition

CONTAINER_COLUMNS = (
    "hour",
    "node_key",
    "pod_uid",
    "container",
    "namespace",
    "workload_kind",
    "workload_name",
    "cpu_request_core_seconds",
    "cpu_usage_core_seconds",
    "memory_request_byte_seconds",
    "memory_usage_byte_seconds",
    "gpu_request_seconds",
)
CODED_COLUMNS = ("node_key", "pod_uid", "container", "namespace", "workload_kind", "workload_name")
POD_COLUMNS = ("hour", "pod_uid", "label_set_id")
LARGEST_CHUNK_ROWS = 1_200_000
"""Rows held at once (about 250 MB with what is computed from them)."""

Hours = npt.NDArray[np.int64]


def container_chunks(files: Sequence[str], storage_options: Mapping[str, str]) -> Iterator[pa.Table]:
    """Yield the container-hours of a cluster-day; every hour lies in one chunk.

    A day of up to ``LARGEST_CHUNK_ROWS`` rows is one chunk. A larger one is read file by file where files
    hold whole hours (before compaction), else once per group of hours.

    Parameters
    ----------
    files : sequence of str
        From ``Lake.files("container_hour", ...)``.
    storage_options : mapping
        As in ``WarehouseLocation``.
    """
    whole = _read_small(files, storage_options)
    if whole is not None:
        yield from [whole] if whole.num_rows else []
        return
    for group in _groups_by_hour(files, storage_options):
        part = _read_small(group, storage_options)
        if part is None:
            yield from _chunks_of_hours(group, storage_options)
        elif part.num_rows:
            yield part


def _read_small(files: Sequence[str], options: Mapping[str, str]) -> pa.Table | None:
    """Return all rows of the files, or None if they are more than a chunk holds."""
    tables: list[pa.Table] = []
    row_count = 0
    for rows in _read_containers(files, options):
        row_count += rows.num_rows
        if row_count > LARGEST_CHUNK_ROWS:
            return None
        tables.append(rows)
    return joined(tables) if tables else pa.table({})


def _chunks_of_hours(files: Sequence[str], options: Mapping[str, str]) -> Iterator[pa.Table]:
    for hours in _packed_hours(files, options):
        chosen = pa.array(hours, pa.timestamp("us", tz="UTC"))
        yield joined(
            rows.filter(pc.is_in(rows.column("hour"), chosen)) for rows in _read_containers(files, options)
        )


def _packed_hours(files: Sequence[str], options: Mapping[str, str]) -> list[list[int]]:
    counts: dict[int, int] = {}
    for rows in read_partition(files, ["hour"], storage_options=options):
        hours, sizes = np.unique(hour_values(rows), return_counts=True)
        for hour, size in zip(hours.tolist(), sizes.tolist(), strict=True):
            counts[hour] = counts.get(hour, 0) + size
    packs: list[list[int]] = []
    filled = 0
    for hour in sorted(counts):
        if not packs or filled + counts[hour] > LARGEST_CHUNK_ROWS:
            packs.append([])
            filled = 0
        packs[-1].append(hour)
        filled += counts[hour]
    return packs


def _read_containers(files: Sequence[str], options: Mapping[str, str]) -> Iterator[pa.Table]:
    return read_partition(files, CONTAINER_COLUMNS, dictionary_columns=CODED_COLUMNS, storage_options=options)


def joined(tables: Iterable[pa.Table]) -> pa.Table:
    """Return the tables as one whose columns are single arrays with one dictionary each."""
    found = list(tables)
    if len(found) == 1 and all(column.num_chunks <= 1 for column in found[0].columns):
        return found[0]
    return pa.concat_tables(found).unify_dictionaries().combine_chunks()


def hour_values(rows: pa.Table) -> Hours:
    """Return the ``hour`` column as microseconds since 1970."""
    hours: Hours = rows.column("hour").cast(pa.int64()).to_numpy()
    return hours


def _groups_by_hour(files: Sequence[str], options: Mapping[str, str]) -> list[list[str]]:
    """Group files that share an hour, oldest first."""
    ranges = sorted((*_hour_range(file, options), file) for file in files)
    groups: list[list[str]] = []
    last = -1
    for first_hour, last_hour, file in ranges:
        if not groups or first_hour > last:
            groups.append([])
        groups[-1].append(file)
        last = max(last, last_hour)
    return groups


def _hour_range(file: str, options: Mapping[str, str]) -> tuple[int, int]:
    lowest, highest = np.iinfo(np.int64).max, -1
    for rows in read_partition([file], ["hour"], storage_options=options):
        hours = hour_values(rows)
        if len(hours):
            lowest, highest = min(lowest, int(hours.min())), max(highest, int(hours.max()))
    return lowest, highest


@dataclass(frozen=True)
class PodFacts:
    """Per container row: its pod's label set and, where asked for, for how long the pod was scheduled."""

    label_set: pa.DictionaryArray
    scheduled_seconds: npt.NDArray[np.float64] | None


class PodHours:
    """Pod-hours of a cluster-day, looked up for the container rows of a chunk.

    Parameters
    ----------
    files : sequence of str
        From ``Lake.files("pod_hour", ...)``.
    storage_options : mapping
    """

    def __init__(self, files: Sequence[str], storage_options: Mapping[str, str]) -> None:
        self._files = list(files)
        self._options = storage_options
        self._ranges: list[tuple[str, int, int]] = []

    def facts(self, pod_uid: pa.DictionaryArray, hours: HourSlots, *, with_seconds: bool) -> PodFacts:
        """Return the facts of each row of (pod uid, hour); unknown pods have null labels and NaN seconds."""
        pods = self._read(hours, ("scheduled_seconds",) if with_seconds else ())
        if pods is None:
            count = len(hours.slots)
            return PodFacts(constant(None, count), np.full(count, np.nan) if with_seconds else None)
        known = single(pods.column("pod_uid"))
        row = _last_rows(known, hour_values(pods), hours)
        codes = pc.index_in(pod_uid.dictionary, known.dictionary).fill_null(len(known.dictionary))
        first_row = codes.to_numpy().astype(np.int64) * hours.count
        row = row.take(first_row.take(pod_uid.indices.to_numpy()) + hours.slots)
        labels = single(pods.column("label_set_id"))
        if not with_seconds:
            return PodFacts(take_codes(labels, row), None)
        return PodFacts(
            take_codes(labels, row), np.append(floats(pods.column("scheduled_seconds")), np.nan)[row]
        )

    def _read(self, hours: HourSlots, more_columns: Sequence[str]) -> pa.Table | None:
        files = self._files if hours.count >= _MOST_HOURS else self._files_of(hours)
        tables = list(
            read_partition(
                files,
                (*POD_COLUMNS, *more_columns),
                dictionary_columns=("pod_uid", "label_set_id"),
                storage_options=self._options,
            )
        )
        return joined(tables) if tables else None

    def _files_of(self, hours: HourSlots) -> list[str]:
        if len(self._files) < 2:
            return self._files
        if not self._ranges:
            self._ranges = [(file, *_hour_range(file, self._options)) for file in self._files]
        return [file for file, low, high in self._ranges if low <= hours.last and high >= hours.first]


_MOST_HOURS = 20
"""From so many of a day's hours on, looking which files hold them costs more than reading all."""


def _last_rows(pod_uid: pa.DictionaryArray, pod_hours: Hours, hours: HourSlots) -> npt.NDArray[np.int64]:
    """Return the row of each (pod code, hour slot), -1 where there is none; a last pod has none at all."""
    position = np.full((len(pod_uid.dictionary) + 1) * hours.count, -1, dtype=np.int64)
    slot = (pod_hours - hours.first) // HOUR_MICROSECONDS
    place = pod_uid.indices.to_numpy() * np.int64(hours.count) + slot
    if len(slot) and (slot.min() < 0 or slot.max() >= hours.count):
        inside = np.flatnonzero((slot >= 0) & (slot < hours.count))
        position[place[inside]] = inside
    else:
        position[place] = np.arange(len(place))
    return position


def single(column: pa.ChunkedArray) -> pa.Array:
    """Return a column of ``joined`` as its one array."""
    if column.num_chunks == 1:
        return column.chunk(0)
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined
