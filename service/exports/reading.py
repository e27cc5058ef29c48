"""Reading a chargeback file back: what it charges per currency and cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.files.text_files import csv_rows
from models.chargeback.lines import units
from models.vocabulary.errors import InputError

_CURRENCY, _CLUSTER, _COST = "BillingCurrency", "x_Cluster", "EffectiveCost"


def file_totals(file: Path) -> dict[tuple[str, str], int]:
    """Add up a CSV or Parquet file per (currency, cluster), in nano-units; exact.

    Raises
    ------
    InputError
        If it is no chargeback file, or an Excel workbook, whose numbers are not exact.
    """
    if file.suffix == ".xlsx":
        raise InputError(
            "is an Excel workbook, whose numbers keep 15 digits: export csv or parquet to check it",
            file=str(file),
        )
    try:
        return _parquet_totals(file) if file.suffix == ".parquet" else _csv_totals(file)
    except (OSError, KeyError, ArithmeticError, pa.ArrowException) as problem:
        raise InputError(f"is not a chargeback file ({problem})", file=str(file)) from problem


def _csv_totals(file: Path) -> dict[tuple[str, str], int]:
    return _sums({**row, _COST: Decimal(row[_COST])} for _, row in csv_rows(file))


def _parquet_totals(file: Path) -> dict[tuple[str, str], int]:
    return _sums(pq.read_table(file, columns=[_CURRENCY, _CLUSTER, _COST]).to_pylist())


def _sums(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row[_CURRENCY], row[_CLUSTER])
        sums[key] = sums.get(key, 0) + units(row[_COST])
    return sums
