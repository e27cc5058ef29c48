"""How spending stands against its budget: to date on final days, and forecast to the period's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.budget.fiscal import FiscalCalendar, FiscalPeriod
from models.budget.proration import budget_of_days
from models.forecast.month_end import PeriodEnd, explain_missing, forecast_remaining, whole_period
from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY
from service.boards.headers import read_final_days
from service.runtime import Runtime
from service.usecases.daily_series import as_series
from warehouse.reads.costs import CostReads
from warehouse.reads.variance import CostScope, VarianceReads

_HISTORY_DAYS = 120


@dataclass(frozen=True)
class BudgetStatus:
    """One budget and what was spent of it.

    Parameters
    ----------
    scope_kind, scope : str
    period : FiscalPeriod
    currency : str
    budget : Decimal or None
        Of the whole period; None when a month of it has no budget.
    budget_to_date : Decimal or None
        Of the final days alone.
    cost_to_date : Decimal
        Of the same final days.
    final_day_count : int
    forecast : PeriodEnd or None
        Cost at the period's end with its 80 % interval.
    reason : str or None
        Why there is no forecast.
    """

    scope_kind: str
    scope: str
    period: FiscalPeriod
    currency: str
    budget: Decimal | None
    budget_to_date: Decimal | None
    cost_to_date: Decimal
    final_day_count: int
    forecast: PeriodEnd | None = None
    reason: str | None = None

    @property
    def spent_ratio(self) -> float | None:
        """Cost of the final days over their budget; None without a budget."""
        return float(self.cost_to_date / self.budget_to_date) if self.budget_to_date else None

    @property
    def state(self) -> str:
        """``over`` or ``under`` by the forecast, ``unsure`` where its interval holds the budget."""
        if self.budget is None or self.forecast is None:
            return "unknown"
        budget = float(self.budget)
        low, high = self.forecast.lower_80, self.forecast.upper_80
        if low is not None and high is not None and low <= budget <= high and high > low:
            return "unsure"
        return "over" if self.forecast.value > budget else "under"


def fiscal_calendar(runtime: Runtime) -> FiscalCalendar:
    """Return the company's calendar: stored periods, else months from the setting's first."""
    stored = runtime.warehouse.fiscal_calendars.all()
    return FiscalCalendar(runtime.settings.fiscal_year_start_month, stored)


def budget_status(
    runtime: Runtime, principal: Principal, period_name: str | None = None
) -> list[BudgetStatus]:
    """Return every visible budget of a period beside what was spent.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Owners see the budgets of their teams.
    period_name : str or None
        ``2026-10``, ``FY2027``, ``FY2027-Q1``, ``FY2027-P01``; None is the running month.

    Raises
    ------
    UsageError
        If there is no such period.
    Forbidden
        If the principal may read no costs.
    """
    today = runtime.now().astimezone(runtime.settings.zone).date()
    name = period_name or f"{today:%Y-%m}"
    period = fiscal_calendar(runtime).find(name)
    pin = runtime.warehouse.pin()
    final, _ = read_final_days(runtime, principal, CostReads(runtime.warehouse.lake, pin))
    reads = VarianceReads(runtime.warehouse.lake, pin)
    found = []
    for (kind, scope, currency), months in _budgets(runtime, principal, period).items():
        place = CostScope(
            period.first - _HISTORY_DAYS * DAY,
            period.last,
            currency,
            team=scope if kind == "team" else None,
            cost_centre=scope if kind == "cost_centre" else None,
            cluster=scope if kind == "cluster" else None,
        )
        costs = reads.cost_per_day(principal, place)
        found.append(_status((kind, scope), period, currency, months, costs, final, today))
    return found


def _budgets(
    runtime: Runtime, principal: Principal, period: FiscalPeriod
) -> dict[tuple[str, str, str], dict[str, Decimal]]:
    """Return the budgets of the period's months by scope and currency."""
    months = {f"{day:%Y-%m}" for day in period.days()}
    found: dict[tuple[str, str, str], dict[str, Decimal]] = {}
    for row in runtime.warehouse.budgets.list(principal):
        if row.month in months:
            key = (row.scope_kind, row.scope, row.amount.currency)
            found.setdefault(key, {})[row.month] = row.amount.amount
    return found


def _status(
    scope: tuple[str, str],
    period: FiscalPeriod,
    currency: str,
    months: Mapping[str, Decimal],
    costs: Mapping[date, Decimal],
    final: Mapping[date, bool],
    today: date,
) -> BudgetStatus:
    days = [day for day in period.days() if final.get(day, False)]
    forecast, reason = _forecast(period, costs, final, today)
    return BudgetStatus(
        scope_kind=scope[0],
        scope=scope[1],
        period=period,
        currency=currency,
        budget=budget_of_days(months, period.days()),
        budget_to_date=budget_of_days(months, days),
        cost_to_date=sum((costs.get(day, Decimal(0)) for day in days), Decimal(0)),
        final_day_count=len(days),
        forecast=forecast,
        reason=reason,
    )


def _forecast(
    period: FiscalPeriod, costs: Mapping[date, Decimal], final: Mapping[date, bool], today: date
) -> tuple[PeriodEnd | None, str | None]:
    """Forecast the rest of a running period from the final days before today."""
    if today < period.first:
        return None, "the period has not begun"
    past = sorted(day for day, is_final in final.items() if is_final and day < min(today, period.last + DAY))
    if not past:
        return None, "no final day is stored"
    first = max(past[0], past[-1] - _HISTORY_DAYS * DAY)
    until = min(today, period.last + DAY)
    days = [first + index * DAY for index in range((until - first).days)]
    behind = as_series(costs, [day for day in days if day >= period.first], final)
    if today > period.last:
        if len(behind) == period.day_count and all(final.get(day, False) for day in period.days()):
            total = float(behind.sum())
            return PeriodEnd(total, total, None, None), None
        return None, f"{len(past)} days of the period are final, not all {period.day_count}"
    reason = explain_missing(sum(final.get(day, False) for day in days))
    if reason is not None:
        return None, reason
    series = as_series(costs, days, final)[None, :]
    ahead = (period.last - today).days + 1
    (found,) = forecast_remaining(series, ahead)
    return whole_period(found, behind), None
