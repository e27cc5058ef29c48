"""The gate of the lake: rows leave it with exactly the declared columns and types, or not at all."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from models.vocabulary.errors import InputError
from models.vocabulary.identity import check_cluster_name
from warehouse.lake.declaration import LakeTable
from warehouse.lake.file_gate import holds_nonfinite
from warehouse.lake.tables import TABLES


def conform(table: str, rows: pa.Table) -> pa.Table:
    """Return the rows in the table's declared schema.

    Parameters
    ----------
    table : str
        Name in `TABLES`.
    rows : pyarrow.Table
        Nullable columns may be absent and become null. Dictionary columns are decoded. Values are cast
        only where nothing is lost (7.9 into an integer is refused).

    Raises
    ------
    InputError
        If a column is unknown, a key column is absent or null, a value cannot be cast without loss, a
        time carries no zone, a float is NaN or infinite, or a cluster name is not one.
    """
    declared = declared_table(table)
    unknown = sorted(set(rows.column_names) - set(declared.columns))
    if unknown:
        raise InputError(f"is not a column of {table}", field=unknown[0])
    columns = [_column(declared, field, rows) for field in declared.schema]
    conformed = pa.Table.from_arrays(columns, schema=declared.schema)
    _check_clusters(declared, conformed)
    return conformed


def catalogue_hash() -> str:
    """Return a hash of all tables and columns: it changes when `millicore migrate` has something to do."""
    content = [
        (table.name, table.partition_by, [(name, str(kind)) for name, kind in table.columns.items()])
        for table in TABLES.values()
    ]
    return hashlib.sha256(repr(content).encode()).hexdigest()[:32]


def declared_table(table: str) -> LakeTable:
    """Return the declaration of a table.

    Raises
    ------
    InputError
        If the lake has no such table.
    """
    if table not in TABLES:
        raise InputError(f"is not a table of the lake; these are {', '.join(TABLES)}", field=table)
    return TABLES[table]


def _column(declared: LakeTable, field: pa.Field, rows: pa.Table) -> pa.ChunkedArray:
    where = f"{declared.name}.{field.name}"
    if field.name not in rows.column_names:
        if not field.nullable:
            raise InputError(f"is missing: it belongs to the key of {declared.name}", field=where)
        return pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
    values = rows.column(field.name)
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    _check_zone(where, values.type, field.type)
    _check_finite(where, values)
    values = _cast(where, values, field.type)
    if not field.nullable and values.null_count:
        raise InputError("is null, but it belongs to the key", field=where)
    return values


def _check_zone(where: str, given: pa.DataType, wanted: pa.DataType) -> None:
    if pa.types.is_timestamp(wanted) and not pa.types.is_null(given):
        if not pa.types.is_timestamp(given):
            raise InputError(f"is {given}, not a time", field=where)
        if given.tz is None:
            raise InputError("has no time zone", field=where)


def _check_finite(where: str, values: pa.ChunkedArray) -> None:
    if holds_nonfinite(values):
        raise InputError("holds NaN or an infinite value: write null for what is not known", field=where)


def _cast(where: str, values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    if values.type == wanted:
        return values
    if pa.types.is_floating(values.type) and pa.types.is_decimal(wanted):
        raise InputError("is a float, but money is written as decimals", field=where)
    if pa.types.is_floating(values.type) and pa.types.is_floating(wanted):
        return values.cast(wanted, safe=False)
    if _is_float_list(values.type) and _is_float_list(wanted):
        return values.cast(wanted, safe=False)
    try:
        return values.cast(wanted, safe=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as problem:
        raise InputError(f"cannot be stored as {wanted}: {problem}", field=where) from problem


def _is_float_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) and pa.types.is_floating(kind.value_type))


def _check_clusters(declared: LakeTable, rows: pa.Table) -> None:
    if "cluster" in declared.columns:
        for name in pc.unique(rows.column("cluster")).to_pylist():
            check_cluster_name(name)
