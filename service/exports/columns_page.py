"""The column contract as data and as the page docs/chargeback_columns.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from service.exports.charge_columns import COLUMNS, CONTRACT_VERSION
from service.exports.columns import Column, Kind

_TYPES = {
    Kind.TEXT: "text",
    Kind.JSON: "JSON text",
    Kind.MONEY: "decimal, 9 places",
    Kind.COINS: "decimal, smallest coin",
    Kind.QUANTITY: "decimal, 9 places",
    Kind.PRICE: "decimal, 12 places",
    Kind.INSTANT: "instant, UTC",
    Kind.DAY: "day",
}
_FORMATS = {
    "summary": "One row per payer of a cluster, in whole coins. The columns from `x_DirectCost` to "
    "`x_RoundingCost` add up to `EffectiveCost`.",
    "detail": "One row per billing day, workload, resource and payer. `x_IdleCost`, `x_OverheadCost` and the "
    "columns from `x_DirectCost` to `x_AdjustmentCost` add up to `EffectiveCost`.",
    "focus": "The rows of `detail` in the columns of FOCUS 1.0, then those of FOCUS 1.3 for split cost, then "
    "our own.",
}


def contract() -> dict[str, Any]:
    """Return the contract as data: its version and each format's columns with type and nullability."""
    return {
        "version": CONTRACT_VERSION,
        "formats": {
            name: [
                {
                    "name": column.name,
                    "kind": column.kind.value,
                    "is_nullable": column.is_nullable,
                    "since": column.since,
                }
                for column in columns
            ]
            for name, columns in COLUMNS.items()
        },
    }


def columns_page() -> str:
    """Return docs/chargeback_columns.md: every column of every format."""
    parts = [
        "# Columns of the chargeback files",
        "",
        f"Column contract {CONTRACT_VERSION}; a manifest names the contract of its file, `contract_version`.",
        "A version with a new second number has more columns; one with a new first number has lost a column",
        "or changed the meaning of one. Read columns by name.",
        "",
        "| type | CSV | Parquet | Excel |",
        "|---|---|---|---|",
        "| text | UTF-8, safe for spreadsheets | dictionary of strings | text |",
        "| decimal | with a point | `DECIMAL(38,9)`, prices `DECIMAL(38,12)` | number; money with currency |",
        "| instant | `2026-10-01T00:00:00Z` | timestamp in microseconds, UTC | date and time, UTC |",
        "| day | `2026-10-01` | date | date |",
        "",
        "No value is an empty field in CSV and Excel, null in Parquet. Columns that may be empty are marked.",
        *(line for name, columns in COLUMNS.items() for line in _section(name, columns)),
    ]
    return "\n".join(parts) + "\n"


def _section(name: str, columns: Sequence[Column]) -> Iterator[str]:
    yield from ("", f"## {name}", "", _FORMATS[name], "")
    yield "| column | type | unit | may be empty | meaning | since |"
    yield "|---|---|---|---|---|---|"
    for column in columns:
        empty = "yes" if column.is_nullable else ""
        cells = (f"`{column.name}`", _TYPES[column.kind], column.unit, empty, column.meaning, column.since)
        yield f"| {' | '.join(cell or ' ' for cell in cells)} |"
