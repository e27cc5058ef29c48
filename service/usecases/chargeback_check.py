"""The proof of a chargeback: four sums of the same money, made independently of each other."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from models.chargeback.lines import ALL_CLUSTERS, amount, split_unpriced, totals, units
from models.ownership.timeline import cut
from models.vocabulary.errors import InputError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import minor_digits
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth, month_lines
from warehouse.reads.charges import ChargeReads

_HOUR_MICROSECONDS = 3_600_000_000


@dataclass(frozen=True)
class Check:
    """Four sums of the month of one cluster, or of all, in one currency, made independently of each other."""

    cluster: str
    currency: str
    node_bill: Decimal
    allocated: Decimal
    daily_costs: Decimal
    lines: Decimal

    @property
    def is_equal(self) -> bool:
        """Whether all four are equal to the cent."""
        digits = minor_digits(self.currency)
        return len({round(part, digits) for part in self.parts}) == 1

    @property
    def parts(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """The four sums."""
        return self.node_bill, self.allocated, self.daily_costs, self.lines


def verify(runtime: Runtime, principal: Principal, month: str, *, file: Path | None = None) -> list[Check]:
    """Compare what the nodes cost with what was allocated, stored by day and charged, cluster by cluster.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance, leadership or platform.
    month : str
    file : Path or None
        A chargeback file to check; None checks the lines as they would be exported now.

    Raises
    ------
    InputError
        If the file is not a chargeback file.
    """
    principal.require(Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)
    facts = BillingMonth.read(runtime, month)
    reads = ChargeReads(runtime.warehouse.lake)
    node_bill = _sum_hours(facts, reads, "asset_price_hour")
    allocated = _sum_hours(facts, reads, "allocation_hour")
    detail, _ = month_lines(runtime, principal, facts, "detail")
    charged = totals(detail) if file is None else _read_totals(file)
    summed = ChargeReads(runtime.warehouse.lake).sums(principal, facts.first, facts.last)
    daily: dict[tuple[str, str], int] = {}
    for row in split_unpriced(summed)[0]:
        key = (row["currency"], row["cluster"])
        daily[key] = daily.get(key, 0) + units(row["total_cost"])
    checks = [
        Check(
            cluster=cluster,
            currency=currency,
            node_bill=node_bill.get((currency, cluster), Decimal(0)),
            allocated=allocated.get((currency, cluster), Decimal(0)),
            daily_costs=amount(daily.get((currency, cluster), 0)),
            lines=amount(charged.get((currency, cluster), 0)),
        )
        for currency, cluster in sorted({*node_bill, *allocated, *daily, *charged})
        if cluster != ALL_CLUSTERS
    ]
    return [*checks, *_whole_bills(checks, charged)]


def _whole_bills(checks: list[Check], charged: Mapping[tuple[str, str], int]) -> list[Check]:
    """Check the bill of all clusters together, where a currency has several."""
    found = []
    for currency in sorted({check.currency for check in checks}):
        mine = [check for check in checks if check.currency == currency]
        if len(mine) > 1:
            parts = [sum(part, Decimal(0)) for part in zip(*(check.parts for check in mine), strict=True)]
            parts[-1] += amount(charged.get((currency, ALL_CLUSTERS), 0))
            found.append(Check(ALL_CLUSTERS, currency, *parts))
    return found


def _sum_hours(month: BillingMonth, reads: ChargeReads, table: str) -> dict[tuple[str, str], Decimal]:
    """Sum hourly costs per (currency, cluster) over the month; an hour that it cuts counts in part."""
    shares = _hour_shares(month)
    sums: dict[tuple[str, str], Decimal] = {}
    for row in reads.hourly_costs(table, month.hours):
        share = shares.get(row["hour"], Decimal(1))
        key = (row["currency"], row["cluster"])
        sums[key] = sums.get(key, Decimal(0)) + row["cost"] * share
    return sums


def _hour_shares(month: BillingMonth) -> dict[datetime, Decimal]:
    timeline = cut(month.first, month.last, month.zone, ())
    shares = {}
    for group in timeline.groups:
        inside = sum(
            length
            for number, length in group.pieces
            if month.first <= timeline.segments[number].billing_date <= month.last
        )
        if inside < _HOUR_MICROSECONDS:
            shares.update(dict.fromkeys(group.hours, Decimal(inside) / _HOUR_MICROSECONDS))
    return shares


def _read_totals(file: Path) -> dict[tuple[str, str], int]:
    """Add up a chargeback file per (currency, cluster)."""
    sums: dict[tuple[str, str], int] = {}
    try:
        with file.open(encoding="utf-8", newline="") as source:
            for row in csv.DictReader(source):
                key = (row["BillingCurrency"], row["x_Cluster"])
                sums[key] = sums.get(key, 0) + units(Decimal(row["EffectiveCost"]))
    except (OSError, KeyError, ArithmeticError, UnicodeDecodeError) as problem:
        raise InputError(f"is not a chargeback file ({problem})", file=str(file)) from problem
    return sums
