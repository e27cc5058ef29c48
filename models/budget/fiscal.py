"""Fiscal calendars: months, quarters and years that begin where a company's books begin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from models.vocabulary.errors import InputError, UsageError
from models.vocabulary.windows import DAY

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_FISCAL = re.compile(r"FY(\d{4})(?:-(?:Q([1-4])|P(0[1-9]|1[0-3])))?")
_MONTHS_PER_QUARTER = 3
_MONTHS_PER_YEAR = 12


@dataclass(frozen=True)
class FiscalPeriod:
    """A named range of billing days, both ends included."""

    name: str
    first: date
    last: date

    @property
    def day_count(self) -> int:
        """Days of the period."""
        return (self.last - self.first).days + 1

    def days(self) -> Iterator[date]:
        """Yield each day, oldest first."""
        for index in range(self.day_count):
            yield self.first + index * DAY


@dataclass(frozen=True)
class CalendarRow:
    """One period of a calendar that does not follow months (4-4-5, 13 periods)."""

    fiscal_year: int
    period: int
    first: date
    last: date


class FiscalCalendar:
    """Names periods and finds them.

    Parameters
    ----------
    start_month : int
        Month in which a fiscal year begins; the year is named after the calendar year in which it ends.
    rows : sequence of CalendarRow
        Periods that are given one by one; where they stand, they take the place of months.

    Raises
    ------
    InputError
        If a period ends before it begins, or periods overlap or leave a gap.
    """

    def __init__(self, start_month: int = 1, rows: Sequence[CalendarRow] = ()) -> None:
        if not 1 <= start_month <= _MONTHS_PER_YEAR:
            raise InputError("is not a month from 1 to 12", field="start_month", value=start_month)
        self._start_month = start_month
        self._rows = sorted(rows, key=lambda row: row.first)
        _check(self._rows)

    def find(self, name: str) -> FiscalPeriod:
        """Return a period by name: ``2026-10``, ``FY2027``, ``FY2027-Q1`` or ``FY2027-P01``.

        Raises
        ------
        UsageError
            If there is no such period.
        """
        if match := _MONTH.fullmatch(name):
            return _months(name, int(match[1]), int(match[2]), 1)
        match = _FISCAL.fullmatch(name)
        if match is None:
            raise UsageError(
                f"{name!r} is not a period: write 2026-10, FY2027, FY2027-Q1 (quarter) or FY2027-P01 (period)"
            )
        year, quarter, period = (None if part is None else int(part) for part in match.groups())
        assert year is not None
        own = [row for row in self._rows if row.fiscal_year == year]
        if own:
            return _of_rows(name, own, quarter, period)
        if period is not None and period > _MONTHS_PER_YEAR:
            raise UsageError(f"FY{year} has 12 periods: no calendar with more is stored for it")
        return self._of_months(name, year, quarter, period)

    def period_of(self, day: date) -> FiscalPeriod:
        """Return the period (month, or row of the calendar) that a day lies in."""
        for row in self._rows:
            if row.first <= day <= row.last:
                return FiscalPeriod(f"FY{row.fiscal_year}-P{row.period:02d}", row.first, row.last)
        return _months(f"{day:%Y-%m}", day.year, day.month, 1)

    def _of_months(self, name: str, year: int, quarter: int | None, period: int | None) -> FiscalPeriod:
        calendar_year = year if self._start_month == 1 else year - 1
        offset, count = 0, _MONTHS_PER_YEAR
        if quarter is not None:
            offset, count = (quarter - 1) * _MONTHS_PER_QUARTER, _MONTHS_PER_QUARTER
        elif period is not None:
            offset, count = period - 1, 1
        return _months(name, calendar_year, self._start_month + offset, count)


def _months(name: str, year: int, month: int, count: int) -> FiscalPeriod:
    first, after = _first_of(year, month), _first_of(year, month + count)
    return FiscalPeriod(name, first, after - DAY)


def _first_of(year: int, month: int) -> date:
    """Return the first day of a month; months above 12 lie in later years."""
    return date(year + (month - 1) // _MONTHS_PER_YEAR, (month - 1) % _MONTHS_PER_YEAR + 1, 1)


def _of_rows(name: str, own: Sequence[CalendarRow], quarter: int | None, period: int | None) -> FiscalPeriod:
    wanted = own
    if quarter is not None:
        # a thirteenth period belongs to the last quarter
        wanted = [row for row in own if min((row.period - 1) // _MONTHS_PER_QUARTER + 1, 4) == quarter]
    elif period is not None:
        wanted = [row for row in own if row.period == period]
    if not wanted:
        known = ", ".join(f"P{row.period:02d}" for row in own)
        raise UsageError(f"there is no {name}: FY{own[0].fiscal_year} has {known}")
    return FiscalPeriod(name, wanted[0].first, wanted[-1].last)


def _check(rows: Sequence[CalendarRow]) -> None:
    for row in rows:
        if row.last < row.first:
            raise InputError("is before first_day", field="last_day", value=str(row.last))
    for earlier, later in pairwise(rows):
        if later.first != earlier.last + DAY:
            problem = "overlaps" if later.first <= earlier.last else "leaves a gap after"
            raise InputError(
                f"{problem} FY{earlier.fiscal_year}-P{earlier.period:02d}, which ends on {earlier.last}",
                field="first_day",
                value=str(later.first),
            )
    names = [(row.fiscal_year, row.period) for row in rows]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError("is there twice", field="period", value=f"FY{twice[0]}-P{twice[1]:02d}")
