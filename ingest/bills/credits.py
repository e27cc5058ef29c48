"""Credits that stand inside a row of a bill (Google): some lower its cost, some are lines of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.bills.cells import add_amounts, read_amount
from ingest.bills.column_map import ColumnMap
from ingest.files.reading import FilePlace
from models.vocabulary.errors import InputError
from warehouse.lake.bill_table import BILL_AMOUNT

_COSTS = ("billed_cost", "effective_cost")
_ABSENT = ("list_cost", "contracted_cost", "quantity")


def split_credits(place: FilePlace, credits_text: pa.Array, lines: pa.Table, columns: ColumnMap) -> pa.Table:
    """Apply the credits of every row.

    Parameters
    ----------
    place : FilePlace
    credits_text : pyarrow.Array
        JSON lists of ``{"amount", "type", "name"}`` per row, null or empty without any.
    lines : pyarrow.Table
        The rows as lines, in the same order.
    columns : ColumnMap
        Names the types that become lines of category Credit; all others lower the cost of their row.

    Returns
    -------
    pyarrow.Table
        The lines, then the separate credits.
    """
    lowered = [Decimal(0)] * lines.num_rows
    owners: list[int] = []
    amounts: list[Decimal] = []
    names: list[str | None] = []
    for index, text in enumerate(credits_text.to_pylist()):
        for credit in _listed(place, credits_text, index, text):
            amount = _amount(place, credits_text, index, credit)
            if credit.get("type") in columns.separate_credits:
                owners.append(index)
                amounts.append(amount)
                names.append(str(credit.get("name") or credit.get("type")))
            else:
                lowered[index] += amount
    less = pa.array(lowered, BILL_AMOUNT)
    for name in _COSTS:
        place_of = lines.schema.get_field_index(name)
        lines = lines.set_column(place_of, name, add_amounts(lines.column(name), less))
    return pa.concat_tables([lines, _credit_lines(lines, owners, amounts, names)]) if owners else lines


def _listed(place: FilePlace, values: pa.Array, index: int, text: str | None) -> list[Mapping[str, Any]]:
    if not text:
        return []
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, list) or not all(isinstance(credit, dict) for credit in found):
        _refuse(place, values, index, "is not a JSON list of credits")
    return list(found or ())


def _amount(place: FilePlace, values: pa.Array, index: int, credit: Mapping[str, Any]) -> Decimal:
    try:
        return read_amount(str(credit.get("amount", 0)))
    except InputError as problem:
        _refuse(place, values, index, f"has an amount that {problem.reason}")
        raise


def _refuse(place: FilePlace, values: pa.Array, index: int, reason: str) -> None:
    place.refuse(pa.array(np.arange(len(values)) == index), values, "credits", reason)


def _credit_lines(
    lines: pa.Table, owners: list[int], amounts: list[Decimal], names: list[str | None]
) -> pa.Table:
    """Return credits as lines: the row's own place and time, but no quantity and no list cost."""
    found = lines.take(pa.array(owners, pa.int64()))
    count = len(owners)
    changes: dict[str, pa.Array] = {
        "charge_category": pa.array(["Credit"] * count, pa.string()),
        "description": pa.array(names, pa.string()),
        **{name: pa.array(amounts, BILL_AMOUNT) for name in _COSTS},
        **{name: pa.nulls(count, lines.schema.field(name).type) for name in _ABSENT},
    }
    for name, values in changes.items():
        found = found.set_column(found.schema.get_field_index(name), name, values)
    return found
