"""Reading and writing the Parquet files of one partition, without Delta: what worker processes do.

Text columns stay dictionary codes from file to kernel to file, and money stays 64-bit integers, so the cost
of input and output is small beside the kernel's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from models.vocabulary.errors import InputError, StorageError
from warehouse.lake.conform import declared_table
from warehouse.lake.declaration import LakeTable
from warehouse.lake.durability import sync_path
from warehouse.lake.location import LakeRoot
from warehouse.lake.staging import FilePart, ShapedWriters, StagedFile

__all__ = ["FilePart", "StagedFile", "partition_values", "read_partition", "write_partition"]


def read_partition(
    files: Sequence[str],
    columns: Sequence[str],
    *,
    dictionary_columns: Sequence[str] = (),
    storage_options: Mapping[str, str] | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows of partition files, one table per row group, in the order of the list.

    Parameters
    ----------
    files : sequence of str
        As `Lake.files` returns them, of one table.
    columns : sequence of str
        Columns in the order wanted. Partition columns come from the path, as dictionary columns; a
        column that an old file lacks is null.
    dictionary_columns : sequence of str
        Text columns to deliver as dictionary codes (`pyarrow.DictionaryArray`).
    storage_options : mapping, optional
        As in `WarehouseLocation`, for a lake in S3.

    Raises
    ------
    InputError
        If a column is not declared.
    StorageError
        If a file cannot be read.
    """
    for url in files:
        yield from _read_file(url, columns, dictionary_columns, storage_options or {})


def _read_file(
    url: str, columns: Sequence[str], coded: Sequence[str], options: Mapping[str, str]
) -> Iterator[pa.Table]:
    root_url, table, relative = split_file_url(url)
    declared = declared_table(table)
    unknown = sorted(set(columns) - set(declared.columns))
    if unknown:
        raise InputError(f"is not a column of {table}", field=unknown[0])
    root = LakeRoot.parse(root_url, options)
    partition = partition_of(relative)
    try:
        with root.filesystem().open_input_file(f"{root.path}/{table}/{relative}") as source:
            stored = set(pq.read_schema(source).names)
            texts = [name for name in coded if name in stored]
            file = pq.ParquetFile(source, read_dictionary=texts, pre_buffer=root.is_remote)
            wanted = [name for name in columns if name in stored]
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group, columns=wanted, use_threads=False)
                yield _arrange(declared, rows, columns, partition, coded)
    except (OSError, pa.ArrowInvalid) as problem:
        gone = isinstance(problem, FileNotFoundError)
        what = "is missing" if gone else f"cannot be read: {problem}"
        raise StorageError(f"lake file {url} {what}; run `millicore doctor --heal`") from problem


def _arrange(
    declared: LakeTable,
    rows: pa.Table,
    columns: Sequence[str],
    partition: Mapping[str, str],
    coded: Sequence[str],
) -> pa.Table:
    arrays: list[Any] = []
    for name in columns:
        kind = declared.columns[name]
        if name in partition:
            arrays.append(_constant(partition[name], kind, rows.num_rows))
        elif name in rows.column_names:
            arrays.append(rows.column(name))
        else:
            empty = pa.dictionary(pa.int32(), kind) if name in coded else kind
            arrays.append(pa.nulls(rows.num_rows, empty))
    return pa.Table.from_arrays(arrays, names=list(columns))


def _constant(text: str, kind: pa.DataType, count: int) -> pa.Array:
    value = pa.array([text]).cast(kind)
    return pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()).take(_zeros(count)), value)


def _zeros(count: int) -> pa.Array:
    return pa.Array.from_buffers(pa.int32(), count, [None, pa.py_buffer(bytes(4 * count))])


def split_file_url(url: str) -> tuple[str, str, str]:
    """Return lake root, table and path within the table of a file's path or URL.

    Raises
    ------
    InputError
        If the path has no partition folder.
    """
    folders = url.split("/")
    first = len(folders) - 1
    while first > 1 and "=" in folders[first - 1]:
        first -= 1
    if first == len(folders) - 1 or first < 2:
        raise InputError("is not a file of a lake partition", value=url)
    return "/".join(folders[: first - 1]), folders[first - 1], "/".join(folders[first:])


def partition_of(relative: str) -> dict[str, str]:
    """Return the partition values that a path within a table names."""
    pairs = (part.split("=", 1) for part in relative.split("/")[:-1])
    return {name: unquote(value) for name, value in pairs}


def write_partition(
    table: str,
    partition: Mapping[str, object],
    rows: pa.Table | Iterable[pa.RecordBatch | pa.Table],
    lake_url: str,
    storage_options: Mapping[str, str] | None = None,
) -> StagedFile:
    """Write the rows of one partition as Parquet inside the lake and flush it.

    They become part of the table when `Lake.replace_partitions` commits them; until then no reader sees
    them, and vacuum removes them if that never happens.

    Parameters
    ----------
    table : str
    partition : mapping
        A value for every partition column.
    rows : pyarrow.Table or iterable of RecordBatch or Table
        Declared columns; partition columns are ignored, nullable columns may be left out. Text may be
        dictionaries, money may be ``decimal64`` (zero-copy from int64). An iterable is written as it
        comes, so memory holds one batch. Batches with other columns, or with nulls elsewhere, go to
        files of their own, so that a column which is all null or never null costs next to nothing.
    lake_url, storage_options
        As in `WarehouseLocation`.

    Raises
    ------
    InputError
        If a column is unknown, has another type or is null though it belongs to the key, or a float
        is NaN.
    StorageError
        If a file cannot be written (disk full).
    """
    declared = declared_table(table)
    root = LakeRoot.parse(lake_url, storage_options)
    values = partition_values(declared, partition)
    folder = "/".join(f"{name}={values[name]}" for name in declared.partition_by)
    base = f"{root.path}/{table}"
    filesystem = root.filesystem()
    stem = f"{folder}/part-{uuid.uuid4()}"
    writers = ShapedWriters(declared, filesystem, base, stem)
    try:
        if not root.is_remote:
            filesystem.create_dir(f"{base}/{folder}", recursive=True)
        for batch in [rows] if isinstance(rows, pa.Table) else rows:
            writers.write(batch)
        parts = writers.close()
        if not root.is_remote:
            for part in parts:
                sync_path(Path(base) / part.path)
    except OSError as problem:
        raise StorageError(
            f"{base}/{folder} cannot be written: {problem}. Nothing of it is stored; free space, run again"
        ) from problem
    finally:
        writers.abandon()
    return StagedFile(table, values, parts)


def partition_values(declared: LakeTable, partition: Mapping[str, object]) -> dict[str, str]:
    """Return a value, as Delta stores it, for every partition column.

    Raises
    ------
    InputError
        If one is missing, not a text or date, or holds a character that no path can carry.
    """
    if set(partition) != set(declared.partition_by):
        raise InputError(f"must name exactly {', '.join(declared.partition_by)}", field=declared.name)
    values = {}
    for name, value in partition.items():
        text = value.isoformat() if hasattr(value, "isoformat") else str(value)
        if not text or not all(letter.isalnum() or letter in "._-" for letter in text):
            raise InputError("cannot name a partition", field=name, value=value)
        values[name] = text
    return values
