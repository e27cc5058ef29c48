from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from support.charges import CONTEXT, every_kind

from models.chargeback.lines import LineKind, round_lines, summarise
from service.exports.charge_columns import COLUMNS
from service.exports.columns import Charge, Kind
from service.exports.columns_page import columns_page, contract
from service.exports.cost_terms import LINE_TERMS, PAYER_TERMS
from service.exports.line_texts import FILINGS, RESOURCES
from service.exports.payer_rows import payer_rows
from service.exports.shared_columns import IDLE, OVERHEAD

STALE = "run `make docs`: the page does not match the columns any more"
CATEGORIES = {
    "Usage": {
        LineKind.TEAM,
        LineKind.UNOWNED,
        LineKind.IDLE,
        LineKind.OVERHEAD,
        LineKind.IDLE_SHARE,
        LineKind.OVERHEAD_SHARE,
        LineKind.SHARED_IN,
        LineKind.SHARED_OUT,
        LineKind.OVERSELL_GAIN,
        LineKind.OUT_OF_CLUSTER,
        LineKind.UNUSED_COMMITMENT,
    },
    "Purchase": {LineKind.SUPPORT},
    "Tax": {LineKind.TAX},
    "Credit": {LineKind.CREDIT, LineKind.REFUND},
    "Adjustment": {LineKind.TRUE_UP, LineKind.DISPUTE, LineKind.ROUNDING},
}


def values(name: str, charge: Charge) -> dict[str, object]:
    return {column.name: column.value(charge, CONTEXT) for column in COLUMNS[name]}


def test_the_columns_page_says_what_the_columns_are(repository: Path) -> None:
    page = repository / "docs" / "chargeback_columns.md"
    assert page.read_text(encoding="utf-8") == columns_page(), STALE


def test_columns_change_only_with_a_new_version_of_the_contract(repository: Path) -> None:
    kept = json.loads((repository / "tests/golden/expected/columns.json").read_text(encoding="utf-8"))
    assert contract() == kept, "raise CONTRACT_VERSION, then run tests/golden/write_expected.py"


@pytest.mark.parametrize("name", COLUMNS)
def test_no_column_is_there_twice_and_each_says_what_it_means(name: str) -> None:
    columns = COLUMNS[name]
    assert len({column.name for column in columns}) == len(columns)
    own = [column.name.startswith("x_") for column in columns]
    assert own == sorted(own) or name != "focus", "FOCUS wants its own columns first"
    for column in columns:
        assert column.meaning
        assert not column.meaning.endswith(".")
        assert column.unit or column.kind in (Kind.TEXT, Kind.JSON, Kind.DAY)


def test_every_kind_of_line_is_filed_under_a_category_of_focus() -> None:
    found = {
        category: {kind for kind in LineKind if FILINGS[kind].category == category} for category in CATEGORIES
    }
    assert found == CATEGORIES
    allowed = {"Usage": "Usage-Based", "Purchase": "Recurring"}
    for kind in LineKind:
        assert FILINGS[kind].frequency == allowed.get(FILINGS[kind].category, "One-Time")


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_resource_has_a_service_category_of_focus(resource: str) -> None:
    assert RESOURCES[resource].service_category in {"Compute", "Storage", "Networking"}


@pytest.mark.parametrize("name", ["detail", "focus"])
def test_the_terms_of_every_line_add_up_to_its_cost(name: str) -> None:
    terms = [column.name for column in (IDLE, OVERHEAD, *LINE_TERMS)]
    for line in every_kind():
        row = values(name, Charge(line))
        assert sum(row[term] for term in terms) == row["EffectiveCost"] == row["BilledCost"]


def test_the_terms_of_every_payer_add_up_to_its_cost_and_causes_to_its_own_cost() -> None:
    lines = round_lines(summarise(every_kind()))
    rows = payer_rows(lines, [None] * len(lines))
    for charge in rows:
        row = values("summary", charge)
        assert sum(row[column.name] for column in PAYER_TERMS) == row["EffectiveCost"]
        assert row["x_UsedCost"] + row["x_UnusedRequestCost"] + row["x_UnmeasuredCost"] == row["x_DirectCost"]
    assert sum(charge.line.effective for charge in rows) == sum(line.effective for line in lines)


def test_a_summary_has_one_row_per_payer_and_what_nobody_owns_bears_its_own_shares() -> None:
    lines = round_lines(summarise([line for line in every_kind() if line.correction is None]))
    rows = [values("summary", charge) for charge in payer_rows(lines, [None] * len(lines))]
    payers = [
        (row["BillingCurrency"], row["x_Cluster"], row["SubAccountId"], row["BillingAccountId"])
        for row in rows
    ]
    assert len(set(payers)) == len(payers)
    red = next(row for row in rows if row["SubAccountId"] == "team:red" and row["x_Cluster"] == "c1")
    assert {name: value / 10**9 for name, value in red.items() if name.endswith("Cost") and value} == {
        "BilledCost": 12.05,
        "EffectiveCost": 12.05,
        "ContractedCost": 12.05,
        "ListCost": 13.05,
        "x_UsedCost": 3.0,
        "x_UnusedRequestCost": 3.0,
        "x_DirectCost": 6.0,
        "x_IdleShareCost": 1.5,
        "x_OverheadShareCost": 1.0,
        "x_SharedOutCost": -0.3,
        "x_TrueUpCost": 0.4,
        "x_OutOfClusterCost": 3.0,
        "x_TaxCost": 2.0,
        "x_CreditCost": -1.25,
        "x_DisputeCost": -0.1,
    }
    assert red["x_OversellGain"] == -2 * 10**8
    idle = next(row for row in rows if row["SubAccountId"] == "(idle)")
    assert (idle["x_IdleCost"], idle["x_IdleShareCost"], idle["EffectiveCost"]) == (2 * 10**9, 0, 2 * 10**9)
    unowned = next(row for row in rows if row["SubAccountId"] == "(unowned)" and row["x_Cluster"] == "c1")
    assert (unowned["x_IdleShareCost"], unowned["x_OverheadShareCost"]) == (4 * 10**8, 10**8)


def test_lines_that_count_nothing_are_one_unit_of_themselves_and_tax_is_none() -> None:
    for line in every_kind():
        row = values("focus", Charge(line))
        category, sold, price = row["ChargeCategory"], row["PricingQuantity"], row["ContractedUnitPrice"]
        if category in ("Usage", "Purchase") and line.correction is None:
            assert row["PricingUnit"]
            assert price >= 0
            assert abs(sold * price * 10**9 - row["ContractedCost"]) <= Decimal("0.01")
            assert row["PricingCategory"] == "Standard"
        if category == "Tax":
            assert (sold, row["PricingUnit"], row["PricingCategory"], price) == (None, "", "", None)
        assert (row["ConsumedUnit"] != "") == (category == "Usage" and row["PricingUnit"] != "")
