"""Files of the business beside the clusters: numbers to divide cost by, and the fiscal calendar."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ingest.files.cells import day_cell
from ingest.files.columns import Column, Kind
from ingest.files.reading import find_files, read_rows
from models.budget.fiscal import CalendarRow
from models.vocabulary.errors import InputError
from warehouse.database.plans import BusinessMetric

METRIC_COLUMNS = (
    Column("name", Kind.TEXT, is_required=True),
    Column("scope", Kind.TEXT),
    Column("day", Kind.TEXT, is_required=True),
    Column("value", Kind.NUMBER, is_required=True),
    Column("unit", Kind.TEXT, is_required=True),
)
"""``scope`` is a team, or empty (``*``) for the whole company."""

CALENDAR_COLUMNS = (
    Column("fiscal_year", Kind.COUNT, is_required=True),
    Column("period", Kind.COUNT, is_required=True),
    Column("first_day", Kind.TEXT, is_required=True),
    Column("last_day", Kind.TEXT, is_required=True),
)
_MOST_PERIODS = 13


def load_business_metrics(path: Path) -> list[BusinessMetric]:
    """Return the values of a file, or of all files of a folder.

    Raises
    ------
    InputError
        Naming file, row, field and value; also for a value that stands twice and a metric in two units.
    """
    found: dict[tuple[str, str, date], BusinessMetric] = {}
    units: dict[str, str] = {}
    for file in find_files([path]):
        for number, row in enumerate(read_rows(file, METRIC_COLUMNS), start=1):
            name, unit = str(row["name"]), str(row["unit"])
            scope = str(row["scope"]) if row["scope"] is not None else "*"
            day = day_cell(str(file), number, "day", row["day"])
            if (name, scope, day) in found:
                raise InputError("stands twice", file=str(file), row=number, field="day", value=str(day))
            if units.setdefault(name, unit) != unit:
                reason = f"is not {units[name]}, the unit of {name} in earlier rows"
                raise InputError(reason, file=str(file), row=number, field="unit", value=unit)
            value = row["value"]
            assert isinstance(value, (int, float))
            found[name, scope, day] = BusinessMetric(name, scope, day, float(value), unit)
    return list(found.values())


def load_fiscal_calendar(path: Path) -> list[CalendarRow]:
    """Return the periods of a fiscal calendar file.

    Raises
    ------
    InputError
        Naming file, row, field and value.
    """
    found = []
    for file in find_files([path]):
        for number, row in enumerate(read_rows(file, CALENDAR_COLUMNS), start=1):
            year, period = row["fiscal_year"], row["period"]
            assert isinstance(year, int)
            assert isinstance(period, int)
            if not 1 <= period <= _MOST_PERIODS:
                reason = f"is not a period from 1 to {_MOST_PERIODS}"
                raise InputError(reason, file=str(file), row=number, field="period", value=period)
            first, last = (day_cell(str(file), number, name, row[name]) for name in ("first_day", "last_day"))
            found.append(CalendarRow(year, period, first, last))
    return found
