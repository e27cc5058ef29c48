"""Bill files as batches of ``bill_line`` rows: columns by a map, every cell checked, one batch in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.bills.cells import (
    add_amounts,
    convert,
    encode_tags,
    read_amount,
    read_number,
    tag_reader,
    time_reader,
)
from ingest.bills.column_map import AMOUNT_FIELDS, NUMBER_FIELDS, TEXT_FIELDS, TIME_FIELDS, ColumnMap
from ingest.bills.credits import split_credits
from ingest.bills.raw import find_bill_files, text_batches
from ingest.files.reading import FilePlace
from models.billing.amortise import SHORTEST_TERM
from models.billing.buckets import CHARGE_CATEGORIES
from models.vocabulary.errors import InputError
from warehouse.lake.bill_table import BILL_AMOUNT
from warehouse.lake.declaration import INSTANT

_MONTH_SLACK = timedelta(hours=36)
"""A billing period begins at midnight somewhere on earth: so much later it is surely in its month."""
_HOUR_UNITS = ("hours", "hour", "hrs", "hr", "h", "1 hour", "小时", "小時")
_STORED = (
    *(name for name in TEXT_FIELDS if name != "tags"),
    "charge_start",
    "charge_end",
    "amortise_until",
    "quantity",
    *AMOUNT_FIELDS,
    "tags",
)


@dataclass(frozen=True)
class BillOptions:
    """What the command says about a bill.

    Parameters
    ----------
    provider, invoice, account : str or None
        For lines that do not name it themselves.
    """

    provider: str | None = None
    invoice: str | None = None
    account: str | None = None


def read_bill_lines(
    paths: Sequence[Path], columns: ColumnMap, options: BillOptions | None = None
) -> Iterator[pa.Table]:
    """Yield the lines of bill files in order, as columns of ``bill_line`` without ``bill``.

    Parameters
    ----------
    paths : sequence of Path
        Files or folders that together are one delivery.
    columns : ColumnMap
    options : BillOptions, optional

    Raises
    ------
    InputError
        If a file lacks a required column or a cell cannot be used: file, row, field and value are named.
    """
    line_number = 0
    for path in find_bill_files(paths):
        rows_before = 0
        for raw in text_batches(path, columns.source_columns, columns.tag_prefixes):
            place = FilePlace(str(path), rows_before)
            if rows_before == 0:
                _check_columns(path, raw.column_names, columns)
            rows_before += raw.num_rows
            if raw.num_rows:
                lines = _Batch(place, raw, columns, options or BillOptions()).lines()
                numbers = pa.array(np.arange(line_number, line_number + lines.num_rows, dtype=np.int64))
                line_number += lines.num_rows
                yield lines.append_column("line_number", numbers)


def _check_columns(path: Path, names: Sequence[str], columns: ColumnMap) -> None:
    for name in columns.required:
        sources = [*columns.columns.get(name, ()), *columns.amounts.get(name, ())]
        if name not in columns.constants and not any(source in names for source in sources):
            shown = " or ".join(sources[:4])
            raise InputError(
                f"is missing: the map {columns.name} reads {name.replace('_', ' ')} from it; choose another "
                "map with --map, or write your own",
                file=str(path),
                field=shown,
            )


@dataclass
class _Batch:
    """Some rows of one file, on their way to lines."""

    place: FilePlace
    raw: pa.Table
    columns: ColumnMap
    options: BillOptions
    amounts: dict[str, pa.Array] = field(default_factory=dict)

    def lines(self) -> pa.Table:
        found: dict[str, pa.Array] = {name: self._text(name) for name in TEXT_FIELDS if name != "tags"}
        found |= {name: self._times(name) for name in TIME_FIELDS}
        found |= {name: self._numbers(name) for name in NUMBER_FIELDS}
        for name in AMOUNT_FIELDS:
            terms = self.columns.amounts.get(name)
            found[name] = self._sum(terms) if terms else self._amount_column(name)
        self._apply_cases(found)
        found["tags"] = self._tags()
        self._fill(found)
        self._check(found)
        if self.columns.credit_column in self.raw.column_names:
            texts = self.raw.column(self.columns.credit_column).combine_chunks()
            return _finished(split_credits(self.place, texts, pa.table(found), self.columns))
        return _finished(pa.table(found))

    def _cells(self, names: Sequence[str]) -> pa.Array:
        """Return in each row the first column that has a value."""
        present = [self.raw.column(name) for name in names if name in self.raw.column_names]
        if not present:
            return pa.nulls(self.raw.num_rows, pa.string())
        cells = present[0] if len(present) == 1 else pc.coalesce(*present)
        cells = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
        cells = cells.chunk(0) if isinstance(cells, pa.ChunkedArray) else cells
        unset = pc.is_in(cells, value_set=pa.array(["", *self.columns.nulls], pa.string()))
        return pc.if_else(unset, pa.scalar(None, pa.string()), cells)

    def _text(self, name: str) -> pa.Array:
        cells = self._cells(self.columns.columns.get(name, ()))
        constant = self.columns.constants.get(name)
        return cells if constant is None else cells.fill_null(constant)

    def _times(self, name: str) -> pa.Array:
        read = time_reader(self.columns.zone)
        return convert(self.place, self._text(name), self._shown(name), INSTANT, read)

    def _numbers(self, name: str) -> pa.Array:
        return convert(self.place, self._text(name), self._shown(name), pa.float64(), read_number)

    def _amount_column(self, name: str) -> pa.Array:
        return convert(self.place, self._text(name), self._shown(name), BILL_AMOUNT, read_amount)

    def _shown(self, name: str) -> str:
        """Return the file's own name of a field."""
        sources = self.columns.columns.get(name, ())
        return next((source for source in sources if source in self.raw.column_names), name)

    def _sum(self, terms: Sequence[str]) -> pa.Array:
        """Return the sum of columns; null is nothing, and a column that is not there is left out."""
        total = pa.array([0], BILL_AMOUNT).take(pa.array(np.zeros(self.raw.num_rows, np.int64)))
        for term in terms:
            source = term.removeprefix("-")
            if source not in self.raw.column_names:
                continue
            if source not in self.amounts:
                cells = self._cells((source,))
                read = convert(self.place, cells, source, BILL_AMOUNT, read_amount)
                self.amounts[source] = read.fill_null(pa.scalar(0, BILL_AMOUNT))
            added = pc.negate(self.amounts[source]) if term.startswith("-") else self.amounts[source]
            total = add_amounts(total, added)
        return total

    def _apply_cases(self, found: dict[str, pa.Array]) -> None:
        if not self.columns.case_column:
            return
        kinds = self._cells(self.columns.case_column).fill_null("")
        for value in pc.unique(kinds).to_pylist():
            rows = pc.equal(kinds, value)
            known = value if value in self.columns.cases else "*"
            if known not in self.columns.cases:
                shown = next((n for n in self.columns.case_column if n in self.raw.column_names), "")
                listed = ", ".join(name for name in self.columns.cases if name and "|" not in name)
                self.place.refuse(rows, kinds, shown, f"is no kind of line; known are {listed}")
            self._apply(found, rows, known)
            if f"{value}|commitment" in self.columns.cases:
                committed = pc.and_(rows, pc.is_valid(found["commitment_id"]))
                self._apply(found, committed, f"{value}|commitment")

    def _apply(self, found: dict[str, pa.Array], rows: pa.Array, value: str) -> None:
        case = self.columns.cases[value]
        for name, text in case.values.items():
            found[name] = pc.if_else(rows, pa.scalar(text, pa.string()), found[name])
        for name, terms in case.amounts.items():
            present = [term for term in terms if term.removeprefix("-") in self.raw.column_names]
            if terms and not present and pc.any(rows).as_py():
                raise InputError(
                    f"is missing: {value} lines have their {name.replace('_', ' ')} there; export it too",
                    file=self.place.file,
                    field=terms[0],
                )
            found[name] = pc.if_else(rows, self._sum(terms), found[name])

    def _tags(self) -> pa.Array:
        name = self._shown("tags")
        form = self.columns.tag_format
        tags = convert(self.place, self._text("tags"), name, pa.string(), tag_reader(form))
        prefixes = {
            column: prefix
            for column in self.raw.column_names
            for prefix in self.columns.tag_prefixes
            if column.lower().startswith(prefix.lower())
        }
        if not prefixes:
            return tags
        cells = {column[len(prefix) :]: self._cells((column,)) for column, prefix in prefixes.items()}
        rows = zip(*(values.to_pylist() for values in cells.values()), strict=True)
        own = [encode_tags({key: v for key, v in zip(cells, row, strict=True) if v}) for row in rows]
        return pc.coalesce(tags, pa.array(own, pa.string()))

    def _fill(self, found: dict[str, pa.Array]) -> None:
        for name, given in (
            ("provider", self.options.provider),
            ("invoice", self.options.invoice),
            ("billing_account", self.options.account),
        ):
            if given is not None:
                found[name] = found[name].fill_null(given)
        found["charge_category"] = found["charge_category"].fill_null("Usage")
        # a time without an end is a day; a line without any time is the month
        day_later = pc.add(found["charge_start"], pa.scalar(timedelta(days=1)))
        found["charge_start"] = pc.coalesce(found["charge_start"], found["billing_period_start"])
        month_later = pc.add(found["billing_period_start"], pa.scalar(timedelta(days=28)))
        found["charge_end"] = pc.coalesce(
            found["charge_end"], _after_months(found), day_later, month_later
        ).cast(INSTANT)
        if "effective_cost" not in self.columns.required:
            found["effective_cost"] = pc.coalesce(found["effective_cost"], found["billed_cost"])
        found["amortise_until"] = _amortised(found)

    def _check(self, found: dict[str, pa.Array]) -> None:
        for name in {*self.columns.required, "billing_period_start", "currency", "billed_cost"}:
            self.place.refuse(pc.is_null(found[name]), found[name], self._shown(name), "is empty")
        wrong = pc.invert(pc.is_in(found["charge_category"], value_set=pa.array(CHARGE_CATEGORIES)))
        known = ", ".join(CHARGE_CATEGORIES)
        self.place.refuse(
            wrong, found["charge_category"], self._shown("charge_category"), f"is not one of {known}"
        )
        wrong = pc.invert(pc.match_substring_regex(found["currency"], "^[A-Z]{3}$"))
        self.place.refuse(
            wrong, found["currency"], self._shown("currency"), "is not a currency code like EUR"
        )
        wrong = pc.less(found["charge_end"], found["charge_start"])
        self.place.refuse(
            wrong, found["charge_end"], self._shown("charge_end"), "is before the charge starts"
        )


def _after_months(found: dict[str, pa.Array]) -> pa.Array:
    """Return the end of purchases whose term is given in months."""
    terms, starts = found["term_months"].to_pylist(), found["charge_start"].to_pylist()
    if not any(terms):
        return pa.nulls(len(terms), INSTANT)
    ends: list[datetime | None] = []
    for term, start in zip(terms, starts, strict=True):
        if not term or start is None:
            ends.append(None)
            continue
        months = start.month - 1 + int(term)
        ends.append(
            start.replace(year=start.year + months // 12, month=months % 12 + 1, day=min(start.day, 28))
        )
    is_purchase = pc.equal(found["charge_category"], "Purchase")
    return pc.if_else(is_purchase, pa.array(ends, INSTANT), pa.scalar(None, INSTANT))


def _amortised(found: dict[str, pa.Array]) -> pa.Array:
    """Return until when a purchase is spread that the bill charges at once; null for all other lines."""
    if not pc.any(pc.equal(found["charge_category"], "Purchase")).as_py():
        return found["amortise_until"]
    is_long = pc.greater_equal(
        pc.subtract(found["charge_end"], found["charge_start"]), pa.scalar(SHORTEST_TERM)
    )
    recurs = pc.equal(pc.utf8_lower(found["charge_frequency"]), "recurring").fill_null(fill_value=False)
    conditions = (
        pc.equal(found["charge_category"], "Purchase"),
        pc.is_null(found["commitment_status"]),
        pc.not_equal(found["effective_cost"], pa.scalar(0, BILL_AMOUNT)),
        is_long,
        pc.invert(recurs),
    )
    chosen = conditions[0]
    for condition in conditions[1:]:
        chosen = pc.and_(chosen, condition)
    return pc.coalesce(
        found["amortise_until"], pc.if_else(chosen, found["charge_end"], pa.scalar(None, INSTANT))
    )


def _finished(lines: pa.Table) -> pa.Table:
    """Return the columns of ``bill_line``, with billing month and hours of machines."""
    months = pc.add(lines.column("billing_period_start"), pa.scalar(_MONTH_SLACK))
    first = pc.floor_temporal(months, unit="month").cast(pa.date32())
    units = pc.utf8_lower(lines.column("unit"))
    is_hours = pc.and_(
        pc.is_in(units, value_set=pa.array(_HOUR_UNITS)), pc.equal(lines.column("charge_category"), "Usage")
    )
    hours = pc.if_else(
        is_hours.fill_null(fill_value=False), lines.column("quantity"), pa.scalar(None, pa.float64())
    )
    stored = lines.select(_STORED)
    stored = stored.append_column("billed_hours", hours)
    stored = stored.append_column("billing_month", pc.strftime(months, format="%Y-%m"))
    return stored.append_column("billing_date", first).combine_chunks()
