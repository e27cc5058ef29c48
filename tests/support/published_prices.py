"""Small price lists in the formats of the clouds, written by hand: a few rows of each kind."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

AWS_HEAD = (
    '"FormatVersion","v1.0"\n"Disclaimer","none"\n"Publication Date","2026-10-02T00:00:00Z"\n'
    '"Version","20261002000000"\n"OfferCode","AmazonEC2"\n'
)
AWS_PRODUCT = {
    "SKU": "A1",
    "Product Family": "Compute Instance",
    "Location Type": "AWS Region",
    "Region Code": "eu-west-1",
    "Instance Type": "m5.large",
    "Tenancy": "Shared",
    "Operating System": "Linux",
    "Pre Installed S/W": "NA",
    "CapacityStatus": "Used",
    "License Model": "No License required",
    "Volume API Name": "",
    "usageType": "EU-BoxUsage:m5.large",
}
AWS_TERM = {
    "TermType": "OnDemand",
    "EffectiveDate": "2026-10-01",
    "StartingRange": "0",
    "Unit": "Hrs",
    "PricePerUnit": "0.1070000000",
    "Currency": "USD",
    "LeaseContractLength": "",
    "PurchaseOption": "",
    "OfferingClass": "",
}


def aws_reserved(unit: str, price: str, payment: str = "Partial Upfront") -> dict[str, str]:
    """Return one price of a reservation of a year."""
    return {
        "TermType": "Reserved",
        "Unit": unit,
        "PricePerUnit": price,
        "LeaseContractLength": "1yr",
        "PurchaseOption": payment,
        "OfferingClass": "standard",
    }


def write_aws_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """Write an offer file; each row is a plain m5.large but for what it names."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*AWS_PRODUCT, *AWS_TERM], quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**AWS_PRODUCT, **AWS_TERM, **row} for row in rows)
    path.write_text(AWS_HEAD + buffer.getvalue(), encoding="utf-8")
    return path


def write_json(path: Path, value: Any) -> Path:
    """Write a document."""
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def azure_item(**changes: Any) -> dict[str, Any]:
    """Return an item of the Retail Prices API: a Linux virtual machine but for what is named."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": 0.111,
        "armRegionName": "westeurope",
        "effectiveStartDate": "2026-09-01T00:00:00Z",
        "meterName": "D2s v5",
        "productName": "Virtual Machines Dsv5 Series",
        "skuName": "D2s v5",
        "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": "Standard_D2s_v5",
        **changes,
    }


def google_sku(
    description: str,
    nanos: int,
    *,
    usage: str = "OnDemand",
    unit: str = "h",
    regions: Sequence[str] = ("europe-west3",),
    units: str = "0",
) -> dict[str, Any]:
    """Return a SKU of the Cloud Billing Catalog API."""
    price = {"currencyCode": "USD", "units": units, "nanos": nanos}
    return {
        "description": description,
        "category": {"usageType": usage, "resourceFamily": "Compute"},
        "serviceRegions": list(regions),
        "pricingInfo": [
            {
                "effectiveTime": "2026-10-05T10:00:00Z",
                "pricingExpression": {
                    "usageUnit": unit,
                    "tieredRates": [{"startUsageAmount": 0, "unitPrice": price}],
                },
            }
        ],
    }
