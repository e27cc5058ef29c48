"""A journal mapping, charge lines and rates for tests."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from models.chargeback.lines import ChargeLine, LineKind, units
from models.exchange.rates import DatedRate, MonthRates, RateRule
from models.journal.document import parse_mapping
from models.journal.mapping import JournalMapping

MONTH = "2026-10"

DOCUMENT: dict[str, Any] = {
    "effective_month": "2026-01",
    "document_reference": "MC-{month}-{entity}-{currency}-{revision}",
    "posting_period": "FY{fiscal_year}-P{fiscal_month}",
    "fiscal_year_start_month": "4",
    "rounding": {"entity": "HQ", "account": "6999"},
    "accrual": {"account": "3990"},
    "cost_centres": [
        {"cost_centre": "4711", "entity": "DE01", "account": "6500", "mode": "chargeback", "project": "P1"},
        {"cost_centre": "4712", "entity": "DE02", "account": "6500", "mode": "showback"},
        {"cost_centre": "4712", "entity": "DE02", "account": "6500", "mode": "chargeback"}
        | {"from_month": "2026-11"},
        {"cost_centre": "9000", "entity": "HQ", "account": "6510", "mode": "chargeback", "tax_code": "V0"},
    ],
    "kinds": [
        {"kind": "idle", "cost_centre": "9000"},
        {"kind": "overhead", "cost_centre": "9000"},
        {"kind": "unowned", "cost_centre": "9000"},
        {"kind": "dispute", "cost_centre": "9000"},
        {"kind": "team", "cost_centre": "9000"},
        {"kind": "tax", "account": "6600", "cost_centre": "9000"},
    ],
    "providers": [
        {"cluster": "prod-*", "provider": "aws", "entity": "HQ", "account": "1801"},
        {"cluster": "*", "entity": "HQ", "account": "1800"},
    ],
    "intercompany": [
        {"payer_entity": "*", "provider_entity": "HQ", "due_to_account": "2500", "due_from_account": "1500"}
    ],
}


def mapping(**changes: Any) -> JournalMapping:
    """Return the mapping with some sections replaced."""
    return parse_mapping({**DOCUMENT, **changes})


def charge(
    amount: str, cost_centre: str | None = "4711", kind: LineKind = LineKind.TEAM, **about: Any
) -> ChargeLine:
    """Return a charge line of an amount, by default of a team in dollars."""
    nano = units(Decimal(amount))
    team = "red" if kind is LineKind.TEAM else None
    values = {"cluster": "c1", "currency": "USD", "team": team, **about}
    return ChargeLine(
        kind=kind, effective=nano, list_units=nano, contracted=nano, cost_centre=cost_centre, **values
    )


def month_end_rates(rate: str = "0.9", currency: str = "USD", reporting: str = "EUR") -> MonthRates:
    """Return one rate for all lines of October."""
    dated = DatedRate(Decimal(rate), date(2026, 10, 30), "ECB")
    same = DatedRate(Decimal(1), date(2026, 10, 31), "same currency")
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    return MonthRates(reporting, RateRule.MONTH_END, first, last, {currency: dated, reporting: same})
