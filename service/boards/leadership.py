"""The cost board: reads its facts at one pin and words them. The command line prints the same figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY, day_start
from service.boards.coverage import billing_today
from service.boards.currencies import main_currency
from service.boards.figures import BoardHeader, Figure
from service.boards.formats import money
from service.boards.freshness import age_of
from service.boards.headers import build_header, doubt_marks, last_final_day, read_final_days
from service.boards.leadership_chart import DailyChart, build_chart
from service.boards.leadership_facts import DayForecast, LeadershipFacts, MonthForecast, SavingFacts
from service.boards.leadership_tables import (
    AttentionLine,
    StageRow,
    build_attention,
    build_stages,
)
from service.boards.leadership_teams import TOP_TEAMS, TeamRow, build_teams, payer_changes
from service.boards.leadership_views import (
    CauseShare,
    build_figures,
    build_sentence,
    cause_shares,
    total_costs,
)
from service.boards.periods import LAST_SEVEN_DAYS, Period, choose_period, default_period
from service.boards.savings import read_bankable
from service.boards.stages import read_stages, total_realised
from service.boards.texts import say
from service.runtime import Runtime
from service.usecases.forecasts import DAY_COST
from warehouse.database.anomalies import CostAnomaly
from warehouse.pins import Pin
from warehouse.reads.costs import CostReads
from warehouse.reads.forecasts import MONTH_COST, ForecastReads
from warehouse.reads.suggestions import SuggestionReads

_MONTHS_OFFERED = 13
_ANOMALY_DAYS = 6


@dataclass(frozen=True)
class LeadershipBoard:
    """All that the cost board shows; ``top_teams`` folds the smaller ones of ``teams`` into one row."""

    header: BoardHeader
    currency: str
    currencies: tuple[str, ...]
    period: Period
    periods: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    sentence: str
    chart: DailyChart
    causes: tuple[CauseShare, ...]
    teams: tuple[TeamRow, ...]
    top_teams: tuple[TeamRow, ...]
    stages: tuple[StageRow, ...]
    attention: tuple[AttentionLine, ...]
    total: Decimal
    is_empty: bool

    @property
    def total_text(self) -> str:
        """The headline to the smallest coin: what the team table adds up to."""
        return money(self.total, self.currency)


@dataclass(frozen=True)
class _Reading:
    """One page's way into the warehouse: who reads, at which pin, which days."""

    runtime: Runtime
    principal: Principal
    pin: Pin
    costs: CostReads
    final_days: dict[date, bool]
    is_simulated: bool


def read_leadership(
    runtime: Runtime, principal: Principal, period: str | None = None, currency: str | None = None
) -> LeadershipBoard:
    """Return the cost board of a period (``2026-11`` or ``7d``; without one the default of DESIGN 8).

    Raises
    ------
    Forbidden
        If the principal may read no costs.
    UsageError
        If the period is not one.
    StorageError
        If the warehouse cannot be read.
    """
    pin = runtime.warehouse.pin()
    costs = CostReads(runtime.warehouse.lake, pin)
    final, is_simulated = read_final_days(runtime, principal, costs)
    reading = _Reading(runtime, principal, pin, costs, final, is_simulated)
    chosen = choose_period(period, final, billing_today(runtime.now(), runtime.settings.zone))
    first = chosen.compared.first if chosen.compared else chosen.whole.first
    currencies = costs.currencies(principal, first, chosen.whole.last)
    preferred = main_currency(currencies, runtime.settings.reporting_currency)
    selected = currency if currency in currencies else preferred
    facts = _read_facts(reading, chosen, str(selected), len(currencies))
    return _build_board(facts, reading, tuple(currencies))


def _read_facts(reading: _Reading, period: Period, currency: str, currency_count: int) -> LeadershipFacts:
    principal, costs, runtime = reading.principal, reading.costs, reading.runtime
    earlier = period.compared
    shown = period.shown
    days = list(period.covered)
    stages = read_stages(runtime, principal, reading.pin, reading.final_days, currency)
    return LeadershipFacts(
        currency=currency,
        currency_count=currency_count,
        period=period,
        final_days=reading.final_days,
        by_day=tuple(costs.by_day(principal, period.whole.first, period.whole.last, currency)),
        by_day_before=tuple(
            costs.by_day(principal, earlier.first, earlier.last, currency) if earlier else ()
        ),
        owners=tuple(costs.by_owner(principal, days, currency)),
        owners_paired=tuple(costs.by_owner(principal, period.paired_days, currency)),
        owners_before=tuple(costs.by_owner(principal, period.compared_days, currency)),
        team_days=tuple(costs.by_team_and_day(principal, shown.first, shown.last, currency) if shown else ()),
        forecast=_read_forecast(reading, period, currency),
        budget_of_month=_read_budget(reading, period, currency),
        savings=_read_savings(
            reading, currency, total_realised((stage.realised for stage in stages), currency)
        ),
        stages=stages,
        is_simulated=reading.is_simulated,
        age=age_of(last_final_day(reading.final_days), runtime.now(), runtime.settings.zone),
        anomalies=_read_anomalies(reading, period, currency),
    )


def _read_anomalies(reading: _Reading, period: Period, currency: str) -> tuple[CostAnomaly, ...]:
    """Return the anomalies that still went on in the last days shown, the one with most at risk first."""
    if period.shown is None:
        return ()
    since = max(period.shown.last - _ANOMALY_DAYS * DAY, period.shown.first)
    found = reading.runtime.warehouse.anomalies.list(reading.principal, since=since)
    mine = [one for one in found if one.currency == currency and one.first_day <= period.shown.last]
    return tuple(sorted(mine, key=lambda one: -one.money_at_risk))


def _read_forecast(reading: _Reading, period: Period, currency: str) -> MonthForecast | None:
    if not period.is_running or period.name == LAST_SEVEN_DAYS:
        return None
    runtime = reading.runtime
    found = ForecastReads(runtime.warehouse.lake, reading.pin).newest(
        reading.principal,
        MONTH_COST,
        currency,
        day_start(period.whole.first, runtime.settings.zone),
        runtime.now(),
    )
    if found is None:
        return None
    days = ForecastReads(runtime.warehouse.lake, reading.pin).days(
        reading.principal, DAY_COST, currency, found.run_at
    )
    ahead = tuple(
        DayForecast(one.start.astimezone(runtime.settings.zone).date(), one.value, one.lower_80, one.upper_80)
        for one in days
    )
    to_come = (period.whole.last - found.run_at.astimezone(runtime.settings.zone).date()) / DAY + 1
    return MonthForecast(found.value, found.lower_80, found.upper_80, found.model, int(to_come), ahead)


def _read_budget(reading: _Reading, period: Period, currency: str) -> Decimal | None:
    if period.name == LAST_SEVEN_DAYS or not reading.principal.sees_all_teams:
        return None
    budgets = reading.runtime.warehouse.budgets.list(reading.principal, month=period.name)
    amounts = (row.amount for row in budgets if row.scope_kind == "all")
    return next((money.amount for money in amounts if money.currency == currency), None)


def _read_savings(reading: _Reading, currency: str, realised: Decimal | None) -> SavingFacts:
    sums = SuggestionReads(reading.runtime.warehouse.database).open_savings(reading.principal)
    requested = next((row.saving for row in sums if row.currency == currency), None)
    bankable = read_bankable(reading.runtime, reading.principal, currency)
    return SavingFacts(requested=requested, bankable=bankable, realised=realised)


def _build_board(facts: LeadershipFacts, reading: _Reading, currencies: tuple[str, ...]) -> LeadershipBoard:
    totals = total_costs(facts.owners)
    marks = doubt_marks(facts.period, totals.assumed, totals.total, totals.unpriced_row_count)
    header = build_header(
        reading.runtime,
        say("leadership.title"),
        reading.final_days,
        is_simulated=facts.is_simulated,
        extra=marks,
    )
    return LeadershipBoard(
        header=header,
        currency=facts.currency,
        currencies=currencies,
        period=facts.period,
        periods=offered_periods(reading.final_days, facts.period.name),
        figures=build_figures(facts),
        sentence=build_sentence(facts, payer_changes(facts)),
        chart=build_chart(facts),
        causes=cause_shares(totals, facts.currency),
        teams=build_teams(facts),
        top_teams=build_teams(facts, most=TOP_TEAMS),
        stages=build_stages(facts),
        attention=build_attention(facts),
        total=totals.total,
        is_empty=not reading.final_days,
    )


def read_periods(runtime: Runtime, principal: Principal) -> tuple[tuple[tuple[str, str], ...], str]:
    """Return the periods that can be chosen and the one a board opens on; none while nothing is stored."""
    costs = CostReads(runtime.warehouse.lake)
    final, _ = read_final_days(runtime, principal, costs)
    if not final:
        return (), ""
    default = default_period(final, billing_today(runtime.now(), runtime.settings.zone))
    return offered_periods(final, default), default


def offered_periods(final_days: Mapping[date, bool], chosen: str) -> tuple[tuple[str, str], ...]:
    """Return the periods that can be chosen, (name, text): last seven days, then months, newest first."""
    months = sorted({f"{day:%Y-%m}" for day in final_days} | ({chosen} - {LAST_SEVEN_DAYS}), reverse=True)
    named = [(month, f"{date.fromisoformat(month + '-01'):%B %Y}") for month in months[:_MONTHS_OFFERED]]
    return (*named, (LAST_SEVEN_DAYS, say("period.seven_days")))
