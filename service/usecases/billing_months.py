"""A billing month: its bounds, its state, how much of it is stored and what stands against booking it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from models.chargeback.lines import (
    ChargeLine,
    amount,
    charge_lines,
    closing_lines,
    round_lines,
    rounding_lines,
    split_unpriced,
    summarise,
)
from models.vocabulary.identity import Principal
from models.vocabulary.money import minor_digits
from models.vocabulary.windows import HourWindow, floor_hour, month_bounds
from service.runtime import Runtime
from warehouse.reads.charges import ChargeReads
from warehouse.reads.coverage import CoverageReads

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Coverage:
    """Hours of one cluster in a month: expected until now, and in what state they are stored."""

    cluster: str
    hours_expected: int
    hours_complete: int
    hours_partial: int

    @property
    def ratio(self) -> float | None:
        """Complete hours among those expected."""
        return self.hours_complete / self.hours_expected if self.hours_expected else None


@dataclass(frozen=True)
class BillingMonth:
    """A month: its bounds in the billing zone and its state."""

    period: str
    zone: ZoneInfo
    start: datetime
    end: datetime
    state: str

    @classmethod
    def read(cls, runtime: Runtime, month: str) -> BillingMonth:
        """Return a month with its state; ``open`` until something of it is recorded.

        Raises
        ------
        InputError
            If the text is not a month.
        """
        zone = runtime.warehouse.periods.billing_zone() or runtime.settings.zone
        start, end = month_bounds(month, zone)
        recorded = runtime.warehouse.periods.get(month)
        return cls(month, zone, start, end, "open" if recorded is None else recorded.state.value)

    @property
    def first(self) -> date:
        """First billing day."""
        return self.start.astimezone(self.zone).date()

    @property
    def last(self) -> date:
        """Last billing day."""
        return (self.end - _MICROSECOND).astimezone(self.zone).date()

    @property
    def hours(self) -> HourWindow:
        """The whole hours that the month touches."""
        return HourWindow(floor_hour(self.start), HourWindow.of_hour(self.end - _MICROSECOND).end)


def month_lines(
    runtime: Runtime, principal: Principal, month: BillingMonth, name: str
) -> tuple[list[ChargeLine], list[Mapping[str, Any]]]:
    """Return the lines of a format, and the rows whose cost is not known."""
    reads = ChargeReads(runtime.warehouse.lake)
    if name == "summary":
        priced, unpriced = split_unpriced(reads.sums(principal, month.first, month.last))
        payers = summarise(charge_lines(priced))
        return [*round_lines(payers), *closing_lines(payers)], unpriced
    priced, unpriced = split_unpriced(reads.rows(principal, month.first, month.last))
    lines = charge_lines(priced)
    return [*lines, *rounding_lines(lines), *closing_lines(lines)], unpriced


def in_coins(total: Decimal | None, currency: str | None) -> Decimal:
    """Return an amount rounded to the smallest coin of its currency; None is nothing."""
    return round(total or Decimal(0), minor_digits(currency or ""))


def month_coverage(runtime: Runtime, month: BillingMonth) -> tuple[Coverage, ...]:
    """Count hours from a cluster's first stored one to now; older ones are no gap."""
    found = []
    until = min(month.hours.end, floor_hour(runtime.now()))
    if until <= month.hours.start:
        return ()
    # before a cluster's first stored hour nothing is complete or partial
    stored = CoverageReads(runtime.warehouse.database).stored_counts(HourWindow(month.hours.start, until))
    for cluster in runtime.warehouse.clusters.list():
        span = runtime.warehouse.ledger.span(cluster.name)
        if span is None or span.start >= until:
            continue
        start = max(month.hours.start, span.start)
        if start >= until:
            continue
        window = HourWindow(start, until)
        complete, partial = stored.get(cluster.name, (0, 0))
        found.append(Coverage(cluster.name, window.hour_count, complete, partial))
    return tuple(found)


def covered_ratio(coverage: Sequence[Coverage]) -> float | None:
    """Return complete hours among those expected, over all clusters; None when none is expected."""
    expected = sum(one.hours_expected for one in coverage)
    return sum(one.hours_complete for one in coverage) / expected if expected else None


def month_problems(
    month: BillingMonth,
    now: datetime,
    coverage: Sequence[Coverage],
    assumed: Mapping[str, int],
    unpriced_hours: float,
) -> tuple[str, ...]:
    """Say in words what stands against booking the month."""
    found = []
    if now < month.end:
        found.append(f"{month.period} is not over: costs until now only")
    for one in coverage:
        missing = one.hours_expected - one.hours_complete
        if missing:
            found.append(f"{one.cluster}: {missing} of {one.hours_expected} hours are not complete")
    for currency, total in assumed.items():
        if total:
            found.append(f"{in_coins(amount(total), currency)} {currency} rest on assumed prices")
    if unpriced_hours:
        found.append(f"{unpriced_hours:.0f} container-hours have no cost: node or price unknown")
    return tuple(found)
