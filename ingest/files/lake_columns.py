"""Columns that all hour tables of files share, and a hash of the rows of each hour."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from models.vocabulary.windows import BINS_PER_HOUR
from warehouse.lake.declaration import INSTANT
from warehouse.lake.tables import TABLES

Int = NDArray[np.int64]
Float = NDArray[np.float64]
_DAY = 86_400


def dictionary_of(codes: Int, names: pa.Array) -> pa.Array:
    """Return a dictionary column of codes into texts; -1 and codes of null texts are null."""
    if names.null_count:
        # Arrow cannot unify dictionaries that hold a null
        is_null = names.is_null().to_numpy(zero_copy_only=False)
        codes, names = np.where((codes >= 0) & is_null[codes], -1, codes), names.fill_null("")
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, names.cast(pa.string()))


def hour_columns(cluster: str, hour: Int) -> dict[str, pa.Array]:
    """Return cluster, day and hour of rows whose hours are given in Unix seconds."""
    return {
        "cluster": dictionary_of(np.zeros(len(hour), dtype=np.int64), pa.array([cluster])),
        "day": pa.array((hour // _DAY).astype(np.int32)).cast(pa.date32()),
        "hour": pa.array(hour * 1_000_000).cast(INSTANT),
    }


def arrange(table: str, columns: Mapping[str, pa.Array]) -> pa.Table:
    """Return the columns in the order in which the lake declares them."""
    names = [name for name in TABLES[table].columns if name in columns]
    return pa.table({name: columns[name] for name in names})


def hash_by_hour(table: pa.Table, hour: Int) -> dict[int, int]:
    """Return the sum of row hashes of each hour: equal rows, in any order, give an equal number."""
    if not table.num_rows:
        return {}
    total = np.zeros(table.num_rows, dtype=np.uint64)
    for number, name in enumerate(table.column_names):
        total = (total ^ _cell_hashes(table.column(name))) * np.uint64(0x9E3779B97F4A7C15 + 2 * number)
        total ^= total >> np.uint64(29)
    code, unique = pd.factorize(hour)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(unique)))
    sums = np.add.reduceat(total[order], starts)
    return dict(zip(unique.tolist(), sums.tolist(), strict=True))


def _cell_hashes(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    joined = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_string(joined.type):
        joined = joined.dictionary_encode()
    if pa.types.is_dictionary(joined.type):
        texts = joined.dictionary.to_numpy(zero_copy_only=False).astype(object)
        hashes = np.append(pd.util.hash_array(texts, categorize=False), np.uint64(0)) if len(texts) else [0]
        codes: Int = joined.indices.fill_null(len(texts)).to_numpy().astype(np.int64)
        of_texts: NDArray[np.uint64] = np.asarray(hashes, dtype=np.uint64)
        return of_texts[codes]
    if pa.types.is_list(joined.type):
        flat = np.nan_to_num(joined.values.to_numpy(zero_copy_only=False), nan=-1.0).astype(np.float32)
        bits = flat.view(np.uint32).reshape(-1, BINS_PER_HOUR).astype(np.uint64)
        weights = np.arange(1, 2 * BINS_PER_HOUR, 2, dtype=np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
        return np.asarray(np.sum(bits * weights, axis=1))
    if pa.types.is_timestamp(joined.type):
        joined = joined.cast(pa.int64())
    numbers = np.nan_to_num(
        joined.cast(pa.int32()).to_numpy() if pa.types.is_date(joined.type) else _floats(joined), nan=-1.0
    )
    return np.asarray(numbers.astype(np.float64).view(np.uint64), dtype=np.uint64)


def _floats(joined: pa.Array) -> Float:
    return np.asarray(joined.to_numpy(zero_copy_only=False), dtype=np.float64)
