"""The proof of a chargeback: four sums of the same money, made independently of each other."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from models.chargeback.lines import ALL_CLUSTERS, ChargeLine, amount, split_unpriced, totals, units
from models.ownership.timeline import cut
from models.vocabulary.errors import InputError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import minor_digits
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth, correction_lines, month_lines
from service.usecases.closed_months import BILLS, COSTS, FrozenMonth, check_files
from warehouse.pins import Pin
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
    corrections: Decimal = Decimal(0)
    """Earlier months' corrections among the lines, each rounded; in none of the other three sums."""

    @property
    def is_equal(self) -> bool:
        """Whether node bill, allocation, daily costs and lines less corrections are equal to the cent."""
        digits = minor_digits(self.currency)
        return len({round(part, digits) for part in self.parts}) == 1

    @property
    def parts(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """The four sums of the month's own cost."""
        return self.node_bill, self.allocated, self.daily_costs, self.lines - self.corrections


def verify(
    runtime: Runtime, principal: Principal, month: str, *, file: Path | None = None, pin: Pin | None = None
) -> list[Check]:
    """Compare what the nodes cost with what was allocated, stored by day and charged, cluster by cluster.

    Of a closed month, all sums come from its closed files, whose bytes are hashed again.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance, leadership or platform.
    month : str
    file : Path or None
        A chargeback file to check; None checks the lines as they would be exported now.
    pin : Pin or None
        Versions of the lake to read an open month from.

    Raises
    ------
    InputError
        If the file is not a chargeback file.
    LakeInconsistent
        If a closed file was changed, removed or added since the month was closed.
    """
    principal.require(Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)
    facts = BillingMonth.read(runtime, month)
    check_files(runtime, facts.period)
    node_bill, allocated, daily = (
        _live_sums(runtime, principal, facts, pin) if facts.frozen is None else _closed_sums(facts.frozen)
    )
    charged = (
        totals(month_lines(runtime, principal, facts, "detail", pin)[0])
        if file is None
        else _read_totals(file)
    )
    corrections = _rounded_corrections(correction_lines(runtime, principal, facts))
    checks = [
        Check(
            cluster=cluster,
            currency=currency,
            node_bill=node_bill.get((currency, cluster), Decimal(0)),
            allocated=allocated.get((currency, cluster), Decimal(0)),
            daily_costs=amount(daily.get((currency, cluster), 0)),
            lines=amount(charged.get((currency, cluster), 0)),
            corrections=corrections.get((currency, cluster), Decimal(0)),
        )
        for currency, cluster in sorted({*node_bill, *allocated, *daily, *charged, *corrections})
        if cluster != ALL_CLUSTERS
    ]
    return [*checks, *_whole_bills(checks, charged, corrections)]


Sums = tuple[dict[tuple[str, str], Decimal], dict[tuple[str, str], Decimal], dict[tuple[str, str], int]]


def _live_sums(runtime: Runtime, principal: Principal, month: BillingMonth, pin: Pin | None) -> Sums:
    reads = ChargeReads(runtime.warehouse.lake, pin)
    rows = reads.sums(principal, month.first, month.last)
    node_bill = sum_hours(month, reads, "asset_price_hour")
    return node_bill, sum_hours(month, reads, "allocation_hour"), _daily(rows)


def _closed_sums(frozen: FrozenMonth) -> Sums:
    bills: list[dict[tuple[str, str], Decimal]] = [{}, {}]
    for row in frozen.table(BILLS).to_pylist():
        key = (row["currency"], row["cluster"])
        for sums, name in zip(bills, ("node_cost", "allocated_cost"), strict=True):
            sums[key] = sums.get(key, Decimal(0)) + Decimal(row[name])
    return bills[0], bills[1], _daily(frozen.table(COSTS).to_pylist())


def _daily(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    daily: dict[tuple[str, str], int] = {}
    for row in split_unpriced(rows)[0]:
        key = (row["currency"], row["cluster"])
        daily[key] = daily.get(key, 0) + units(row["total_cost"])
    return daily


def _rounded_corrections(lines: Sequence[ChargeLine]) -> dict[tuple[str, str], Decimal]:
    """Return what corrections must add per (currency, cluster), from exact lines, each one rounded."""
    exact: dict[tuple[str, str, str], int] = {}
    for line in lines:
        key = (line.correction or "", line.currency, line.cluster)
        exact[key] = exact.get(key, 0) + line.effective
    wholes: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, str], Decimal] = {}
    for (correction, currency, cluster), total in exact.items():
        rounded = round(amount(total), minor_digits(currency))
        found[currency, cluster] = found.get((currency, cluster), Decimal(0)) + rounded
        wholes[correction, currency] = wholes.get((correction, currency), 0) + total
    for (_, currency), total in wholes.items():
        rounded = round(amount(total), minor_digits(currency))
        found[currency, ALL_CLUSTERS] = found.get((currency, ALL_CLUSTERS), Decimal(0)) + rounded
    return found


def _whole_bills(
    checks: list[Check],
    charged: Mapping[tuple[str, str], int],
    corrections: Mapping[tuple[str, str], Decimal],
) -> list[Check]:
    """Check the bill of all clusters together, where a currency has several."""
    found = []
    for currency in sorted({check.currency for check in checks}):
        mine = [check for check in checks if check.currency == currency]
        if len(mine) > 1:
            closing = amount(charged.get((currency, ALL_CLUSTERS), 0))
            found.append(
                Check(
                    ALL_CLUSTERS,
                    currency,
                    sum((one.node_bill for one in mine), Decimal(0)),
                    sum((one.allocated for one in mine), Decimal(0)),
                    sum((one.daily_costs for one in mine), Decimal(0)),
                    sum((one.lines for one in mine), closing),
                    corrections.get((currency, ALL_CLUSTERS), Decimal(0)),
                )
            )
    return found


def sum_hours(month: BillingMonth, reads: ChargeReads, table: str) -> dict[tuple[str, str], Decimal]:
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
