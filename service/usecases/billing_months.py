"""A billing month: its bounds, its state, how much of it is stored and what stands against booking it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from models.chargeback.corrections import detail_lines, invoice_lines, table_lines
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
from service.usecases.closed_months import CORRECTIONS, COSTS, FrozenMonth, posted_lines
from warehouse.database.periods import PeriodState
from warehouse.pins import Pin
from warehouse.reads.charges import ChargeReads, visible_rows, visible_sums
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
    """A month: its bounds in the billing zone, its state and, once closed, its frozen copy."""

    period: str
    zone: ZoneInfo
    start: datetime
    end: datetime
    state: str
    frozen: FrozenMonth | None = None

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
        if recorded is None or not recorded.is_frozen:
            return cls(month, zone, start, end, PeriodState.OPEN.value)
        frozen = FrozenMonth.read(runtime, recorded)
        return cls(month, zone, start, end, recorded.state.value, frozen)

    @property
    def revision(self) -> int:
        """Which close of the month counts; 0 while it is open."""
        return 0 if self.frozen is None else self.frozen.recorded.revision

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
    runtime: Runtime, principal: Principal, month: BillingMonth, name: str, pin: Pin | None = None
) -> tuple[list[ChargeLine], list[Mapping[str, Any]]]:
    """Return the lines of a format, corrections last, and the rows whose cost is not known.

    A closed month is read from its closed files alone.
    """
    priced, unpriced = split_unpriced(_rows(runtime, principal, month, name, pin))
    corrections = correction_lines(runtime, principal, month)
    if name == "summary":
        payers = summarise(charge_lines(priced))
        return [*round_lines(payers), *closing_lines(payers), *invoice_lines(corrections)], unpriced
    lines = charge_lines(priced)
    closing = [*rounding_lines(lines), *closing_lines(lines)]
    return [*lines, *closing, *detail_lines(corrections)], unpriced


def _rows(
    runtime: Runtime, principal: Principal, month: BillingMonth, name: str, pin: Pin | None
) -> list[dict[str, Any]]:
    """Return rows of daily costs, or their sums for a summary, from the closed files or the lake."""
    if month.frozen is not None:
        rows = month.frozen.table(COSTS)
        return visible_sums(rows, principal) if name == "summary" else visible_rows(rows, principal)
    reads = ChargeReads(runtime.warehouse.lake, pin)
    read = reads.sums if name == "summary" else reads.rows
    return read(principal, month.first, month.last)


def correction_lines(runtime: Runtime, principal: Principal, month: BillingMonth) -> list[ChargeLine]:
    """Return the exact lines of earlier months' corrections that a month takes, as far as visible."""
    lines = (
        table_lines(month.frozen.table(CORRECTIONS))
        if month.frozen is not None
        else posted_lines(runtime, month.period)
    )
    teams = principal.visible_teams()
    return lines if teams is None else [line for line in lines if line.team in teams]


def in_coins(total: Decimal | None, currency: str | None) -> Decimal:
    """Return an amount rounded to the smallest coin of its currency; None is nothing."""
    return round(total or Decimal(0), minor_digits(currency or ""))


def month_coverage(runtime: Runtime, month: BillingMonth) -> tuple[Coverage, ...]:
    """Count hours from a cluster's first stored one to now; older ones are no gap.

    Of a closed month, as they were counted when it was closed.
    """
    if month.frozen is not None:
        return tuple(Coverage(**one) for one in month.frozen.manifest["coverage"])
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
