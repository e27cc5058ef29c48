"""Rows of usage files that repeat or contradict each other, and keys that tell containers apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.files.columns import USAGE_COLUMNS
from ingest.files.reading import read_batches
from models.vocabulary.errors import InputError

Int = NDArray[np.int64]


def dictionary_column(table: pa.Table, name: str) -> pa.DictionaryArray:
    """Return a dictionary column as one array, its dictionaries unified."""
    column = table.column(name)
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.array([], column.type) if not len(column) else column.unify_dictionaries().combine_chunks()


def life_keys(pod_uid: pa.Array, container: pa.Array) -> NDArray[np.uint64]:
    """Return a 64-bit key of (pod uid, container) for each row of two dictionary columns."""
    parts = []
    for column in (pod_uid, container):
        texts = column.dictionary.to_numpy(zero_copy_only=False).astype(object)
        hashes = pd.util.hash_array(texts, categorize=False) if len(texts) else np.zeros(0, dtype=np.uint64)
        parts.append(hashes[column.indices.to_numpy()])
    return np.asarray(parts[0] * np.uint64(0x9E3779B97F4A7C15) ^ parts[1])


def seconds_of(instants: pa.Array | pa.ChunkedArray) -> Int:
    """Return instants as whole Unix seconds."""
    return np.asarray(instants.cast(pa.int64()).to_numpy() // 1_000_000)


def find_overlaps(key: NDArray[np.uint64], start: Int, seconds: Int) -> Int:
    """Return the rows whose interval begins before an earlier one of the same container has ended."""
    codes, _ = pd.factorize(key)
    order = np.argsort((codes << 34) + start, kind="stable")
    ends = (start + seconds)[order]
    same = codes[order][1:] == codes[order][:-1]
    return np.asarray(order[1:][same & (start[order][1:] < ends[:-1])])


def drop_duplicates(table: pa.Table, files: Sequence[Path]) -> pa.Table:
    """Return the rows with exact repetitions counted once.

    Raises
    ------
    InputError
        If two rows say different things about the same container at the same time.
    """
    key = life_keys(dictionary_column(table, "pod_uid"), dictionary_column(table, "container"))
    start, seconds = seconds_of(table["interval_start"]), table["interval_seconds"].to_numpy()
    if not len(find_overlaps(key, start, seconds)):
        return table
    frame = pd.DataFrame({name: _comparable(table.column(name)) for name in table.column_names})
    kept = np.flatnonzero(~frame.duplicated().to_numpy())
    clashing = find_overlaps(key[kept], start[kept], seconds[kept])
    if len(clashing):
        raise _contradiction(table, int(kept[clashing[0]]), files)
    return table.take(pa.array(kept))


def _contradiction(table: pa.Table, row: int, files: Sequence[Path]) -> InputError:
    """Return the error for a row that overlaps another; its place is looked up in the files."""
    pod, container = (str(table.column(name)[row].as_py()) for name in ("pod", "container"))
    moment = table.column("interval_start")[row]
    file, number = _locate(files, pod, container, moment)
    return InputError(
        f"overlaps another row of pod {pod}, container {container} with other values: "
        "a container has one row per interval",
        file=str(file),
        row=number,
        field="interval_start",
        value=describe_instant(int(moment.value // 1_000_000)),
    )


def _locate(files: Sequence[Path], pod: str, container: str, moment: pa.Scalar) -> tuple[Path, int | None]:
    """Return file and 1-based data row of the last row about a container at a moment."""
    place: tuple[Path, int | None] = (files[0], None)
    for file in files:
        for batch, table in read_batches(file, USAGE_COLUMNS):
            same = pc.equal(table["interval_start"], moment)
            for name, value in (("pod", pod), ("container", container)):
                same = pc.and_(same, pc.equal(table[name].cast(pa.string()), value))
            rows = np.flatnonzero(same.to_numpy())
            if len(rows):
                place = (file, batch.rows_before + int(rows[-1]) + 1)
    return place


def _comparable(column: pa.ChunkedArray) -> NDArray[np.generic]:
    if pa.types.is_dictionary(column.type):
        joined = column.unify_dictionaries().combine_chunks()
        joined = joined.chunk(0) if isinstance(joined, pa.ChunkedArray) else joined
        return np.asarray(pc.fill_null(joined.indices, -1).to_numpy())
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return np.asarray(column.to_numpy())


def describe_instant(seconds: int) -> str:
    """Return Unix seconds as RFC 3339 text."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
