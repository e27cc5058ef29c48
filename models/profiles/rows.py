"""Stored daily histograms as numbers: codes of who and when per row, and the flat bucket counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.profiles.buckets import Buckets, FloatArray, IntArray
from models.profiles.container_day import KEY
from models.profiles.daily import STARTUP_SUFFIX, STATISTICS
from models.profiles.encoding import encode_texts, group_rows, read_floats
from models.profiles.histogram import read_percentiles

BoolArray = NDArray[np.bool_]
EPOCH = date(1970, 1, 1)
_GROUPS_AT_ONCE = 50_000
_UNKNOWN = len(STATISTICS)


@dataclass(frozen=True, eq=False)
class FlatCounts:
    """The bucket counts of some rows, one after another.

    Parameters
    ----------
    row, index : ndarray of int, shape (elements,)
        Row of `HistogramRows` and bucket of each count.
    count : ndarray of float, shape (elements,)
    """

    row: IntArray
    index: IntArray
    count: FloatArray

    def merge(self, group: IntArray, shape: tuple[int, int], weight: FloatArray | None = None) -> FloatArray:
        """Add the counts into one dense row per group.

        Parameters
        ----------
        group : ndarray of int, shape (rows,)
            Row of the result that each histogram row belongs to; negative ones are left out.
        shape : tuple of int
            Groups and buckets.
        weight : ndarray of float, shape (rows,), optional
            Multiplies the counts of each row.

        Returns
        -------
        ndarray of float, shape ``shape``
        """
        target = group[self.row]
        row, index, count = self.row, self.index, self.count
        if (group < 0).any():
            chosen = target >= 0
            target, row, index, count = target[chosen], row[chosen], index[chosen], count[chosen]
        weights = count if weight is None else count * weight[row]
        cells = np.bincount(target * shape[1] + index, weights=weights, minlength=shape[0] * shape[1])
        return cells.astype(np.float64, copy=False).reshape(shape)

    def percentile(self, group: IntArray, groups: int, probability: float, buckets: Buckets) -> FloatArray:
        """Return one percentile per group of rows, shape (groups,); NaN where nothing is known."""
        found = np.full(groups, np.nan)
        for first in range(0, groups, _GROUPS_AT_ONCE):
            size = min(_GROUPS_AT_ONCE, groups - first)
            inside = (group >= first) & (group < first + size)
            part = self.merge(np.where(inside, group - first, -1), (size, buckets.count))
            found[first : first + size] = read_percentiles(part, [probability], buckets)[:, 0]
        return found


@dataclass(frozen=True, eq=False)
class HistogramRows:
    """Rows of ``container_histogram_day`` that belong to known containers; arrays have shape (rows,).

    Parameters
    ----------
    container : ndarray of int
        Position of the container in the table that the rows were read for.
    pod, revision : ndarray of int
        Codes in the order of their texts, from 1; 0 is not known.
    day : ndarray of int
        Days since the first day of the window.
    statistic : ndarray of int
        Position in ``daily.STATISTICS``.
    is_startup : ndarray of bool
    maximum, total, samples : ndarray of float
    source : pyarrow.Table
        What the rows were read from.
    chosen : ndarray of int
        Position in ``source`` of each row.
    """

    container: IntArray
    container_count: int
    pod: IntArray
    revision: IntArray
    day: IntArray
    statistic: IntArray
    is_startup: BoolArray
    maximum: FloatArray
    total: FloatArray
    samples: FloatArray
    source: pa.Table
    chosen: IntArray

    def is_statistic(self, name: str) -> BoolArray:
        """Return which rows hold a statistic, start-up included."""
        chosen: BoolArray = self.statistic == list(STATISTICS).index(name)
        return chosen

    def texts(self, column: str, rows: IntArray) -> list[Any]:
        """Return the texts of a column for some rows."""
        found: list[Any] = self.source.column(column).take(pa.array(self.chosen[rows])).to_pylist()
        return found

    @cached_property
    def cpu(self) -> FlatCounts:
        """Bucket counts of mean CPU of 5 minutes."""
        return self._flat("cpu_mean_5m")

    @cached_property
    def memory(self) -> FlatCounts:
        """Bucket counts of the largest memory of 5 minutes."""
        return self._flat("memory_max_5m")

    @cached_property
    def _elements(self) -> tuple[IntArray, IntArray, IntArray]:
        lengths = _numbers(pc.list_value_length(self.source.column("bucket_index"))).astype(np.int64)
        position = np.full(self.source.num_rows, -1, dtype=np.int64)
        position[self.chosen] = np.arange(len(self.chosen))
        return (
            np.repeat(position, lengths),
            _numbers(pc.list_flatten(self.source.column("bucket_index"))),
            _numbers(pc.list_flatten(self.source.column("bucket_count"))),
        )

    def _flat(self, name: str) -> FlatCounts:
        row, index, count = self._elements
        wanted = np.append(self.is_statistic(name), False)[row]
        return FlatCounts(row[wanted], index[wanted].astype(np.int64), count[wanted].astype(np.float64))


def read_rows(containers: pa.Table, histograms: pa.Table, first_day: date) -> HistogramRows:
    """Return the rows of some containers as numbers; rows of others and of unknown statistics are left out.

    Parameters
    ----------
    containers : pyarrow.Table
        The key columns (``container_day.KEY``) of the containers, one row each.
    histograms : pyarrow.Table
        Columns of ``container_histogram_day``; text columns may be dictionaries.
    first_day : date
        Day 0 of the result.
    """
    container = _match_containers(containers, histograms)
    statistic, is_startup = _read_statistics(histograms.column("statistic"))
    chosen = np.flatnonzero((container >= 0) & (statistic != _UNKNOWN))
    day = _numbers(histograms.column("day").cast(pa.int32())).astype(np.int64) - (first_day - EPOCH).days

    def number(name: str) -> FloatArray:
        return read_floats(histograms.column(name))[chosen]

    return HistogramRows(
        container=container[chosen],
        container_count=containers.num_rows,
        pod=encode_texts(histograms.column("pod_uid"))[0][chosen],
        revision=encode_texts(histograms.column("revision"))[0][chosen],
        day=day[chosen],
        statistic=statistic[chosen],
        is_startup=is_startup[chosen],
        maximum=number("maximum"),
        total=number("total"),
        samples=number("sample_count"),
        source=histograms,
        chosen=chosen,
    )


def _match_containers(containers: pa.Table, histograms: pa.Table) -> IntArray:
    columns: dict[str, pa.ChunkedArray] = {}
    for name in KEY:
        parts = [_coded(containers.column(name)), _coded(histograms.column(name))]
        columns[name] = pa.chunked_array([chunk for part in parts for chunk in part.chunks])
    groups = group_rows(pa.table(columns), list(KEY))
    owner = np.full(groups.count, -1, dtype=np.int64)
    owner[groups.code[: containers.num_rows]] = np.arange(containers.num_rows)
    return owner[groups.code[containers.num_rows :]]


def _coded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    return coded.cast(pa.dictionary(pa.int32(), pa.string()))


def _read_statistics(column: pa.ChunkedArray) -> tuple[IntArray, BoolArray]:
    coded = _coded(column).unify_dictionaries().combine_chunks()
    array = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    names = [str(name) for name in array.dictionary.to_pylist()]
    known = list(STATISTICS)
    bases = [name.removesuffix(STARTUP_SUFFIX) for name in names]
    position = np.array([known.index(base) if base in known else _UNKNOWN for base in bases] + [_UNKNOWN])
    starting = np.array([name.endswith(STARTUP_SUFFIX) for name in names] + [False])
    code = _numbers(pc.fill_null(array.indices.cast(pa.int64()), len(names)))
    return position[code], starting[code]


def _numbers(array: Any) -> Any:
    flat = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return flat.to_numpy(zero_copy_only=False)
