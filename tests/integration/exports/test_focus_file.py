"""The FOCUS file of every kind of line passes the validator and keeps the rules that it does not check."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest
from support.charges import CONTEXT, MANIFEST, every_kind
from support.focus_validator import focus_problems

from models.chargeback.lines import LineKind
from service.exports.charge_file import FileShape, write_charges

SERVICE_CATEGORIES = {"Compute", "Networking", "Storage", "Management and Governance", "Other"}


@pytest.fixture(scope="module")
def focus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("focus") / "focus.csv"
    return write_charges(path, FileShape("focus"), every_kind(), CONTEXT, MANIFEST).path


@pytest.fixture(scope="module")
def rows(focus_file: Path) -> list[dict[str, str]]:
    with focus_file.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def test_corrections_transfers_bill_lines_and_credits_pass_the_validator(
    focus_file: Path, tmp_path: Path, shared_folder: Path
) -> None:
    assert focus_problems(focus_file, shared_folder, tmp_path) == ""


def test_every_kind_of_line_is_in_the_file_under_its_category(rows: list[dict[str, str]]) -> None:
    assert {row["x_LineKind"] for row in rows} == {kind.value for kind in LineKind}
    assert {row["ServiceCategory"] for row in rows} <= SERVICE_CATEGORIES
    for row in rows:
        assert (row["ChargeClass"] == "Correction") == bool(row["x_RestatesInvoiceId"])
        assert (row["ChargeCategory"] == "Tax") == (row["x_LineKind"] == "tax")
        assert row["ChargeFrequency"] != "Usage-Based" or row["ChargeCategory"] == "Usage"
        assert row["ChargePeriodStart"] < row["ChargePeriodEnd"] <= "2026-11-01T00:00:00Z"


def test_only_the_name_of_what_pays_and_moves_is_traced(rows: list[dict[str, str]]) -> None:
    traced = {row["x_LineKind"]: (row["x_Counterpart"], row["x_Reference"]) for row in rows}
    assert traced["idle_share"] == ("idle", "")
    assert traced["shared_in"] == ("red", "")
    assert traced["credit"] == ("", "INV-7/AmazonEC2")
    assert traced["dispute"] == ("", "dispute-4")


def test_shares_of_every_origin_add_up_to_one_also_with_what_policies_take(
    rows: list[dict[str, str]],
) -> None:
    sums: dict[tuple[str, ...], Decimal] = {}
    for row in rows:
        details = row["AllocatedMethodDetails"]
        if not details:
            assert row["x_LineKind"] in ("rounding", "dispute") or row["ChargeClass"]
            continue
        is_of_bill = row["x_Reference"] != ""
        kind = row["x_LineKind"] if is_of_bill else ""
        origin = (
            row["BillingCurrency"],
            row["x_Cluster"],
            row["ChargePeriodStart"],
            row["x_Reference"],
            kind,
        )
        (element,) = json.loads(details, parse_float=Decimal)["Elements"]
        sums[origin] = sums.get(origin, Decimal(0)) + Decimal(element["AllocatedRatio"])
    assert len(sums) == 2 + 7
    assert set(sums.values()) == {Decimal(1)}
