"""Cost by day for the chart of the cost board: days so far, days to come, budget, stages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from service.boards.formats import money
from service.boards.leadership_facts import LeadershipFacts
from service.boards.leadership_views import why_no_forecast
from service.boards.periods import LAST_SEVEN_DAYS
from service.boards.texts import say
from warehouse.reads.costs import DayCost


@dataclass(frozen=True)
class DayBar:
    """Cost of one day of the period, and of the day of the same number in the period before."""

    day: date
    cost: float
    cost_text: str
    earlier: float | None
    earlier_text: str
    is_final: bool


@dataclass(frozen=True)
class AheadBar:
    """Forecast cost of one day to come with its 80 % interval."""

    day: date
    value: float
    lower: float
    upper: float
    text: str


@dataclass(frozen=True)
class StageMark:
    """An optimisation stage that began on a day of the chart."""

    day: date
    name: str


@dataclass(frozen=True)
class DailyChart:
    """What the chart draws; ``budget_per_day`` is the month's budget over its days, None without one."""

    bars: tuple[DayBar, ...]
    ahead: tuple[AheadBar, ...]
    budget_per_day: float | None
    budget_text: str
    stages: tuple[StageMark, ...]


def build_chart(facts: LeadershipFacts) -> DailyChart:
    """Return the bars of the period, the forecast of the days to come, the budget line and stage marks."""
    bars = daily_bars(facts)
    per_day = _budget_per_day(facts)
    days = {bar.day for bar in bars}
    whole = facts.period.whole
    marks = (StageMark(stage.first, stage.name) for stage in facts.stages)
    return DailyChart(
        bars=bars,
        ahead=_ahead(facts, days),
        budget_per_day=None if per_day is None else float(per_day),
        budget_text=money(per_day, facts.currency),
        stages=tuple(mark for mark in marks if whole.first <= mark.day <= whole.last and mark.day in days),
    )


def daily_bars(facts: LeadershipFacts) -> tuple[DayBar, ...]:
    """Return one bar per stored day, oldest first."""
    first = facts.period.whole.first
    earlier_days = _aligned(facts)
    bars = []
    for row in facts.by_day:
        earlier = earlier_days.get((row.day - first).days)
        bars.append(
            DayBar(
                day=row.day,
                cost=float(row.cost.total_cost),
                cost_text=money(row.cost.total_cost, facts.currency),
                earlier=None if earlier is None else float(earlier.cost.total_cost),
                earlier_text=money(earlier.cost.total_cost if earlier else None, facts.currency),
                is_final=facts.final_days.get(row.day, False),
            )
        )
    return tuple(bars)


def _aligned(facts: LeadershipFacts) -> dict[int, DayCost]:
    compared = facts.period.compared
    if compared is None:
        return {}
    return {(row.day - compared.first).days: row for row in facts.by_day_before}


def _ahead(facts: LeadershipFacts, stored: set[date]) -> tuple[AheadBar, ...]:
    if facts.forecast is None or why_no_forecast(facts) is not None:
        return ()
    return tuple(
        AheadBar(
            day=one.day,
            value=float(one.value),
            lower=float(one.lower_80),
            upper=float(one.upper_80),
            text=say(
                "chart.forecast_text",
                value=money(one.value, facts.currency),
                lower=money(one.lower_80, facts.currency),
                upper=money(one.upper_80, facts.currency),
            ),
        )
        for one in facts.forecast.days
        if one.day not in stored and one.day <= facts.period.whole.last
    )


def _budget_per_day(facts: LeadershipFacts) -> Decimal | None:
    if facts.budget_of_month is None or facts.period.name == LAST_SEVEN_DAYS:
        return None
    return facts.budget_of_month / facts.period.whole.day_count
