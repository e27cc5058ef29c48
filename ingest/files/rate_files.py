"""Exchange rate files: rows of our own, or the table that the European Central Bank publishes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path

from ingest.files.cells import day_cell, decimal_cell
from ingest.files.columns import Column, Kind
from ingest.files.reading import check_columns, find_files, read_rows
from ingest.files.text_files import reading_text
from models.vocabulary.errors import InputError
from models.vocabulary.money import check_currency
from warehouse.database.plans import ExchangeRate

RATE_COLUMNS = (
    Column("from_currency", Kind.TEXT, is_required=True),
    Column("to_currency", Kind.TEXT, is_required=True),
    Column("day", Kind.TEXT, is_required=True),
    Column("rate", Kind.TEXT, is_required=True),
    Column("origin", Kind.TEXT),
)
_ECB_DAY = "Date"
_ECB_ORIGIN = "ECB reference rate"
_ECB_UNKNOWN = ("", "N/A")
_LARGEST_RATE = Decimal("1e12")


def load_rates(path: Path) -> list[ExchangeRate]:
    """Return the rates of a file, or of all files of a folder.

    A CSV whose first column is ``Date`` is the ECB's table (``eurofxref-hist.csv``): a column per currency,
    each cell what one euro is worth; ``N/A`` is skipped.

    Raises
    ------
    InputError
        Naming file, row, field and value: a currency, day or rate that is none; a pair that has two rates on
        a day.
    """
    found: dict[tuple[str, str, date], ExchangeRate] = {}
    for file in find_files([path]):
        rows = _ecb_rows(file) if _is_ecb(file) else _own_rows(file)
        for number, rate in rows:
            key = (rate.from_currency, rate.to_currency, rate.day)
            if key in found:
                raise InputError(
                    f"has two rates on {rate.day}",
                    file=str(file),
                    row=number,
                    field="rate",
                    value=f"{rate.from_currency} {rate.to_currency}",
                )
            found[key] = rate
    return list(found.values())


def _own_rows(file: Path) -> Iterator[tuple[int, ExchangeRate]]:
    for number, row in enumerate(read_rows(file, RATE_COLUMNS), start=1):
        yield (
            number,
            _rate(
                str(file),
                number,
                (str(row["from_currency"]), str(row["to_currency"])),
                (str(row["day"]), str(row["rate"])),
                str(row["origin"] or "imported"),
            ),
        )


def _is_ecb(file: Path) -> bool:
    return file.suffix == ".csv" and _ecb_lines(file, limit=1)[0][:1] == [_ECB_DAY]


def _ecb_lines(file: Path, limit: int | None = None) -> list[list[str]]:
    with reading_text(file) as source:
        lines = list(islice(csv.reader(source), limit))
    if not lines:
        raise InputError("is empty: the first line names the columns", file=str(file))
    return [[cell.strip() for cell in line] for line in lines]


def _ecb_rows(file: Path) -> Iterator[tuple[int, ExchangeRate]]:
    header, *lines = _ecb_lines(file)
    currencies = header[1:-1] if header[-1] == "" else header[1:]
    check_columns(
        str(file), header[: len(currencies) + 1], [Column(n, Kind.TEXT) for n in dict.fromkeys(header)]
    )
    for number, line in enumerate(lines, start=1):
        if not any(line):
            continue
        if len(line) < len(currencies) + 1:
            raise InputError(f"has {len(line)} cells, the header {len(header)}", file=str(file), row=number)
        yield from _ecb_line(str(file), number, currencies, line)


def _ecb_line(
    file: str, number: int, currencies: Sequence[str], line: Sequence[str]
) -> Iterator[tuple[int, ExchangeRate]]:
    for currency, cell in zip(currencies, line[1:], strict=False):
        if cell not in _ECB_UNKNOWN:
            yield number, _rate(file, number, ("EUR", currency), (line[0], cell), _ECB_ORIGIN)


def _rate(file: str, number: int, pair: tuple[str, str], cells: tuple[str, str], origin: str) -> ExchangeRate:
    for field, code in zip(("from_currency", "to_currency"), pair, strict=True):
        try:
            check_currency(code)
        except InputError as problem:
            raise InputError(problem.reason, file=file, row=number, field=field, value=code) from problem
    if pair[0] == pair[1]:
        raise InputError(
            "is both sides of the pair", file=file, row=number, field="to_currency", value=pair[1]
        )
    day, text = cells
    quoted = day_cell(file, number, "day", day)
    value = decimal_cell(file, number, "rate", text)
    if value is None or not 0 < value < _LARGEST_RATE:
        raise InputError("is not above 0 or too large", file=file, row=number, field="rate", value=text)
    return ExchangeRate(pair[0], pair[1], quoted, value, origin)
