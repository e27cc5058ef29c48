"""The board of changes: why cost moved, what moved most, what left its range, how budgets stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.anomaly.detect import MINIMUM_HISTORY_DAYS
from models.vocabulary.identity import Principal
from service.boards.comparisons import tone_of_change
from service.boards.coverage import billing_today
from service.boards.currencies import main_currency
from service.boards.figures import BoardHeader, Change, Figure
from service.boards.formats import (
    NOT_KNOWN,
    Tone,
    date_span,
    headline_money,
    money,
    ratio_of,
    signed_money,
    signed_percent,
)
from service.boards.headers import build_header, doubt_marks, read_final_days
from service.boards.leadership import offered_periods
from service.boards.periods import LAST_SEVEN_DAYS, Period, choose_period
from service.boards.texts import say
from service.runtime import Runtime
from service.usecases.budgets import BudgetStatus, budget_status
from service.usecases.unit_costs import UnitCost, unit_costs_of
from service.usecases.variance import Variance, explain_volumes
from warehouse.database.anomalies import CostAnomaly
from warehouse.reads.costs import CostReads
from warehouse.reads.variance import CostScope, VarianceReads

CAUSES = ("price", "quantity", "efficiency", "mix", "new", "gone")
_MOVERS = 12
_UNIT_DIGITS = 5


@dataclass(frozen=True)
class Step:
    """One bar of the waterfall: from where to where it reaches, and what it says."""

    label: str
    start: float
    end: float
    text: str
    kind: str


@dataclass(frozen=True)
class MoverRow:
    """One workload or pool whose cost changed."""

    name: str
    cluster: str
    before: Decimal
    after: Decimal
    change: Decimal
    cause: str


@dataclass(frozen=True)
class AnomalyRow:
    """One anomaly, in words."""

    when: str
    payer: str
    text: str
    at_risk: str
    tone: Tone


@dataclass(frozen=True)
class BudgetRow:
    """One budget, in words; ``spent_ratio`` is on final days only."""

    payer: str
    budget: Decimal | None
    spent: Decimal
    spent_ratio: float | None
    forecast: str
    state: str
    currency: str


@dataclass(frozen=True)
class ChangesBoard:
    """All that the board of changes shows; ``steps`` is empty where nothing may be compared."""

    header: BoardHeader
    period: Period
    periods: tuple[tuple[str, str], ...]
    currency: str
    figures: tuple[Figure, ...]
    sentence: str
    steps: tuple[Step, ...]
    movers: tuple[MoverRow, ...]
    anomalies: tuple[AnomalyRow, ...]
    budgets: tuple[BudgetRow, ...]
    budget_note: str
    is_empty: bool


def read_changes(runtime: Runtime, principal: Principal, period: str | None = None) -> ChangesBoard:
    """Return the board of changes of a period (``2026-11`` or ``7d``).

    Raises
    ------
    Forbidden
        If the principal may read no costs.
    UsageError
        If the period is not one.
    """
    pin = runtime.warehouse.pin()
    costs, reads = CostReads(runtime.warehouse.lake, pin), VarianceReads(runtime.warehouse.lake, pin)
    final, is_simulated = read_final_days(runtime, principal, costs)
    chosen = choose_period(period, final, billing_today(runtime.now(), runtime.settings.zone))
    currency = _currency(runtime, principal, costs, chosen)
    found, units = _explain(principal, reads, chosen, currency, final)
    anomalies = runtime.warehouse.anomalies.list(principal, since=chosen.whole.first)
    mine = [one for one in anomalies if one.currency == currency and one.first_day <= chosen.whole.last]
    budgets = () if chosen.name == LAST_SEVEN_DAYS else tuple(budget_status(runtime, principal, chosen.name))
    header = build_header(
        runtime,
        say("changes.title"),
        final,
        is_simulated=is_simulated,
        extra=doubt_marks(chosen, Decimal(0), Decimal(0), 0),
    )
    return ChangesBoard(
        header=header,
        period=chosen,
        periods=offered_periods(final, chosen.name),
        currency=currency,
        figures=_figures(
            found, units, currency, chosen, _anomaly_figure(mine, sum(final.values()), currency)
        ),
        sentence=_sentence(found, chosen, currency),
        steps=() if found is None else waterfall(found, currency),
        movers=() if found is None else _movers(found),
        anomalies=tuple(_anomaly_row(one) for one in mine),
        budgets=tuple(_budget_row(one) for one in sorted(budgets, key=_urgency)),
        budget_note=say("changes.budgets_none" if not budgets else "changes.budgets_note"),
        is_empty=not final,
    )


def _currency(runtime: Runtime, principal: Principal, costs: CostReads, period: Period) -> str:
    first = period.compared.first if period.compared else period.whole.first
    known = costs.currencies(principal, first, period.whole.last)
    return main_currency(known, runtime.settings.reporting_currency)


_Units = tuple[list[UnitCost], list[UnitCost]]


def _explain(
    principal: Principal, reads: VarianceReads, period: Period, currency: str, final: Mapping[date, bool]
) -> tuple[Variance | None, _Units]:
    """Read both sides once; without a comparison only the later one, for unit costs."""
    if period.shown is None:
        return None, ([], [])
    later = CostScope(period.shown.first, period.shown.last, currency)
    after = reads.volumes(principal, later)
    now = unit_costs_of(after, period.shown.day_count)
    if period.compared is None:
        return None, ([], now)
    earlier = CostScope(period.compared.first, period.compared.last, currency)
    before = reads.volumes(principal, earlier)
    found = explain_volumes((earlier, later), (before, after), final, most_movers=_MOVERS)
    return found, (unit_costs_of(before, period.compared.day_count), now)


def waterfall(found: Variance, currency: str) -> tuple[Step, ...]:
    """Return the bars from the earlier cost over six causes to the later; each begins where one ended."""
    level = found.base_cost
    steps = [_step("before", Decimal(0), level, money(level, currency), "total")]
    for cause in CAUSES:
        amount: Decimal = getattr(found.causes, cause)
        if amount:
            steps.append(
                _step(
                    cause,
                    level,
                    level + amount,
                    signed_money(amount, currency),
                    "more" if amount > 0 else "less",
                )
            )
            level += amount
    return (*steps, _step("after", Decimal(0), level, money(level, currency), "total"))


def _step(name: str, start: Decimal, end: Decimal, text: str, kind: str) -> Step:
    return Step(say(f"changes.cause.{name}"), float(start), float(end), text, kind)


def _figures(
    found: Variance | None, units: _Units, currency: str, period: Period, anomalies: Figure
) -> tuple[Figure, ...]:
    before, now = units
    return (
        _change_figure(found, currency, period),
        _unit_figure("core-hour", before, now, currency),
        _unit_figure("used core-hour", before, now, currency),
        _unit_figure("GiB-hour", before, now, currency),
        anomalies,
    )


def _anomaly_figure(anomalies: Sequence[CostAnomaly], final_day_count: int, currency: str) -> Figure:
    """Return how many there are; with too few final days to judge any, that is not known, and not 0."""
    label, explanation = say("changes.anomalies"), say("changes.anomalies_help")
    if final_day_count <= MINIMUM_HISTORY_DAYS and not anomalies:
        note = say("changes.anomalies_early", needed=MINIMUM_HISTORY_DAYS + 1, days=final_day_count)
        return Figure("anomalies", label, NOT_KNOWN, note=note, explanation=explanation)
    at_risk = sum((max(one.money_at_risk, Decimal(0)) for one in anomalies), Decimal(0))
    note = say("changes.at_risk", amount=headline_money(at_risk, currency)) if anomalies else ""
    return Figure("anomalies", label, f"{len(anomalies)}", note=note, explanation=explanation)


def _change_figure(found: Variance | None, currency: str, period: Period) -> Figure:
    label, explanation = say("changes.change"), say("changes.change_help")
    if found is None or period.shown is None or period.compared is None:
        reason = say(f"compare.{period.no_comparison or 'no_final_day'}")
        return Figure("change", label, NOT_KNOWN, note=reason, explanation=explanation)
    ratio = ratio_of(found.change, found.base_cost)
    note = say("changes.days", days=period.shown.day_count, earlier=period.compared.day_count)
    mark = Change(signed_percent(ratio), tone_of_change(found.change)) if ratio is not None else None
    return Figure(
        "change",
        label,
        signed_money(found.change, currency, like=found.current_cost),
        mark,
        note=note,
        explanation=explanation,
    )


def _unit_figure(unit: str, before: list[UnitCost], now: list[UnitCost], currency: str) -> Figure:
    earlier = next((one.unit_cost for one in before if one.unit == unit), None)
    later = next((one.unit_cost for one in now if one.unit == unit), None)
    mark = None
    if earlier and later is not None:
        difference = later - earlier
        mark = Change(signed_percent(ratio_of(difference, earlier)), tone_of_change(difference))
    return Figure(
        unit.replace(" ", "_"),
        say("changes.unit", unit=unit),
        NOT_KNOWN if later is None else money(later, currency, digits=_UNIT_DIGITS),
        mark,
        explanation=say("changes.used_unit_help" if unit.startswith("used") else "changes.unit_help"),
    )


def _sentence(found: Variance | None, period: Period, currency: str) -> str:
    if found is None:
        reason = say(f"compare.{period.no_comparison or 'no_final_day'}")
        return f"{reason[0].upper()}{reason[1:]}."
    if not found.change:
        return say("sentence.same", earlier=period.compared)
    largest = found.causes.largest
    amount: Decimal = getattr(found.causes, largest)
    return say(
        "changes.sentence",
        change=signed_money(found.change, currency, like=found.current_cost),
        earlier=period.compared,
        cause=say(f"changes.because.{largest}.{'more' if amount > 0 else 'less'}"),
        amount=signed_money(amount, currency, like=found.current_cost),
    )


def _movers(found: Variance) -> tuple[MoverRow, ...]:
    return tuple(
        MoverRow(
            one.name,
            one.cluster,
            one.base_cost,
            one.current_cost,
            one.change,
            say(f"changes.cause.{one.cause}"),
        )
        for one in found.movers
    )


def _anomaly_row(one: CostAnomaly) -> AnomalyRow:
    payer = {"team": one.scope, "unowned": say("team.unowned")}.get(
        one.scope_kind, say("changes.payer_cluster", cluster=one.scope)
    )
    excess = one.actual_cost - one.expected_cost
    text = say(
        "changes.anomaly",
        amount=signed_money(excess, one.currency),
        ratio=signed_percent(ratio_of(excess, one.expected_cost)),
        cause=say(f"changes.anomaly_cause.{one.cause}"),
        what=one.cause_text,
    )
    at_risk = signed_money(one.money_at_risk, one.currency)
    return AnomalyRow(date_span(one.first_day, one.last_day), payer, text, at_risk, tone_of_change(excess))


def _urgency(one: BudgetStatus) -> tuple[bool, int, float]:
    """Order budgets: the whole first, then those that will be overrun, by what is spent of them."""
    states = ("over", "unsure", "unknown", "under")
    return one.scope_kind != "all", states.index(one.state), -(one.spent_ratio or 0.0)


def _budget_row(one: BudgetStatus) -> BudgetRow:
    forecast = NOT_KNOWN
    if one.forecast is not None:
        forecast = money(Decimal(repr(one.forecast.value)), one.currency, digits=0)
        if one.forecast.lower_80 is not None and one.forecast.upper_80 is not None:
            forecast = say(
                "changes.budget_forecast",
                value=forecast,
                lower=money(Decimal(repr(one.forecast.lower_80)), "", digits=0).strip(),
                upper=money(Decimal(repr(one.forecast.upper_80)), "", digits=0).strip(),
            )
    payer = say("changes.everything") if one.scope_kind == "all" else one.scope
    return BudgetRow(
        payer,
        one.budget,
        one.cost_to_date,
        one.spent_ratio,
        forecast,
        say(f"changes.budget_state.{one.state}"),
        one.currency,
    )
