from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.published_prices import azure_item, write_json

from ingest.prices.azure import read_azure
from ingest.prices.published import Found, Wanted
from models.vocabulary.errors import InputError


def read(tmp_path: Path, *items: dict[str, object], wanted: Wanted | None = None) -> Found:
    page = {"BillingCurrency": "USD", "Items": list(items), "NextPageLink": None, "Count": len(items)}
    return read_azure([write_json(tmp_path / "page.json", page)], wanted or Wanted())


def test_machines_on_demand_and_spot_are_kept_apart(tmp_path: Path) -> None:
    spot = azure_item(meterName="D2s v5 Spot", skuName="D2s v5 Spot", retailPrice=0.0123)
    found = read(tmp_path, azure_item(), spot)
    prices = {row.purchase_option: row.hourly_list_price for row in found.rows}
    assert prices == {"on_demand": Decimal("0.111"), "spot": Decimal("0.0123")}
    assert {(row.instance_type, row.region) for row in found.rows} == {("Standard_D2s_v5", "westeurope")}


def test_what_is_no_linux_node_is_passed_over_and_counted(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        azure_item(),
        azure_item(productName="Virtual Machines Dsv5 Series Windows"),
        azure_item(skuName="D2s v5 Low Priority"),
        azure_item(type="DevTestConsumption"),
        azure_item(isPrimaryMeterRegion=False),
        azure_item(tierMinimumUnits=100.0),
        azure_item(serviceName="Bandwidth"),
    )
    assert len(found.rows) == 1
    assert found.skipped == {
        "other product": 2,
        "other way to buy": 2,
        "not the primary meter": 1,
        "higher tier": 1,
    }


def test_a_reservation_is_the_price_of_its_term_by_the_hour(tmp_path: Path) -> None:
    plan = [{"term": "1 Year", "retailPrice": 0.08}, {"term": "3 Years", "retailPrice": 0.06}]
    reserved = azure_item(type="Reservation", reservationTerm="3 Years", retailPrice=1051.2)
    items = (azure_item(savingsPlan=plan), reserved)
    found = {row.purchase_option: row for row in read(tmp_path, *items, wanted=Wanted(term_years=3)).rows}
    assert found["reserved"].effective_price == Decimal("0.04")
    assert found["savings_plan"].effective_price == Decimal("0.06")
    assert {row.hourly_list_price for row in found.values()} == {Decimal("0.111")}
    assert "reserved" not in {row.purchase_option for row in read(tmp_path, *items).rows}


def test_a_price_that_changes_holds_until_the_next(tmp_path: Path) -> None:
    later = azure_item(effectiveStartDate="2026-11-01T00:00:00Z", retailPrice=0.2)
    first, second = read(tmp_path, later, azure_item()).rows
    november = datetime(2026, 11, 1, tzinfo=UTC)
    assert (first.valid_to, second.valid_from, second.valid_to) == (november, november, None)
    start = datetime(2026, 10, 1, tzinfo=UTC)
    first, second = read(tmp_path, later, azure_item(), wanted=Wanted(valid_from=start)).rows
    assert (first.valid_from, second.valid_from) == (start, november)


def test_disks_balancers_and_the_fee_of_aks_are_priced(tmp_path: Path) -> None:
    disk = azure_item(
        serviceName="Storage",
        productName="Premium SSD Managed Disks",
        meterName="P10 LRS Disk",
        skuName="P10 LRS",
        unitOfMeasure="1/Month",
        retailPrice=21.9,
        armSkuName="Premium_SSD_Managed_Disk_P10",
    )
    balancer = azure_item(
        serviceName="Load Balancer",
        productName="Load Balancer",
        meterName="Standard Included LB Rules and Outbound Rules",
        retailPrice=0.025,
    )
    fee = azure_item(
        serviceName="Azure Kubernetes Service",
        productName="Azure Kubernetes Service",
        meterName="Standard Uptime SLA",
        retailPrice=0.1,
    )
    found = {row.asset_kind: row for row in read(tmp_path, disk, balancer, fee).rows}
    assert found["volume"].hourly_list_price == Decimal("0.03")
    assert found["load_balancer"].instance_type == "standard"
    assert found["control_plane"].hourly_list_price == Decimal("0.1")


def test_pages_may_stand_in_one_array_or_be_merged(tmp_path: Path) -> None:
    pages = [{"Items": [azure_item()]}, {"Items": [azure_item(armSkuName="Standard_D4s_v5")]}]
    assert len(read_azure([write_json(tmp_path / "pages.json", pages)], Wanted()).rows) == 2
    assert len(read_azure([write_json(tmp_path / "items.json", [azure_item()])], Wanted()).rows) == 1


def test_a_malformed_price_is_named_by_file_row_field_and_value(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"page\.json, row 2, field retailPrice: value 'free' is not a number"
    ):
        read(tmp_path, azure_item(), azure_item(retailPrice="free"))
    with pytest.raises(InputError, match="holds no list Items"):
        read_azure([write_json(tmp_path / "other.json", {"a": 1})], Wanted())
