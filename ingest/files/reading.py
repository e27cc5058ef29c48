"""Reading CSV and Parquet in batches of checked, typed columns; each error names file, row, field, value."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ingest.files.columns import Column, Kind
from models.vocabulary.errors import InputError
from models.vocabulary.quantity import parse_quantity

INSTANT = pa.timestamp("us", tz="UTC")
TEXT = pa.dictionary(pa.int32(), pa.string())
ARROW_KIND = {Kind.TEXT: TEXT, Kind.INSTANT: INSTANT, Kind.NUMBER: pa.float64(), Kind.COUNT: pa.int64()}
BATCH_ROWS = 524_288
_LARGEST = 1e18
"""No core count, byte count or share comes near; beyond it single precision overflows."""
_NOT_UTF8 = "is not UTF-8 text: save it as CSV in UTF-8"
_ZONE_PATTERN = r"(?:[Zz]|UTC|[+-]\d{2}:?\d{2})$"


@dataclass(frozen=True)
class FilePlace:
    """Where a batch begins, for messages: the file and the data rows before it."""

    file: str
    rows_before: int

    def refuse(self, bad: pa.Array | pa.ChunkedArray, values: pa.Array, field: str, reason: str) -> None:
        """Raise for the first true cell, if there is one.

        Raises
        ------
        InputError
            Naming file, row, field and value.
        """
        if not pc.any(bad, min_count=0).as_py():
            return
        index = int(np.flatnonzero(bad.fill_null(pa.scalar(value=False)).to_numpy(zero_copy_only=False))[0])
        raise InputError(
            reason, file=self.file, row=self.rows_before + index + 1, field=field, value=_shown(values[index])
        )


def _shown(value: pa.Scalar) -> object:
    plain = value.as_py()
    return plain.isoformat() if hasattr(plain, "isoformat") else plain


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the CSV and Parquet files of the paths, folders searched, each once and in order.

    Raises
    ------
    InputError
        If a path does not exist, is neither kind of file, or a folder holds none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix in (".csv", ".parquet"))
            if not inside:
                raise InputError("holds no .csv or .parquet file", file=str(path))
            found.update(dict.fromkeys(inside))
        elif not path.exists():
            raise InputError("does not exist", file=str(path))
        elif path.suffix not in (".csv", ".parquet"):
            raise InputError("is neither .csv nor .parquet", file=str(path))
        else:
            found[path] = None
    return list(found)


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's bytes in hexadecimal digits.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror or problem}", file=str(path)) from problem


def read_batches(path: Path, columns: Sequence[Column]) -> Iterator[tuple[FilePlace, pa.Table]]:
    """Yield checked batches of a file; absent optional columns are not in them.

    Raises
    ------
    InputError
        If the file is not what its name says, a column is unknown or missing, or a cell cannot be used.
    """
    rows_before = 0
    for raw in _raw_batches(path, columns):
        place = FilePlace(str(path), rows_before)
        yield place, typed_table(place, raw, columns)
        rows_before += raw.num_rows


def _raw_batches(path: Path, columns: Sequence[Column]) -> Iterator[pa.Table]:
    try:
        if path.suffix == ".csv":
            yield from _csv_batches(path, columns)
        else:
            names = pq.read_schema(path).names
            check_columns(str(path), names, columns)
            texts = [column.name for column in columns if column.kind is Kind.TEXT and column.name in names]
            with pq.ParquetFile(path, read_dictionary=texts) as file:
                for batch in file.iter_batches(batch_size=BATCH_ROWS):
                    yield pa.Table.from_batches([batch])
    except UnicodeDecodeError as problem:
        raise InputError(_NOT_UTF8, file=str(path)) from problem
    except pa.ArrowInvalid as problem:
        raise InputError(_reason_of(str(problem)), file=str(path)) from problem
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror or problem}", file=str(path)) from problem


def _reason_of(problem: str) -> str:
    """Return what Arrow found wrong with a file, in words that name a remedy where there is one."""
    if "Empty CSV file" in problem:
        return "is empty: the first line names the columns"
    if "UTF8" in problem or "\0" in problem:
        return _NOT_UTF8
    return f"cannot be read: {problem}"


def _csv_batches(path: Path, columns: Sequence[Column]) -> Iterator[pa.Table]:
    options = pa_csv.ConvertOptions(
        column_types={column.name: pa.string() for column in columns},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    with pa_csv.open_csv(
        path, convert_options=options, read_options=pa_csv.ReadOptions(block_size=32 << 20)
    ) as reader:
        check_columns(str(path), reader.schema.names, columns)
        for batch in reader:
            yield pa.Table.from_batches([batch])


def check_columns(file: str, names: Sequence[str], columns: Sequence[Column]) -> None:
    """Refuse a file with an unknown, a doubled or a missing column.

    Raises
    ------
    InputError
        Naming the column and, for an unknown one, those that exist.
    """
    known = [column.name for column in columns]
    _check_separator(file, names)
    for name in names:
        if name not in known:
            raise InputError(f"is not a column of this file; {_known(name, known)}", file=file, field=name)
        if list(names).count(name) > 1:
            raise InputError("is there twice", file=file, field=name)
    for column in columns:
        if column.is_required and column.name not in names:
            raise InputError("is missing: the column is required", file=file, field=column.name)


def _check_separator(file: str, names: Sequence[str]) -> None:
    if any("\0" in name or "\N{REPLACEMENT CHARACTER}" in name for name in names):
        raise InputError(_NOT_UTF8, file=file)
    for separator, shown in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(names) == 1 and separator in names[0]:
            raise InputError(f"separates its cells with {shown}: write commas", file=file)


def _known(name: str, known: Sequence[str]) -> str:
    """Return what was probably meant, else every column that there is."""
    close = difflib.get_close_matches(name.strip().lower(), known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"


def typed_table(place: FilePlace, raw: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Return the columns of a batch in their kinds, each cell checked."""
    typed: dict[str, pa.Array] = {}
    for column in columns:
        if column.name not in raw.column_names:
            continue
        values = raw.column(column.name).combine_chunks()
        values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        values = _without_empty_text(values)
        if column.is_required:
            place.refuse(pc.is_null(values, nan_is_null=True), values, column.name, "is empty")
        typed[column.name] = _CONVERT[column.kind](place, values, column)
    return pa.table(typed)


def _without_empty_text(values: pa.Array) -> pa.Array:
    """Return null for empty text: CSV cannot tell the two apart, so Parquet must mean the same."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        empty = pc.equal(values.dictionary.cast(pa.string()), "") if len(values.dictionary) else None
        if empty is None or not pc.any(empty, min_count=0).as_py():
            return values
        values, kind = values.cast(kind.value_type), kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return values
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, kind), values)


def _text(place: FilePlace, values: pa.Array, column: Column) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        return values.cast(TEXT)
    return values.cast(pa.string()).dictionary_encode()


def _instant(place: FilePlace, values: pa.Array, column: Column) -> pa.Array:
    if pa.types.is_timestamp(values.type):
        if values.type.tz is None:
            place.refuse(
                pc.is_valid(values), values, column.name, "has no time zone: write 2026-10-01T00:00:00Z"
            )
        return values.cast(INSTANT)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        place.refuse(pc.is_valid(values), values, column.name, "is not a time like 2026-10-01T00:00:00Z")
    naive = pc.invert(pc.match_substring_regex(values, _ZONE_PATTERN))
    parsed = pd.to_datetime(values.to_pandas(), utc=True, format="ISO8601", errors="coerce")
    instants = pa.array(parsed.dt.as_unit("us"), type=INSTANT, from_pandas=True)
    unread = pc.and_(pc.is_null(instants), pc.is_valid(values))
    place.refuse(unread, values, column.name, "is not a time like 2026-10-01T00:00:00Z")
    place.refuse(naive, values, column.name, "has no time zone: write 2026-10-01T00:00:00Z")
    return instants


def _number(place: FilePlace, values: pa.Array, column: Column) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        values = _numbers_of_text(place, values, column.name)
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        if pa.types.is_null(values.type):
            return values.cast(pa.float64())
        place.refuse(pc.is_valid(values), values, column.name, "is not a number")
    if pa.types.is_floating(values.type):
        place.refuse(pc.is_inf(values), values, column.name, "is infinite")
        values = pc.if_else(pc.is_nan(values), None, values)
    place.refuse(pc.greater(values, _LARGEST), values, column.name, "is too large to be true")
    if not column.may_be_negative:
        place.refuse(pc.less(values, 0), values, column.name, "is negative")
    return values if pa.types.is_floating(values.type) else values.cast(pa.float64())


def _count(place: FilePlace, values: pa.Array, column: Column) -> pa.Array:
    if pa.types.is_integer(values.type):
        place.refuse(pc.less(values, 0), values, column.name, "is negative")
        return values.cast(pa.int64())
    numbers = _number(place, values, column)
    place.refuse(pc.not_equal(numbers, pc.floor(numbers)), values, column.name, "is not a whole number")
    return numbers.cast(pa.int64())


def _numbers_of_text(place: FilePlace, values: pa.Array, field: str) -> pa.Array:
    """Return text as numbers; Kubernetes quantities (500m, 1Gi) are read too."""
    try:
        return values.cast(pa.float64())
    except pa.ArrowInvalid:
        encoded = values.dictionary_encode()
    numbers: list[float | None] = []
    for code, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            numbers.append(float(parse_quantity(text)))
        except InputError as problem:
            place.refuse(pc.equal(encoded.indices, code), values, field, f"is no number and {problem.reason}")
    return pa.array(numbers, pa.float64()).take(encoded.indices)


_CONVERT = {Kind.TEXT: _text, Kind.INSTANT: _instant, Kind.NUMBER: _number, Kind.COUNT: _count}


def read_rows(path: Path, columns: Sequence[Column]) -> list[Mapping[str, object]]:
    """Return the rows of a small file as mappings by column; absent optional columns are None.

    Raises
    ------
    InputError
        As `read_batches`.
    """
    rows: list[Mapping[str, object]] = []
    absent = dict.fromkeys(column.name for column in columns)
    for _, table in read_batches(path, columns):
        rows.extend({**absent, **row} for row in table.to_pylist())
    return rows
