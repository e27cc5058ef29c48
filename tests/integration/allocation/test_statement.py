"""The statement of a month by payer and by cause, its policies, and the proof of both."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow.compute as pc
import pytest
from support.closing import FINANCE, LONG_AGO, MONTH, NEXT, START, closable_runtime
from support.fleet import Node, Pod, observe, store

from models.chargeback.corrections import lines_table
from models.chargeback.lines import LineKind
from models.ownership.rules import OwnershipRow
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import Conflict, Forbidden, InputError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.billing_months import BillingMonth
from service.usecases.chargeback_check import verify
from service.usecases.chargeback_export import export_chargeback
from service.usecases.chargeback_periods import list_periods, preview
from service.usecases.closed_months import STATEMENT
from service.usecases.period_close import close_period, reopen_period
from service.usecases.period_correct import correct_period
from service.usecases.policies import set_policy
from service.usecases.statement import View, statement
from service.usecases.statement_lines import exact_lines, month_lines
from warehouse.lake.reading import TableScan

OWNER = Principal("red", frozenset({Role.OWNER}), frozenset({"red"}))
SHARED = "idle: {to: share, scope: node}\noverhead: {to: share, scope: node}\n"


@pytest.fixture
def owned(runtime):
    """Four days of two nodes; ``shop`` is red's, ``pay`` payments' by label, ``tools`` for 60 % nobody's."""
    rules = [
        OwnershipRow("*", "shop", "red", LONG_AGO, cost_centre="4711"),
        OwnershipRow("*", "tools", "tools", LONG_AGO, share_ratio=Decimal("0.4")),
    ]
    runtime.warehouse.ownership.replace(rules)
    allocate(runtime)
    return runtime


def totals(found):
    return {row.payer: row.total for row in found.rows}


def test_both_views_add_up_to_the_same_bill_under_any_policy(owned):
    bill = sum((row.total_cost for row in list_periods(owned, FINANCE)), Decimal(0))
    assert totals(statement(owned, FINANCE, MONTH)).keys() == {
        "red",
        "payments",
        "tools",
        "(unowned)",
        "(idle)",
        "(overhead)",
    }
    for document in ("{}", SHARED, SHARED + "unowned: proportional\nshared: [{team: payments}]\n"):
        set_policy(owned, FINANCE, document, effective_from=MONTH)
        for view in View:
            found = statement(owned, FINANCE, MONTH, view)
            assert sum(totals(found).values()) == bill
            assert all(
                row.total
                == sum(
                    value
                    for name, value in vars(row).items()
                    if isinstance(value, Decimal) and name != "total"
                )
                for row in found.rows
            )
        assert all(check.is_equal for check in verify(owned, FINANCE, MONTH))
    assert list_periods(owned, FINANCE)[0].total_cost == bill


def test_idle_shared_by_the_tenants_of_a_node_is_awss_split(owned):
    """On each node-hour a tenant pays the node's cost in proportion to max(request, usage)."""
    set_policy(owned, FINANCE, SHARED, effective_from=MONTH)
    lines, _ = exact_lines(owned, BillingMonth.read(owned, MONTH), is_by_workload=False)
    assert not [line for line in lines if line.kind in (LineKind.IDLE, LineKind.OVERHEAD)]
    # n1: web-1 (1 core, 4 GiB) and api (0.5, 1): 0.233 USD an hour, of which 9 x 4 / (9 x 4 + 16) is CPU
    cpu, memory = 0.233 * 36 / 52, 0.233 * 16 / 52
    api = 96 * (cpu * 0.5 / 1.5 + memory * 1 / 5)
    payments = sum(line.effective for line in lines if line.team == "payments") / 1e9
    assert payments == pytest.approx(api, rel=1e-6)
    assert sum(line.effective for line in lines) == round(0.233 * 2 * 96 * 10**9)


def test_a_team_s_figure_does_not_depend_on_who_looks(owned):
    document = SHARED + "unowned: proportional\n"
    set_policy(owned, FINANCE, document, effective_from=MONTH)
    everybody = statement(owned, FINANCE, MONTH)
    own = statement(owned, OWNER, MONTH)
    assert {row.team for row in own.rows} == {"red"}
    assert own.rows == tuple(row for row in everybody.rows if row.team == "red")
    assert statement(owned, FINANCE, MONTH, team="red").rows == own.rows
    month = BillingMonth.read(owned, MONTH)
    whole, _ = month_lines(owned, FINANCE, month, "summary")
    assert month_lines(owned, OWNER, month, "summary")[0] == [line for line in whole if line.team == "red"]
    assert preview(owned, OWNER, MONTH).totals["USD"] == own.rows[0].total
    assert list_periods(owned, OWNER)[0].total_cost == pytest.approx(own.rows[0].total, abs=Decimal("0.01"))


def test_detail_and_summary_hold_the_same_shares(owned, tmp_path):
    set_policy(owned, FINANCE, SHARED + "shared: [{team: payments}]\n", effective_from=MONTH)
    month = BillingMonth.read(owned, MONTH)

    def by_payer(lines):
        sums = {}
        for line in lines:
            key = (line.kind, line.team, line.cost_centre)
            sums[key] = sums.get(key, 0) + line.effective
        return sums

    detail, summary = (exact_lines(owned, month, is_by_workload=flag)[0] for flag in (True, False))
    assert by_payer(detail) == by_payer(summary)
    for name in ("summary", "detail", "focus"):
        written = export_chargeback(owned, FINANCE, MONTH, format=name, output_file=tmp_path / f"{name}.csv")
        with written.path.open(encoding="utf-8", newline="") as source:
            costs = [Decimal(row["EffectiveCost"]) for row in csv.DictReader(source)]
        assert sum(costs) == Decimal("44.74")


def test_verify_names_the_hour_and_the_asset_that_is_not_allocated_exactly(owned):
    (good,) = verify(owned, FINANCE, MONTH)
    assert good.is_equal
    assert (good.proof.hours.hours_checked, good.proof.hours.hours_unequal) == (96, 0)
    assert good.proof.hours.asset_hours_checked == 192
    assert good.proof.causes.total == good.payers.total == good.node_bill == Decimal("44.736")
    day = date(2026, 10, 2)
    lake = owned.warehouse.lake
    rows = lake.query(
        "SELECT * FROM line WHERE day = $day",
        tables={"line": TableScan("allocation_hour", "c1", None)},
        parameters={"day": day},
    )
    broken = (rows["line_kind"].to_numpy() == "node") & (rows["node_key"].to_numpy() == "n2")
    wanted = rows.filter(~broken | (rows["hour"].to_pandas().dt.hour != 7).to_numpy())
    lake.replace_rows("allocation_hour", {"cluster": "c1", "day": day}, wanted.drop_columns([]))
    (bad,) = verify(owned, FINANCE, MONTH)
    assert not bad.is_equal
    assert bad.hours_unequal == 1
    assert bad.proof.hours.first_unequal == "2026-10-02 07:00Z n2"
    assert bad.proof.hours.largest_difference > 0


def test_the_daily_costs_know_what_each_tenant_would_pay_of_its_nodes_idle(owned):
    rows = owned.warehouse.lake.query(
        "SELECT line_kind, sum(idle_cost) AS idle, sum(idle_share_weight) AS idle_weight, "
        "sum(overhead_cost) AS overhead, sum(overhead_share_weight) AS overhead_weight "
        "FROM cost GROUP BY ALL",
        tables={"cost": TableScan("cost_day", None, None)},
    ).to_pylist()
    sums = {row["line_kind"]: row for row in rows}
    assert sums["node"]["idle"] == sums["node"]["idle_weight"] > 0
    assert sums["node"]["overhead"] == sums["node"]["overhead_weight"] > 0
    off = sums["workload"]["idle_weight"] - sums["node"]["idle"]
    assert abs(off) < Decimal("1e-6")
    assert sums["workload"]["idle"] == 0


def test_only_finance_sets_a_policy_and_a_wrong_one_changes_nothing(owned):
    with pytest.raises(Forbidden):
        set_policy(owned, OWNER, "{}", effective_from=MONTH)
    with pytest.raises(InputError, match="idle"):
        set_policy(owned, FINANCE, "idle: [", effective_from=MONTH)
    with pytest.raises(InputError):
        set_policy(owned, FINANCE, "idle: everybody", effective_from=MONTH)
    assert owned.warehouse.policies.list() == []
    stored = set_policy(owned, FINANCE, SHARED, effective_from=MONTH, note="agreed")
    later = set_policy(owned, FINANCE, "{}", effective_from=NEXT)
    assert (stored.version, later.version, stored.note) == (1, 2, "agreed")
    assert owned.warehouse.policies.in_force("2026-09") is None
    assert owned.warehouse.policies.in_force(MONTH) == stored
    assert owned.warehouse.policies.in_force("2027-01") == later
    assert owned.warehouse.audit.list(FINANCE)[0].action == "set sharing policy"


def test_a_closed_month_keeps_its_policy_until_it_is_restated(tmp_path):
    runtime = closable_runtime(tmp_path / "home")
    set_policy(runtime, FINANCE, SHARED, effective_from=MONTH)
    open_statement = statement(runtime, FINANCE, MONTH)
    close_period(runtime, FINANCE, MONTH)
    month = BillingMonth.read(runtime, MONTH)
    assert month.frozen.manifest["policy"]["version"] == 1
    assert month.frozen.has(STATEMENT)
    closed = statement(runtime, FINANCE, MONTH)
    assert (closed.rows, closed.policy.version, closed.revision) == (open_statement.rows, 1, 1)
    causes = statement(runtime, FINANCE, MONTH, View.CAUSE)
    assert sum(row.idle for row in causes.rows) > 0
    assert sum(totals(causes).values()) == sum(totals(closed).values())
    (check,) = verify(runtime, FINANCE, MONTH)
    assert check.is_equal
    assert check.proof.hours.hours_checked == 744

    with pytest.raises(Conflict, match="2026-10 is closed"):
        set_policy(runtime, FINANCE, "{}", effective_from=MONTH)
    set_policy(runtime, FINANCE, "{}", effective_from=NEXT)
    assert correct_period(runtime, FINANCE, MONTH).posted is None
    set_policy(runtime, FINANCE, "idle: {to: platform, team: ops}", effective_from=MONTH, is_restated=True)
    posted = correct_period(runtime, FINANCE, MONTH, "idle is the platform's").posted
    assert {Decimal(one["effective_cost"]) for one in posted.totals} == {Decimal(0)}
    assert statement(runtime, FINANCE, MONTH).rows == closed.rows
    moved = {row.payer: row.corrections for row in statement(runtime, FINANCE, NEXT).rows}
    assert moved["ops"] > 0 > moved["red"]
    assert correct_period(runtime, FINANCE, MONTH).posted is None


def test_closes_made_before_statements_were_frozen_are_read_by_cause(tmp_path, monkeypatch):
    runtime = closable_runtime(tmp_path / "home")
    now = exact_lines(runtime, BillingMonth.read(runtime, MONTH))[0]
    close_period(runtime, FINANCE, MONTH)
    month = BillingMonth.read(runtime, MONTH)
    files = [one for one in month.frozen.manifest["files"] if one["file"] != f"{STATEMENT}.parquet"]
    month.frozen.manifest["files"] = files
    del month.frozen.manifest["policy"]
    old = exact_lines(runtime, month)[0]
    assert lines_table(old).equals(lines_table(now))
    assert pc.sum(lines_table(old)["effective"]).as_py() == 2 * 744 * 233_000_000
    reopen_period(runtime, FINANCE, MONTH, "again")


def test_the_platform_earns_the_oversell_gain_and_tenants_pay_list_unit_cost(tmp_path):
    """A node of 4 cores sold 6: at 36/52 x 0.233 USD for 4 cores a core costs the same as if not oversold."""
    runtime = Runtime.for_test(tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC))
    runtime.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO)])
    pods = (
        Pod("a", "n1", (2, 8), (1, 1), namespace="a"),
        Pod("b", "n1", (4, 8), (1, 1), namespace="b"),
    )
    store(runtime, observe("c1", START, 24, (Node("n1"),), pods))
    allocate(runtime)
    before = statement(runtime, FINANCE, MONTH)
    document = "oversell_gain: {to: platform, team: ops}"
    set_policy(runtime, FINANCE, document, effective_from=MONTH)
    lines, _ = exact_lines(runtime, BillingMonth.read(runtime, MONTH))
    core, half = 0.233 * 36 / 52 / 4, 0.233 * 16 / 52 / 2
    paid = {team: sum(one.effective for one in lines if one.team == team) / 1e9 for team in ("a", "b", "ops")}
    assert paid == pytest.approx(
        {"a": 24 * (2 * core + half), "b": 24 * (4 * core + half), "ops": -24 * 2 * core}, abs=1e-6
    )
    assert sum(totals(before).values()) == sum(totals(statement(runtime, FINANCE, MONTH)).values())
    (check,) = verify(runtime, FINANCE, MONTH)
    assert check.is_equal
    assert check.proof.causes.oversell_gain == pytest.approx(Decimal(24 * 2 * core))
    assert check.payers.oversell_gain == 0
