from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from support.bills import group

from models.billing.amortise import check_commitments, share_of_month

YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def month(number: int, year: int = 2026) -> tuple[date, date]:
    following = date(year + number // 12, number % 12 + 1, 1)
    return date(year, number, 1), following


def test_a_year_paid_at_once_is_a_day_s_part_for_every_day() -> None:
    paid = Decimal(365)
    assert share_of_month(paid, *YEAR, month(1)) == 31
    assert share_of_month(paid, *YEAR, month(2)) == 28


def test_a_term_that_begins_within_a_month_takes_its_days_only() -> None:
    start, end = datetime(2026, 1, 22, 12, tzinfo=UTC), datetime(2026, 3, 3, 12, tzinfo=UTC)
    shares = [share_of_month(Decimal(41), start, end, month(number)) for number in (1, 2, 3, 4)]
    assert shares == [10, 28, 3, 0]


@pytest.mark.parametrize("paid", ["100", "-100", "0.000000000000007", "8760.123456789012345"])
def test_shares_of_all_months_add_up_to_what_was_paid(paid: str) -> None:
    shares = [share_of_month(Decimal(paid), *YEAR, month(number)) for number in range(1, 13)]
    assert sum(shares) == Decimal(paid)


def test_a_commitment_that_is_amortised_whole_has_no_gap() -> None:
    """The example of FOCUS: a year of one dollar an hour, 8,760 paid."""
    bill = [
        group("8760", charge_category="Purchase", commitment_id="c", effective_cost=Decimal(0)),
        group("0", commitment_id="c", commitment_status="Used", effective_cost=Decimal(8000)),
        group("0", commitment_id="c", commitment_status="Unused", effective_cost=Decimal(760)),
        group("5"),
    ]
    (check,) = check_commitments(bill)
    assert (check.purchased, check.used, check.unused, check.gap) == (8760, 8000, 760, 0)
    (short,) = check_commitments(bill[:2])
    assert short.gap == -760
