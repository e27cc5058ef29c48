"""Text columns of Arrow tables as integer codes, so that numpy can group by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.profiles.buckets import FloatArray, IntArray
from models.vocabulary.errors import InputError
from models.vocabulary.windows import BINS_PER_HOUR


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows grouped by some columns, groups numbered in ascending order of their texts.

    Parameters
    ----------
    code : ndarray of int, shape (rows,)
        Group of each row.
    first_row : ndarray of int, shape (groups,)
        One row of each group, the earliest in the table.
    """

    code: IntArray
    first_row: IntArray

    @property
    def count(self) -> int:
        """Number of groups."""
        return len(self.first_row)


def group_rows(table: pa.Table, columns: list[str]) -> Groups:
    """Group the rows of a table by text columns; the same texts always get the same numbers."""
    code = np.zeros(table.num_rows, dtype=np.int64)
    for name in columns:
        single, size = encode_texts(table.column(name))
        code = code * (size + 1) + single
        if size > 1:
            _, code = np.unique(code, return_inverse=True)
    _, first_row, code = np.unique(code, return_index=True, return_inverse=True)
    return Groups(code.astype(np.int64), first_row.astype(np.int64))


def encode_texts(column: pa.ChunkedArray) -> tuple[IntArray, int]:
    """Return the rank of each text among the column's texts, from 1, and how many there are; null is 0."""
    array = column.unify_dictionaries().combine_chunks()
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], array.type)
    order = pc.sort_indices(array.dictionary).to_numpy(zero_copy_only=False)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(1, len(order) + 1)
    indices = pc.fill_null(array.indices.cast(pa.int64()), len(order)).to_numpy(zero_copy_only=False)
    return np.append(rank, 0)[indices], len(order)


def read_bins(column: pa.ChunkedArray) -> tuple[IntArray, FloatArray]:
    """Return the 5-minute lists of a column as a matrix.

    Returns
    -------
    ndarray of int, shape (k,)
        Rows whose list is not null.
    ndarray of float, shape (k, 12)
        Their values, NaN where nothing was observed.

    Raises
    ------
    InputError
        If a list does not have twelve elements.
    """
    rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    flat = pc.list_flatten(column)
    if len(flat) != len(rows) * BINS_PER_HOUR:
        raise InputError("hold lists that do not have twelve 5-minute values", field="5-minute lists")
    return rows.astype(np.int64), read_floats(flat).reshape(-1, BINS_PER_HOUR)


def read_floats(column: pa.ChunkedArray | pa.Array) -> FloatArray:
    """Return a numeric column as float64 with NaN for null (the lake itself never holds NaN)."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    floats: FloatArray = array.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return floats


def null_where_nan(values: FloatArray) -> pa.Array:
    """Return an Arrow column of float64 with null in place of NaN."""
    return pa.array(values, type=pa.float64(), from_pandas=True)
