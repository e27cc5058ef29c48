from __future__ import annotations

from decimal import Decimal

from service.boards.disputing import check_bills
from service.boards.formats import Tone, percent
from service.usecases.reconciliation import NO_BILL, OK, OVER, Reconciliation


def outcome(cluster: str, billed: str, allocated: str, state: str) -> Reconciliation:
    gap = Decimal(billed) - Decimal(allocated)
    causes = {"price": gap - 1, "hours_not_observed": Decimal(1)}
    ratio = float(gap / Decimal(billed)) if Decimal(billed) else None
    return Reconciliation(
        "2026-10",
        cluster,
        "USD",
        Decimal(billed),
        Decimal(allocated),
        gap,
        ratio,
        0.01,
        causes,
        state,
        None,
    )


def test_a_bill_that_agrees_passes_with_its_gap() -> None:
    (check,) = check_bills([outcome("prod", "1000", "995", OK)])
    assert (check.is_passed, check.tone) == (True, Tone.GOOD)
    assert check.result == f"prod: billed 1,000.00 USD, gap {percent(0.005, digits=2)}"


def test_a_gap_over_tolerance_blocks_and_names_amounts_and_the_largest_cause() -> None:
    check, other = check_bills([outcome("dev", "10", "10", OK), outcome("prod", "1000", "900", OVER)])
    assert (check.is_passed, check.is_blocking, check.tone) == (False, True, Tone.BAD)
    assert check.result == (
        "prod: billed 1,000.00 USD, allocated 900.00 USD, "
        f"gap 100.00 USD ({percent(0.1, digits=2)}), mostly a price that differs"
    )
    assert other.result.startswith("dev")


def test_a_cluster_without_a_bill_blocks_nothing() -> None:
    (check,) = check_bills([outcome("prod", "0", "995", NO_BILL)])
    assert (check.is_passed, check.is_blocking) == (False, False)
    assert check.result == "prod: no bill is stored: cost is at the price list"


def test_a_month_without_a_bill_is_said_and_does_not_block() -> None:
    (check,) = check_bills([])
    assert (check.is_passed, check.is_blocking, check.tone) == (False, False, Tone.WARNING)
    assert check.result == "no bill of this month is stored: cost is at the price list"
