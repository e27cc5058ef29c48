"""A billing month: its bounds, its state, how much of it is stored and what stands against booking it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from models.chargeback.lines import amount
from models.vocabulary.money import to_coins
from models.vocabulary.windows import HourWindow, floor_hour, month_bounds
from service.runtime import Runtime
from service.usecases.closed_months import FrozenMonth
from service.usecases.cluster_life import expected_hours
from warehouse.database.periods import PeriodState
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


def in_coins(total: Decimal | None, currency: str | None) -> Decimal:
    """Return an amount rounded to the smallest coin of its currency; None is nothing."""
    return to_coins(total or Decimal(0), currency or "")


def month_coverage(runtime: Runtime, month: BillingMonth) -> tuple[Coverage, ...]:
    """Count hours from a cluster's first stored one to now, or to its end; older ones are no gap.

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
    for cluster, window in expected_hours(runtime, HourWindow(month.hours.start, until)):
        complete, partial = stored.get(cluster, (0, 0))
        found.append(Coverage(cluster, window.hour_count, complete, partial))
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
    unpriced: Sequence[str],
) -> tuple[str, ...]:
    """Say in words what stands against booking the month.

    Parameters
    ----------
    month : BillingMonth
    now : datetime
    coverage : sequence of Coverage
    assumed : mapping of str to int
        Nano-units that rest on assumed prices, by currency.
    unpriced : sequence of str
        What has no cost, in words.
    """
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
    return (*found, *unpriced)
