"""Identity for pods of files without uids: the same pod on the same node until it was unseen for a while."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

GAP_SECONDS = 3600
"""A pod unseen for longer is taken for another one of the same name."""

_IDENTITY = ("cluster", "namespace", "pod", "node")
_BIN_SECONDS = 300


def write_with_uids(source: Path, target: Path) -> None:
    """Write the rows of a checked Parquet file with ``pod_uid`` filled where it is null.

    The uid is a hash of cluster, namespace, pod, node and the first 5-minute bin after a gap (DESIGN 4), so
    another file about the same pods gives the same uids.
    """
    table = pq.read_table(source, columns=[*_IDENTITY, "interval_start", "interval_seconds"])
    names = np.zeros(table.num_rows, dtype=np.int64)
    for name in _IDENTITY:
        codes, unique = pd.factorize(table.column(name).cast(pa.string()).to_numpy(zero_copy_only=False))
        names, _ = pd.factorize(names * len(unique) + codes)
    start = table.column("interval_start").cast(pa.int64()).to_numpy() // 1_000_000
    end = start + table.column("interval_seconds").to_numpy()
    uids, codes_of_rows = _uids(table.select(list(_IDENTITY)), names, start, end)
    _rewrite(source, target, uids, codes_of_rows)


def _uids(
    identity: pa.Table, names: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.int64]]:
    """Return the uids of the runs of all pods, and the run of each row."""
    order = np.lexsort((start, names))
    sorted_names, sorted_start = names[order], start[order]
    last_end = _running_end(sorted_names, end[order])
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (sorted_names[1:] != sorted_names[:-1]) | (sorted_start[1:] - last_end[:-1] > GAP_SECONDS)
    runs = np.cumsum(is_first) - 1
    firsts = order[is_first]
    rows = identity.take(pa.array(firsts)).to_pylist()
    uids = [
        _uid([str(row[name]) for name in _IDENTITY], int(start[position]))
        for row, position in zip(rows, firsts, strict=True)
    ]
    of_rows = np.empty(len(order), dtype=np.int64)
    of_rows[order] = runs
    return uids, of_rows


def _running_end(names: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the latest end so far within each name; names are sorted."""
    offset = names * (int(end.max(initial=0)) + 1)
    return np.asarray(np.maximum.accumulate(end + offset) - offset)


def _uid(identity: list[str], start: int) -> str:
    text = "\x00".join([*identity, str(start // _BIN_SECONDS * _BIN_SECONDS)])
    return f"file-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def _rewrite(source: Path, target: Path, uids: list[str], codes: NDArray[np.int64]) -> None:
    dictionary = pa.array(uids)
    begin = 0
    writer: pq.ParquetWriter | None = None
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(batch_size=1 << 19):
            table = pa.Table.from_batches([batch])
            mine = codes[begin : begin + table.num_rows]
            begin += table.num_rows
            made = pa.DictionaryArray.from_arrays(pa.array(mine.astype(np.int32)), dictionary)
            table = _with_uid_column(table, made.cast(pa.string()))
            if writer is None:
                writer = pq.ParquetWriter(target, table.schema, compression="lz4")
            writer.write_table(table)
    if writer is not None:
        writer.close()


def _with_uid_column(table: pa.Table, made: pa.Array) -> pa.Table:
    if "pod_uid" not in table.column_names:
        return table.append_column("pod_uid", made)
    given = table.column("pod_uid").cast(pa.string()).combine_chunks()
    given = given.chunk(0) if isinstance(given, pa.ChunkedArray) else given
    filled = pa.compute.if_else(given.is_valid(), given, made)
    return table.set_column(table.column_names.index("pod_uid"), "pod_uid", filled)
