"""Parquet files that lie in the lake but are not yet part of a table."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from warehouse.lake.declaration import LakeTable
from warehouse.lake.file_gate import admit, plain_type

_COMPRESSION = "lz4"
"""A quarter of zstd's CPU time at a third more size; compaction rewrites old days with zstd."""
_ROW_GROUP_ROWS = 1 << 20
_WRITE_BATCH_ROWS = 1 << 14
_MOST_SHAPES = 6
_INTEGER_DIGITS = 18
"""Decimals of at most so many digits are stored as 64-bit integers."""
_STATISTICS = ("hour", "day", "billing_date", "computed_at", "run_at")


@dataclass(frozen=True)
class FilePart:
    """One staged Parquet file.

    Parameters
    ----------
    path : str
        Relative to the table's root, ``cluster=a/day=2026-10-01/...parquet``.
    size_bytes, row_count : int
    modified_at_ms : int
        Milliseconds since 1970.
    statistics : str
        Delta's statistics, as JSON.
    """

    path: str
    size_bytes: int
    row_count: int
    modified_at_ms: int
    statistics: str


@dataclass(frozen=True)
class StagedFile:
    """What `write_partition` wrote for one partition. Picklable.

    Parameters
    ----------
    table : str
    partition : mapping of str to str
        Partition values as Delta stores them.
    parts : tuple of FilePart
        One per shape of the batches; empty when there were no rows.
    """

    table: str
    partition: Mapping[str, str]
    parts: tuple[FilePart, ...]

    @property
    def row_count(self) -> int:
        """Rows in all parts."""
        return sum(part.row_count for part in self.parts)

    @property
    def size_bytes(self) -> int:
        """Size of all parts."""
        return sum(part.size_bytes for part in self.parts)


class ShapedWriters:
    """Writes batches of one partition, each to the file whose columns and nulls fit it.

    A column that a file lacks reads as null; a column that a file declares not null needs no null flags.
    Both save more time than they cost in files. After six files, the rest goes to one that fits all.

    Parameters
    ----------
    declared : LakeTable
    filesystem : pyarrow.fs.FileSystem
    base : str
        Root of the table in the file system.
    stem : str
        Path of the files within the table, without number and suffix.
    """

    def __init__(self, declared: LakeTable, filesystem: pafs.FileSystem, base: str, stem: str) -> None:
        self._declared = declared
        self._filesystem = filesystem
        self._base = base
        self._stem = stem
        self._open: list[_Shape] = []

    def write(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Write one batch; an empty one is ignored."""
        rows = admit(self._declared, batch)
        if rows.num_rows == 0:
            return
        nulls = {name for name in rows.column_names if rows.column(name).null_count}
        columns = [name for name in rows.column_names if rows.column(name).null_count < rows.num_rows]
        shape = self._fitting(rows, columns, nulls)
        shape.writer.write_table(_like(shape.schema, rows), row_group_size=_ROW_GROUP_ROWS)

    def close(self) -> tuple[FilePart, ...]:
        """Finish all files and return them."""
        parts = []
        while self._open:
            shape = self._open[0]
            shape.writer.close()
            self._open.pop(0)
            parts.append(self._part(shape))
        return tuple(parts)

    def abandon(self) -> None:
        """Close files that a failure left open; they never become part of a table."""
        while self._open:
            shape = self._open.pop()
            try:
                shape.writer.close()
            except (OSError, RuntimeError):  # what brought us here has been raised already
                continue

    def _fitting(self, rows: pa.Table, columns: list[str], nulls: set[str]) -> _Shape:
        for shape in self._open:
            if shape.fits(set(columns), nulls):
                return shape
        if len(self._open) >= _MOST_SHAPES - 1:
            columns, nulls = list(self._declared.columns), set(self._declared.columns)
        return self._begin(rows, columns, nulls)

    def _begin(self, rows: pa.Table, columns: list[str], nulls: set[str]) -> _Shape:
        fields = []
        for field in self._declared.schema:
            if field.name in columns and field.name not in self._declared.partition_by:
                kind = rows.schema.field(field.name).type if field.name in rows.column_names else field.type
                fields.append(pa.field(field.name, kind, nullable=field.nullable and field.name in nulls))
        schema = pa.schema(fields)
        path = f"{self._stem}-{len(self._open)}.parquet"
        collected: list[pq.FileMetaData] = []
        writer = pq.ParquetWriter(
            f"{self._base}/{path}",
            schema,
            filesystem=self._filesystem,
            compression=_COMPRESSION,
            use_dictionary=[field.name for field in schema if pa.types.is_string(plain_type(field.type))],
            column_encoding=_delta_encoded(schema) or None,
            store_decimal_as_integer=True,
            write_statistics=[name for name in schema.names if name in _STATISTICS],
            store_schema=False,
            write_batch_size=_WRITE_BATCH_ROWS,
            metadata_collector=collected,
        )
        self._open.append(_Shape(path, schema, writer, collected))
        return self._open[-1]

    def _part(self, shape: _Shape) -> FilePart:
        metadata = shape.collected[0]
        return FilePart(
            path=shape.path,
            size_bytes=self._filesystem.get_file_info(f"{self._base}/{shape.path}").size,
            row_count=metadata.num_rows,
            modified_at_ms=int(time.time() * 1000),
            statistics=_statistics(metadata, self._declared.window_column),
        )


@dataclass
class _Shape:
    """One open file: which columns it has and where it allows nulls (by its schema)."""

    path: str
    schema: pa.Schema
    writer: pq.ParquetWriter
    collected: list[pq.FileMetaData]

    def fits(self, columns: set[str], nulls: set[str]) -> bool:
        required = {field.name for field in self.schema if not field.nullable}
        present = set(self.schema.names)
        return columns <= present and required <= columns and not (nulls & required)


def _delta_encoded(schema: pa.Schema) -> dict[str, str]:
    """Return the encoding of money columns: small integers whose differences pack into few bits."""
    return {field.name: "DELTA_BINARY_PACKED" for field in schema if _is_narrow_decimal(field.type)}


def _is_narrow_decimal(kind: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(kind)) and kind.precision <= _INTEGER_DIGITS


def _like(schema: pa.Schema, rows: pa.Table) -> pa.Table:
    arrays = [
        rows.column(field.name) if field.name in rows.column_names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    alike = [
        values if values.type == field.type else values.cast(field.type)
        for values, field in zip(arrays, schema, strict=True)
    ]
    return pa.Table.from_arrays(alike, schema=schema)


def _statistics(metadata: pq.FileMetaData, window_column: str) -> str:
    lowest: dict[str, str] = {}
    highest: dict[str, str] = {}
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            name = column.path_in_schema
            if name == window_column and column.statistics and column.statistics.has_min_max:
                low, high = _text(column.statistics.min), _text(column.statistics.max)
                lowest[name] = min(lowest.get(name, low), low)
                highest[name] = max(highest.get(name, high), high)
    return json.dumps({"numRecords": metadata.num_rows, "minValues": lowest, "maxValues": highest})


def _text(moment: Any) -> str:
    shown = moment.isoformat(timespec="milliseconds") if hasattr(moment, "hour") else moment.isoformat()
    return str(shown).replace("+00:00", "Z")
