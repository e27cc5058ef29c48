"""The tables that closing a month keeps: costs, prices, owners, lines, rates and the journal's mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pyarrow as pa

from models.chargeback.corrections import lines_table
from models.chargeback.lines import ChargeLine
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.chargeback_check import sum_hours
from service.usecases.closed_months import (
    ASSETS,
    BILLS,
    CORRECTIONS,
    COSTS,
    OWNERSHIP,
    PRICES,
    STATEMENT,
    posted_lines,
)
from service.usecases.exchange import RATES, month_rates, rates_table
from service.usecases.journal_mappings import MAPPING, installed_mapping, mapping_table
from service.usecases.period_checks import CloseFacts
from service.usecases.reconciliation import RECONCILIATION, reconciliation_table
from warehouse.closed import EncodedTable, encode
from warehouse.pins import Pin
from warehouse.reads.charges import ChargeReads


def frozen_tables(
    runtime: Runtime, month: BillingMonth, pin: Pin, lines: Sequence[ChargeLine]
) -> dict[str, EncodedTable]:
    """Return what a month is made of, to be frozen; ``lines`` are its own after every step, exact."""
    reads = ChargeReads(runtime.warehouse.lake, pin)
    prices = [row for row in runtime.warehouse.prices.all() if row.applies_between(month.start, month.end)]
    owners = [
        row
        for row in runtime.warehouse.ownership.all()
        if row.valid_from < month.end and (row.valid_to is None or row.valid_to > month.start)
    ]
    tables = {
        COSTS: reads.frozen(month.first, month.last),
        ASSETS: reads.asset_days(month.hours),
        BILLS: _bills(month, reads),
        PRICES: _as_texts(prices),
        OWNERSHIP: _as_texts(owners),
        STATEMENT: lines_table(lines),
        CORRECTIONS: lines_table(posted_lines(runtime, month.period)),
    }
    if runtime.warehouse.bills.list(month.period):
        tables[RECONCILIATION] = reconciliation_table(runtime, month, pin)
    return {name: encode(rows) for name, rows in tables.items()}


def _bills(month: BillingMonth, reads: ChargeReads) -> pa.Table:
    """Return node bill and allocated cost per currency and cluster, as exact texts."""
    nodes = sum_hours(month, reads, "asset_price_hour")
    allocated = sum_hours(month, reads, "allocation_hour")
    rows = [
        {
            "currency": currency,
            "cluster": cluster,
            "node_cost": str(nodes.get((currency, cluster), 0)),
            "allocated_cost": str(allocated.get((currency, cluster), 0)),
        }
        for currency, cluster in sorted({*nodes, *allocated})
    ]
    names = ("currency", "cluster", "node_cost", "allocated_cost")
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names]))


def _as_texts(rows: Sequence[Any]) -> pa.Table:
    """Return dataclass rows with every value as text; null stays null."""
    if not rows:
        return pa.table({"valid_from": pa.array([], pa.string())})
    names = [field.name for field in fields(rows[0])]
    columns = {
        name: pa.array([None if value is None else _text(value) for value in values], pa.string())
        for name, values in ((name, [getattr(row, name) for row in rows]) for name in names)
    }
    return pa.table(columns)


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def book_tables(runtime: Runtime, month: BillingMonth, facts: CloseFacts) -> dict[str, EncodedTable]:
    """Return the rates that convert the month and the mapping that books it, to be frozen."""
    lines = [*facts.lines, *posted_lines(runtime, month.period)]
    rates = rates_table(month_rates(runtime, month), {line.currency for line in lines})
    return {RATES: encode(rates), MAPPING: encode(mapping_table(runtime, month))}


def described_books(runtime: Runtime, month: BillingMonth) -> dict[str, Any]:
    """Return, for the manifest, the reporting currency, its rates' rule and the mapping's version."""
    rates, mapping = month_rates(runtime, month), installed_mapping(runtime, month)
    return {
        "reporting_currency": rates.reporting_currency,
        "exchange_rate_rule": None if rates.reporting_currency is None else rates.rule.value,
        "journal_mapping_version": None if mapping is None else mapping.version,
        "journal_mapping_sha256": None if mapping is None else mapping.content_hash,
    }
