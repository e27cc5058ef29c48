"""Price files: rows of CSV or Parquet as `PriceRow`, and weights by family as `FamilyWeight`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ingest.files.cells import decimal_cell
from ingest.files.columns import FAMILY_WEIGHT_COLUMNS, PRICE_COLUMNS
from ingest.files.reading import find_files, read_rows
from models.pricing.amortised import Amortisation, check_amortisation
from models.pricing.family_weights import FamilyWeight, check_family_weights
from models.pricing.price_list import PriceRow, check_price_rows
from models.pricing.purchase_options import SERVERLESS, normal_option
from models.vocabulary.errors import InputError

_TEXTS = (
    "instance_type",
    "region",
    "zone",
    "node_selector",
    "daily_from",
    "daily_to",
    "weekdays",
    "time_zone",
)
_PRICES = (
    "hourly_contracted_price",
    "hourly_effective_price",
    "cpu_core_hourly_price",
    "memory_gib_hourly_price",
    "gpu_hourly_price",
)
_AMORTISED = (
    "residual_price",
    "lifetime_months",
    "power_watts",
    "power_usage_effectiveness_ratio",
    "power_price_per_kwh",
    "other_monthly_cost",
)


def load_prices(path: Path) -> list[PriceRow]:
    """Return the prices of a file, or of all files of a folder.

    A row with a purchase price becomes one row until it is written off and one after it.

    Raises
    ------
    InputError
        Naming file, row, field and value: a cell that is no price, a period that ends before it starts,
        two prices of one asset at the same time.
    """
    rows = [
        row
        for file in find_files([path])
        for number, cells in enumerate(read_rows(file, PRICE_COLUMNS), start=1)
        for row in _price_rows(str(file), number, cells)
    ]
    check_price_rows(rows)
    return rows


def load_family_weights(path: Path) -> list[FamilyWeight]:
    """Return how prices are split by instance family, from a file or all files of a folder.

    Raises
    ------
    InputError
        Naming file, row, field and value.
    """
    found = []
    for file in find_files([path]):
        for number, row in enumerate(read_rows(file, FAMILY_WEIGHT_COLUMNS), start=1):
            place, valid_from = (str(file), number), row["valid_from"]
            cpu = decimal_cell(*place, "cpu_weight", row["cpu_weight"])
            memory = decimal_cell(*place, "memory_weight", row["memory_weight"])
            assert cpu is not None
            assert memory is not None
            assert isinstance(valid_from, datetime)
            gpu = decimal_cell(*place, "gpu_weight", row["gpu_weight"])
            found.append(FamilyWeight(str(row["family"]), cpu, memory, valid_from, gpu, *place))
    check_family_weights(found)
    return found


def _price_rows(file: str, number: int, row: Mapping[str, object]) -> list[PriceRow]:
    """Return the price of one row of a file; of a machine that was bought, before and after write-off."""
    valid_from, valid_to = row["valid_from"], row["valid_to"]
    assert isinstance(valid_from, datetime)
    until = valid_to if isinstance(valid_to, datetime) else None
    given: dict[str, Any] = {
        **{name: _text(row[name]) for name in _TEXTS},
        **{name: decimal_cell(file, number, name, row[name]) for name in _PRICES},
        "purchase_option": normal_option(_text(row["purchase_option"])),
        "asset_kind": str(row["asset_kind"] or "node"),
        "unit": str(row["unit"] or "hour"),
        "currency": str(row["currency"]),
        "source_file": file,
        "source_row": number,
    }
    list_price = decimal_cell(file, number, "hourly_list_price", row["hourly_list_price"])
    cost = _amortisation(file, number, row, valid_from)
    if cost is None:
        price = _list_price(file, number, list_price, given)
        return [PriceRow(hourly_list_price=price, valid_from=valid_from, valid_to=until, **given)]
    if list_price is not None:
        raise InputError(
            "stands beside hourly_list_price: give one of the two",
            file=file,
            row=number,
            field="purchase_price",
            value=cost.purchase_price,
        )
    return [
        PriceRow(hourly_list_price=price, valid_from=start, valid_to=end, amortisation=cost, **given)
        for start, end, price in cost.hourly_prices(valid_from, until)
    ]


def _list_price(file: str, number: int, price: Decimal | None, given: Mapping[str, Any]) -> Decimal:
    if price is not None:
        return price
    has_components = None not in (given["cpu_core_hourly_price"], given["memory_gib_hourly_price"])
    if given["purchase_option"] == SERVERLESS and has_components:
        return Decimal(0)
    raise InputError("is empty", file=file, row=number, field="hourly_list_price")


def _amortisation(
    file: str, number: int, row: Mapping[str, object], valid_from: datetime
) -> Amortisation | None:
    price = decimal_cell(file, number, "purchase_price", row["purchase_price"])
    parts = {name: decimal_cell(file, number, name, row[name]) for name in _AMORTISED}
    if price is None:
        for name, value in parts.items():
            if value is not None:
                raise InputError(
                    "stands without a purchase_price", file=file, row=number, field=name, value=value
                )
        return None
    if parts["lifetime_months"] is None:
        raise InputError(
            "is empty: a purchase is spread over it", file=file, row=number, field="lifetime_months"
        )
    bought = row["purchased_at"]
    known = {name: value for name, value in parts.items() if value is not None}
    cost = Amortisation(
        purchase_price=price,
        purchased_at=bought if isinstance(bought, datetime) else valid_from,
        **known,
    )
    try:
        check_amortisation(cost, valid_from)
    except InputError as problem:
        raise InputError(
            problem.reason, file=file, row=number, field=problem.field, value=problem.value
        ) from problem
    return cost


def _text(value: object) -> str | None:
    return None if value is None else str(value)
