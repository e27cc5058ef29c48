"""Arrow columns of lake tables from numpy matrices of objects and hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.assembly.frames import Axis, Floats, Integers
from models.vocabulary.windows import BINS_PER_HOUR
from warehouse.lake.declaration import BINS, LakeTable

_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Cells:
    """The (object, hour) cells that become rows, in order of hour, then object.

    Parameters
    ----------
    rows, hours : array of int, shape (R,)
        Object and hour index of each cell.
    """

    rows: Integers
    hours: Integers

    def pick(self, matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the cells of a matrix (objects, hours)."""
        return matrix[self.rows, self.hours]

    def repeat(self, values: Sequence[str | None]) -> pa.Array:
        """Return a text per object as a column; absent texts are null."""
        return pa.array(values, pa.string()).take(pa.array(self.rows))

    def pick_bins(self, bins: Floats) -> pa.Array:
        """Return 12-element lists from a matrix (objects, 12 H); a list without any value is null."""
        by_hour = bins.reshape(len(bins), -1, BINS_PER_HOUR)[self.rows, self.hours]
        return to_bin_lists(by_hour)


def choose_cells(keep: npt.NDArray[np.bool_]) -> Cells:
    """Return the cells that a mask (objects, hours) keeps."""
    hours, rows = np.nonzero(keep.T)
    return Cells(rows.astype(np.int64), hours.astype(np.int64))


def to_bin_lists(values: Floats) -> pa.Array:
    """Return a column of 12-element lists from a matrix (rows, 12); NaN becomes null."""
    flat = values.reshape(-1).astype(np.float32)
    missing = np.isnan(flat)
    offsets = np.arange(len(values) + 1, dtype=np.int32) * BINS_PER_HOUR
    lists = pa.ListArray.from_arrays(
        pa.array(offsets),
        pa.array(flat, mask=missing),
        mask=pa.array(missing.reshape(values.shape).all(axis=1)),
    )
    return lists.cast(BINS)


def to_numbers(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Return numbers as a column of a type; NaN and infinities become null."""
    numbers = np.asarray(values, dtype=np.float64)
    missing = ~np.isfinite(numbers)
    whole = np.where(missing, 0.0, numbers)
    if pa.types.is_integer(kind):
        return pa.array(np.rint(whole).astype(np.int64), mask=missing).cast(kind)
    return pa.array(whole, mask=missing).cast(kind)


def build_table(
    table: LakeTable, cluster: str, axis: Axis, cells: Cells, columns: Mapping[str, Any]
) -> pa.Table:
    """Return rows of an hour table; columns that are not given are null.

    Parameters
    ----------
    table : LakeTable
        A table with the columns cluster, day and hour.
    columns : mapping of str to numpy array or Arrow array
        One value per cell. Numpy arrays of numbers have NaN for null.
    """
    micros = (axis.hour_starts[cells.hours] * _MICROSECONDS).astype(np.int64)
    hours = pa.array(micros, pa.timestamp("us", tz="UTC"))
    given: dict[str, Any] = {
        "cluster": pa.repeat(pa.scalar(cluster), len(cells.rows)),
        "day": hours.cast(pa.date32()),
        "hour": hours,
        **columns,
    }
    schema = table.schema
    arrays = []
    for column in schema:
        values = given.get(column.name)
        if values is None:
            values = pa.nulls(len(cells.rows), column.type)
        elif isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
            values = to_numbers(values, column.type)
        elif isinstance(values, np.ndarray):
            values = pa.array(values.tolist(), column.type)
        arrays.append(values.cast(column.type) if values.type != column.type else values)
    return pa.Table.from_arrays(arrays, schema=schema)


def sort_by_key(table: LakeTable, rows: pa.Table) -> pa.Table:
    """Return rows in the order of the table's key, so that equal content has equal bytes."""
    return rows.sort_by([(name, "ascending") for name in table.key])
