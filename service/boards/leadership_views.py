"""The cost board in words and figures: pure functions from facts to what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from service.boards.comparisons import CostChange, compare_costs
from service.boards.figures import Change, Figure
from service.boards.formats import (
    Tone,
    headline_money,
    money,
    percent,
    ratio_of,
    signed_money,
)
from service.boards.freshness import Freshness, freshness_of
from service.boards.leadership_facts import LeadershipFacts
from service.boards.periods import FORECAST_NEEDS_FINAL_DAYS, LAST_SEVEN_DAYS, NoComparison
from service.boards.texts import say, say_or
from warehouse.reads.costs import OwnerCost

_ZERO = Decimal(0)


@dataclass(frozen=True)
class CauseShare:
    """One part of the cost; the shares of a board add up to 1."""

    key: str
    label: str
    amount: Decimal
    ratio: float
    amount_text: str
    ratio_text: str

    @property
    def text(self) -> str:
        """Amount and share in one line."""
        return f"{self.amount_text}, {self.ratio_text}"


@dataclass(frozen=True)
class Totals:
    """Cost by cause over days, and who owns how much of the workload part."""

    total: Decimal
    causes: dict[str, Decimal]
    assumed: Decimal
    unpriced_row_count: int
    workload: Decimal
    owned: Decimal
    guessed: Decimal
    unowned: Decimal


def total_costs(owners: Iterable[OwnerCost]) -> Totals:
    """Add up payers. The causes sum to the total, and so do the payers."""
    rows = list(owners)
    causes = {
        "used": sum((row.cost.used_cost for row in rows), _ZERO),
        "unused": sum((row.cost.unused_request_cost for row in rows), _ZERO),
        "unmeasured": sum((row.cost.unmeasured_cost for row in rows), _ZERO),
        "idle": sum((row.cost.idle_cost for row in rows), _ZERO),
        "overhead": sum((row.cost.overhead_cost for row in rows), _ZERO),
    }
    workloads = [row for row in rows if row.line_kind == "workload"]

    def owned_by(*sources: str) -> Decimal:
        return sum((row.cost.total_cost for row in workloads if row.ownership_source in sources), _ZERO)

    owned, guessed = owned_by("rule", "label"), owned_by("guessed")
    workload = sum((row.cost.total_cost for row in workloads), _ZERO)
    return Totals(
        total=sum((row.cost.total_cost for row in rows), _ZERO),
        causes=causes,
        assumed=sum((row.cost.assumed_cost for row in rows), _ZERO),
        unpriced_row_count=sum(row.cost.unpriced_row_count for row in rows),
        workload=workload,
        owned=owned,
        guessed=guessed,
        unowned=workload - owned - guessed,
    )


def cause_shares(totals: Totals, currency: str) -> tuple[CauseShare, ...]:
    """Return where the money goes: shares that sum to 100 %; what was never measured only if there is any."""
    shares = []
    for key, amount in totals.causes.items():
        ratio = ratio_of(amount, totals.total)
        if ratio is None or (key == "unmeasured" and amount == 0):
            continue
        shown = headline_money(amount, currency, like=totals.total)
        shares.append(CauseShare(key, say(f"cause.{key}"), amount, ratio, shown, percent(ratio)))
    return tuple(shares)


def change_of_period(facts: LeadershipFacts) -> CostChange | None:
    """Return the change of the whole cost against the earlier days, or None if they may not be compared."""
    if facts.period.compared is None:
        return None
    now, before = total_costs(facts.owners_paired).total, total_costs(facts.owners_before).total
    return compare_costs(now, before, len(facts.period.paired_days), len(facts.period.compared_days))


def no_change_text(facts: LeadershipFacts) -> str:
    """Return why no change is shown."""
    return say(f"compare.{facts.period.no_comparison or NoComparison.NO_FINAL_DAY}")


def change_mark(facts: LeadershipFacts) -> Change | None:
    """Return the change of cost with sign, arrow and the days compared: less is good."""
    change, period = change_of_period(facts), facts.period
    if change is None or period.shown is None:
        return None
    key = "compare.average" if change.is_average else "compare.days"
    if not change.is_average and len(period.paired_days) < period.shown.day_count:
        key = "compare.paired"
    compared = say(key, earlier=period.compared, count=len(period.paired_days), days=period.shown.day_count)
    return Change(change.text(facts.currency), change.tone, compared)


def build_figures(facts: LeadershipFacts) -> tuple[Figure, ...]:
    """Return the six headline figures, money first."""
    totals = total_costs(facts.owners)
    return (
        _cost_figure(facts, totals),
        _forecast_figure(facts),
        _budget_figure(facts, totals),
        _owned_figure(facts, totals),
        _used_figure(facts, totals),
        _saving_figure(facts),
    )


def _cost_figure(facts: LeadershipFacts, totals: Totals) -> Figure:
    change = change_mark(facts)
    label = "leadership.cost_to_date" if facts.period.is_running else "leadership.cost_of_period"
    has_days = bool(facts.period.covered)
    return Figure(
        "cost",
        say(label),
        headline_money(totals.total if has_days else None, facts.currency),
        change,
        note=facts.period.days_text,
        detail=change.compared if change else no_change_text(facts),
        explanation=say("leadership.cost_help"),
    )


def _forecast_figure(facts: LeadershipFacts) -> Figure:
    reason = why_no_forecast(facts)
    label, help_text = say("leadership.forecast"), say("leadership.forecast_help")
    if reason is not None or facts.forecast is None:
        text = reason or say("leadership.forecast_not_run")
        return Figure("forecast", label, headline_money(None, ""), note=text, explanation=help_text)
    forecast, currency = facts.forecast, facts.currency
    return Figure(
        "forecast",
        label,
        headline_money(forecast.value, currency),
        note=say(
            "leadership.forecast_interval",
            lower=money(forecast.lower_80, currency, digits=0).removesuffix(f" {currency}"),
            upper=headline_money(forecast.upper_80, currency),
        ),
        detail=say(
            "leadership.forecast_model",
            model=say_or(f"model.{forecast.model}", forecast.model.replace("_", " ")),
            days=forecast.day_count,
        ),
        explanation=help_text,
    )


def why_no_forecast(facts: LeadershipFacts) -> str | None:
    """Return why no forecast may be shown, or None if it may."""
    final = sum(facts.final_days.values())
    if final < FORECAST_NEEDS_FINAL_DAYS:
        return say("leadership.forecast_too_early", needed=FORECAST_NEEDS_FINAL_DAYS, days=final)
    if facts.period.name == LAST_SEVEN_DAYS:
        return say("leadership.forecast_of_months")
    if not facts.period.is_running:
        return say("leadership.forecast_not_running")
    if freshness_of(facts.age) is Freshness.RED:
        return say("leadership.forecast_stale")
    return None


def _budget_figure(facts: LeadershipFacts, totals: Totals) -> Figure:
    label, help_text = say("leadership.budget"), say("leadership.budget_help")
    budget, currency = facts.budget_of_month, facts.currency
    if budget is None or not facts.period.covered:
        return Figure(
            "budget",
            label,
            headline_money(None, ""),
            note=say("leadership.budget_none"),
            explanation=help_text,
        )
    prorated = budget * len(facts.period.covered) / facts.period.whole.day_count
    ratio = ratio_of(totals.total, prorated)
    change = None
    if facts.forecast is not None and why_no_forecast(facts) is None:
        over = facts.forecast.value - budget
        key, tone = (
            ("leadership.budget_over", Tone.BAD) if over > 0 else ("leadership.budget_under", Tone.GOOD)
        )
        change = Change(say(key, amount=headline_money(abs(over), currency)), tone)
    return Figure(
        "budget",
        label,
        percent(ratio),
        change,
        note=say("leadership.budget_month", budget=headline_money(budget, currency)),
        detail=say(
            "leadership.budget_detail",
            cost=headline_money(totals.total, currency),
            prorated=headline_money(prorated, currency),
        ),
        explanation=help_text,
    )


def _owned_figure(facts: LeadershipFacts, totals: Totals) -> Figure:
    return Figure(
        "owned",
        say("leadership.owned"),
        percent(ratio_of(totals.owned, totals.workload)),
        note=say("leadership.owned_guessed", guessed=percent(ratio_of(totals.guessed, totals.workload))),
        detail=say(
            "leadership.owned_none", unowned=headline_money(totals.unowned, facts.currency, like=totals.total)
        ),
        explanation=say("leadership.owned_help"),
    )


def _used_figure(facts: LeadershipFacts, totals: Totals) -> Figure:
    del facts
    unused = totals.causes["unused"]
    return Figure(
        "used",
        say("leadership.used"),
        percent(ratio_of(totals.causes["used"], totals.total)),
        note=say("leadership.used_unused", unused=percent(ratio_of(unused, totals.total))),
        detail=say("leadership.used_idle", idle=percent(ratio_of(totals.causes["idle"], totals.total))),
        explanation=say("leadership.used_help"),
    )


def _saving_figure(facts: LeadershipFacts) -> Figure:
    savings, currency = facts.savings, facts.currency
    bankable = (
        say("leadership.bankable_not_measured")
        if savings.bankable is None
        else say("leadership.bankable", amount=headline_money(savings.bankable, currency))
    )
    requested = (
        say("leadership.requested_none")
        if savings.requested is None
        else say("leadership.requested", amount=headline_money(savings.requested, currency))
    )
    return Figure(
        "realised",
        say("leadership.realised"),
        say("not_measured") if savings.realised is None else headline_money(savings.realised, currency),
        note=bankable,
        detail=requested,
        explanation=say("leadership.realised_help"),
    )


def build_sentence(facts: LeadershipFacts, parts: Iterable[tuple[str, Decimal]]) -> str:
    """Return what changed in one sentence, with its three largest parts.

    Parameters
    ----------
    facts : LeadershipFacts
    parts : iterable of (label, change)
        Changes that add up to the whole change.
    """
    if not facts.period.covered:
        return say("sentence.no_data")
    change, currency = change_of_period(facts), facts.currency
    if change is None:
        cost = headline_money(total_costs(facts.owners).total, currency)
        return say(
            "sentence.no_comparison",
            cost=cost,
            days=facts.period.days_text,
            reason=no_change_text(facts),
        )
    earlier = facts.period.compared
    if change.difference == 0:
        return say("sentence.same", earlier=earlier)
    total = total_costs(facts.owners).total
    key = "sentence.more" if change.difference > 0 else "sentence.less"
    first = say(
        key,
        amount=headline_money(abs(change.difference), currency, like=total),
        ratio=percent(None if change.ratio is None else abs(change.ratio)),
        earlier=earlier,
    )
    largest = sorted(parts, key=lambda part: (-abs(part[1]), part[0]))[:3]
    drivers = ", ".join(
        f"{label} {signed_money(amount, currency, like=total)}" for label, amount in largest if amount
    )
    return f"{first} {say('sentence.drivers', drivers=drivers)}" if drivers else first
