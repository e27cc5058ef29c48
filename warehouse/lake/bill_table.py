"""The table of providers' bill lines: one row per line, written whole by billing month and bill."""

from __future__ import annotations

import pyarrow as pa

from warehouse.lake.declaration import FLOAT64, INSTANT, TEXT, LakeTable

BILL_AMOUNT = pa.decimal128(38, 15)
"""Amounts as the provider gives them: 15 decimals, where allocation has nine."""

BILL_LINE = LakeTable(
    "bill_line",
    ("billing_month", "bill"),
    ("billing_date", "line_number"),
    "billing_date",
    {
        "billing_month": TEXT,
        "bill": TEXT,
        "billing_date": pa.date32(),
        "line_number": pa.int64(),
        "provider": TEXT,
        "billing_account": TEXT,
        "sub_account": TEXT,
        "invoice": TEXT,
        "charge_start": INSTANT,
        "charge_end": INSTANT,
        "charge_category": TEXT,
        "charge_class": TEXT,
        "charge_frequency": TEXT,
        "description": TEXT,
        "service_category": TEXT,
        "service": TEXT,
        "region": TEXT,
        "zone": TEXT,
        "resource_id": TEXT,
        "resource_name": TEXT,
        "resource_type": TEXT,
        "sku": TEXT,
        "pricing_category": TEXT,
        "commitment_id": TEXT,
        "commitment_type": TEXT,
        "commitment_status": TEXT,
        "billed_hours": FLOAT64,
        "quantity": FLOAT64,
        "unit": TEXT,
        "currency": TEXT,
        "billed_cost": BILL_AMOUNT,
        "effective_cost": BILL_AMOUNT,
        "list_cost": BILL_AMOUNT,
        "contracted_cost": BILL_AMOUNT,
        "amortise_until": INSTANT,
        "tags": TEXT,
    },
)
"""``billing_date`` is the first day of the billing month. ``bill`` names one delivery of one bill: only
deliveries that the database knows are read. ``tags`` is a JSON object with sorted keys. ``billed_hours``
stands where a line bills a machine by the hour. ``amortise_until`` marks a purchase that the bill charges at
once: its effective cost is spread over the days from ``charge_start`` to there when it is read."""
