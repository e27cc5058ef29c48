"""A bill meets the month that was allocated: gaps with causes, true-ups, scaled hours, closing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.bills import focus_line, node_line, write_bill
from support.closing import FINANCE, LONG_AGO, MONTH, closable_runtime, store_hours

from models.billing.buckets import Bucket
from models.billing.rules import BillRule
from models.chargeback.lines import ChargeLine, LineKind, amount
from models.pricing.price_list import PriceRow
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.bill_factors import refresh_factors, stored_factors, update_factors
from service.usecases.billing_months import BillingMonth
from service.usecases.bills import import_bills
from service.usecases.chargeback_check import verify
from service.usecases.period_close import CloseRefused, close_period
from service.usecases.period_correct import correct_period
from service.usecases.reconciliation import (
    NO_BILL,
    OK,
    OVER,
    RECONCILIATION,
    reconcile,
    reconciliation_problems,
)
from service.usecases.statement_lines import exact_lines
from warehouse.lake.reading import TableScan

NODE_COST = Decimal("173.352")
"""744 hours of m5.xlarge at 0.233 USD."""
BOTH = (node_line("n1", 744, "173.352"), node_line("n2", 744, "173.352"))
SQL = "SELECT sum(effective_cost)::DECIMAL(38,9) AS cost FROM price"


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Return a runtime whose October of two nodes is allocated at list prices."""
    return closable_runtime(tmp_path / "home")


def with_settings(runtime: Runtime, **settings: object) -> Runtime:
    return replace(runtime, settings=runtime.settings.model_copy(update=settings))


def import_lines(runtime: Runtime, folder: Path, lines: Sequence[dict[str, str]]) -> None:
    import_bills(runtime, FINANCE, [write_bill(folder / "bill.csv", lines)])


def month_lines(runtime: Runtime, *, is_by_workload: bool = True) -> list[ChargeLine]:
    facts = replace(BillingMonth.read(runtime, MONTH), frozen=None)
    return exact_lines(runtime, facts, is_by_workload=is_by_workload)[0]


def charged(lines: Sequence[ChargeLine], kind: LineKind | None = None) -> Decimal:
    return amount(sum(line.effective for line in lines if kind is None or line.kind is kind))


def node_costs(runtime: Runtime) -> Decimal:
    rows = runtime.warehouse.lake.query(SQL, tables={"price": TableScan("asset_price_hour")}).to_pylist()
    return Decimal(rows[0]["cost"])


def test_a_bill_at_list_price_has_no_gap(runtime: Runtime, tmp_path: Path) -> None:
    import_lines(runtime, tmp_path, BOTH)
    (found,) = reconcile(runtime, FINANCE, MONTH)
    assert (found.billed, found.allocated, found.gap, found.state) == (2 * NODE_COST, 2 * NODE_COST, 0, OK)
    assert not any(found.causes.values())
    assert charged(month_lines(runtime), LineKind.TRUE_UP) == 0


def test_every_cause_of_a_gap_is_told_and_they_add_up(runtime: Runtime, tmp_path: Path) -> None:
    dearer = node_line("n1", 744, "180", EffectiveCost="150")  # contracted 180, a commitment takes 30 off
    tagged = {"Tags": '{"eks:cluster-name": "c1"}'}
    unseen = node_line("i-gone", 10, "2.5", **tagged)
    volume = focus_line("4", ServiceName="Amazon Elastic Block Store", ResourceId="vol-1", **tagged)
    import_lines(runtime, tmp_path, [dearer, unseen, volume])
    (found,) = reconcile(runtime, FINANCE, MONTH)
    assert found.causes == {
        "price": Decimal("6.648"),
        "hours_not_observed": Decimal("2.5"),
        "hours_not_billed": -NODE_COST,
        "assets_not_priced": Decimal(4),
        "commitment": Decimal(-30),
        "rounding": 0,
    }
    assert sum(found.causes.values()) == found.gap == Decimal("156.5") - 2 * NODE_COST
    assert found.state == OVER


def test_nodes_that_were_not_seen_for_some_hours_are_hours(runtime: Runtime, tmp_path: Path) -> None:
    import_lines(runtime, tmp_path, [node_line("n1", 744, "173.352"), node_line("n2", 750, "174.75")])
    (found,) = reconcile(runtime, FINANCE, MONTH)
    assert found.causes["hours_not_observed"] == Decimal("1.398")
    assert (found.gap, found.state) == (Decimal("1.398"), OK)


def test_a_cluster_without_a_bill_blocks_nothing(runtime: Runtime, tmp_path: Path) -> None:
    import_lines(runtime, tmp_path, [focus_line("9", ServiceName="Amazon RDS")])
    (found,) = reconcile(runtime, FINANCE, MONTH)
    assert found.state == NO_BILL
    assert reconciliation_problems(runtime, BillingMonth.read(runtime, MONTH)) == []


def everything() -> list[dict[str, str]]:
    """Return a bill with a line of each kind; in scope it comes to 418.10000000040."""
    return [
        node_line("n1", 744, "175.0000000004"),
        node_line(
            "n2", 744, "0", EffectiveCost="170", CommitmentDiscountId="sp", CommitmentDiscountStatus="Used"
        ),
        focus_line("0", EffectiveCost="10.1", CommitmentDiscountId="sp", CommitmentDiscountStatus="Unused"),
        focus_line("180.1", EffectiveCost="0", ChargeCategory="Purchase", CommitmentDiscountId="sp"),
        focus_line("50", ServiceName="Amazon RDS", Tags='{"team": "red"}', InvoiceId="INV-7"),
        focus_line("30", ChargeCategory="Tax"),
        focus_line("9", ServiceName="AWS Support (Business)"),
        focus_line("-20", ChargeCategory="Credit"),
        focus_line("-6", ChargeCategory="Adjustment"),
        focus_line("1000", ServiceName="Moon base"),
    ]


RULES = [BillRule(Bucket.OUT_OF_CLUSTER, service="*RDS", team_tag="team", cost_centre="4711")]


def test_lines_of_the_month_add_up_to_the_bill_in_scope(runtime: Runtime, tmp_path: Path) -> None:
    runtime.warehouse.bill_rules.save(RULES, "finance", datetime(2026, 11, 1, tzinfo=UTC))
    import_lines(runtime, tmp_path, everything())
    for is_by_workload in (True, False):
        lines = month_lines(runtime, is_by_workload=is_by_workload)
        assert charged(lines) == Decimal("418.100000000")
        assert charged(lines, LineKind.UNUSED_COMMITMENT) == Decimal("10.1")
        assert charged(lines, LineKind.TRUE_UP) == Decimal("345.000000000") - 2 * NODE_COST
        for kind, cost in (
            (LineKind.TAX, 30),
            (LineKind.SUPPORT, 9),
            (LineKind.CREDIT, -20),
            (LineKind.REFUND, -6),
        ):
            assert charged(lines, kind) == cost
    (database,) = [line for line in lines if line.kind is LineKind.OUT_OF_CLUSTER]
    assert (database.team, database.cost_centre, database.reference) == ("red", "4711", "INV-7 Amazon RDS")
    payers = {line.team for line in lines if line.kind is LineKind.TAX}
    assert payers == {None}
    assert all(check.is_equal for check in verify(runtime, FINANCE, MONTH))


def test_without_a_policy_bills_are_only_reconciled(runtime: Runtime, tmp_path: Path) -> None:
    import_lines(runtime, tmp_path, everything())
    assert charged(month_lines(with_settings(runtime, bill_policy="none"))) == 2 * NODE_COST


def test_a_scaled_month_costs_every_day_what_the_bill_charges(runtime: Runtime, tmp_path: Path) -> None:
    scaled = with_settings(runtime, bill_policy="scale")
    covered = node_line("n1", 744, "104.0112")  # 60 % of the list price
    import_lines(scaled, tmp_path, [covered, BOTH[1]])
    (factor,) = update_factors(scaled, FINANCE, MONTH)
    assert (factor.family, factor.factor) == ("m5", Decimal("0.8"))
    report = allocate(scaled)
    assert len(report.days["c1"]) == 31
    assert node_costs(scaled) == Decimal("277.3632")
    lines = month_lines(scaled)
    assert charged(lines) == charged(lines, None) == Decimal("277.3632")
    assert charged(lines, LineKind.TRUE_UP) == 0
    assert {line.provenance for line in lines} == {"bill"}
    assert all(check.is_equal for check in verify(scaled, FINANCE, MONTH))
    assert not any(allocate(scaled).days.values())


def test_a_month_priced_by_old_factors_cannot_be_closed(runtime: Runtime, tmp_path: Path) -> None:
    scaled = with_settings(runtime, bill_policy="scale")
    import_lines(scaled, tmp_path, BOTH)
    facts = BillingMonth.read(scaled, MONTH)
    (problem,) = reconciliation_problems(scaled, facts)
    assert "factors that are out of date" in problem
    refresh_factors(scaled)
    assert reconciliation_problems(scaled, facts) == []


def test_a_cent_that_a_factor_cannot_give_is_trued_up(runtime: Runtime, tmp_path: Path) -> None:
    scaled = with_settings(runtime, bill_policy="scale")
    import_lines(scaled, tmp_path, [node_line("n1", 744, "100"), node_line("n2", 744, "100.01")])
    update_factors(scaled, FINANCE, MONTH)
    allocate(scaled)
    lines = month_lines(scaled)
    assert charged(lines) == Decimal("200.01")
    assert abs(charged(lines, LineKind.TRUE_UP)) < Decimal("0.0001")


def test_a_changed_factor_dirties_the_days_of_its_month_only(runtime: Runtime, tmp_path: Path) -> None:
    scaled = with_settings(runtime, bill_policy="scale")
    november = [
        {**line, "BillingPeriodStart": "2026-11-01T00:00:00Z", "ChargePeriodEnd": "2026-12-01T00:00:00Z"}
        for line in BOTH
    ]
    import_lines(scaled, tmp_path, [*BOTH, *november])
    assert len(update_factors(scaled, FINANCE, MONTH)) == 1
    assert update_factors(scaled, FINANCE, "2026-11") == []  # nothing of November was observed
    allocate(scaled)
    import_lines(scaled, tmp_path, [*november, node_line("n1", 744, "150"), BOTH[1]])
    update_factors(scaled, FINANCE, MONTH)
    days = allocate(scaled).days["c1"]
    assert (min(days).isoformat(), max(days).isoformat()) == ("2026-10-01", "2026-10-31")


def test_a_month_over_tolerance_cannot_be_closed(runtime: Runtime, tmp_path: Path) -> None:
    import_lines(runtime, tmp_path, [node_line("n1", 744, "160"), BOTH[1]])
    with pytest.raises(CloseRefused, match=r"c1: bill and allocated cost differ by -13.35 USD \(4.01%"):
        close_period(runtime, FINANCE, MONTH)
    tolerant = with_settings(runtime, bill_gap_tolerance_ratio=0.05)
    assert close_period(tolerant, FINANCE, MONTH).closed is not None
    frozen = BillingMonth.read(tolerant, MONTH).frozen
    assert frozen is not None
    (row,) = frozen.table(RECONCILIATION).to_pylist()
    assert (Decimal(row["gap"]), row["state"]) == (Decimal("-13.352"), OK)
    assert charged(exact_lines(tolerant, BillingMonth.read(tolerant, MONTH))[0]) == Decimal("333.352")


@pytest.mark.parametrize("policy", ["true_up", "scale"])
def test_a_bill_that_comes_after_the_close_is_charged_by_a_correction(
    runtime: Runtime, tmp_path: Path, policy: str
) -> None:
    late = with_settings(runtime, bill_policy=policy)
    assert close_period(late, FINANCE, MONTH).closed is not None
    before = node_costs(late)
    import_lines(late, tmp_path, [node_line("n1", 744, "160"), BOTH[1]])
    assert update_factors(late, FINANCE, MONTH) == []
    assert stored_factors(late) == []
    assert charged(exact_lines(late, BillingMonth.read(late, MONTH))[0]) == 2 * NODE_COST
    posted = correct_period(late, FINANCE, MONTH, "the bill came").posted
    assert posted is not None
    assert node_costs(late) == before
    assert [Decimal(one["effective_cost"]) for one in posted.totals] == [Decimal("-13.352")]


def test_an_unfinished_bill_is_compared_up_to_where_it_ends(runtime: Runtime, tmp_path: Path) -> None:
    half = {"ChargePeriodEnd": "2026-10-11T00:00:00Z"}
    lines = [node_line("n1", 240, "55.92", **half), node_line("n2", 240, "55.92", **half)]
    import_lines(runtime, tmp_path, lines)
    (found,) = reconcile(runtime, FINANCE, MONTH)
    assert (found.gap, found.covered_until) == (0, datetime(2026, 10, 11, tzinfo=UTC))
    assert charged(month_lines(runtime)) == 2 * NODE_COST
    (problem,) = reconciliation_problems(runtime, BillingMonth.read(runtime, MONTH))
    assert problem.startswith("c1: the bill ends at 2026-10-11 00:00Z")


def test_resources_that_nobody_claims_stand_against_closing_until_a_rule_says_whose_they_are(
    runtime: Runtime, tmp_path: Path
) -> None:
    unclaimed = [
        node_line("i-forgotten", 744, "999"),
        focus_line("5", ResourceId="vol-x"),
        focus_line("-1", ResourceId="vol-x"),
        focus_line("7", ResourceId="db", ServiceName="Amazon RDS", BillingCurrency="EUR"),
    ]
    import_lines(runtime, tmp_path, [*BOTH, *unclaimed, focus_line("3", ServiceName="Amazon S3")])
    with pytest.raises(CloseRefused) as refused:
        close_period(runtime, FINANCE, MONTH)
    euros, dollars = refused.value.problems
    assert euros.startswith(
        "1 resources on the bills of 2026-10 over 7.00 EUR belong to no cluster and no rule"
    )
    assert dollars.startswith(
        "2 resources on the bills of 2026-10 over 1003.00 USD belong to no cluster and no rule (the dearest "
        "i-forgotten, vol-x): see `millicore bills lines --month 2026-10 --bucket out_of_scope`"
    )
    rules = [
        BillRule(Bucket.OUT_OF_CLUSTER, service="*RDS", team="red", cost_centre="4711"),
        BillRule(Bucket.OUT_OF_SCOPE, account="1234"),
    ]
    runtime.warehouse.bill_rules.save(rules, "finance", datetime(2026, 11, 1, tzinfo=UTC))
    assert close_period(runtime, FINANCE, MONTH).closed is not None
    lines = exact_lines(runtime, BillingMonth.read(runtime, MONTH))[0]
    assert {line.currency: charged([line]) for line in lines if line.kind is LineKind.OUT_OF_CLUSTER} == {
        "EUR": 7
    }
    assert charged([line for line in lines if line.currency == "USD"]) == 2 * NODE_COST


def test_an_unfinished_bill_that_ends_at_midnight_of_the_billing_zone_leaves_no_day_out(
    tmp_path: Path,
) -> None:
    runtime = Runtime.for_test(
        tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC), billing_zone="Asia/Kolkata"
    )
    runtime.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO)])
    store_hours(runtime, datetime(2026, 9, 30, 18, tzinfo=UTC), 745)
    allocate(runtime)
    ten_days = {"ChargePeriodStart": "2026-09-30T18:30:00Z", "ChargePeriodEnd": "2026-10-10T18:30:00Z"}
    import_lines(runtime, tmp_path, [node_line(node, 240, "55.92", **ten_days) for node in ("n1", "n2")])
    assert charged(month_lines(runtime), LineKind.TRUE_UP) == 0
    assert charged(month_lines(runtime)) == 2 * NODE_COST
