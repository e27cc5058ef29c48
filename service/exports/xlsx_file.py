"""Chargeback rows as an Excel workbook: typed cells, never a formula, and a sheet about its making."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from models.chargeback.lines import UNITS
from models.vocabulary.errors import InputError, UsageError
from models.vocabulary.money import minor_digits
from service.exports.about import about_lines
from service.exports.columns import Charge, ChargeContext, Column, Kind

MOST_ROWS = 1_048_576
"""Rows of a sheet, the header among them."""
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands as the time of creation, so that equal rows give equal bytes."""
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_WIDTHS = {
    Kind.TEXT: 22,
    Kind.JSON: 30,
    Kind.MONEY: 18,
    Kind.COINS: 14,
    Kind.QUANTITY: 16,
    Kind.PRICE: 18,
    Kind.INSTANT: 21,
    Kind.DAY: 12,
}
_NUMBER_FORMATS = {
    Kind.QUANTITY: "#,##0.000000000",
    Kind.PRICE: "#,##0.000000000000",
    Kind.INSTANT: 'yyyy-mm-dd"T"hh:mm:ss"Z"',
    Kind.DAY: "yyyy-mm-dd",
}


def check_row_count(line_count: int) -> None:
    """Refuse more lines than a sheet has rows.

    Raises
    ------
    UsageError
        Naming the file types that hold them.
    """
    if line_count >= MOST_ROWS:
        raise UsageError(
            f"{line_count:,} lines are more than an Excel sheet holds ({MOST_ROWS - 1:,}): "
            "write --file-type csv or parquet"
        )


def write_xlsx(
    target: Path,
    columns: Sequence[Column],
    rows: Iterable[Charge],
    context: ChargeContext,
    manifest: Mapping[str, Any],
) -> None:
    """Write rows as a workbook with the sheets "Lines" and "About"; equal rows give equal bytes.

    Amounts are numbers in the format of their currency. Excel keeps 15 digits of a number: CSV and Parquet
    are exact.

    Raises
    ------
    InputError
        If a text is longer than a cell holds.
    OSError
        If the file cannot be written.
    """
    workbook = xlsxwriter.Workbook(str(target), _OPTIONS)
    workbook.use_zip64()
    workbook.set_properties({"created": _LONG_AGO, "author": "Millicore"})
    try:
        lines = workbook.add_worksheet("Lines")
        _write_lines(lines, columns, rows, context, _Formats(workbook))
        _write_about(workbook.add_worksheet("About"), manifest, workbook.add_format({"bold": True}))
    finally:
        _close(workbook)


def _close(workbook: Workbook) -> None:
    try:
        workbook.close()
    except FileCreateError as problem:  # carries the error of the file system
        raise OSError(*problem.args[0].args) from problem


class _Formats:
    """Cell formats, made once each."""

    def __init__(self, workbook: Workbook) -> None:
        self.header = workbook.add_format({"bold": True, "bottom": 1})
        self._workbook = workbook
        self._known: dict[tuple[Kind, str], Format] = {}

    def of(self, kind: Kind, currency: str) -> Format:
        """Return the format of a number or date."""
        key = (kind, currency if kind in (Kind.MONEY, Kind.COINS) else "")
        if key not in self._known:
            self._known[key] = self._workbook.add_format({"num_format": self._text(*key)})
        return self._known[key]

    @staticmethod
    def _text(kind: Kind, currency: str) -> str:
        if kind not in (Kind.MONEY, Kind.COINS):
            return _NUMBER_FORMATS[kind]
        digits = 9 if kind is Kind.MONEY else minor_digits(currency)
        return f"[${currency}] #,##0{'.' if digits else ''}{'0' * digits}"


def _write_lines(
    sheet: Worksheet,
    columns: Sequence[Column],
    rows: Iterable[Charge],
    context: ChargeContext,
    formats: _Formats,
) -> None:
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, max(_WIDTHS[column.kind], len(column.name) + 2))
        sheet.write_string(0, place, column.name, formats.header)
    for number, row in enumerate(rows, start=1):
        for place, column in enumerate(columns):
            value: Any = column.value(row, context)
            if value is None or value == "":
                continue
            if column.kind in (Kind.TEXT, Kind.JSON):
                _write_text(sheet, number, place, value)
            else:
                shown_as = formats.of(column.kind, _currency(column, row))
                _write_number(sheet, number, place, value, shown_as)


def _currency(column: Column, row: Charge) -> str:
    if column.unit == "x_ReportingCurrency" and row.converted is not None:
        return row.converted.currency
    return row.line.currency


def _write_text(sheet: Worksheet, row: int, place: int, value: str) -> None:
    if sheet.write_string(row, place, value):
        raise InputError("is longer than a cell of Excel holds", row=row, value=value[:60])


def _write_number(sheet: Worksheet, row: int, place: int, value: Any, shown_as: Format) -> None:
    if isinstance(value, int):
        sheet.write_number(row, place, value / UNITS, shown_as)
    elif isinstance(value, Decimal):
        sheet.write_number(row, place, float(value), shown_as)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, place, value.replace(tzinfo=None), shown_as)
    else:
        sheet.write_datetime(row, place, value, shown_as)


def _write_about(sheet: Worksheet, manifest: Mapping[str, Any], bold: Format) -> None:
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 90)
    for number, (label, words) in enumerate(about_lines(manifest)):
        sheet.write_string(number, 0, label, bold)
        sheet.write_string(number, 1, words)
