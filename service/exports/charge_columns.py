"""The formats of a chargeback file, column by column, and the version of that contract.

Names, units and closed values are those of FOCUS 1.0 with the split-cost columns of 1.3; our own begin with
``x_``. Texts are made safe for spreadsheets, numbers always carry a point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from service.exports.columns import Column, Kind
from service.exports.cost_terms import LINE_TERMS, PAYER_TERMS
from service.exports.focus_columns import FOCUS_COLUMNS
from service.exports.line_values import units
from service.exports.shared_columns import (
    BILLED,
    CAUSES,
    CHARGE_CLASS,
    CONTRACTED,
    DESCRIPTION,
    EFFECTIVE,
    IDLE,
    LISTED,
    OVERHEAD,
    OWN,
    PAYER,
    PERIOD,
    PLACE,
    PRICING_QUANTITY,
    PRICING_UNIT,
    QUANTITIES,
    REPORTED,
    SKU_ID,
    STATE,
    SUB_ACCOUNT,
    TRACE,
    money,
)

CONTRACT_VERSION = "1.1"
"""Raise the second number when columns are added, the first when one goes or means something else."""

_COSTS = (BILLED, EFFECTIVE, CONTRACTED, LISTED)


def _in_coins(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(
        replace(column, kind=Kind.COINS)
        if column.kind is Kind.MONEY and column.unit == "BillingCurrency"
        else column
        for column in columns
    )


SUMMARY_COLUMNS = _in_coins(
    (
        *PAYER,
        *SUB_ACCOUNT,
        CHARGE_CLASS,
        DESCRIPTION,
        *_COSTS,
        *OWN,
        *CAUSES,
        money("x_AssumedCost", units("assumed"), "Part that rests on assumed prices"),
        *STATE,
        *PAYER_TERMS,
        *REPORTED,
    )
)

DETAIL_COLUMNS = (
    *PAYER,
    *SUB_ACCOUNT,
    *PERIOD,
    CHARGE_CLASS,
    DESCRIPTION,
    SKU_ID,
    PRICING_QUANTITY,
    PRICING_UNIT,
    *_COSTS,
    *OWN,
    *PLACE,
    *CAUSES,
    IDLE,
    OVERHEAD,
    *QUANTITIES,
    *STATE,
    *LINE_TERMS,
    *TRACE,
    *REPORTED,
)

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "summary": SUMMARY_COLUMNS,
    "detail": DETAIL_COLUMNS,
    "focus": FOCUS_COLUMNS,
}
