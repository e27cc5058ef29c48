from __future__ import annotations

from datetime import date
from decimal import Decimal

from service.boards.chargeback import check_sums, default_month
from service.usecases.chargeback_check import Check as SumCheck


def sums(cluster: str, amount: str, lines: str | None = None) -> SumCheck:
    exact = Decimal(amount)
    return SumCheck(cluster, "EUR", exact, exact, exact, Decimal(lines or amount))


def test_the_agreed_sum_is_that_of_the_file_whose_clusters_are_rounded_one_by_one() -> None:
    check = check_sums([sums("a", "10.004"), sums("b", "20.004"), sums("c", "30.004")])
    assert check.is_passed
    assert check.result.endswith("60.00 EUR")
    assert check.sign == "\N{CHECK MARK}"


def test_a_cent_that_is_lost_names_its_cluster_and_blocks() -> None:
    check = check_sums([sums("a", "10.00"), sums("b", "20.00", "19.99")])
    assert not check.is_passed
    assert check.is_blocking
    assert check.result.startswith("b: lines 19.99 EUR, nodes 20.00 EUR")


def test_the_board_opens_on_the_newest_month_that_is_over() -> None:
    today = date(2026, 11, 21)
    assert default_month(["2026-11", "2026-10", "2026-09"], today) == "2026-10"
    assert default_month(["2026-11"], today) == "2026-11"
    assert default_month([], today) is None
