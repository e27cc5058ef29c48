"""Rows on stdout as table, JSON or CSV. Columns are defined once, with their header and their format."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from service.exports.csv_text import safe_text

UNKNOWN_TEXT = "-"
_PIPE_WIDTH = 240
"""Columns of a table that nobody watches: wide, so that no cell is folded."""

Row = Mapping[str, Any]


class OutputFormat(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def as_text(value: Any) -> str:
    """Return a value for a table cell; what is not known is a dash, never 0."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return UNKNOWN_TEXT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%MZ}"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1 else f"{value:,.2f}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(as_text(item) for item in value)
    return str(value)


def as_ratio(value: Any) -> str:
    """Return a ratio as a percentage."""
    return UNKNOWN_TEXT if value is None else f"{float(value):.1%}".replace("%", " %")


def as_amount(value: Any) -> str:
    """Return an amount of money with two decimals, never -0.00; its currency has a column of its own."""
    return UNKNOWN_TEXT if value is None else f"{Decimal(value):z,.2f}"


@dataclass(frozen=True)
class Column:
    """One column: the field it shows, its heading and its format in tables.

    JSON and CSV use the field's name and plain values, so that machines read the same whatever people see.
    """

    name: str
    heading: str = ""
    text: Callable[[Any], str] = as_text
    is_right_aligned: bool = False
    is_in_table: bool = True


def amount(name: str, heading: str = "") -> Column:
    """Return a column of money."""
    return Column(name, heading, as_amount, is_right_aligned=True)


def number(name: str, heading: str = "", text: Callable[[Any], str] = as_text) -> Column:
    """Return a right-aligned column."""
    return Column(name, heading, text, is_right_aligned=True)


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: decimals as text (exact), instants as RFC 3339, NaN as null."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (date, Path)):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value


def write_json(value: Any, stream: TextIO | None = None) -> None:
    """Write one JSON document."""
    out = stream or sys.stdout
    json.dump(plain(value), out, indent=2, ensure_ascii=False)
    out.write("\n")


def write_csv(rows: Sequence[Row], columns: Sequence[Column], stream: TextIO | None = None) -> None:
    """Write RFC 4180 with a header; text that a spreadsheet would run as a formula gets a quote before it."""
    writer = csv.writer(stream or sys.stdout)
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(row.get(column.name)) for column in columns])


def _csv_cell(value: Any) -> str:
    ready = plain(value)
    if ready is None:
        return ""
    if isinstance(value, (int, float, Decimal)):
        return str(ready)
    return safe_text(ready if isinstance(ready, str) else json.dumps(ready, ensure_ascii=False))


def write_table(
    rows: Sequence[Row], columns: Sequence[Column], *, title: str = "", stream: TextIO | None = None
) -> None:
    """Write a table as wide as the terminal; names of a cluster are never read as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    out = stream or sys.stdout
    console = Console(file=out, width=None if out.isatty() else _PIPE_WIDTH, highlight=False)
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    shown = [column for column in columns if column.is_in_table]
    for column in shown:
        heading = column.heading or column.name.replace("_", " ")
        table.add_column(heading, justify="right" if column.is_right_aligned else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_printable(column.text(row.get(column.name)))) for column in shown))
    console.print(table)


def _printable(text: str) -> str:
    # A label may hold escape sequences that would rewrite the reader's terminal.
    return "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def write_rows(
    rows: Sequence[Row],
    columns: Sequence[Column],
    output: OutputFormat,
    *,
    title: str = "",
    empty: str = "Nothing to show.",
) -> None:
    """Write rows in the format that was asked for; JSON is a bare list, empty or not."""
    if output is OutputFormat.JSON:
        write_json([{column.name: row.get(column.name) for column in columns} for row in rows])
    elif output is OutputFormat.CSV:
        write_csv(rows, columns)
    elif rows:
        write_table(rows, columns, title=title)
    else:
        sys.stdout.write(f"{empty}\n")
