from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.published_prices import AWS_PRODUCT, aws_reserved, write_aws_csv, write_json

from ingest.prices.aws import read_aws
from ingest.prices.published import Wanted
from models.vocabulary.errors import InputError

ANY = Wanted()


def test_a_plain_linux_instance_keeps_its_price_to_the_last_digit(tmp_path: Path) -> None:
    (row,) = read_aws([write_aws_csv(tmp_path / "ec2.csv", [{}])], ANY).rows
    assert (row.instance_type, row.region, row.purchase_option) == ("m5.large", "eu-west-1", "on_demand")
    assert (row.hourly_list_price, row.currency, row.unit) == (Decimal("0.107"), "USD", "hour")
    assert row.valid_from == datetime(2026, 10, 1, tzinfo=UTC)
    assert row.source_row == 1


def test_what_is_no_plain_node_is_passed_over_and_counted(tmp_path: Path) -> None:
    others = [
        {"SKU": "W", "Operating System": "Windows"},
        {"SKU": "D", "Tenancy": "Dedicated"},
        {"SKU": "S", "Pre Installed S/W": "SQL Std"},
        {"SKU": "C", "CapacityStatus": "UnusedCapacityReservation"},
        {"SKU": "L", "Location Type": "AWS Local Zone"},
        {"SKU": "T", "StartingRange": "100"},
        {"SKU": "X", "Product Family": "Dedicated Host", "usageType": "HostUsage:m5"},
        {"SKU": "Z", "PricePerUnit": "0"},
    ]
    found = read_aws([write_aws_csv(tmp_path / "ec2.csv", [{}, *others])], ANY)
    assert len(found.rows) == 1
    assert found.skipped == {
        "other operating system, tenancy or software": 4,
        "not in a region": 1,
        "higher tier": 1,
        "other product": 1,
        "price of 0": 1,
    }


def test_a_reservation_costs_its_hours_and_its_share_of_the_upfront_fee(tmp_path: Path) -> None:
    rows = [
        {},
        aws_reserved("Hrs", "0.032"),
        aws_reserved("Quantity", "280"),
        aws_reserved("Hrs", "0.07", "No Upfront"),
    ]
    path = write_aws_csv(tmp_path / "ec2.csv", rows)
    partial = read_aws([path], Wanted(payment="Partial Upfront")).rows[1]
    assert (partial.purchase_option, partial.hourly_list_price) == ("reserved", Decimal("0.107"))
    assert partial.effective_price == Decimal("0.032") + Decimal(280) / 8760
    assert partial.provenance == "contract"
    assert read_aws([path], ANY).rows[1].effective_price == Decimal("0.07")


def test_volumes_load_balancers_control_planes_and_fargate_are_priced(tmp_path: Path) -> None:
    rows = [
        {
            "SKU": "V",
            "Product Family": "Storage",
            "Volume API Name": "gp3",
            "usageType": "EU-EBS:VolumeUsage.gp3",
            "Unit": "GB-Mo",
            "PricePerUnit": "0.088",
        },
        {
            "SKU": "N",
            "Product Family": "Load Balancer-Network",
            "usageType": "EU-LoadBalancerUsage",
            "PricePerUnit": "0.0252",
        },
        {
            "SKU": "E",
            "Product Family": "Compute",
            "usageType": "EU-AmazonEKS-Hours:perCluster",
            "PricePerUnit": "0.1",
        },
        {
            "SKU": "F",
            "Product Family": "Compute",
            "usageType": "EU-Fargate-vCPU-Hours:perCPU",
            "PricePerUnit": "0.04048",
        },
        {
            "SKU": "G",
            "Product Family": "Compute",
            "usageType": "EU-Fargate-GB-Hours",
            "PricePerUnit": "0.004445",
        },
    ]
    found = read_aws([write_aws_csv(tmp_path / "all.csv", rows)], ANY).rows
    by_kind = {row.asset_kind: row for row in found}
    volume = by_kind["volume"]
    assert (volume.instance_type, volume.unit) == ("gp3", "gib_hour")
    assert volume.hourly_list_price == Decimal("0.088") / 730
    assert by_kind["load_balancer"].instance_type == "network"
    assert by_kind["control_plane"].hourly_list_price == Decimal("0.1")
    serverless = by_kind["node"]
    assert (serverless.purchase_option, serverless.instance_type) == ("serverless", None)
    assert (serverless.cpu_core_hourly_price, serverless.memory_gib_hourly_price) == (
        Decimal("0.04048"),
        Decimal("0.004445"),
    )
    assert serverless.hourly_list_price == 0


def test_only_wanted_regions_and_types_are_kept(tmp_path: Path) -> None:
    rows = [
        {},
        {"SKU": "B", "Instance Type": "m5.xlarge"},
        {"SKU": "C", "Region Code": "us-east-1"},
    ]
    wanted = Wanted(frozenset({"eu-west-1"}), frozenset({"m5.large"}), datetime(2026, 1, 1, tzinfo=UTC))
    found = read_aws([write_aws_csv(tmp_path / "ec2.csv", rows)], wanted)
    assert [(row.instance_type, row.region) for row in found.rows] == [("m5.large", "eu-west-1")]
    assert found.rows[0].valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.skipped == {"other type": 1, "other region": 1}


def test_a_malformed_price_names_file_row_field_and_value(tmp_path: Path) -> None:
    path = write_aws_csv(
        tmp_path / "ec2.csv", [{}, {"SKU": "B", "Instance Type": "x", "PricePerUnit": "much"}]
    )
    with pytest.raises(
        InputError, match=r"ec2\.csv, row 2, field PricePerUnit: value 'much' is not a number"
    ):
        read_aws([path], ANY)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="is no offer file of AWS"):
        read_aws([tmp_path / "other.csv"], ANY)


def test_json_says_the_same_as_csv(tmp_path: Path) -> None:
    attributes = {
        "locationType": "AWS Region",
        "regionCode": "eu-west-1",
        "instanceType": "m5.large",
        "tenancy": "Shared",
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "licenseModel": "No License required",
        "usagetype": AWS_PRODUCT["usageType"],
    }

    def rate(unit: str, price: str) -> dict[str, object]:
        return {"unit": unit, "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": price}}

    offer = {
        "formatVersion": "v1.0",
        "products": {
            "A1": {"sku": "A1", "productFamily": "Compute Instance", "attributes": attributes},
            "W1": {
                "sku": "W1",
                "productFamily": "Compute Instance",
                "attributes": {**attributes, "operatingSystem": "Windows"},
            },
        },
        "terms": {
            "OnDemand": {
                "A1": {
                    "A1.T": {
                        "effectiveDate": "2026-10-01T00:00:00Z",
                        "priceDimensions": {"A1.T.R": rate("Hrs", "0.1070000000")},
                        "termAttributes": {},
                    }
                },
                "W1": {
                    "W1.T": {
                        "effectiveDate": "2026-10-01T00:00:00Z",
                        "priceDimensions": {"W1.T.R": rate("Hrs", "0.2")},
                        "termAttributes": {},
                    }
                },
            },
            "Reserved": {
                "A1": {
                    "A1.P": {
                        "effectiveDate": "2026-10-01T00:00:00Z",
                        "priceDimensions": {"1": rate("Hrs", "0.032"), "2": rate("Quantity", "280")},
                        "termAttributes": {
                            "LeaseContractLength": "1yr",
                            "OfferingClass": "standard",
                            "PurchaseOption": "Partial Upfront",
                        },
                    }
                }
            },
        },
    }
    wanted = Wanted(payment="Partial Upfront")
    from_json = read_aws([write_json(tmp_path / "ec2.json", offer)], wanted)
    rows = [{}, aws_reserved("Hrs", "0.032"), aws_reserved("Quantity", "280")]
    from_csv = read_aws([write_aws_csv(tmp_path / "ec2.csv", rows)], wanted)
    assert from_json.rows == from_csv.rows
    assert from_json.skipped == {"other operating system, tenancy or software": 1}
