"""The list of months: totals that need no policy are those that the lines add up to."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from support.bills import focus_line, node_line, write_bill
from support.closing import FINANCE, MONTH, closable_runtime

from models.chargeback.lines import amount
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import to_coins
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.bills import import_bills
from service.usecases.chargeback_periods import list_periods
from service.usecases.disputes import Claim, open_dispute, settle_dispute
from service.usecases.policies import set_policy
from service.usecases.statement_lines import exact_lines, month_totals, visible

RED = Principal("ann", frozenset({Role.OWNER}), frozenset({"red"}))
POLICY = """
idle: {to: share, scope: node, key: proportional}
overhead: {to: share, scope: cluster, key: even}
bill: {tax: proportional, true_up: proportional}
"""
BILL = [
    node_line("n1", 744, "175.0000000004"),
    node_line("n2", 744, "170"),
    focus_line("30", ChargeCategory="Tax"),
    focus_line("-20", ChargeCategory="Credit"),
    focus_line("1000", ServiceName="Moon base"),
]


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Return a runtime whose October has a policy."""
    found = closable_runtime(tmp_path / "home")
    set_policy(found, FINANCE, POLICY, effective_from=MONTH)
    return found


def sums_of_lines(runtime: Runtime, principal: Principal) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in visible(exact_lines(runtime, BillingMonth.read(runtime, MONTH))[0], principal):
        found[line.currency] = found.get(line.currency, 0) + line.effective
    return found


def assert_totals_are_those_of_the_lines(runtime: Runtime) -> None:
    month = BillingMonth.read(runtime, MONTH)
    for principal in (FINANCE, RED):
        sums = sums_of_lines(runtime, principal)
        assert month_totals(runtime, principal, month) == sums
        (row,) = (row for row in list_periods(runtime, principal) if row.period == MONTH)
        assert row.total_cost == to_coins(amount(sums["USD"]), "USD")


def test_with_a_policy_alone(runtime: Runtime) -> None:
    assert_totals_are_those_of_the_lines(runtime)
    assert sums_of_lines(runtime, RED)["USD"] < sums_of_lines(runtime, FINANCE)["USD"]


@pytest.mark.parametrize("end", ["2026-11-01", "2026-10-20"])
def test_with_a_bill_also_one_that_ends_early(runtime: Runtime, tmp_path: Path, end: str) -> None:
    lines = [{**line, "ChargePeriodEnd": f"{end}T00:00:00Z"} for line in BILL]
    import_bills(runtime, FINANCE, [write_bill(tmp_path / "bill.csv", lines)])
    assert_totals_are_those_of_the_lines(runtime)


def test_with_a_settled_dispute(runtime: Runtime) -> None:
    before = sums_of_lines(runtime, RED)["USD"]
    found = open_dispute(runtime, RED, Claim(MONTH, "red", "not our nodes", Decimal("20.50")))
    settle_dispute(runtime, FINANCE, found.id, Decimal("20.50"), "payments")
    assert sums_of_lines(runtime, RED)["USD"] == before - 20_500_000_000
    assert_totals_are_those_of_the_lines(runtime)


def test_a_bill_that_is_not_charged_changes_nothing(runtime: Runtime, tmp_path: Path) -> None:
    import_bills(runtime, FINANCE, [write_bill(tmp_path / "bill.csv", BILL)])
    ignoring = replace(runtime, settings=runtime.settings.model_copy(update={"bill_policy": "none"}))
    assert_totals_are_those_of_the_lines(ignoring)
