"""Price files: rows of CSV or Parquet as `PriceRow`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ingest.files.columns import PRICE_COLUMNS
from ingest.files.reading import find_files, read_rows
from models.pricing.price_list import PriceRow, check_price_rows
from models.vocabulary.errors import InputError


def load_prices(path: Path) -> list[PriceRow]:
    """Return the prices of a file, or of all files of a folder.

    Raises
    ------
    InputError
        Naming file, row, field and value: a cell that is no price, a period that ends before it starts,
        two prices of one asset at the same time.
    """
    rows = [
        _price_row(str(file), number, row)
        for file in find_files([path])
        for number, row in enumerate(read_rows(file, PRICE_COLUMNS), start=1)
    ]
    check_price_rows(rows)
    return rows


def _price_row(file: str, number: int, row: Mapping[str, object]) -> PriceRow:
    def price(name: str) -> Decimal | None:
        return decimal_cell(file, number, name, row[name])

    def text(name: str) -> str | None:
        return None if row[name] is None else str(row[name])

    list_price = price("hourly_list_price")
    valid_from, valid_to = row["valid_from"], row["valid_to"]
    assert list_price is not None
    assert isinstance(valid_from, datetime)
    return PriceRow(
        currency=str(row["currency"]),
        hourly_list_price=list_price,
        valid_from=valid_from,
        valid_to=valid_to if isinstance(valid_to, datetime) else None,
        asset_kind=str(row["asset_kind"] or "node"),
        unit=str(row["unit"] or "hour"),
        source_file=file,
        source_row=number,
        instance_type=text("instance_type"),
        region=text("region"),
        zone=text("zone"),
        purchase_option=text("purchase_option"),
        node_selector=text("node_selector"),
        hourly_contracted_price=price("hourly_contracted_price"),
        hourly_effective_price=price("hourly_effective_price"),
        cpu_core_hourly_price=price("cpu_core_hourly_price"),
        memory_gib_hourly_price=price("memory_gib_hourly_price"),
        gpu_hourly_price=price("gpu_hourly_price"),
    )


def decimal_cell(file: str, number: int, field: str, value: object) -> Decimal | None:
    """Return a cell as an exact decimal, None when it is empty.

    Raises
    ------
    InputError
        If it is not a finite decimal number.
    """
    if value is None:
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise InputError("is not a number", file=file, row=number, field=field, value=value)
    return amount
