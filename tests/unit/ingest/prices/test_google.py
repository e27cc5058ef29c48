from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from support.published_prices import google_sku, write_json

from ingest.prices.google import read_google
from ingest.prices.google_machines import MACHINES, Machine, read_machines
from ingest.prices.published import Found, Wanted
from models.vocabulary.errors import InputError

CORE = google_sku("N2 Instance Core running in Frankfurt", 40_721_000)
RAM = google_sku("N2 Instance Ram running in Frankfurt", 5_458_000, unit="GiBy.h")


def read(tmp_path: Path, *skus: dict[str, object], **wanted: object) -> Found:
    path = write_json(tmp_path / "skus.json", {"skus": list(skus)})
    return read_google([path], Wanted(**wanted))  # type: ignore[arg-type]


def test_a_machine_type_costs_its_cores_and_its_memory(tmp_path: Path) -> None:
    found = {row.instance_type: row for row in read(tmp_path, CORE, RAM).rows}
    eight = found["n2-standard-8"]
    assert eight.hourly_list_price == 8 * Decimal("0.040721") + 32 * Decimal("0.005458")
    assert (eight.region, eight.purchase_option) == ("europe-west3", "on_demand")
    assert (eight.cpu_core_hourly_price, eight.memory_gib_hourly_price) == (
        Decimal("0.040721"),
        Decimal("0.005458"),
    )
    assert not any(name and name.startswith("n2d") for name in found)


def test_spot_and_commitments_have_prices_of_their_own(tmp_path: Path) -> None:
    spot = [
        google_sku("Spot Preemptible N2 Instance Core running in Frankfurt", 9_000_000, usage="Preemptible"),
        google_sku("Spot Preemptible N2 Instance Ram running in Frankfurt", 1_000_000, usage="Preemptible"),
    ]
    committed = [
        google_sku("Commitment v1: N2 Cpu in Frankfurt for 1 Year", 25_000_000, usage="Commit1Yr"),
        google_sku("Commitment v1: N2 Ram in Frankfurt for 1 Year", 3_000_000, usage="Commit1Yr"),
        google_sku("Commitment v1: N2 Cpu in Frankfurt for 3 Years", 18_000_000, usage="Commit3Yr"),
    ]
    found = read(tmp_path, CORE, RAM, *spot, *committed, types=frozenset({"n2-standard-2"}))
    prices = {row.purchase_option: row.effective_price for row in found.rows}
    assert prices == {
        "on_demand": 2 * Decimal("0.040721") + 8 * Decimal("0.005458"),
        "spot": 2 * Decimal("0.009") + 8 * Decimal("0.001"),
        "reserved": 2 * Decimal("0.025") + 8 * Decimal("0.003"),
    }
    reserved = next(row for row in found.rows if row.purchase_option == "reserved")
    assert reserved.hourly_list_price == prices["on_demand"]
    assert found.skipped == {"other term": 1}


@pytest.mark.parametrize(
    "description",
    [
        "N2 Custom Instance Core running in Frankfurt",
        "N2 Sole Tenancy Instance Core running in Frankfurt",
        "Nvidia Tesla T4 GPU running in Frankfurt",
        "Network Internet Egress from Frankfurt to Americas",
    ],
)
def test_other_skus_are_passed_over_and_counted(tmp_path: Path, description: str) -> None:
    found = read(tmp_path, google_sku(description, 1))
    assert found.rows == []
    assert found.skipped == {"other product": 1}


def test_disks_by_gib_forwarding_rules_and_the_fee_are_priced(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        google_sku("Balanced PD Capacity in Frankfurt", 117_000_000, unit="GiBy.mo"),
        google_sku("Regional Balanced PD Capacity in Frankfurt", 1, unit="GiBy.mo"),
        google_sku("Network Load Balancing: Forwarding Rule Minimum Service Charge in EMEA", 25_000_000),
        google_sku("Regional Kubernetes Clusters", 100_000_000, regions=["global"]),
    )
    rows = {row.asset_kind: row for row in found.rows}
    assert rows["volume"].hourly_list_price == Decimal("0.117") / 730
    assert (rows["volume"].instance_type, rows["volume"].unit) == ("pd-balanced", "gib_hour")
    assert rows["control_plane"].region is None
    assert len(found.rows) == 3


def test_further_machine_types_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "types.csv").write_text("name,guestCpus,memoryMb\nn2-custom,4,10240\n")
    machines = read_machines(tmp_path / "types.csv")
    assert machines == {"n2-custom": Machine(Decimal(4), Decimal(10))}
    path = write_json(tmp_path / "skus.json", [{"skus": [CORE]}, {"skus": [RAM]}])
    found = read_google([path], Wanted(types=frozenset({"n2-custom"})), machines)
    assert found.rows[0].hourly_list_price == 4 * Decimal("0.040721") + 10 * Decimal("0.005458")


def test_the_table_of_machine_types_holds_billed_sizes() -> None:
    assert MACHINES["n1-standard-4"] == Machine(Decimal(4), Decimal(15))
    assert MACHINES["e2-small"] == Machine(Decimal("0.5"), Decimal(2))
    assert MACHINES["n2d-highmem-96"].memory_gib == 768


def test_a_malformed_sku_is_named_by_file_row_field_and_value(tmp_path: Path) -> None:
    wrong = google_sku("N2 Instance Core running in Frankfurt", 1, unit="By.s")
    with pytest.raises(InputError, match=r"skus\.json, row 2, field usageUnit: value 'By\.s'"):
        read(tmp_path, CORE, wrong)
