"""A bill's egress reaches teams by bytes sent, unless a source of flows tells more."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from support.bills import focus_line, node_line, write_bill
from support.closing import FINANCE, LONG_AGO, MONTH, START
from support.fleet import Node, Pod, observe, store

from models.billing.egress import NETWORK
from models.chargeback.lines import ChargeLine, LineKind, amount
from models.ownership.rules import OwnershipRow
from models.pricing.price_list import PriceRow
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.billing_months import BillingMonth
from service.usecases.bills import import_bills
from service.usecases.chargeback_check import verify
from service.usecases.chargeback_export import export_chargeback
from service.usecases.statement_lines import exact_lines
from warehouse.lake.tables import TABLES

HOURS = 48
NODES = (Node("n1", sent_bytes=1000.0), Node("n2", sent_bytes=50.0))
PODS = (
    Pod("web", "n1", (1, 4), (1, 4), sent_bytes=600.0),
    Pod("api", "n1", (1, 4), (1, 4), namespace="pay", labels={"team": "payments"}, sent_bytes=200.0),
    Pod("proxy", "n1", (1, 1), (1, 1), namespace="kube-system"),  # on the host's network: no bytes of its own
    Pod("batch", "n2", (1, 1), (1, 1), namespace="lab", sent_bytes=100.0),
)
RULES = [
    OwnershipRow("*", "shop", "red", LONG_AGO, share_ratio=Decimal("0.75"), cost_centre="4711"),
    OwnershipRow("*", "shop", "blue", LONG_AGO, share_ratio=Decimal("0.25")),
]
TAGGED = {"Tags": '{"eks:cluster-name": "c1"}', "ServiceName": "AWS Data Transfer", "InvoiceId": "INV-1"}


def egress(cost: str, **changes: str) -> dict[str, str]:
    fields = {"ServiceCategory": "Networking", "PricingUnit": "GB", **TAGGED, **changes}
    return focus_line(cost, **fields)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Return a runtime with two days of a cluster whose pods sent bytes, allocated at list prices."""
    return build(tmp_path / "home")


def build(home: Path, *, with_flows: bool = False) -> Runtime:
    found = Runtime.for_test(home, now=datetime(2026, 11, 20, tzinfo=UTC))
    found.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO)])
    found.warehouse.ownership.replace(RULES)
    observed = observe("c1", START, HOURS, NODES, PODS)
    if with_flows:
        row = {"cluster": "c1", "day": START.date(), "hour": START, "pod_uid": "uid-web", "bytes": 600.0}
        row |= {"namespace": "shop", "pod": "web", "traffic_class": "internet"}
        kinds = TABLES["network_flow_hour"].columns
        flows = pa.table({name: pa.array([value], kinds[name]) for name, value in row.items()})
        observed = replace(observed, tables={**observed.tables, "network_flow_hour": flows})
    store(found, observed)
    allocate(found)
    return found


def charged(runtime: Runtime, folder: Path, *lines: dict[str, str]) -> list[ChargeLine]:
    import_bills(runtime, FINANCE, [write_bill(folder / "bill.csv", lines)])
    return exact_lines(runtime, BillingMonth.read(runtime, MONTH))[0]


def shared(lines: list[ChargeLine]) -> dict[tuple[str | None, str | None], Decimal]:
    found: dict[tuple[str | None, str | None], Decimal] = {}
    for line in lines:
        if line.kind is LineKind.TRUE_UP and line.resource == NETWORK:
            key = (line.namespace, line.team)
            found[key] = found.get(key, Decimal(0)) + amount(line.effective)
    return found


def total(lines: list[ChargeLine]) -> Decimal:
    return amount(sum(line.effective for line in lines))


def test_egress_is_charged_by_bytes_and_the_nodes_own_stay_with_the_cluster(
    runtime: Runtime, tmp_path: Path
) -> None:
    lines = charged(runtime, tmp_path, egress("11"))
    # web 600, api 200, batch 100; n1 sent 1000 - 800 beside its pods, n2 less than its pod: 1100 in all
    assert shared(lines) == {
        ("shop", "red"): Decimal("4.5"),
        ("shop", "blue"): Decimal("1.5"),
        ("pay", "payments"): Decimal(2),
        ("lab", "lab"): Decimal(1),
        (None, None): Decimal(2),
    }
    (reference,) = {line.reference for line in lines if line.resource == NETWORK}
    assert reference == "INV-1 AWS Data Transfer, shared by bytes"


def test_the_month_still_adds_up_to_the_bill(runtime: Runtime, tmp_path: Path) -> None:
    nodes = [node_line(name, HOURS, "11.184") for name in ("n1", "n2")]
    lines = charged(runtime, tmp_path, *nodes, egress("11.0000000007"), egress("-0.5", InvoiceId="INV-2"))
    assert total(lines) == Decimal("32.868000001")
    assert sum(shared(lines).values()) == Decimal("10.500000001")
    assert all(check.is_equal for check in verify(runtime, FINANCE, MONTH))


def test_a_summary_charges_each_team_what_its_detail_does(runtime: Runtime, tmp_path: Path) -> None:
    detail = charged(runtime, tmp_path, egress("11"))
    summary = exact_lines(runtime, BillingMonth.read(runtime, MONTH), is_by_workload=False)[0]
    for team in ("red", "blue", "payments", None):
        mine, theirs = ([line for line in lines if line.team == team] for lines in (detail, summary))
        assert total(mine) == total(theirs)


@pytest.mark.parametrize("name", ["detail", "focus"])
def test_shared_egress_is_marked_in_files_of_lines(runtime: Runtime, tmp_path: Path, name: str) -> None:
    charged(runtime, tmp_path, egress("11"))
    written = export_chargeback(runtime, FINANCE, MONTH, format=name, output_file=tmp_path / f"{name}.csv")
    with written.path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["x_LineKind"] == "true_up"]
    mine = [row for row in rows if "shared by bytes" in str(row)]
    assert sum(Decimal(row["EffectiveCost"]) for row in mine) == Decimal(11)
    assert {"red", "blue", "payments"} <= {value for row in mine for value in row.values()}


def test_shared_egress_is_a_true_up_of_each_team_in_the_summary(runtime: Runtime, tmp_path: Path) -> None:
    charged(runtime, tmp_path, egress("11"))
    written = export_chargeback(runtime, FINANCE, MONTH, output_file=tmp_path / "summary.csv")
    with written.path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (red,) = (row for row in rows if "red" in row.values())
    assert Decimal(red["x_TrueUpCost"]) == Decimal("4.5")


def test_a_source_of_flows_leaves_the_bill_to_the_true_up(tmp_path: Path) -> None:
    lines = charged(build(tmp_path / "flows", with_flows=True), tmp_path, egress("11"))
    assert shared(lines) == {}
    assert total(lines) == Decimal(11)


@pytest.mark.parametrize(
    "changes",
    [
        {"PricingUnit": "Hours"},
        {"ChargeDescription": "$0.00 per GB - data transfer in per month"},
        {"ServiceCategory": "Storage", "ServiceName": "Amazon EFS"},
    ],
)
def test_what_is_not_egress_stays_in_the_true_up(
    runtime: Runtime, tmp_path: Path, changes: dict[str, str]
) -> None:
    lines = charged(runtime, tmp_path, egress("11", **changes))
    assert shared(lines) == {}
    assert total(lines) == Decimal(11)


def test_the_words_of_a_line_tell_egress_of_any_service(runtime: Runtime, tmp_path: Path) -> None:
    sent = {"ServiceCategory": "Compute", "ServiceName": "Compute Engine", "PricingUnit": ""}
    described = egress("11", **sent, ChargeDescription="Network Internet Egress from EMEA to EMEA")
    assert sum(shared(charged(runtime, tmp_path, described)).values()) == Decimal(11)


def test_a_bill_that_ends_early_shares_by_the_bytes_until_there(tmp_path: Path) -> None:
    found = Runtime.for_test(tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC))
    found.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO)])
    late = Pod("late", "n1", (1, 1), (1, 1), namespace="late", sent_bytes=1e9, hours=range(24, 48))
    store(found, observe("c1", START, HOURS, (Node("n1"),), (PODS[0], late)))
    allocate(found)
    lines = charged(found, tmp_path, egress("3", ChargePeriodEnd="2026-10-02T00:00:00Z"))
    assert shared(lines) == {("shop", "shop"): Decimal(3)}
