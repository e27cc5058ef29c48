"""Bill files as batches of text columns, whatever their format: CSV, JSON lines or Parquet, packed or not."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ingest.files.text_files import reading_text
from models.vocabulary.errors import InputError

BATCH_ROWS = 50_000
_BLOCK_BYTES = 8 << 20
SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".parquet")


def find_bill_files(paths: Sequence[Path]) -> list[Path]:
    """Return the bill files of the paths, folders searched, each once and in order.

    Raises
    ------
    InputError
        If a path does not exist, is no such file, or a folder holds none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.name.endswith(SUFFIXES))
            if not inside:
                raise InputError(f"holds no file that ends in {', '.join(SUFFIXES)}", file=str(path))
            found.update(dict.fromkeys(inside))
        elif not path.exists():
            raise InputError("does not exist", file=str(path))
        elif not path.name.endswith(SUFFIXES):
            raise InputError(f"is no bill file: it ends in none of {', '.join(SUFFIXES)}", file=str(path))
        else:
            found[path] = None
    return list(found)


def text_batches(path: Path, wanted: Sequence[str], prefixes: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the wanted columns of a file as text, null where a cell is empty.

    Parameters
    ----------
    path : Path
    wanted : sequence of str
        Names of columns; those that the file lacks are left out. Upper and lower case are the same.
    prefixes : sequence of str
        Columns that begin so are read too.

    Raises
    ------
    InputError
        If the file cannot be read as what its name says.
    """
    try:
        if path.name.endswith(".parquet"):
            yield from _parquet(path, wanted, prefixes)
        elif ".csv" in path.name:
            yield from _csv(path, wanted, prefixes)
        else:
            yield from _json_lines(path, wanted, prefixes)
    except pa.ArrowInvalid as problem:
        reason = "is empty: the first line names the columns" if "Empty CSV" in str(problem) else ""
        raise InputError(reason or f"cannot be read: {problem}", file=str(path)) from problem
    except OSError as problem:
        raise InputError(f"cannot be read: {problem.strerror or problem}", file=str(path)) from problem


def _chosen(names: Sequence[str], wanted: Sequence[str], prefixes: Sequence[str]) -> dict[str, str]:
    """Return the columns of a file to read, each with the name under which the map knows it."""
    known = {name.lower(): name for name in wanted}
    starts = tuple(prefix.lower() for prefix in prefixes)
    found: dict[str, str] = {}
    for name in names:
        plain = name.strip().strip("\N{ZERO WIDTH NO-BREAK SPACE}")
        if plain.lower() in known:
            found.setdefault(name, known[plain.lower()])
        elif starts and plain.lower().startswith(starts):
            found[name] = plain
    return found


def _csv(path: Path, wanted: Sequence[str], prefixes: Sequence[str]) -> Iterator[pa.Table]:
    header = _header(path)
    chosen = _chosen(header, wanted, prefixes)
    if not chosen:
        yield pa.table({})
        return
    with pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None) as stream:
        reader = pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES, column_names=header, skip_rows=1),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(chosen, pa.string()),
                include_columns=list(chosen),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        for batch in reader:
            yield pa.Table.from_batches([batch]).rename_columns([chosen[name] for name in chosen])


def _header(path: Path) -> list[str]:
    with reading_text(path) as file:
        names = next(csv.reader(file), [])
    if not names:
        raise InputError("is empty: the first line names the columns", file=str(path))
    unique: list[str] = []
    for name in names:  # Arrow refuses two columns of one name; the second is read by nobody
        unique.append(name if name not in unique else f"{name}\0{len(unique)}")
    return unique


def _json_lines(path: Path, wanted: Sequence[str], prefixes: Sequence[str]) -> Iterator[pa.Table]:
    rows: list[dict[str, str | None]] = []
    with reading_text(path) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                rows.append(_flat(_object(path, number, line)))
            if len(rows) >= BATCH_ROWS:
                yield _table(rows, wanted, prefixes)
                rows = []
    yield _table(rows, wanted, prefixes)


def _object(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line, parse_float=str, parse_int=str)
    except json.JSONDecodeError as problem:
        raise InputError(f"is not JSON: {problem}", file=str(path), row=number) from problem
    if not isinstance(found, dict):
        raise InputError("is not a JSON object", file=str(path), row=number)
    return found


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, str | None]:
    """Return nested objects by their path; a list becomes JSON text."""
    found: dict[str, str | None] = {}
    for name, value in row.items():
        if isinstance(value, dict) and name not in ("tags", "Tags", "resource_tags"):
            found.update(_flat(value, f"{prefix}{name}."))
        else:
            found[prefix + name] = _as_text(value)
    return found


def _as_text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _table(rows: Sequence[Mapping[str, Any]], wanted: Sequence[str], prefixes: Sequence[str]) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    chosen = _chosen(names, wanted, prefixes)
    return pa.table(
        {new: pa.array([row.get(name) for row in rows], pa.string()) for name, new in chosen.items()}
    )


def _parquet(path: Path, wanted: Sequence[str], prefixes: Sequence[str]) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        roots = {name.split(".")[0].lower() for name in wanted}
        starts = tuple(prefix.lower() for prefix in prefixes)
        read = [
            name
            for name in file.schema_arrow.names
            if name.lower() in roots or (starts and name.lower().startswith(starts))
        ]
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=read):
            rows = pa.Table.from_batches([batch])
            while any(pa.types.is_struct(kind) for kind in rows.schema.types):
                rows = rows.flatten()
            chosen = _chosen(rows.column_names, wanted, prefixes)
            columns = {new: _text_column(rows.column(name)) for name, new in chosen.items()}
            yield pa.table(columns)


def _text_column(values: pa.ChunkedArray) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values, kind = values.cast(kind.value_type), kind.value_type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        moments = values.to_pylist()
        return pa.array([None if one is None else one.isoformat() for one in moments], pa.string())
    if pa.types.is_nested(kind):
        texts = [_as_text(dict(one) if pa.types.is_map(kind) and one else one) for one in values.to_pylist()]
        return pa.array(texts, pa.string())
    return values.cast(pa.string()).combine_chunks()
