from __future__ import annotations

from datetime import date
from decimal import Decimal

from models.chargeback.lines import ALL_CLUSTERS
from service.boards.chargeback import check_sums, default_month
from service.usecases.chargeback_check import Check as SumCheck


def sums(cluster: str, amount: str, lines: str | None = None) -> SumCheck:
    exact = Decimal(amount)
    return SumCheck(cluster, "EUR", exact, exact, exact, Decimal(lines or amount))


def test_the_agreed_sum_is_the_bill_of_all_clusters_and_counts_each_once() -> None:
    check = check_sums(
        [sums("a", "10.004"), sums("b", "20.004"), sums("c", "30.004"), sums(ALL_CLUSTERS, "60.012")]
    )
    assert check.is_passed
    assert check.result.endswith("60.01 EUR")
    assert check.sign == "\N{CHECK MARK}"


def test_the_agreed_sum_of_one_cluster_is_its_bill() -> None:
    assert check_sums([sums("a", "10.004")]).result.endswith("10.00 EUR")


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
