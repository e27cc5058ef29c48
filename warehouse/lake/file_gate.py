"""The gate before a staged file: the same promises as `conform`, at a cost that 20 million rows can bear."""

from __future__ import annotations

import math

import pyarrow as pa
import pyarrow.compute as pc

from models.vocabulary.errors import InputError
from warehouse.lake.declaration import LakeTable


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the value type of a dictionary type, else the type itself."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def admit(declared: LakeTable, batch: pa.RecordBatch | pa.Table) -> pa.Table:
    """Return a batch's stored columns, unchanged.

    Dictionaries stay dictionaries and ``decimal64`` stays so: a file holds the same either way. Nothing is
    cast: a kernel knows its types.

    Raises
    ------
    InputError
        If a column is unknown, has another type, is null or absent though it belongs to the key, or holds
        NaN.
    """
    rows = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
    unknown = sorted(set(rows.column_names) - set(declared.columns))
    if unknown:
        raise InputError(f"is not a column of {declared.name}", field=unknown[0])
    stored = [field for field in declared.schema if field.name not in declared.partition_by]
    present = [field for field in stored if _is_present(rows, field.name)]
    absent = [field.name for field in stored if not field.nullable and field not in present]
    if absent and rows.num_rows:
        raise InputError("is missing, but it belongs to the key", field=f"{declared.name}.{absent[0]}")
    for field in present:
        _check(declared, field, rows.column(field.name))
    return rows.select([field.name for field in present])


def _is_present(rows: pa.Table, name: str) -> bool:
    return name in rows.column_names and not pa.types.is_null(plain_type(rows.schema.field(name).type))


def _check(declared: LakeTable, field: pa.Field, values: pa.ChunkedArray) -> None:
    where = f"{declared.name}.{field.name}"
    if not _is_stored_alike(plain_type(values.type), field.type):
        raise InputError(f"is {values.type}, not {field.type}", field=where)
    if not field.nullable and values.null_count:
        raise InputError("is null, but it belongs to the key", field=where)
    if holds_nonfinite(values):
        raise InputError("holds NaN or an infinite value: write null for what is not known", field=where)


def _is_stored_alike(given: pa.DataType, declared: pa.DataType) -> bool:
    if given == declared:
        return True
    is_short = pa.types.is_decimal64(given) and pa.types.is_decimal(declared)
    return bool(is_short and (given.precision, given.scale) == (declared.precision, declared.scale))


def holds_nonfinite(values: pa.ChunkedArray) -> bool:
    """Whether a float column, or a list column of floats, holds NaN or an infinite value.

    The sum is finite if all values are, unless it overflows: only then is every value looked at.
    """
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        values = pc.list_flatten(values)
    if not pa.types.is_floating(values.type):
        return False
    total = pc.sum(values).as_py()
    if total is None or math.isfinite(total):
        return False
    return not pc.all(pc.is_finite(values)).as_py()
