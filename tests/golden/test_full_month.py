"""The full golden month: assets, a bill, a policy, two currencies; every figure derived in its README.md."""

from __future__ import annotations

import csv
import hashlib
import json
from decimal import Decimal
from pathlib import Path

import pytest
from support.golden import FINANCE, FULL, MONTH, full_runtime

from service.runtime import Runtime
from service.usecases.chargeback_check import verify
from service.usecases.chargeback_export import export_chargeback
from service.usecases.period_close import close_period

HOURS = 672
BY_HAND = {
    ("EUR", "team:red"): "369.60",
    ("EUR", "team:blue"): "389.76",
    ("EUR", "team:platform"): "0.00",
    ("EUR", "(overhead)"): "134.40",
    ("EUR", "(true_up)"): "0.56",
    ("EUR", "(unused_commitment)"): "20.16",
    ("EUR", "(credit)"): "-10.00",
    ("EUR", "(tax)"): "190.00",
    ("USD", "team:red"): "50.00",
}
TERMS_OF_RED = {
    "x_DirectCost": "275.52",
    "x_IdleShareCost": "47.04",
    "x_SharedInCost": "47.04",
    "x_UsedCost": "152.88",
    "x_UnusedRequestCost": "122.64",
    "ListCost": "457.80",
}
INVOICE = {"EUR": Decimal("1094.48"), "USD": Decimal("50.00")}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    return full_runtime(tmp_path_factory.mktemp("full"))


def rows_of(runtime: Runtime, folder: Path, name: str) -> list[dict[str, str]]:
    path = export_chargeback(runtime, FINANCE, MONTH, format=name, output_file=folder / f"{name}.csv").path
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def test_every_payer_owes_what_was_computed_by_hand(runtime, tmp_path):
    rows = rows_of(runtime, tmp_path, "summary")
    assert {(row["BillingCurrency"], row["SubAccountId"]): row["BilledCost"] for row in rows} == BY_HAND
    red = next(row for row in rows if (row["BillingCurrency"], row["SubAccountId"]) == ("EUR", "team:red"))
    assert {name: red[name] for name in TERMS_OF_RED} == TERMS_OF_RED


@pytest.mark.parametrize("name", ["summary", "detail", "focus"])
def test_the_statement_is_the_invoice_in_each_currency(runtime, tmp_path, name):
    sums: dict[str, Decimal] = {}
    for row in rows_of(runtime, tmp_path, name):
        currency = row["BillingCurrency"]
        sums[currency] = sums.get(currency, Decimal(0)) + Decimal(row["BilledCost"])
    assert sums == INVOICE
    manifest = json.loads((tmp_path / f"{name}.csv.manifest.json").read_text())
    assert manifest["reporting_total"] == {
        "currency": "EUR",
        "effective_cost": "1139.48",
        "line_count_without_rate": 0,
    }


def test_detail_has_the_hourly_figures_of_the_readme(runtime, tmp_path):
    sums: dict[tuple[str, str, str], Decimal] = {}
    for row in rows_of(runtime, tmp_path, "detail"):
        key = (row["x_LineKind"], row["x_WorkloadName"], row["SkuId"])
        sums[key] = sums.get(key, Decimal(0)) + Decimal(row["EffectiveCost"])
    hourly = {key: cost / HOURS for key, cost in sums.items()}
    assert hourly["team", "web", "k8s-cpu-core-hour"] == Decimal("0.36")
    assert hourly["team", "api", "k8s-memory-gib-hour"] == Decimal("0.03")
    assert hourly["team", "worker", "k8s-memory-gib-hour"] == Decimal("0.015")
    assert hourly["team", "web", "k8s-volume-gib-hour"] == Decimal("0.005")
    assert hourly["idle_share", "", "k8s-cpu-core-hour"] == Decimal("0.18")
    assert hourly["idle_share", "old", "k8s-volume-gib-hour"] == Decimal("0.005")
    assert hourly["overhead", "", "k8s-control-plane-hour"] == Decimal("0.10")
    assert sum(cost for (kind, *_), cost in hourly.items() if kind == "shared_in") == Decimal("0.14")


def test_the_sums_of_the_cluster_are_equal(runtime):
    cluster = next(check for check in verify(runtime, FINANCE, MONTH) if check.cluster == "full")
    assert cluster.is_equal
    assert cluster.node_bill == cluster.allocated == cluster.daily_costs == Decimal("893.76")


def test_the_files_are_those_expected_to_the_byte(runtime, tmp_path):
    for name in ("summary", "detail", "focus"):
        rows_of(runtime, tmp_path, name)
        content = (tmp_path / f"{name}.csv").read_bytes()
        if name == "summary":
            assert content == (FULL / "expected" / "summary.csv").read_bytes()
        else:
            expected = (FULL / "expected" / f"{name}.csv.sha256").read_text().split()[0]
            assert hashlib.sha256(content).hexdigest() == expected


def test_closing_keeps_every_amount(tmp_path):
    runtime = full_runtime(tmp_path / "home")
    before = rows_of(runtime, tmp_path, "detail")
    assert close_period(runtime, FINANCE, MONTH).closed is not None
    after = rows_of(runtime, tmp_path, "detail")
    changed = ("x_PeriodState", "x_RunId")
    for one, other in zip(before, after, strict=True):
        assert {name: value for name, value in one.items() if name not in changed} == {
            name: value for name, value in other.items() if name not in changed
        }
    assert all(check.is_equal for check in verify(runtime, FINANCE, MONTH))
