"""What a lake table is: grain, key, partitions and typed columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(18, 9)
"""Cost terms of one row: nine decimals that fit 64 bits, so files stay small. Sums are DECIMAL(38,9)."""
PRICE = pa.decimal128(18, 9)
BINS = pa.list_(pa.float32())
"""Twelve values aligned to the 5-minute bins of the hour; null where nothing was observed."""

FLOAT64 = pa.float64()
FLOAT32 = pa.float32()
TEXT = pa.string()
COUNT = pa.int32()


@dataclass(frozen=True)
class LakeTable:
    """One table of the lake.

    Parameters
    ----------
    name : str
    partition_by : tuple of str
        ``cluster`` first where there is one; then ``day`` or a month column.
    key : tuple of str
        Columns that identify a row; never null.
    window_column : str
        The column by which a window is replaced.
    columns : dict of str to pyarrow.DataType
    added_columns : tuple of str
        Columns that older warehouses lack: checksums cover them only where they are not null, so that hours
        stored before keep theirs.
    """

    name: str
    partition_by: tuple[str, ...]
    key: tuple[str, ...]
    window_column: str
    columns: dict[str, pa.DataType] = field(repr=False)
    added_columns: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema; key and partition columns are not nullable."""
        required = {*self.key, *self.partition_by}
        return pa.schema(
            [pa.field(name, kind, nullable=name not in required) for name, kind in self.columns.items()]
        )


DAY_PARTITION = {"cluster": TEXT, "day": pa.date32()}
