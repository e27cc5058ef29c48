from __future__ import annotations

from datetime import date, timedelta

import pytest

from models.vocabulary.errors import UsageError
from service.boards.periods import NoComparison, choose_period, default_period

ONE = timedelta(days=1)
TODAY = date(2026, 11, 21)


def days(first: date, last: date) -> dict[date, bool]:
    return {first + index * ONE: True for index in range((last - first).days + 1)}


def test_a_running_month_is_compared_with_the_same_number_of_days_of_the_month_before() -> None:
    period = choose_period(None, days(date(2026, 10, 1), date(2026, 11, 20)), TODAY)
    assert period.name == "2026-11"
    assert str(period.shown) == "1\N{EN DASH}20 Nov 2026"
    assert str(period.compared) == "1\N{EN DASH}20 Oct 2026"
    assert period.is_fully_covered
    assert period.days_text == "1\N{EN DASH}20 Nov 2026"


def test_a_period_that_is_not_fully_covered_prints_its_days_and_is_not_compared() -> None:
    stored = days(date(2026, 10, 1), date(2026, 11, 20)) | {
        date(2026, 11, day): False for day in range(1, 10)
    }
    period = choose_period("2026-11", stored, TODAY)
    assert period.days_text == "10\N{EN DASH}20 Nov, 11 of 20"
    assert period.compared is None
    assert period.no_comparison is NoComparison.NOT_FULLY_COVERED


def test_a_missing_day_in_the_earlier_period_drops_its_pair_from_both_sides() -> None:
    stored = days(date(2026, 10, 1), date(2026, 11, 20)) | {date(2026, 10, 5): False}
    period = choose_period("2026-11", stored, TODAY)
    assert period.compared is not None
    assert len(period.paired_days) == len(period.compared_days) == 19
    assert date(2026, 11, 5) not in period.paired_days
    assert date(2026, 10, 5) not in period.compared_days


def test_an_earlier_period_with_less_than_95_percent_of_its_days_is_not_compared() -> None:
    stored = days(date(2026, 10, 1), date(2026, 11, 20)) | {
        date(2026, 10, 5): False,
        date(2026, 10, 6): False,
    }
    period = choose_period("2026-11", stored, TODAY)
    assert period.compared is None
    assert period.no_comparison is NoComparison.EARLIER_NOT_COVERED


def test_before_one_whole_month_is_stored_the_board_opens_on_the_last_seven_days() -> None:
    stored = days(date(2026, 11, 11), date(2026, 11, 20))
    assert default_period(stored, TODAY) == "7d"
    period = choose_period(None, stored, TODAY)
    assert str(period.shown) == "14\N{EN DASH}20 Nov 2026"
    assert period.compared is None


def test_seven_days_are_compared_with_the_seven_before() -> None:
    period = choose_period("7d", days(date(2026, 11, 1), date(2026, 11, 20)), TODAY)
    assert str(period.compared) == "7\N{EN DASH}13 Nov 2026"


def test_whole_months_of_different_length_are_compared_by_all_their_final_days() -> None:
    period = choose_period("2026-10", days(date(2026, 9, 1), date(2026, 11, 20)), TODAY)
    assert period.compared is not None
    assert (len(period.paired_days), len(period.compared_days)) == (31, 30)


def test_today_is_never_final() -> None:
    period = choose_period("2026-11", days(date(2026, 10, 1), date(2026, 11, 21)), TODAY)
    assert period.shown is not None
    assert period.shown.last == date(2026, 11, 20)


def test_on_the_first_of_a_month_the_board_shows_the_month_before() -> None:
    assert default_period(days(date(2026, 9, 1), date(2026, 10, 31)), date(2026, 11, 1)) == "2026-10"


def test_nothing_stored_says_so() -> None:
    period = choose_period(None, {}, TODAY)
    assert period.days_text == "no final day yet"
    assert period.no_comparison is NoComparison.NO_FINAL_DAY


@pytest.mark.parametrize("name", ["november", "2026-13", "2026", "30d", "2026/11"])
def test_a_name_that_is_no_period_is_refused(name: str) -> None:
    with pytest.raises(Exception, match="is not a") as caught:
        choose_period(name, {}, TODAY)
    assert isinstance(caught.value, UsageError) or "month" in str(caught.value)
