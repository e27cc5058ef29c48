"""Bills written by hand: FOCUS files of a few lines, and groups of lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from models.billing.buckets import LineGroup

FOCUS_LINE: dict[str, str] = {
    "BillingAccountId": "1234",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z",
    "ChargePeriodStart": "2026-10-01T00:00:00Z",
    "ChargePeriodEnd": "2026-11-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeFrequency": "Usage-Based",
    "ProviderName": "AWS",
    "InvoiceId": "",
    "ServiceCategory": "Compute",
    "ServiceName": "Amazon Elastic Compute Cloud",
    "RegionId": "eu-1",
    "ResourceId": "",
    "PricingQuantity": "",
    "PricingUnit": "",
    "CommitmentDiscountId": "",
    "CommitmentDiscountStatus": "",
    "ListCost": "",
    "ContractedCost": "",
    "EffectiveCost": "0",
    "BilledCost": "0",
    "BillingCurrency": "USD",
    "Tags": "",
}


def focus_line(cost: str, /, **changes: str) -> dict[str, str]:
    """Return a line of a FOCUS bill that costs the same by every measure."""
    costs = dict.fromkeys(("ListCost", "ContractedCost", "EffectiveCost", "BilledCost"), cost)
    return {**FOCUS_LINE, **costs, **changes}


def node_line(node: str, hours: float, cost: str, **changes: str) -> dict[str, str]:
    """Return a month's line of a machine, by its id."""
    return focus_line(cost, ResourceId=node, PricingQuantity=str(hours), PricingUnit="Hours", **changes)


def write_bill(path: Path, lines: Iterable[Mapping[str, str]]) -> Path:
    """Write lines as CSV."""
    rows = list(lines)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def group(cost: str = "1", /, **changes: object) -> LineGroup:
    """Return a group of lines that costs the same by every measure."""
    tags = changes.pop("tags", {})
    values: dict[str, object] = {
        "provider": "AWS",
        "account": "1234",
        "invoice": "INV-1",
        "region": "eu-1",
        "service": "Amazon Elastic Compute Cloud",
        "service_category": "Compute",
        "charge_category": "Usage",
        "charge_class": None,
        "commitment_id": None,
        "commitment_status": None,
        "resource_id": None,
        "resource_name": None,
        "resource_type": None,
        "unit": None,
        "tags": json.dumps(tags, sort_keys=True) if tags else "",
        "currency": "USD",
        "line_count": 1,
        "billed_cost": Decimal(cost),
        "effective_cost": Decimal(cost),
        "contracted_cost": Decimal(cost),
    }
    return LineGroup(**{**values, **changes})  # type: ignore[arg-type]
