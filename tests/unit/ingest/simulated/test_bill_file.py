"""The simulated bill is a FOCUS bill: every kind of charge, commitments amortised, the same every time."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from ingest.bills.column_map import load_map
from ingest.bills.lines import read_bill_lines
from ingest.simulated.bill_file import BILL_COLUMNS, bill_rows
from models.simulation.life import build_timeline
from models.simulation.presets import build_scenario


@pytest.fixture(scope="module")
def rows() -> list[Mapping[str, object]]:
    """Return the bill of one day of the demonstration's production cluster, part of which is committed."""
    scenario = build_scenario("demo", seed=1, days=1)
    timelines = [build_timeline(scenario, scenario.clusters[0])]
    found = list(bill_rows(scenario, timelines))
    assert found == list(bill_rows(scenario, timelines))
    return found


def test_it_holds_every_kind_of_charge(rows: list[Mapping[str, object]]) -> None:
    assert {row["ChargeCategory"] for row in rows} == {"Usage", "Purchase", "Tax", "Credit"}
    services = {str(row["ServiceName"]) for row in rows}
    assert {"Amazon Elastic Block Store", "Elastic Load Balancing", "AWS Support (Business)"} <= services
    assert {"Hours", "GiB"} <= {row.get("PricingUnit") for row in rows}


def test_what_was_paid_for_a_commitment_is_used_or_unused(rows: list[Mapping[str, object]]) -> None:
    paid: dict[object, Decimal] = defaultdict(Decimal)
    amortised: dict[object, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.get("CommitmentDiscountId"):
            paid[row["CommitmentDiscountId"]] += Decimal(str(row["BilledCost"]))
            amortised[row["CommitmentDiscountId"]] += Decimal(str(row["EffectiveCost"]))
    assert paid == amortised
    assert sum(paid.values()) > 0
    statuses = {row.get("CommitmentDiscountStatus") for row in rows if row.get("CommitmentDiscountId")}
    assert statuses == {"Used", "Unused", ""}


def test_it_is_read_by_the_map_of_focus(rows: list[Mapping[str, object]], tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, BILL_COLUMNS.split(","))
        writer.writeheader()
        writer.writerows(rows)
    read = [line for batch in read_bill_lines([path], load_map("focus")) for line in batch.to_pylist()]
    billed = sum(Decimal(str(row["BilledCost"])) for row in rows)
    assert sum(line["billed_cost"] for line in read) == billed
    assert sum(line["effective_cost"] for line in read) == billed  # paid this month, used this month
