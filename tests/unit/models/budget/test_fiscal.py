from datetime import date

import pytest

from models.budget.fiscal import CalendarRow, FiscalCalendar
from models.vocabulary.errors import InputError, UsageError


@pytest.mark.parametrize(
    ("start_month", "name", "first", "last"),
    [
        (1, "2026-10", date(2026, 10, 1), date(2026, 10, 31)),
        (1, "FY2026", date(2026, 1, 1), date(2026, 12, 31)),
        (1, "FY2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        (4, "FY2027", date(2026, 4, 1), date(2027, 3, 31)),
        (4, "FY2027-Q1", date(2026, 4, 1), date(2026, 6, 30)),
        (4, "FY2027-Q4", date(2027, 1, 1), date(2027, 3, 31)),
        (10, "FY2027-P02", date(2026, 11, 1), date(2026, 11, 30)),
    ],
)
def test_a_period_is_found_by_its_name(start_month, name, first, last):
    period = FiscalCalendar(start_month).find(name)
    assert (period.first, period.last) == (first, last)


def rows(year=2027, first=date(2026, 9, 28), weeks=(4, 4, 5) * 4):
    found = []
    for number, count in enumerate(weeks, start=1):
        last = date.fromordinal(first.toordinal() + 7 * count - 1)
        found.append(CalendarRow(year, number, first, last))
        first = date.fromordinal(last.toordinal() + 1)
    return found


def test_a_445_calendar_takes_the_place_of_months():
    calendar = FiscalCalendar(10, rows())
    quarter = calendar.find("FY2027-Q1")
    assert (quarter.first, quarter.day_count) == (date(2026, 9, 28), 13 * 7)
    assert calendar.period_of(date(2026, 11, 30)).name == "FY2027-P03"
    assert calendar.find("FY2027").day_count == 52 * 7
    assert calendar.period_of(date(2026, 9, 1)).name == "2026-09"


def test_a_thirteenth_period_belongs_to_the_last_quarter():
    calendar = FiscalCalendar(1, rows(weeks=(4,) * 13))
    assert calendar.find("FY2027-Q4").day_count == 16 * 7


@pytest.mark.parametrize("name", ["2026-13", "FY26", "Q1", "FY2027-P13", "FY2027-Q5", ""])
def test_a_name_that_is_no_period_is_refused_with_the_forms_there_are(name):
    with pytest.raises(UsageError, match=r"is not a period|has 12 periods"):
        FiscalCalendar().find(name)


def test_a_gap_and_an_overlap_are_named():
    first, second = rows()[:2]
    late = CalendarRow(2027, 2, date(2026, 10, 27), date(2026, 11, 22))
    early = CalendarRow(2027, 2, date(2026, 10, 20), second.last)
    with pytest.raises(InputError, match="leaves a gap after FY2027-P01"):
        FiscalCalendar(rows=[first, late])
    with pytest.raises(InputError, match="overlaps FY2027-P01"):
        FiscalCalendar(rows=[first, early])
    with pytest.raises(InputError, match="is before first_day"):
        FiscalCalendar(rows=[CalendarRow(2027, 1, date(2026, 2, 2), date(2026, 2, 1))])


def test_a_year_cannot_begin_in_month_13():
    with pytest.raises(InputError, match="month from 1 to 12"):
        FiscalCalendar(13)
