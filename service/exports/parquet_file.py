"""Chargeback rows as Parquet: money as DECIMAL(38,9), instants in UTC, texts as dictionaries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.chargeback.cost_rows import units_as_decimals
from service.exports.columns import Charge, ChargeContext, Column, Kind

ROWS_PER_GROUP = 1 << 15
_TEXT = pa.dictionary(pa.int32(), pa.string())
_TYPES = {
    Kind.TEXT: _TEXT,
    Kind.JSON: pa.string(),
    Kind.MONEY: pa.decimal128(38, 9),
    Kind.COINS: pa.decimal128(38, 9),
    Kind.QUANTITY: pa.decimal128(38, 9),
    Kind.PRICE: pa.decimal128(38, 12),
    Kind.INSTANT: pa.timestamp("us", tz="UTC"),
    Kind.DAY: pa.date32(),
}


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of a format."""
    return pa.schema([pa.field(column.name, _TYPES[column.kind], column.is_nullable) for column in columns])


def write_parquet(
    target: Path, columns: Sequence[Column], rows: Iterable[Charge], context: ChargeContext
) -> None:
    """Write rows as Parquet in groups of a fixed size; equal rows give equal bytes.

    Nothing of the time or place of writing is in the file. The name and version of the writing library is,
    as the format wants it.
    """
    schema = schema_of(columns)
    waiting = iter(rows)
    with pq.ParquetWriter(
        target, schema, version="2.6", compression="zstd", compression_level=3, store_schema=True
    ) as out:
        while group := list(islice(waiting, ROWS_PER_GROUP)):
            arrays = [_array(column, group, context) for column in columns]
            out.write_table(pa.table(arrays, schema=schema), row_group_size=ROWS_PER_GROUP)


def _array(column: Column, rows: Sequence[Charge], context: ChargeContext) -> pa.Array:
    values: list[Any] = [column.value(row, context) for row in rows]
    if column.kind in (Kind.TEXT, Kind.JSON):
        texts = pa.array([value or None for value in values], pa.string())
        return texts.dictionary_encode() if column.kind is Kind.TEXT else texts
    if column.kind in (Kind.MONEY, Kind.COINS):
        is_known = np.array([value is not None for value in values])
        units = np.array([value or 0 for value in values], dtype=np.int64)
        return units_as_decimals(units, is_known)
    return pa.array(values, _TYPES[column.kind])
