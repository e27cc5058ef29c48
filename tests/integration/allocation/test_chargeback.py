from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.fleet import Node, Pod, observe, store
from support.focus_validator import focus_problems

from models.chargeback.lines import ALL_CLUSTERS
from models.ownership.rules import OwnershipRow
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import Forbidden, InputError, NotFound, StorageError, UsageError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.chargeback_check import verify
from service.usecases.chargeback_export import FORMATS, export_chargeback
from service.usecases.chargeback_periods import list_periods, preview

MONTH = "2026-10"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
FINANCE = Principal("finance", frozenset({Role.FINANCE}))


@pytest.fixture
def charged(runtime):
    """Return the runtime with a second cluster, owners with hostile names, and everything allocated."""
    runtime.warehouse.prices.replace(
        [
            PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO),
            PriceRow("cn.large", "CNY", Decimal("1.7"), LONG_AGO, hourly_effective_price=Decimal("1.1")),
        ]
    )
    runtime.warehouse.ownership.replace(
        [
            OwnershipRow("*", "shop", "=cmd|' /C calc'!A0", LONG_AGO, cost_centre="4711"),
            OwnershipRow("*", "pay", "100", LONG_AGO, cost_centre="4712", share_ratio=Decimal("0.5")),
        ]
    )
    nodes = [Node("n1", instance_type="cn.large", cpu_allocatable=3.5), Node("n2", instance_type="?")]
    pods = [Pod("web", "n1", (1, 4), (0.1, 3)), Pod("x", "n2", (1, 1), (1, 1), namespace="pay")]
    store(runtime, observe("c2", datetime(2026, 10, 2, tzinfo=UTC), 30, nodes, pods))
    allocate(runtime)
    return runtime


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


@pytest.mark.parametrize("name", FORMATS)
def test_lines_add_up_to_the_node_bill_to_the_cent_in_every_currency(charged, tmp_path, name):
    written = export_chargeback(charged, FINANCE, MONTH, format=name, output_file=tmp_path / "out.csv")
    rows = read(written.path)
    for check in verify(charged, FINANCE, MONTH, file=written.path):
        assert check.is_equal
        mine = [
            row
            for row in rows
            if row["BillingCurrency"] == check.currency
            and (check.cluster == ALL_CLUSTERS or row["x_Cluster"] == check.cluster)
        ]
        assert sum(Decimal(row["EffectiveCost"]) for row in mine) == round(check.node_bill, 2)
        assert sum(Decimal(row["BilledCost"]) for row in mine) == round(check.node_bill, 2)
    assert {row["BillingCurrency"] for row in rows} == {"USD", "CNY"}
    kinds = {row["x_LineKind"] for row in rows}
    assert {"team", "unowned", "idle", "overhead"} <= kinds


def test_detail_keeps_nine_decimals_and_closes_cents_with_a_line(charged, tmp_path):
    rows = read(
        export_chargeback(charged, FINANCE, MONTH, format="detail", output_file=tmp_path / "d.csv").path
    )
    rounding = [row for row in rows if row["x_LineKind"] == "rounding"]
    assert rounding
    for row in rounding:
        most = Decimal("0.01") if row["x_Cluster"] == ALL_CLUSTERS else Decimal("0.005")
        assert abs(Decimal(row["EffectiveCost"])) <= most
    assert all(len(row["EffectiveCost"].partition(".")[2]) == 9 for row in rows)


def test_list_and_contracted_cost_follow_the_node(charged, tmp_path):
    rows = read(
        export_chargeback(charged, FINANCE, MONTH, format="detail", output_file=tmp_path / "d.csv").path
    )
    chinese = [row for row in rows if row["BillingCurrency"] == "CNY"]
    assert sum(Decimal(row["ListCost"]) for row in chinese) == Decimal("51.00")
    assert sum(Decimal(row["EffectiveCost"]) for row in chinese) == Decimal("33.00")


def test_unit_price_times_quantity_is_the_cost(charged, tmp_path):
    rows = read(
        export_chargeback(charged, FINANCE, MONTH, format="focus", output_file=tmp_path / "f.csv").path
    )
    priced = [row for row in rows if row["ContractedUnitPrice"]]
    assert len(priced) > len(rows) / 2
    for row in priced:
        product = Decimal(row["ContractedUnitPrice"]) * Decimal(row["PricingQuantity"])
        assert abs(product - Decimal(row["ContractedCost"])) < Decimal("1e-7")


def test_shares_of_an_origin_charge_add_up_to_one(charged, tmp_path):
    rows = read(
        export_chargeback(charged, FINANCE, MONTH, format="focus", output_file=tmp_path / "f.csv").path
    )
    sums: dict[tuple[str, ...], Decimal] = {}
    for row in rows:
        if row["x_LineKind"] != "rounding":
            origin = (row["BillingCurrency"], row["x_Cluster"], row["ChargePeriodStart"])
            ratio = json.loads(row["AllocatedMethodDetails"], parse_float=Decimal)["Elements"][0][
                "AllocatedRatio"
            ]
            sums[origin] = sums.get(origin, Decimal(0)) + Decimal(ratio)
    assert len(sums) == 4 + 2 * 2
    assert set(sums.values()) == {Decimal(1)}


def test_names_that_look_like_formulas_are_text(charged, tmp_path):
    rows = read(
        export_chargeback(charged, FINANCE, MONTH, format="focus", output_file=tmp_path / "f.csv").path
    )
    names = {row["SubAccountName"] for row in rows}
    assert "'=cmd|' /C calc'!A0" in names
    assert "team 100" in names
    assert not any(value[:1] in "=+@" and value for row in rows for value in row.values())


def test_a_second_export_has_the_same_bytes(charged, tmp_path):
    for name in FORMATS:
        first = export_chargeback(charged, FINANCE, MONTH, format=name, output_file=tmp_path / "a.csv")
        content = first.path.read_bytes(), first.manifest.read_bytes()
        second = export_chargeback(charged, FINANCE, MONTH, format=name, output_file=tmp_path / "a.csv")
        assert (second.path.read_bytes(), second.manifest.read_bytes()) == content


def test_the_manifest_says_what_the_file_holds_and_lacks(charged, tmp_path):
    written = export_chargeback(charged, FINANCE, MONTH, output_file=tmp_path)
    assert written.path.name == "chargeback_2026-10_summary_DRAFT_millicore.csv"
    manifest = json.loads(written.manifest.read_text())
    assert manifest["sha256"] == written.sha256
    assert manifest["is_draft"] is True
    assert [total["currency"] for total in manifest["totals"]] == ["CNY", "USD"]
    assert [one["hours_complete"] for one in manifest["coverage"]] == [96, 30]
    assert manifest["assumed"][0]["currency"] == "USD"
    assert not list(tmp_path.glob(".export-*"))


def test_periods_state_their_total_coverage_and_doubts(charged):
    rows = list_periods(charged, FINANCE)
    assert [(row.period, row.state, row.currency) for row in rows] == [
        (MONTH, "open", "CNY"),
        (MONTH, "open", "USD"),
    ]
    assert rows[0].total_cost == Decimal("33.00")
    assert 0 < rows[1].assumed_ratio < 1
    assert 0 < rows[1].coverage_ratio < 1


def test_a_preview_names_what_stands_against_booking(charged):
    found = preview(charged, FINANCE, MONTH)
    assert found.state == "open"
    assert any("assumed prices" in problem for problem in found.problems)
    assert any("hours are not complete" in problem for problem in found.problems)


def test_owners_see_their_teams_and_export_nothing(charged, tmp_path):
    owner = Principal("o", frozenset({Role.OWNER}), frozenset({"100"}))
    assert {line.team for line in preview(charged, owner, MONTH).lines} == {"100"}
    assert {row.period for row in list_periods(charged, owner)} == {MONTH}
    with pytest.raises(Forbidden):
        export_chargeback(charged, owner, MONTH, output_file=tmp_path)
    with pytest.raises(Forbidden):
        preview(charged, Principal("nobody"), MONTH)


def test_wrong_requests_are_refused_with_a_reason(charged, tmp_path):
    with pytest.raises(UsageError, match="summary, detail, focus"):
        export_chargeback(charged, FINANCE, MONTH, format="pdf", output_file=tmp_path)
    with pytest.raises(NotFound, match="there are 2026-10"):
        export_chargeback(charged, FINANCE, "2025-01", output_file=tmp_path)
    with pytest.raises(InputError, match="not a month"):
        preview(charged, FINANCE, "October")
    with pytest.raises(StorageError, match="cannot be written"):
        export_chargeback(charged, FINANCE, MONTH, output_file=tmp_path / "none" / "out.csv")
    with pytest.raises(InputError, match="cannot be read"):
        verify(charged, FINANCE, MONTH, file=tmp_path / "absent.csv")


def test_a_changed_file_does_not_verify(charged, tmp_path):
    written = export_chargeback(charged, FINANCE, MONTH, output_file=tmp_path / "s.csv")
    text = written.path.read_text()
    first = read(written.path)[0]["EffectiveCost"]
    written.path.write_text(text.replace(first, str(Decimal(first) + 1), 2))
    assert not all(check.is_equal for check in verify(charged, FINANCE, MONTH, file=written.path))


def test_the_focus_file_passes_the_focus_validator(charged, tmp_path, shared_folder):
    written = export_chargeback(charged, FINANCE, MONTH, format="focus", output_file=tmp_path / "focus.csv")
    assert focus_problems(written.path, shared_folder, tmp_path) == ""


def test_a_later_month_is_charged_apart(charged):
    november = datetime(2026, 11, 1, tzinfo=UTC)
    later: Runtime = replace(charged)
    store(later, observe("c1", november, 24, [Node("n1")], [Pod("web", "n1", (1, 1), (1, 1))]))
    allocate(later)
    assert [row.period for row in list_periods(later, FINANCE) if row.currency == "USD"] == [MONTH, "2026-11"]
